"""Proof 6: WebSocket through CONNECT and through an upgrade by plain proxying."""

import asyncio
import random

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from harness.client import Connection, fetch, request
from harness import wire
from harness.waiting import patiently
from harness.websocket import open_websocket, port_of, serve_echo

ways = pytest.mark.parametrize("way", ["connect", "upgrade"])
MANY = 1000


@pytest_asyncio.fixture
async def echo():
    async with serve_echo() as server:
        yield f"ws://127.0.0.1:{port_of(server)}/chat?room=1"


@ways
async def test_messages(tunnel, echo, way):
    async with patiently(60), open_websocket(tunnel.port, echo, way) as socket:
        for text in ["", "hello", "žluťoučký kůň " * 10_000]:
            await socket.send(text)
            assert await socket.recv() == text
        for size in [0, 1, 125, 126, 65535, 65536, 5_000_000]:
            data = random.Random(size).randbytes(size)
            await socket.send(data)
            assert await socket.recv() == data


@ways
async def test_fragments_and_ping(tunnel, echo, way):
    async with patiently(60), open_websocket(tunnel.port, echo, way, compression=None) as socket:
        await socket.send(["one ", "two ", "three"])
        assert await socket.recv() == "one two three"
        await socket.send([b"\x00" * 70_000, b"\xff" * 70_000])
        assert await socket.recv() == b"\x00" * 70_000 + b"\xff" * 70_000
        pong = await socket.ping(b"are you there")
        await pong
        await socket.send("after the ping")
        assert await socket.recv() == "after the ping"


@ways
async def test_the_server_closes_with_a_code(tunnel, echo, way):
    async with patiently(60), open_websocket(tunnel.port, echo, way) as socket:
        await socket.send("close 4001 enough for today")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "enough for today")


@ways
async def test_the_client_closes_with_a_code(tunnel, echo, way):
    async with patiently(60), open_websocket(tunnel.port, echo, way) as socket:
        await socket.close(4002, "bye")
        # The echo of the close frame shows that it reached the server.
        assert (socket.protocol.close_rcvd.code, socket.protocol.close_rcvd.reason) == (4002, "bye")


@ways
@pytest.mark.timeout(600)
async def test_a_thousand_at_once(tunnel, echo, way):
    everyone_is_there = asyncio.Barrier(MANY)
    gate = asyncio.Semaphore(100)  # opening, not being open, is limited

    async def talk(number: int):
        async with gate:
            socket = await open_websocket(tunnel.port, echo, way, compression=None)
        async with socket:
            await everyone_is_there.wait()
            for turn in range(5):
                await socket.send(f"{number} says {turn}")
                assert await socket.recv() == f"{number} says {turn}"
            await socket.send(bytes([number % 256]) * 1000)
            assert await socket.recv() == bytes([number % 256]) * 1000

    async with patiently(200):
        await asyncio.gather(*map(talk, range(MANY)))


async def test_a_refused_upgrade_is_an_ordinary_response(tunnel, origin):
    @origin.on("/ws")
    async def refuse(exchange):
        await exchange.respond(426, [("Upgrade", "websocket")], b"not like this")

    async with patiently(30), await Connection.open(tunnel.port) as client:
        upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
        response = await client.request("GET", origin.url("/ws"), upgrade)
        assert (response.status, response.body) == (426, b"not like this")
        again = await client.request("GET", origin.url("/ws"))
        assert again.status == 426, "the connection goes on as HTTP"
    assert origin.requests[0].get("upgrade") == "websocket"
    assert "upgrade" in origin.requests[0].get("connection").lower()


async def test_another_protocol_with_early_bytes(tunnel, origin):
    """101 with bytes of the new protocol right behind it."""

    @origin.on("/upgrade")
    async def upgrade(exchange):
        head = wire.head("HTTP/1.1 101 Switching Protocols", [("Connection", "Upgrade"), ("Upgrade", "shout")])
        await exchange.send(head + b"welcome ")
        while data := await exchange.reader.read(1000):
            await exchange.send(data.upper())
        exchange.close()

    async with patiently(30), await Connection.open(tunnel.port) as client:
        response = await client.request("GET", origin.url("/upgrade"), [("Connection", "Upgrade"), ("Upgrade", "shout")])
        assert (response.status, response.get("upgrade")) == (101, "shout")
        assert await client.reader.readexactly(8) == b"welcome "
        await client.send(b"quietly")
        assert await client.reader.readexactly(7) == b"QUIETLY"
        client.writer.write_eof()
        assert await client.reader.read() == b""


