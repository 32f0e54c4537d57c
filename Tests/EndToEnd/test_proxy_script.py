"""`via: { pac: … }`: a script says which way leads to the server, and it can do no harm."""

import asyncio
import os
import time

import pytest

from harness.client import fetch
from harness.processes import run
from harness.proxies import squid, tinyproxy
from harness.waiting import eventually
from test_via import make_via, works


@pytest.fixture
def proxy(launch, tmp_path):
    def start(kind, allowed: int, **options):
        return launch(kind(tmp_path / f"{kind.__name__}-{allowed}-{len(options)}", allowed, **options))

    return start


def script(body: str) -> str:
    return f"function FindProxyForURL(url, host) {{ {body} }}\n"


@pytest.fixture
def say(make_tunnel, tmp_path, ok):
    """What a client is told whose agent goes by this script."""

    async def ask(text: str | bytes) -> str:
        file = tmp_path / f"{time.monotonic_ns()}.pac"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        tunnel = make_tunnel()
        tunnel.rewrite_agent(connect={"via": {"pac": str(file)}, "wait": "8s"})
        tunnel.start_agent()
        response = await fetch(tunnel.port, ok.url("/"), within=60)
        assert response.status == 503 and tunnel.agent.alive
        tunnel.agent.kill()
        return response.text

    return ask


async def test_a_file_that_names_a_proxy(make_tunnel, proxy, nginx, tmp_path):
    tunnel = make_tunnel()
    company = proxy(squid, tunnel.server_port)
    # It is asked for the server, as browsers ask for a site behind TLS: without a path.
    condition = f"url == 'https://localhost:{tunnel.server_port}/' && host == 'localhost' && shExpMatch(host, 'local*')"
    file = tmp_path / "proxy.pac"
    file.write_text(script(f"if ({condition}) return 'PROXY 127.0.0.1:{company.port}; DIRECT'; return 'PROXY 127.0.0.1:1';"))
    make_via(tunnel, {"pac": str(file)})
    assert await works(tunnel, nginx)
    assert f'"via":"127.0.0.1:{company.port}"' in tunnel.agent.text()


async def test_the_ways_are_tried_in_order(make_tunnel, proxy, nginx, make_origin):
    tunnel = make_tunnel()
    company = proxy(tinyproxy, tunnel.server_port)
    asked = []

    async def answer(exchange):
        asked.append(exchange.request.target)
        text = script(f"return 'SOCKS 127.0.0.1:1; PROXY 127.0.0.1:1; PROXY 127.0.0.1:{company.port}';").encode()
        await exchange.respond(200, [("Content-Type", "application/x-ns-proxy-autoconfig")], text)

    site = await make_origin()
    site.on("/proxy.pac")(answer)
    make_via(tunnel, {"pac": site.url("/proxy.pac")})
    assert await works(tunnel, nginx)
    assert f'"via":"127.0.0.1:{company.port}"' in tunnel.agent.text()
    assert asked == ["/proxy.pac"], "it is fetched once for all loops"


async def test_among_other_ways(make_tunnel, nginx, tmp_path):
    tunnel = make_tunnel()
    broken = tmp_path / "broken.pac"
    broken.write_text("function FindProxyForURL(")
    make_via(tunnel, [{"pac": str(broken)}, "direct"])
    assert await works(tunnel, nginx)
    assert '"via":"direct"' in tunnel.agent.text()


async def test_what_scripts_do(say):
    for text, words in {
        "this is no script": "the proxy auto-configuration can't be evaluated: \"line 1: SyntaxError: ",
        "": "the proxy auto-configuration can't be evaluated",
        "function Other() { return 'DIRECT'; }": "the proxy auto-configuration can't be evaluated",
        script("return 'SOCKS5 socks.example:1080';"): "the proxy socks.example:1080 speaks SOCKS, which isn't spoken to proxies here",
        script("return 'CARRIER pigeon';"): 'the proxy auto-configuration says "CARRIER pigeon", which is no way',
        script("return '';"): "names no way to localhost",
        script("while (true) {}"): "the proxy auto-configuration",
        script("var a = []; while (true) a.push(new Array(100000).join('x'));"): "the proxy auto-configuration",
        script("return 'DIRECT';") + "// " + "x" * (1 << 20): "it is larger than 1 MiB",
        "function FindProxyForURL(u, h) { return f(0); } function f(n) { return f(n + 1) + 1; }": "the proxy auto-configuration",
    }.items():
        said = await say(text)
        assert words in said, (text[:60], said)
        for word in ("pacparser", "JSERROR"):
            assert word not in said, said


