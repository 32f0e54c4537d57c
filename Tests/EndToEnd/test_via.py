"""The agent reaches the server through a company's HTTP proxy."""

import hashlib
import urllib.parse

import pytest

from harness.client import fetch
from harness.origin import FullBacklog
from harness.ports import free_port
from harness.processes import curl, run
from harness.proxies import PASSWORD, USER, squid, tinyproxy
from harness.waiting import eventually


@pytest.fixture
def proxy(launch, tmp_path):
    """Starts a proxy of a kind that allows tunnels to one port."""

    def start(kind, allowed: int, **options):
        return launch(kind(tmp_path / f"{kind.__name__}-{allowed}-{len(options)}", allowed, **options))

    return start


async def works(tunnel, nginx) -> bool:
    response = await fetch(tunnel.port, nginx.url(65536), within=30)
    return response.status == 200 and hashlib.sha256(response.body).hexdigest() == nginx.hashes["65536"]


@pytest.mark.parametrize("kind", [tinyproxy, squid])
async def test_through_a_proxy(make_tunnel, proxy, nginx, kind):
    tunnel = make_tunnel()
    company = proxy(kind, tunnel.server_port)
    tunnel = make_via(tunnel, company.url())
    assert await works(tunnel, nginx)
    large = await curl("-x", tunnel.proxy, "--proxytunnel", nginx.url(10_000_000))
    assert hashlib.sha256(large.output).hexdigest() == nginx.hashes["10000000"]
    if kind is tinyproxy:  # squid writes its log when the tunnel has ended
        assert f"localhost:{tunnel.server_port}" in company.log, company.log
    assert f'"via":"127.0.0.1:{company.port}"' in tunnel.agent.text(), tunnel.agent.tail()


def make_via(tunnel, via, **connect):
    """Starts a tunnel whose agent goes another way to the server."""
    tunnel.start_server()
    tunnel.rewrite_agent(connect={"via": via, "wait": "5s", **connect})
    tunnel.start_agent()
    return tunnel


async def test_a_password_in_the_url(make_tunnel, proxy, nginx):
    tunnel = make_tunnel()
    company = proxy(squid, tunnel.server_port, password=True)
    make_via(tunnel, company.url(f"{USER}:{urllib.parse.quote(PASSWORD, safe='')}"))
    assert await works(tunnel, nginx)
    assert "s3cret" not in tunnel.agent.text()


async def test_a_password_in_keys(make_tunnel, proxy, nginx):
    tunnel = make_tunnel()
    company = proxy(tinyproxy, tunnel.server_port, password=True)
    make_via(tunnel, company.url(), **{"via-user": USER, "via-password": "tinysecret"})
    assert await works(tunnel, nginx)


@pytest.mark.parametrize("kind", [tinyproxy, squid])
async def test_no_password_or_a_wrong_one(make_tunnel, proxy, nginx, kind):
    tunnel = make_tunnel()
    company = proxy(kind, tunnel.server_port, password=True)
    make_via(tunnel, company.url(), wait="1s")
    response = await fetch(tunnel.port, nginx.url(1))
    assert response.status == 503
    assert f"the proxy 127.0.0.1:{company.port} wants a user and a password (407)" in response.text, response.text
    other = make_tunnel()
    make_via(other, company.url(f"{USER}:wrong"), wait="1s", to=f"localhost:{tunnel.server_port}")
    response = await fetch(other.port, nginx.url(1))
    assert response.status == 503
    assert f"the proxy 127.0.0.1:{company.port} refuses the user or the password (40" in response.text, response.text
    assert "wrong" not in other.agent.text() and "wrong" not in response.text


@pytest.mark.parametrize("kind", [tinyproxy, squid])
async def test_a_port_that_the_proxy_forbids(make_tunnel, proxy, nginx, kind):
    tunnel = make_tunnel()
    company = proxy(kind, 443)
    make_via(tunnel, company.url(), wait="1s")
    response = await fetch(tunnel.port, nginx.url(1))
    assert response.status == 503
    assert f"the proxy 127.0.0.1:{company.port} doesn't allow connections to localhost:{tunnel.server_port} (403)" in response.text, response.text