SHOUT = [("Connection", "Upgrade"), ("Upgrade", "shout")]


@pytest.mark.parametrize("answer", [[("Upgrade", "whisper")], [("Upgrade", "shout, whisper")], [], [("Upgrade", "h2c")]])
async def test_a_protocol_that_nobody_has_asked_for(tunnel, origin, answer):
    """RFC 9110, 7.8."""

    @origin.on("/upgrade")
    async def upgrade(exchange):
        await exchange.send(wire.head("HTTP/1.1 101 Switching Protocols", [("Connection", "Upgrade"), *answer]))
        await exchange.reader.read(1000)
        exchange.close()

    response = await fetch(tunnel.port, origin.url("/upgrade"), fields=SHOUT)
    assert response.status == 502 and "asked for" in response.text


@pytest.mark.parametrize("early", [False, True], ids=["behind the body", "ahead of the body"])
async def test_an_upgrade_with_a_body(tunnel, origin, early):
    """RFC 9110, 7.8: the other protocol follows the body, whether or not the origin waits for that before it agrees."""

    @origin.on("/upgrade")
    async def upgrade(exchange):
        head = wire.head("HTTP/1.1 101 Switching Protocols", SHOUT)
        if early:
            await exchange.send(head)
        assert exchange.request.get("content-length") == "100000"
        assert await exchange.reader.readexactly(100_000) == b"b" * 100_000
        if not early:
            await exchange.send(head)
        while data := await exchange.reader.read(1000):
            await exchange.send(data.upper())
        exchange.close()

    async with patiently(30), await Connection.open(tunnel.port) as client:
        fields = [("Host", "x"), ("Content-Length", "100000"), *SHOUT]
        await client.send(wire.head(f"POST {origin.url('/upgrade')} HTTP/1.1", fields) + b"b" * 50_000)
        if early:
            assert (await client.head()).status == 101
        await client.send(b"b" * 50_000)
        if not early:
            response = await client.head()
            assert (response.status, response.get("upgrade")) == (101, "shout")
        await client.send(b"quietly")
        assert await client.reader.readexactly(7) == b"QUIETLY"
        client.writer.write_eof()
        assert await client.reader.read() == b""


async def test_a_refused_upgrade_with_a_body(tunnel, origin):
    """The body is the request's, and what follows is another request; but what came before the refusal is none."""

    @origin.on("/ws")
    async def refuse(exchange):
        await exchange.respond(200, body=await exchange.read_body())

    async with patiently(30), await Connection.open(tunnel.port) as client:
        for _ in range(2):
            response = await client.request("POST", origin.url("/ws"), SHOUT, b"body")
            assert (response.status, response.body) == (200, b"body"), "the connection goes on as HTTP"
    async with patiently(30), await Connection.open(tunnel.port) as client:
        smuggled = request("GET", origin.url("/smuggled"))
        await client.send(request("POST", origin.url("/ws"), SHOUT, b"body") + smuggled)
        response = await client.response()
        assert (response.status, response.get("connection")) == (200, "close") and await client.reader.read() == b""
    assert origin.paths() == ["/ws"] * 3 and origin.requests[0].get("upgrade") == "shout"


async def test_an_upgrade_with_a_body_of_unknown_length(tunnel, origin):
    """Nobody on the way could tell where it ends: that is said, and the Upgrade isn't dropped in silence."""
    async with patiently(30), await Connection.open(tunnel.port) as client:
        fields = [("Host", "x"), ("Transfer-Encoding", "chunked"), *SHOUT]
        await client.send(wire.head(f"POST {origin.url('/ws')} HTTP/1.1", fields) + b"0\r\n\r\n")
        response = await client.response()
        assert response.status == 411 and "Content-Length" in response.text
    assert origin.requests == []
