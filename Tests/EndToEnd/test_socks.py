"""SOCKS5 clients, beside HTTP clients on one listener and on one of their own."""

import asyncio
import hashlib
import socket

import pytest

from harness.client import Connection
from harness.fluidity import Fluidity, Tunnel, write_configuration
from harness.origin import FullBacklog
from harness.ports import free_port
from harness.processes import curl, run
from harness.waiting import eventually, patiently


@pytest.fixture
def socks(make_tunnel, launch):
    """A tunnel with a further agent that speaks SOCKS5 or both protocols."""

    def start(stage: str = "socks", fetch: dict = {}, **keys) -> Fluidity:
        tunnel: Tunnel = make_tunnel(server={"fetch": fetch})
        tunnel.start_server()
        port = free_port()
        stages = [("accept", {"listen": f"127.0.0.1:{port}"}), (stage, keys), *tunnel._agent_stages[2:]]
        config = write_configuration(tunnel.place / "socks.yaml", stages)
        return launch(Fluidity("agent", config, port=port, name="socks"))

    return start


async def same(result, nginx, size: int):
    assert hashlib.sha256(result.output).hexdigest() == nginx.hashes[str(size)], result.text[-500:]


@pytest.mark.parametrize("stage", ["socks", "detect"])
async def test_curl(socks, nginx, stage):
    agent = socks(stage)
    for way, target in (("--socks5", "127.0.0.1"), ("--socks5-hostname", "localhost")):
        for size in (1, 10_000_000):
            await same(await curl(way, f"127.0.0.1:{agent.port}", f"http://localhost:{nginx.port}/{size}", "-4"), nginx, size)
        assert f'"target":"{target}:{nginx.port}"' in agent.text(), "a name is resolved at the exit, an address is one"
    if stage == "detect":
        for way in ([], ["--proxytunnel"]):
            await same(await curl("-x", f"http://127.0.0.1:{agent.port}", *way, nginx.url(65536)), nginx, 65536)


async def negotiate(connection: Connection, request: bytes, greeting: bytes = b"\x05\x01\x00") -> bytes:
    await connection.send(greeting)
    assert await connection.reader.readexactly(2) == b"\x05\x00"
    await connection.send(request)
    return await connection.reader.readexactly(10)


def to(host: str | bytes, port: int, command: int = 1) -> bytes:
    try:
        raw = socket.inet_pton(socket.AF_INET, host)
        address = b"\x01" + raw
    except OSError:
        try:
            address = b"\x04" + socket.inet_pton(socket.AF_INET6, host)
        except OSError:
            name = host.encode()
            address = b"\x03" + bytes([len(name)]) + name
    return b"\x05" + bytes([command]) + b"\x00" + address + port.to_bytes(2, "big")


OK = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


async def test_an_address_of_version_6(socks):
    received = []

    async def echo(reader, writer):
        received.append(writer.get_extra_info("sockname")[0])
        writer.write(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(echo, "::1", 0)
    agent = socks()
    async with server, patiently(30), await Connection.open(agent.port) as client:
        assert await negotiate(client, to("::1", server.sockets[0].getsockname()[1])) == OK
        await client.send(b"over six")
        assert await client.reader.read() == b"over six"
    assert received == ["::1"]


async def test_bytes_sent_ahead_and_half_close(socks, make_tcp):
    """Everything in one packet, and each side ends its half by itself."""

    async def count(reader, writer):
        data = await reader.read()
        writer.write(f"{len(data)} bytes".encode())
        await writer.drain()
        writer.close()

    origin = await make_tcp(count)
    agent = socks("detect")
    async with patiently(30), await Connection.open(agent.port) as client:
        await client.send(b"\x05\x01\x00" + to("127.0.0.1", origin.port) + b"early")
        assert await client.reader.readexactly(12) == b"\x05\x00" + OK
        await client.send(b"x" * 1_000_000)
        client.writer.write_eof()
        assert await client.reader.read() == b"1000005 bytes"


async def test_replies_of_failures(socks):
    agent = socks(fetch={"destinations": ["127.0.0.0/8"], "connect-timeout": "500ms"})
    full = FullBacklog()
    try:
        for host, port, reply in (
            ("127.0.0.1", free_port(), 5),
            ("no-such-name.invalid", 80, 4),
            ("127.0.0.1", full.port, 4),
            ("192.0.2.1", 80, 2),
        ):
            async with patiently(30), await Connection.open(agent.port) as client:
                assert await negotiate(client, to(host, port)) == b"\x05" + bytes([reply]) + OK[2:], (host, port)
                assert await client.reader.read() == b"", "nothing of the answer's text follows"
    finally:
        full.close()


async def test_what_is_not_supported(socks):
    agent = socks()
    for command in (2, 3):
        async with patiently(30), await Connection.open(agent.port) as client:
            assert await negotiate(client, to("127.0.0.1", 80, command)) == b"\x05\x07" + OK[2:]
            assert await client.reader.read() == b""
    async with patiently(30), await Connection.open(agent.port) as client:
        await client.send(b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00")
        assert await client.reader.read() == b"", "SOCKS4 is ended without a reply"


@pytest.mark.parametrize("stage", ["socks", "detect"])
async def test_the_user_is_checked_by_auth(launch, make_tunnel, binary, tmp_path, nginx, stage):
    users = tmp_path / "users.txt"
    made = await run(binary, "passwd", users, "anna", stdin=b"secret\n")
    assert made.status == 0, made.text
    tunnel = make_tunnel()
    tunnel.start_server()
    port = free_port()
    auth = ("auth", {"methods": [{"basic": {"users": str(users)}}]})
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), (stage, {}), auth, *tunnel._agent_stages[2:]]
    agent = launch(Fluidity("agent", write_configuration(tmp_path / "auth.yaml", stages), port=port, name="auth"))
    await same(await curl("--socks5-hostname", f"anna:secret@127.0.0.1:{port}", nginx.url(1000)), nginx, 1000)
    await eventually(lambda: '"client":"anna"' in agent.text(), 10, lambda: f"the log names the user:\n{agent.tail()}")
    for credentials in ("anna:wrong@", "otto:secret@", ""):
        refused = await curl("--socks5-hostname", f"{credentials}127.0.0.1:{port}", nginx.url(1000))
        assert refused.status == 97 and "(2)" in refused.text, refused.text
    assert "secret" not in agent.text()


async def test_a_client_that_says_nothing(socks):
    for stage, keys in (("socks", {"negotiation-timeout": "300ms"}), ("detect", {"timeout": "300ms"})):
        agent = socks(stage, **keys)
        async with patiently(30), await Connection.open(agent.port) as client:
            assert await client.reader.read() == b""


async def test_a_stalled_reader(socks, make_tcp):
    """Who doesn't read stops the sender, and gets everything in the end."""
    size = 50_000_000
    sent = 0

    async def pour(reader, writer):
        nonlocal sent
        chunk = bytes(100_000)
        while sent < size:
            writer.write(chunk)
            await writer.drain()
            sent += len(chunk)
        writer.close()

    origin = await make_tcp(pour)
    agent = socks()
    async with patiently(60), await Connection.open(agent.port, receive_buffer=1 << 16) as client:
        assert await negotiate(client, to("127.0.0.1", origin.port)) == OK
        last = -1
        while sent != last:
            last = sent
            await asyncio.sleep(0.5)
        assert sent < size / 2
        received = 0
        while data := await client.reader.read(1 << 20):
            received += len(data)
        assert received == size