async def test_several_in_order(make_tunnel, proxy, nginx):
    """A dead one, one that forbids it, then one that works; and when that has gone, directly."""
    tunnel = make_tunnel()
    dead = free_port()
    forbids = proxy(tinyproxy, 443)
    good = proxy(squid, tunnel.server_port)
    make_via(tunnel, [f"http://127.0.0.1:{dead}", forbids.url(), good.url(), "direct"])
    assert await works(tunnel, nginx)
    assert f'"via":"127.0.0.1:{good.port}"' in tunnel.agent.text()
    good.kill()

    async def direct():
        return '"via":"direct"' in tunnel.agent.text() and await works(tunnel, nginx)

    await eventually(direct, 30, lambda: f"the tunnel comes back without a proxy\n{tunnel.agent.tail()}")


async def test_every_way_is_named_when_none_works(make_tunnel, proxy, nginx):
    tunnel = make_tunnel()
    dead = free_port()
    forbids = proxy(squid, 443)
    tunnel.rewrite_agent(connect={"via": [f"http://127.0.0.1:{dead}", forbids.url(), "direct"], "wait": "2s"})
    tunnel.start_agent()
    response = await fetch(tunnel.port, nginx.url(1))
    assert response.status == 503
    for part in (
        f"through the proxy 127.0.0.1:{dead}: the connection was refused",
        f"the proxy 127.0.0.1:{forbids.port} doesn't allow connections to localhost:{tunnel.server_port} (403)",
        "directly: the connection was refused",
    ):
        assert part in response.text, response.text


async def test_a_proxy_that_says_nothing(make_tunnel, make_tcp, nginx):
    async def mute(reader, writer):
        await reader.read()

    silent = await make_tcp(mute)
    tunnel = make_tunnel()
    make_via(tunnel, [f"http://127.0.0.1:{silent.port}"], timeout="300ms", wait="1s")
    response = await fetch(tunnel.port, nginx.url(1))
    assert response.status == 503
    assert f"the proxy 127.0.0.1:{silent.port} didn't answer in time" in response.text, response.text


async def test_a_proxy_that_closes_and_one_that_speaks_something_else(make_tunnel, make_tcp, nginx):
    async def closes(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def speaks_ssh(reader, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()

    for handler, words in ((closes, "closed the connection without an answer"), (speaks_ssh, "sent no valid HTTP")):
        odd = await make_tcp(handler)
        tunnel = make_tunnel()
        make_via(tunnel, odd_url(odd), wait="1s")
        response = await fetch(tunnel.port, nginx.url(1))
        assert response.status == 503 and f"the proxy 127.0.0.1:{odd.port} {words}" in response.text, response.text


def odd_url(server) -> str:
    return f"http://127.0.0.1:{server.port}"


async def test_the_environment(make_tunnel, proxy, nginx):
    tunnel = make_tunnel()
    company = proxy(squid, tunnel.server_port)
    tunnel.environment = {"HTTPS_PROXY": company.url(), "NO_PROXY": "example.org"}
    make_via(tunnel, "environment")
    assert await works(tunnel, nginx)
    assert f'"via":"127.0.0.1:{company.port}"' in tunnel.agent.text()

    excepted = make_tunnel(environment={"HTTPS_PROXY": company.url(), "NO_PROXY": "example.org,localhost"})
    make_via(excepted, "environment")
    assert await works(excepted, nginx)
    assert '"via":"direct"' in excepted.agent.text()

    ignored = make_tunnel(environment={"HTTPS_PROXY": "http://127.0.0.1:1"}).start()
    assert await works(ignored, nginx), "without via: environment the environment doesn't count"


@pytest.mark.parametrize(
    "via, message",
    [("https://anna:topsecret@proxy:1", "a proxy with 'https' is unknown"), ("environmnet", "scheme and port are missing")])
async def test_what_the_configuration_says_wrongly(make_tunnel, binary, via, message):
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"via": via})
    result = await run(binary, "check", tunnel.agent_config)
    assert result.status == 65
    assert message in result.text and "topsecret" not in result.text, result.text
