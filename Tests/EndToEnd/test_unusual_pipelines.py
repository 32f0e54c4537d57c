"""Lists of stages beyond agent and server, made of nothing but configuration."""

import hashlib

import pytest

from harness.client import Connection, fetch
from harness.codecs import CODECS
from harness.fluidity import Fluidity, write_configuration
from harness.ports import accepts, free_port
from harness.processes import Process, curl
from harness.waiting import eventually, patiently
from harness.websocket import open_websocket, port_of, serve_echo


@pytest.fixture
def start(launch, tmp_path):
    """Starts a pipeline with its listener first."""

    def start(command: str, *stages, name: str = "pipeline", **accept) -> Fluidity:
        port = free_port()
        listener = ("accept", {"listen": f"127.0.0.1:{port}", **accept})
        config = write_configuration(tmp_path / f"{name}-{port}.yaml", [listener, *stages])
        return launch(Fluidity(command, config, port=port, name=name))

    return start


FETCH = ("fetch", {"destinations": "any"})
HTTP = ("http", {"mode": "proxy"})
MUX = ("frame", {"codec": "mux"})


async def everything_works(port: int, nginx, origin):
    """GET, POST, CONNECT and an upgrade through the proxy on a port."""

    @origin.on("/echo")
    async def echo(exchange):
        await exchange.respond(200, body=await exchange.read_body())

    async with patiently(60):
        response = await fetch(port, nginx.url(10_000_000))
        assert hashlib.sha256(response.body).hexdigest() == nginx.hashes["10000000"]
        async with await Connection.open(port) as client:
            for _ in range(3):
                assert (await client.request("POST", origin.url("/echo"), body=b"hello" * 50_000)).body == b"hello" * 50_000
        through = await curl("-x", f"http://127.0.0.1:{port}", "--proxytunnel", nginx.url(65536))
        assert hashlib.sha256(through.output).hexdigest() == nginx.hashes["65536"]
        async with serve_echo() as server, open_websocket(port, f"ws://127.0.0.1:{port_of(server)}/", "upgrade") as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"


@pytest.mark.parametrize("command", ["agent", "server"])
async def test_a_forward_proxy_in_one_process(start, nginx, origin, command):
    proxy = start(command, HTTP, FETCH)
    await everything_works(proxy.port, nginx, origin)


async def test_what_a_426_requires(start, origin):
    """RFC 9110, 7.8: who sends one says which protocol it wants."""

    @origin.on("/")
    async def require(exchange):
        await exchange.respond(426, [("Connection", "Upgrade"), ("Upgrade", "websocket")], b"not like this")

    proxy = start("agent", HTTP, FETCH)
    response = await fetch(proxy.port, origin.url("/"))
    assert (response.status, response.get("upgrade")) == (426, "websocket")
    assert "upgrade" in response.all("connection")


ENDS = {
    "respond": ([("respond", {"body": "here"})], 200),
    "egress": ([("egress", {"rules": [{"deny": {"hosts": ["*"]}}]}), FETCH], 403),
    "auth": ([("auth", {"methods": [{"client-certificate": {"deny": ["cn:*"]}}]}), FETCH], 403),
    "rate-limit": ([("rate-limit", {"by": "global", "requests": "1/h"}), FETCH], 429),
    "fault": ([("fault", {"abort": {"status": 418}}), FETCH], 418),
    "fetch": ([FETCH], 404),
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("end", ENDS)
async def test_whoever_answers_nothing_of_an_exchange_is_left(start, server_identity, client_identity, origin, end, codec):
    """Of a session's few streams each is used many times."""
    stages, status = ENDS[end]
    frame = ("frame", {"codec": codec, "max-streams": 4})
    server = start("server", ("mtls", server_identity.settings()), frame, *stages, name="server")
    connect = ("connect", {"to": f"localhost:{server.port}"})
    agent = start("agent", HTTP, frame, ("mtls", {**client_identity.settings(), "name": "localhost"}), connect, name="agent")
    async with patiently(60), await Connection.open(agent.port) as client:
        for number in range(40):
            answer = await client.request("POST", origin.url("/"), body=b"x" * 100)
            assert answer.status == status or (number, end) == (0, "rate-limit"), (number, answer.status, answer.body)


async def test_a_proxy_behind_mutual_tls(start, nginx, server_identity, client_identity):
    proxy = start("server", ("mtls", server_identity.settings()), HTTP, FETCH)
    trust = ["-x", f"https://localhost:{proxy.port}", "--proxy-cacert", server_identity.ca]
    credentials = ["--proxy-cert", client_identity.certificate, "--proxy-key", client_identity.key]
    for way in ([], ["--proxytunnel"]):
        result = await curl(*trust, *credentials, *way, nginx.url(1 << 20))
        assert hashlib.sha256(result.output).hexdigest() == nginx.hashes[str(1 << 20)], result.text[-500:]
        refused = await curl(*trust, *way, nginx.url(1000))
        assert refused.status != 0 and len(refused.output) == 0


async def test_a_relay_between_agent_and_server(start, nginx, origin, server_identity, client_identity):
    listening = ("mtls", server_identity.settings())
    dialling = ("mtls", {**client_identity.settings(), "name": "localhost"})

    def connect(to: Fluidity):
        return ("connect", {"to": f"localhost:{to.port}", "wait": "2s"})

    server = start("server", listening, MUX, FETCH, name="server")
    relay = start("server", listening, MUX, MUX, dialling, connect(server), name="relay")
    agent = start("agent", HTTP, MUX, dialling, connect(relay), name="agent")
    await everything_works(agent.port, nginx, origin)

    # Without the server the relay says so.
    server.kill()
    response = await fetch(agent.port, origin.url("/echo"), within=30)
    assert response.status in (502, 503) and response.text.strip(), response.raw


async def test_a_tunnel_without_tls(start, nginx, origin):
    """For a link that is private already."""
    server = start("server", MUX, FETCH, name="server")
    agent = start("agent", HTTP, MUX, ("connect", {"to": f"127.0.0.1:{server.port}"}), name="agent")
    await everything_works(agent.port, nginx, origin)


async def test_agent_and_server_in_one_process(launch, make_tunnel, nginx, origin, binary):
    tunnel = make_tunnel()

    command = [binary, "up", "--agent-config", tunnel.agent_config, "--server-config", tunnel.server_config]
    both = launch(Process("up", command, tunnel.place))
    await eventually(lambda: not both.alive or (accepts(tunnel.port) and accepts(tunnel.server_port)), 15, "both listen")
    assert both.alive, both.text()
    await everything_works(tunnel.port, nginx, origin)
    both.signal(15)
    assert await both.ended(within=10) == 0
