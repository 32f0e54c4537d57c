"""What a log at info says of an exchange, and what it never says; and who doesn't have to wait for whoever reads it."""

import asyncio
import contextlib
import json
import signal

import pytest

from harness.client import Connection, fetch
from harness.fluidity import find_binary, write_configuration
from harness.pipes import FullPipe
from harness.ports import accepts
from harness.processes import Process, run
from harness.waiting import eventually, patiently

SECRETS = ["secret-path", "secret-query", "secret-field", "secret-cookie", "secret-body", "secret-answer", "c2VjcmV0LXByb3h5"]


async def exchange_with_secrets(tunnel, origin):
    @origin.on("/secret-path")
    async def answer(exchange):
        await exchange.read_body()
        await exchange.respond(203, [("Set-Cookie", "secret-cookie")], b"secret-answer")

    fields = [("X-Mine", "secret-field"), ("Cookie", "secret-cookie"), ("Proxy-Authorization", "Basic c2VjcmV0LXByb3h5")]
    async with patiently(20), await Connection.open(tunnel.port) as client:
        response = await client.request("POST", origin.url("/secret-path?secret-query=1"), fields, b"secret-body")
        assert response.body == b"secret-answer"


def lines_of(process) -> list[dict]:
    return [json.loads(line) for line in process.text().splitlines() if line.strip()]


def flat(value) -> list[str]:
    """Every scalar in a log line, wherever it is."""
    if isinstance(value, dict):
        return [each for part in value.values() for each in flat(part)]
    if isinstance(value, list):
        return [each for part in value for each in flat(part)]
    return [str(value)]


async def test_json_tells_of_each_exchange(make_tunnel, origin):
    tunnel = make_tunnel().start()
    await exchange_with_secrets(tunnel, origin)
    for process in tunnel.processes:

        def told(process=process):
            return [line for line in lines_of(process) if "POST" in flat(line) and "203" in flat(line)]

        (line,) = await eventually(told, 10, lambda process=process: f"{process.name} logs the exchange; it printed:\n{process.tail()}")
        values = flat(line)
        assert any("127.0.0.1" in each for each in values), f"no host in {line}"
        assert any("duration" in key for key in keys(line)), f"no duration in {line}"
        assert {str(len(b"secret-body")), str(len(b"secret-answer"))} <= set(values), f"no bytes in {line}"
        assert any("request" in key or "id" in key for key in keys(line)), f"no request id in {line}"
        if process is tunnel.server:
            assert any("client" in each for each in values), f"no client identity in {line}"


def keys(value) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [each for key, part in value.items() for each in (key.lower(), *keys(part))]


@pytest.mark.parametrize("style", ["json", "text"])
async def test_no_secrets_at_info(make_tunnel, origin, style):
    log = {"log": {"level": "info", "format": style}}
    tunnel = make_tunnel(agent_top=log, server_top=log).start()
    await exchange_with_secrets(tunnel, origin)
    for process in tunnel.processes:
        await eventually(lambda process=process: "POST" in process.text(), 10, f"{process.name} logs the exchange")
        found = [secret for secret in SECRETS if secret in process.text()]
        assert not found, f"{process.name} logs {found}:\n{process.tail()}"
        assert "PRIVATE KEY" not in process.text()


async def test_no_crash_messages(tunnel, origin):
    """The shared tunnel has been through much by now, or will be."""
    for process in tunnel.processes:
        assert "Fatal error" not in process.text() and "leak" not in process.text().lower()


async def test_a_tunnel_that_ends_normally_is_no_failure(make_tunnel, make_tcp):
    """Whoever ends it first: the other side ends its own half, or just goes."""

    async def echo(reader, writer):
        while data := await reader.read(1000):
            writer.write(data)
        # As servers that speak TLS do: something more for a client that may have gone.
        writer.write(b"bye")
        await asyncio.sleep(0)

    target = await make_tcp(echo)
    tunnel = make_tunnel().start()
    async with patiently(30):
        for number in range(10):
            client = await Connection.open(tunnel.port)
            assert (await client.connect(target.authority)).status == 200
            await client.send(b"hello")
            assert await client.reader.readexactly(5) == b"hello"
            # Both halves at once: what the target still sends meets a socket that is gone.
            client.writer.close()
        for process in tunnel.processes:
            await told_of_tunnels_without_failure(process, 10)


@pytest.mark.parametrize("half", [False, True], ids=["", "after the client's half"])
async def test_a_tunnel_that_the_target_ends_first_is_no_failure(make_tunnel, make_tcp, half):
    async def greet(reader, writer):
        if half:
            assert await reader.read() == b"hello"
        writer.write(b"bye")

    target = await make_tcp(greet)
    tunnel = make_tunnel().start()
    async with asyncio.timeout(30):
        for _ in range(10):
            client = await Connection.open(tunnel.port)
            assert (await client.connect(target.authority)).status == 200
            if half:
                await client.send(b"hello")
                client.writer.write_eof()
            assert await client.reader.read() == b"bye"
            client.writer.close()
        for process in tunnel.processes:
            await told_of_tunnels_without_failure(process, 10)


async def told_of_tunnels_without_failure(process, count):
    def told():
        lines = [line for line in lines_of(process) if line.get("method") == "CONNECT"]
        return lines if len(lines) == count else None

    lines = await eventually(told, 15, f"{process.name} logs the tunnels")
    assert not [line["failure"] for line in lines if "failure" in line]


