"""What a log at info says of an exchange, and what it never says."""

import asyncio
import contextlib
import json

import pytest

from harness.client import Connection
from harness.processes import run
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

    # The one that looked whether the port is open.
    await eventually(refused, 10, "the first refusal is logged")
    for _ in range(3):
        if kind == "plain text":
            reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.server_port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
        else:
            await run("openssl", "s_client", "-connect", f"127.0.0.1:{tunnel.server_port}", within=20, stdin=None)
    await eventually(lambda: len(refused()) >= 4, 10, "the refusals are logged")
    # A request that is let in shows that nothing more comes of them.
    tunnel.start_agent()
    await eventually(lambda: "agent connected" in tunnel.server.text(), 10, "the agent is let in")
    assert len(refused()) == 4, tunnel.server.tail()
    assert "disconnected" not in tunnel.server.text(), "who was never let in is no agent that left"