async def test_a_script_gets_nothing_of_the_agents(make_tunnel, tmp_path, ok, binary):
    """While one runs that doesn't end, its process has one socket, and neither the agent's files nor its environment; then it is gone."""
    file = tmp_path / "slow.pac"
    file.write_text(script("while (true) {}"))
    tunnel = make_tunnel(environment={"SECRET": "of the agent"})
    tunnel.rewrite_agent(connect={"via": {"pac": str(file)}, "wait": "20s"})
    tunnel.start_agent()
    asking = asyncio.create_task(fetch(tunnel.port, ok.url("/"), within=60))

    seen = []

    def child():
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and b"evaluate-proxy-script" in open(f"/proc/{entry}/cmdline", "rb").read():
                    if int(open(f"/proc/{entry}/stat").read().split()[3]) == tunnel.agent.pid:
                        # The runtime has some of its own, beside the socket, which is its input and its output.
                        opened = {os.readlink(f"/proc/{entry}/fd/{number}") for number in os.listdir(f"/proc/{entry}/fd")}
                        kinds = sorted(link.split(":")[0] for link in opened)
                        seen.append(kinds)
                        # As soon as it has shut what it was born with.
                        if set(kinds) <= {"socket", "pipe", "/dev/null", "anon_inode"} and kinds.count("socket") == 1:
                            return entry
            except (OSError, ValueError):
                pass

    entry = await eventually(child, 20, lambda: f"the script's process runs with little open: {seen[-3:]}")
    assert b"SECRET" not in open(f"/proc/{entry}/environ", "rb").read()
    response = await asking
    assert response.status == 503 and "the proxy auto-configuration" in response.text
    await eventually(lambda: not os.path.exists(f"/proc/{entry}"), 20, "it is gone")


async def test_without_the_library(make_tunnel, tmp_path, ok, binary):
    """Where it isn't installed, that is said: the program's loader finds another place empty."""
    file = tmp_path / "proxy.pac"
    file.write_text(script("return 'DIRECT';"))
    result = await run("unshare", "-m", "sh", "-c", f"mount -t tmpfs none /usr/lib/pkgconfig 2>/dev/null; mount --bind /dev/null /usr/lib/libpacparser.so.1 && exec {binary} evaluate-proxy-script", stdin=f"localhost\n443\n{file.read_text()}".encode())
    assert result.output.decode() == "missing libpacparser.so.1", result.text


async def test_pages_that_arent_scripts(make_tunnel, make_origin, ok):
    site = await make_origin()

    async def missing(exchange):
        await exchange.respond(404)

    site.on("/none.pac")(missing)
    for url, words in {site.url("/none.pac"): "can't be had: the answer was 404", "http://127.0.0.1:1/proxy.pac": "can't be had: the connection was refused"}.items():
        tunnel = make_tunnel()
        tunnel.rewrite_agent(connect={"via": {"pac": url}, "wait": "5s"})
        tunnel.start_agent()
        text = (await fetch(tunnel.port, ok.url("/"), within=60)).text
        assert words in text, text


@pytest.mark.parametrize(
    "via, message",
    [
        ({"pac": "ftp://example.org/proxy.pac"}, "'ftp' isn't known"), ({"pac": "nowhere.pac"}, "nowhere.pac"), ({"pack": "x"}, "pac"),
        ({"pac": "http://user:topsecret@example.org/"}, "the URL of a proxy auto-configuration"), ([{"pac": 3}], "pac"), ({}, "pac"),
    ],
)  # fmt: skip
async def test_configurations_that_cant_work(make_tunnel, binary, via, message):
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"via": via})
    result = await run(binary, "check", tunnel.agent_config)
    assert result.status == 65 and message in result.text, result.text
