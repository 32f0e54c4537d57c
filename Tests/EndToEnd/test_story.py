"""One story for each exchange: one id and one reason at both ends, in logs, answers and pages, whatever codec carries it."""

import json
import re
import signal

import pytest

from harness.client import Connection, fetch
from harness.codecs import CODECS, SAYING_GOODBYE
from harness.ports import free_port
from harness.waiting import eventually, patiently

TRACE = "0af7651916cd43dd8448eb211c80319c"


def exchanges(process) -> list[dict]:
    found = [json.loads(line) for line in process.text().splitlines() if line.startswith("{")]
    return [line for line in found if line.get("message") == "exchange"]


def codec(name: str) -> dict:
    return {"agent": {"frame": {"codec": name}}, "server": {"frame": {"codec": name}}}


@pytest.mark.parametrize("name", CODECS)
async def test_both_ends_tell_one_story(make_tunnel, origin, name):
    @origin.on("/ok")
    async def ok(exchange):
        await exchange.respond(200, body=b"hello")

    tunnel = make_tunnel(**codec(name)).start()
    traced = [("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"), ("fluidity-exchange", "7"), ("fluidity-client", "7")]
    assert (await fetch(tunnel.port, origin.url("/ok"), "GET", traced)).status == 200
    assert origin.requests[0].get("traceparent") == traced[0][1]
    closed = free_port()
    refused = await fetch(tunnel.port, f"http://127.0.0.1:{closed}/")
    assert refused.status == 502
    async with patiently(20), await Connection.open(tunnel.port) as client:
        tunnelled = await client.connect(f"127.0.0.1:{closed}")
    assert tunnelled.status == 502

    def both():
        ours, theirs = exchanges(tunnel.agent), exchanges(tunnel.server)
        return (ours, theirs) if len(ours) == len(theirs) == 3 else None

    ours, theirs = await eventually(both, 20, "three lines at both ends")
    by_id = {line["request"]: line for line in theirs}
    assert len({line["request"] for line in ours}) == 3
    for line in ours:
        other = by_id[line["request"]]
        assert (line["target"], line["method"], line["status"]) == (other["target"], other["method"], other["status"])
        assert line.get("failure") == other.get("failure"), "the reason is the same at both ends"
        assert line.get("trace") == other.get("trace") == (TRACE if line["target"] == origin.authority else None)
    failed = [line for line in ours if line["status"] == "502"]
    assert len(failed) == 2 and all("refused" in line["failure"] for line in failed), failed
    plain = next(line for line in failed if line["method"] == "GET")
    assert f"exchange {plain['request']}" in refused.text
    assert f'details="exchange {plain["request"]}"' in refused.get("proxy-status")
    assert refused.get("fluidity-reason") is None
    assert f"exchange {next(line for line in failed if line['method'] == 'CONNECT')['request']}" in tunnelled.body.decode()


@pytest.mark.parametrize("name", CODECS)
async def test_a_client_chooses_no_id_and_an_origin_no_reason(make_tunnel, origin, name):
    @origin.on("/forged")
    async def forged(exchange):
        await exchange.respond(404, [("Fluidity-Reason", "17 forged")], b"no")

    tunnel = make_tunnel(**codec(name)).start()
    await fetch(tunnel.port, origin.url("/forged"), "GET", [("Fluidity-Exchange", "abcdef")])
    lines = await eventually(lambda: exchanges(tunnel.agent) and exchanges(tunnel.server) and (*exchanges(tunnel.agent), *exchanges(tunnel.server)), 20, "a line at both ends")
    assert len({line["request"] for line in lines}) == 1 and lines[0]["request"] != "0000000000abcdef"
    assert not any("failure" in line for line in lines), lines


async def test_what_is_no_request_is_logged_too(make_tunnel):
    tunnel = make_tunnel().start()
    for bad in (b"nonsense\r\n\r\n", b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", b"GET http://a/ HTTP/1.1\r\nHost : a\r\n\r\n"):
        async with patiently(20), await Connection.open(tunnel.port) as client:
            await client.send(bad)
            answer = await client.response()
        assert answer.status == 400, bad
        id = re.search(r"exchange ([0-9a-f]{16})", answer.body.decode()).group(1)
        line = await eventually(lambda: [line for line in exchanges(tunnel.agent) if line["request"] == id], 20, "a line in the log")
        assert line[0]["status"] == "400" and line[0]["failure"] in answer.body.decode()


@pytest.mark.parametrize("name", SAYING_GOODBYE)
async def test_a_goodbye_is_no_loss(make_tunnel, origin, name):
    tunnel = make_tunnel(**codec(name)).start()
    await fetch(tunnel.port, origin.url("/"))
    tunnel.agent.signal(signal.SIGTERM)
    await tunnel.agent.ended(20)

    def left():
        found = [json.loads(line) for line in tunnel.server.text().splitlines() if line.startswith("{")]
        return [line for line in found if line["message"] in ("agent disconnected", "HTTP/2 client disconnected")]

    (*_, line) = await eventually(left, 20, "the agent's end in the server's log")
    assert "goodbye" in line["reason"] and "lost" not in line["reason"], line


async def test_a_browser_gets_a_page(make_tunnel, origin):
    tunnel = make_tunnel(server_filters=[("egress", {"rules": [{"deny": {"hosts": ["*"]}}]})]).start()
    url = "http://site.example/"
    page = await fetch(tunnel.port, url, "GET", [("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")])
    assert page.status == 403 and page.get("content-type") == "text/html; charset=utf-8"
    text = page.text
    assert "egress rule at server.yaml:" in text and "<dt>Stage</dt><dd>egress (4)</dd>" in text and "the server" in text
    assert re.search(r"<dt>Exchange</dt><dd>[0-9a-f]{16}</dd>", text)
    assert "<script" not in text and "http:" not in text.replace(url, "") and "src=" not in text and "url(" not in text
    assert "default-src 'none'" in page.get("content-security-policy")
    for accept in ("text/plain", "*/*", "application/json", "image/png,text/htmlx"):
        plain = await fetch(tunnel.port, url, "GET", [("Accept", accept)])
        assert plain.get("content-type") == "text/plain; charset=utf-8" and "<" not in plain.text, accept
    tunnel.server.kill()
    down = await fetch(tunnel.port, url, "GET", [("Accept", "text/html")])
    assert down.status in (502, 503) and "<h1>The tunnel" in down.text and "the agent" in down.text, down.text
