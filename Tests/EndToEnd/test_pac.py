"""The file that tells browsers what goes through the proxy, run by a real JavaScript engine."""

import json

import dukpy
import pytest

from harness.client import Connection, fetch
from harness.processes import curl, run

DIRECT = ["localhost", "Intranet", ".corp.example", "*.below.example", "10.0.0.0/8", "192.168.7.9", "fd00::/8", "2001:db8::1", "172.16.0.0/12"]


@pytest.fixture
def agent(make_tunnel):
    tunnel = make_tunnel(agent={"http": {"pac": {"path": "/my.pac", "direct": DIRECT}}})
    tunnel.start_agent()
    return tunnel


async def pac(agent, *arguments) -> str:
    result = await curl("-f", "-i", *arguments, f"http://127.0.0.1:{agent.port}/my.pac")
    head, _, body = result.output.decode().partition("\r\n\r\n")
    assert "content-type: application/x-ns-proxy-autoconfig" in head.lower(), head
    return body


def find(script: str, host: str, scheme: str = "https") -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return dukpy.evaljs(f"{script}; FindProxyForURL({json.dumps(f'{scheme}://{bracketed}/')}, {json.dumps(host)})")


async def test_what_browsers_are_told(agent):
    script = await pac(agent)
    through = f"PROXY 127.0.0.1:{agent.port}"
    for host in (
        "localhost", "LOCALHOST", "intranet", "intranet.", "corp.example", "www.corp.example", "a.b.CORP.example.", "x.below.example",
        "10.0.0.1", "10.255.255.255", "192.168.7.9", "fd00::1", "fdff:1:2:3:4:5:6:7", "[fd12::]", "2001:db8::1", "2001:db8:0:0:0:0:0:1",
        "172.31.255.255", "::ffff:10.0.0.1", "::ffff:a00:1", "[::ffff:c0a8:709]", "0:0:0:0:0:ffff:172.16.9.9", "fd00::1.2.3.4",
    ):  # fmt: skip
        assert find(script, host) == "DIRECT", host
    for host in (
        "example.com", "localhost.example.com", "notcorp.example", "corp.example.org", "11.0.0.1", "192.168.7.10", "9.255.255.255",
        "172.32.0.0", "10.0.0.1.example.com", "fe80::1", "2001:db8::2", "::1", "::", "::ffff:11.0.0.1", "::fffe:10.0.0.1", "::10.0.0.1", "10", "constructor", "hasOwnProperty", "",
    ):  # fmt: skip
        assert find(script, host) == through, host
    assert find(script, "example.com", "http") == through


async def test_the_address_that_the_browser_used(agent):
    script = await pac(agent, "-H", "Host: proxy.lan:3128")
    assert find(script, "example.com") == "PROXY proxy.lan:3128"
    script = await pac(agent, "-H", "Host: no-port")
    assert find(script, "example.com") == f"PROXY 127.0.0.1:{agent.port}"


async def test_nothing_else_is_answered(agent, origin):
    """The same path of any site goes to that site, and other paths are no pages here."""

    @origin.on("/my.pac")
    async def mine(exchange):
        await exchange.respond(200, body=b"the site's own")

    agent.start_server()
    assert (await fetch(agent.port, origin.url("/my.pac"))).body == b"the site's own"
    async with await Connection.open(agent.port) as client:
        for target in ("/?x", "/health", "/my.pac/x"):
            await client.send(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert (await client.response()).status == 400
            client.abort()
            client.reader, client.writer = (again := await Connection.open(agent.port)).reader, again.writer
        # The connection goes on as a proxy's after the file.
        await client.send(b"HEAD /my.pac HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = await client.response("HEAD")
        assert head.status == 200 and int(head.get("content-length")) > 500
        assert (await client.request("GET", origin.url("/my.pac"))).body == b"the site's own"


async def test_entries_that_are_wrong(make_tunnel, binary):
    tunnel = make_tunnel(agent={"http": {"pac": {"direct": ['x"; alert(1); "', "a*b"]}}})
    result = await run(binary, "check", tunnel.agent_config)
    assert result.status == 65 and "wants a host, a name with what is below it" in result.text, result.text
