"""The agent reaches the server through a company's HTTP proxy."""

import asyncio
import base64
import contextlib
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
    make_via(other, company.url(f"{USER}:hunter2"), wait="1s", to=f"localhost:{tunnel.server_port}")
    response = await fetch(other.port, nginx.url(1))
    assert response.status == 503
    assert f"the proxy 127.0.0.1:{company.port} refuses the user or the password (40" in response.text, response.text
    assert "hunter2" not in other.agent.text() and "hunter2" not in response.text


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


# What is refused


class Gatekeeper:
    """A proxy that answers as it is told, and writes down what it was shown. One that `asks` wants a password before it does so."""

    def __init__(self, *answers: bytes, asks: bool = False):
        self.answers = list(answers)
        self.asks = asks
        self.heads: list[str] = []

    async def __call__(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if self.asks and "Proxy-Authorization: " not in head:
            answer = WANTS_BASIC
        if answer is OPENS:
            await through(reader, writer, head.split()[1])
        else:
            writer.write(answer)
            await writer.drain()
            writer.close()

    @property
    def passwords(self) -> list[str]:
        lines = [line for head in self.heads for line in head.split("\r\n") if line.startswith("Proxy-Authorization: ")]
        return [base64.b64decode(line.split()[2]).decode() for line in lines]


OPENS = b""


async def through(reader, writer, authority: str):
    host, port = authority.rsplit(":", 1)
    there, here = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def pump(source, sink):
        while data := await source.read(1 << 16):
            sink.write(data)
        sink.close()

    with contextlib.suppress(OSError):
        await asyncio.gather(pump(reader, here), pump(there, writer))


def answer(status: str, *fields: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


WANTS_BASIC = answer("407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="corp"')


@pytest.fixture
def metronome(make_tunnel, make_tcp):
    """Waits until another agent, whose proxy ends every connection, has tried several times: so much could have been tried meanwhile."""

    async def beats(count: int = 7):
        tries = []

        async def closes(reader, writer):
            tries.append(await reader.readuntil(b"\r\n\r\n"))
            writer.close()

        odd = await make_tcp(closes)
        other = make_tunnel(agent_top={"event-loops": 1})
        other.rewrite_agent(connect={"via": odd_url(odd)})
        other.start_agent()
        await eventually(lambda: len(tries) >= count, 30, "another agent goes on trying")
        other.kill()

    return beats


async def test_a_refused_password_is_sent_once(make_tunnel, make_tcp, ok, metronome):
    """Companies lock an account after a few wrong passwords. By all event loops together, and by the next generation; another password is
    another try."""
    gatekeeper = Gatekeeper(WANTS_BASIC, asks=True)
    place = await make_tcp(gatekeeper)
    tunnel = make_tunnel(agent_top={"event-loops": 4})
    tunnel.start_server()
    # Longer than any test waits: who gets an answer gets it at once.
    keys = {"wait": "10m", "via": odd_url(place), "via-user": "anna"}
    tunnel.rewrite_agent(connect={**keys, "via-password": "last-month"})
    tunnel.start_agent()
    for _ in range(8):
        response = await fetch(tunnel.port, ok.url("/"))
        assert response.status == 503
        assert f"the proxy 127.0.0.1:{place.port} refuses the user or the password (407)" in response.text, response.text
        assert "it isn't asked again before 20" in response.text, response.text
    await metronome()
    assert gatekeeper.passwords == ["anna:last-month"]
    assert len(gatekeeper.heads) == 2, "it is asked what it wants, and shown that"

    async def reload(**changes):
        tunnel.rewrite_agent(**changes)
        before = tunnel.agent.text().count("the new configuration is in use")
        tunnel.agent.signal(1)
        await eventually(lambda: tunnel.agent.text().count("the new configuration is in use") > before, 20, "the configuration is in use")

    await reload(accept={"idle": "1h"})
    assert (await fetch(tunnel.port, ok.url("/"))).status == 503
    await metronome()
    assert gatekeeper.passwords == ["anna:last-month"]

    gatekeeper.answers = [OPENS]
    await reload(connect={**keys, "via-password": "this-month"})
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    assert set(gatekeeper.passwords[1:]) == {"anna:this-month"}


async def test_a_password_that_is_no_longer_right(make_tunnel, make_tcp, ok, metronome):
    """It was let in with it, four times; then all connections are lost at once, and it is refused."""
    gatekeeper = Gatekeeper(OPENS, asks=True)
    place = await make_tcp(gatekeeper)
    tunnel = make_tunnel(agent_top={"event-loops": 4, "log": {"level": "debug", "format": "json"}})
    make_via(tunnel, f"http://anna:once@127.0.0.1:{place.port}", wait="10m")
    await eventually(lambda: tunnel.agent.text().count("tunnel is up") == 4, 20, "four connections are up")
    assert gatekeeper.passwords == ["anna:once"] * 4
    gatekeeper.answers = [WANTS_BASIC]
    tunnel.server.kill()
    await eventually(lambda: len(gatekeeper.passwords) > 4, 20, "the proxy is asked again")
    await metronome()
    response = await fetch(tunnel.port, ok.url("/"))
    assert response.status == 503 and "refuses the user or the password" in response.text
    assert len(gatekeeper.passwords) == 5


async def ways(make_tunnel, make_tcp, gatekeepers: list, user: str = "anna:secret@"):
    """An agent with a way for each of them, and their ports."""
    ports = [(await make_tcp(each)).port for each in gatekeepers]
    tunnel = make_tunnel(agent_top={"event-loops": 2})
    tunnel.rewrite_agent(connect={"via": [f"http://{user}127.0.0.1:{port}" for port in ports], "wait": "1s"})
    tunnel.start_agent()
    return tunnel, ports


FINAL = ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "405 Method Not Allowed", "407 Proxy Authentication Required", "451 Unavailable", "429 Too Many Requests\r\nRetry-After: 200", "503 Service Unavailable\r\nRetry-After: 200"]  # fmt: skip
PASSING = ["408 Request Timeout", "425 Too Early", "429 Too Many Requests", "500 Oops", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "302 Found", "503 Soon\r\nRetry-After: 1"]  # fmt: skip


@pytest.mark.parametrize("user", ["", "anna:secret@"], ids=["nobody", "anna"])
async def test_what_is_final(make_tunnel, make_tcp, ok, user):
    final, passing = [[Gatekeeper(answer(status)) for status in statuses] for statuses in (FINAL, PASSING)]
    tunnel, ports = await ways(make_tunnel, make_tcp, final + passing, user)
    await eventually(lambda: min(len(each.heads) for each in passing) >= 4, 60, "those that may be otherwise are asked again")
    # Those that want to know who asks are told once.
    assert [len(each.heads) for each in final] == [2 if user and status[:3] in ("401", "407") else 1 for status in FINAL]
    text = (await fetch(tunnel.port, ok.url("/"))).text
    for port, status in zip(ports, FINAL + PASSING):
        part = text[text.index(f"the proxy 127.0.0.1:{port}") :].split("; the proxy")[0]
        assert status[:3] in part and ("it isn't asked again before 20" in part) == (status in FINAL or "Retry-After" in status), part


async def test_what_else_a_proxy_wants(make_tunnel, make_tcp, ok):
    only = "and 'via-auth' allows only Digest and Basic; add "
    wants = {
        f"Negotiate or NTLM (407), {only}'negotiate' or 'ntlm' to it": ["Proxy-Authenticate: Negotiate", "Proxy-Authenticate: NTLM"],
        f"Digest or Negotiate (407), {only}'negotiate' to it": ['Proxy-Authenticate: Digest realm="a, Basic b", nonce="x", algorithm=SHA-512-256, Negotiate'],
        f"NTLM (407), {only}'ntlm' to it": ["Proxy-Authenticate: NTLM TlRMTVNTUAACAAAA=="],
        "Bearer (407), which isn't spoken here": ["Proxy-Authenticate: Bearer"],
    }
    gatekeepers = [Gatekeeper(answer("407 Proxy Authentication Required", *challenges)) for challenges in wants.values()]
    passing = Gatekeeper(answer("502 Bad Gateway"))
    tunnel, ports = await ways(make_tunnel, make_tcp, [*gatekeepers, passing])
    await eventually(lambda: len(passing.heads) >= 5, 30, "the last way is tried again")
    text = (await fetch(tunnel.port, ok.url("/"))).text
    for port, words, gatekeeper in zip(ports, wants, gatekeepers):
        assert f"the proxy 127.0.0.1:{port} wants {words}" in text, text
        assert len(gatekeeper.heads) == 1 and gatekeeper.passwords == []


async def test_basic_among_others_is_taken(make_tunnel, make_tcp, ok):
    gatekeeper = Gatekeeper(answer("407 No", "Proxy-Authenticate: Negotiate", 'Proxy-Authenticate: NTLM, basic realm="corp"'))
    place = await make_tcp(gatekeeper)
    tunnel = make_tunnel()
    make_via(tunnel, odd_url(place), wait="10m")
    assert "wants a user and a password (407)" in (await fetch(tunnel.port, ok.url("/"))).text


async def test_other_ways_are_tried_beside_one_that_refuses(make_tunnel, make_tcp, ok, metronome):
    refuses = Gatekeeper(WANTS_BASIC)
    first, opens = await make_tcp(refuses), Gatekeeper(OPENS)
    second = await make_tcp(opens)
    tunnel = make_tunnel(agent_top={"event-loops": 4, "log": {"level": "debug", "format": "json"}})
    make_via(tunnel, [f"http://anna:secret@127.0.0.1:{first.port}", odd_url(second), "direct"])
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    await eventually(lambda: tunnel.agent.text().count(f'"via":"127.0.0.1:{second.port}"') == 4, 20, "all loops go the second way")
    # Each loss begins with the first way again, which rests.
    opens.answers = [answer("502 Bad Gateway")]
    tunnel.server.kill()
    tunnel.start_server()
    await eventually(lambda: tunnel.agent.text().count('"via":"direct"') == 4, 30, "all loops go the third way")
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    assert refuses.passwords == ["anna:secret"]


async def test_what_the_proxy_says(make_tunnel, make_tcp, ok):
    """A reason phrase, the words of a page, and nothing that would be more than words where it is shown."""
    page = (
        b"<!DOCTYPE html><html><head><title>Blocked</title><style>p { color: red }</style><script>alert(1)</script></head><body>"
        b"<!-- internal --><h1>Category &quot;Gambling&quot;</h1>\r\n<p>Ask\x1b[31m the\xe2\x80\xae helpdesk &amp; wait.</p>" + b"<p>x</p>" * 5000
    )
    gatekeeper = Gatekeeper(answer("403 Filtered by policy 7", "Content-Type: text/html", body=page))
    place = await make_tcp(gatekeeper)
    tunnel = make_tunnel()
    make_via(tunnel, odd_url(place), wait="10m")
    text = (await fetch(tunnel.port, ok.url("/"))).text
    told = f'(403) and says "Filtered by policy 7: Blocked: Category "Gambling" Ask [31m the helpdesk & wait. x x x'
    assert told in text, text
    assert "alert" not in text and "internal" not in text and "color" not in text
    assert len(text) < 700, text
    assert "User-Agent: fluidity/" in gatekeeper.heads[0]


async def test_a_page_that_never_ends(make_tunnel, make_tcp, ok):
    async def drips(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nContent-Length: 1000000000\r\n\r\nnot today")
        await reader.read()

    place = await make_tcp(drips)
    tunnel = make_tunnel()
    make_via(tunnel, odd_url(place), wait="10m", timeout="2m")
    assert 'says "No: not today"' in (await fetch(tunnel.port, ok.url("/"))).text


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
    [("socks5://anna:topsecret@proxy:1", "a proxy with 'socks5' is unknown"), ("environmnet", "scheme and port are missing")])
async def test_what_the_configuration_says_wrongly(make_tunnel, binary, via, message):
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"via": via})
    result = await run(binary, "check", tunnel.agent_config)
    assert result.status == 65
    assert message in result.text and "topsecret" not in result.text, result.text