@pytest.mark.parametrize("kind", ["no certificate", "plain text"])
async def test_a_refused_peer_makes_one_line(make_tunnel, kind):
    tunnel = make_tunnel()
    tunnel.start_server()

    def refused():
        return [line for line in lines_of(tunnel.server) if "refused" in line["message"] or "handshake" in str(line)]

    # Who only looked whether the port is open has no line.
    for _ in range(3):
        if kind == "plain text":
            reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.server_port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
        else:
            await run("openssl", "s_client", "-connect", f"127.0.0.1:{tunnel.server_port}", within=20, stdin=None)
    await eventually(lambda: len(refused()) >= 3, 10, "the refusals are logged")
    # A request that is let in shows that nothing more comes of them.
    tunnel.start_agent()
    await eventually(lambda: "agent connected" in tunnel.server.text(), 10, "the agent is let in")
    assert len(refused()) == 3, tunnel.server.tail()
    assert "disconnected" not in tunnel.server.text(), "who was never let in is no agent that left"


# Who reads standard error stops


@pytest.fixture
def make_full_pipe():
    made = []

    def make(**options) -> FullPipe:
        made.append(FullPipe(**options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def start(tunnel, who: str, pipe: FullPipe):
    """Starts both ends. One of them logs to the pipe."""
    tunnel.start_server(**({"errors": pipe.writing} if who == "server" else {}))
    tunnel.start_agent(**({"errors": pipe.writing} if who == "agent" else {}))


async def strangers(port: int, count: int):
    """Connections of those who have no certificate: a line in the log for each."""
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()


ends = pytest.mark.parametrize("who", ["agent", "server"])


@ends
@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "non-blocking"])
async def test_a_log_that_nobody_reads_costs_lines_and_nothing_else(make_tunnel, ok, make_full_pipe, who, blocking):
    pipe = make_full_pipe(blocking=blocking)
    tunnel = make_tunnel()
    start(tunnel, who, pipe)
    async with patiently(30):
        await strangers(tunnel.server_port, 100)
        for _ in range(20):
            assert (await fetch(tunnel.port, ok.url("/"))).text == "fine"
    process = getattr(tunnel, who)
    process.signal(signal.SIGTERM)
    assert await process.ended(10) == 0


@ends
async def test_the_end_at_once_waits_for_no_reader(make_tunnel, ok, make_full_pipe, who):
    tunnel = make_tunnel()
    start(tunnel, who, make_full_pipe())
    process = getattr(tunnel, who)
    async with patiently(20), await Connection.open(tunnel.port) as client:
        assert (await client.connect(ok.authority)).status == 200
        # What is open keeps the first from ending it, for 30 s.
        process.signal(signal.SIGTERM)
        await eventually(lambda: not accepts(tunnel.port if who == "agent" else tunnel.server_port), 10, "it takes nobody in")
        process.signal(signal.SIGTERM)
        assert await process.ended(10) == 0


@ends
async def test_a_reader_that_comes_back_finds_whole_lines(make_tunnel, ok, make_full_pipe, who):
    pipe = make_full_pipe()
    tunnel = make_tunnel()
    start(tunnel, who, pipe)
    for _ in range(20):
        assert (await fetch(tunnel.port, ok.url("/"))).text == "fine"

    def told():
        lines = [json.loads(line) for line in pipe.read()]
        return len([line for line in lines if line["message"] == "exchange"]) == 20

    await eventually(told, 10, "what has waited is there")


@ends
async def test_a_reader_that_has_gone_costs_lines_and_nothing_else(make_tunnel, ok, make_full_pipe, who):
    pipe = make_full_pipe()
    pipe.leave()
    tunnel = make_tunnel()
    start(tunnel, who, pipe)
    await strangers(tunnel.server_port, 3)
    for _ in range(3):
        assert (await fetch(tunnel.port, ok.url("/"))).text == "fine"
    process = getattr(tunnel, who)
    process.signal(signal.SIGTERM)
    assert await process.ended(10) == 0


@pytest.mark.parametrize("command, status", [("server", 69), ("server", 65), ("agent", 65)])
async def test_an_error_waits_for_no_reader(make_tunnel, make_full_pipe, launch, command, status):
    tunnel = make_tunnel(server={"accept": {"listen": "127.0.0.1:1"}} if status == 69 else {"frame": {"codec": "none"}}, agent={"frame": {"codec": "none"}})
    config = tunnel.server_config if command == "server" else tunnel.agent_config
    if status == 69:
        # The port is somebody else's.
        taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", tunnel.server_port)
        write_configuration(config, [("accept", {"listen": f"127.0.0.1:{tunnel.server_port}"}), *tunnel._server_stages[1:]])
    for pipe in (make_full_pipe(), None):
        process = launch(Process("failing", [find_binary(), command, "--config", config], config.parent, errors=pipe.writing if pipe else None))
        assert await process.ended(10) == status
    # Where somebody reads, it is said.
    assert "error" in process.text(), process.text()
    if status == 69:
        taken.close()


async def test_writers_of_one_file_are_one(make_tunnel, origin, make_full_pipe):
    """The log, an access log and another one by another name: no line gets into another, however long, while the pipe is full."""
    count = 30
    stages = [("access-log", {"to": name, "privacy": "path"}) for name in ("stderr", "/dev/stderr")]
    pipe = make_full_pipe()
    tunnel = make_tunnel(agent_filters=stages)
    start(tunnel, "agent", pipe)
    path = "/" + "p" * 9_000
    async with patiently(60):
        await asyncio.gather(*(fetch(tunnel.port, origin.url(path)) for _ in range(count)))

    def told():
        lines = [json.loads(line) for line in pipe.read()]
        return len([line for line in lines if "exchange" in line]) == 2 * count and len([line for line in lines if line.get("message") == "exchange"]) == count

    await eventually(told, 20, "every line is there, and whole")
