"""How tunnels and exchanges end, whatever carries them: a part is never taken for the whole, and who has left is missed."""

import asyncio

import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from harness import wire
from harness.client import Connection
from harness.codecs import CANCELLING, STREAMING
from harness.origin import reset
from harness.waiting import eventually, patiently
from harness.websocket import open_websocket, port_of
from harness.wire import Broken

protocols = pytest.mark.parametrize("protocol", ["http", "socks"])
RESET = "reset"


@pytest.fixture(scope="module")
def shared(carried) -> dict:
    return carried(client_protocols="detect")


async def opened(tunnel, protocol: str, target) -> Connection:
    client = await Connection.open(tunnel.port)
    if protocol == "socks":
        await client.socks(target.port)
    else:
        assert (await client.connect(target.authority)).status == 200
    return client


async def drained(reader) -> str | int:
    """How many bytes came before the end; or that it was none."""
    count = 0
    try:
        while data := await reader.read(1 << 16):
            count += len(data)
    except ConnectionError:
        return RESET
    return count


@protocols
async def test_an_origin_that_resets_while_the_client_writes(tunnel, make_tcp, protocol):
    """The server learns of the reset by what it reads or by what it writes."""

    async def resets(reader, writer):
        await reader.read(1)
        writer.write(bytes(1000))
        await reader.read(1)
        reset(writer)

    target = await make_tcp(resets)
    at_once = asyncio.Semaphore(20)

    async def one():
        async with at_once, await opened(tunnel, protocol, target) as client:

            async def write():
                while True:
                    await client.send(bytes(100))
                    await asyncio.sleep(0)

            writing = asyncio.create_task(write())
            end = await drained(client.reader)
            writing.cancel()
            await asyncio.wait([writing])
            return end

    async with patiently(60):
        ends = await asyncio.gather(*(one() for _ in range(200)))
    assert [end for end in ends if end != RESET] == []


@protocols
@pytest.mark.parametrize("when", ["at once", "in the middle", "after the client's end"])
async def test_an_origin_that_resets(tunnel, make_tcp, protocol, when):
    async def resets(reader, writer):
        if when != "at once":
            await (reader.read() if when == "after the client's end" else reader.read(1))
            writer.write(bytes(300_000))
            await writer.drain()
        reset(writer)

    target = await make_tcp(resets)
    async with patiently(30):
        for _ in range(20):
            try:
                client = await opened(tunnel, protocol, target)
            except (AssertionError, ConnectionError, Broken):
                # Early enough to be told instead, or to overtake what was answered.
                assert when == "at once"
                continue
            async with client:
                if when != "at once":
                    await client.send(b"go")
                if when == "after the client's end":
                    client.writer.write_eof()
                assert await drained(client.reader) == RESET


@protocols
@pytest.mark.parametrize("when", ["at once", "in the middle", "after the origin's end"])
async def test_a_client_that_resets(tunnel, make_tcp, protocol, when):
    ends = []

    async def read(reader, writer):
        async def write():
            while True:
                writer.write(bytes(1000))
                await writer.drain()
                await asyncio.sleep(0)

        writing = asyncio.create_task(write()) if when == "in the middle" else None
        if when == "after the origin's end":
            writer.write_eof()
        ends.append(await drained(reader))
        if writing is not None:
            writing.cancel()

    target = await make_tcp(read)
    async with patiently(60):
        for _ in range(40):
            client = await opened(tunnel, protocol, target)
            if when == "after the origin's end":
                assert await client.reader.read() == b""
            if when != "at once":
                await client.send(bytes(10_000))
            if when == "in the middle":
                await client.reader.read(5_000)
            reset(client.writer)
        await eventually(lambda: len(ends) == 40, 20, lambda: f"the origin sees all of them end, {len(ends)} so far")
    assert [end for end in ends if end != RESET] == []


@pytest.mark.parametrize("who", ["agent", "server"])
async def test_an_end_of_the_tunnel_that_dies(make_tunnel, codec, make_tcp, who):
    """What the other end has is not the whole, at both sides."""
    at_origin = asyncio.get_running_loop().create_future()

    async def read(reader, writer):
        writer.write(await reader.readexactly(2))
        at_origin.set_result(await drained(reader))

    target = await make_tcp(read)
    frame = {"frame": {"codec": codec}}
    tunnel = make_tunnel(agent=frame, server=frame).start()
    async with patiently(30), await opened(tunnel, "http", target) as client:
        await client.send(b"go")
        assert await client.reader.readexactly(2) == b"go"
        if who == "agent":
            tunnel.agent.kill()
            assert await at_origin == RESET
        else:
            tunnel.server.kill()
            assert await drained(client.reader) == RESET


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_leaves_in_the_middle_of_its_body(tunnel, codec, origin, how):
    """What the origin has of it is not the whole."""
    ends = []

    @origin.on("/upload")
    async def upload(exchange):
        try:
            ends.append(len(await exchange.read_body()))
        except Broken:
            ends.append(RESET)
        exchange.close()

    async with patiently(30):
        for framing in (("Content-Length", "1000000"), ("Transfer-Encoding", "chunked")):
            client = await Connection.open(tunnel.port)
            await client.send(wire.head(f"POST {origin.url('/upload')} HTTP/1.1", [("Host", origin.authority), framing]) + wire.chunk(bytes(100_000)))
            if codec in STREAMING:
                await eventually(lambda: origin.open, 10, "the request is there")
            if how == "reset":
                reset(client.writer)
            else:
                client.writer.close()
            await eventually(lambda: origin.open == 0, 10, "the origin sees the end")
    # Otherwise a body is whole, or isn't sent.
    assert ends == ([RESET, RESET] if codec in STREAMING else [])


async def test_a_client_that_leaves_in_the_middle_of_the_response(tunnel, codec, origin):
    if codec not in CANCELLING:
        pytest.skip("a request can't be cancelled")

    @origin.on("/endless")
    async def endless(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        while True:
            await exchange.send(wire.chunk(bytes(1000)))
            await asyncio.sleep(0)

    async with patiently(30):
        for leave in (lambda client: client.writer.close(), lambda client: reset(client.writer)):
            async with await Connection.open(tunnel.port) as client:
                await client.send(wire.head(f"GET {origin.url('/endless')} HTTP/1.1", [("Host", origin.authority)]))
                await client.head()
                await client.reader.read(5_000)
                leave(client)
                await eventually(lambda: origin.open == 0, 10, "the origin sees the end")


async def test_an_answer_that_comes_before_the_request_is_complete(tunnel, codec, origin):
    @origin.on("/early")
    async def early(exchange):
        await exchange.respond(413, [("Connection", "close")], b"too much")
        # Not closed while more comes, which would lose the answer.
        await drained(exchange.reader)
        exchange.close()

    async with patiently(60):
        for _ in range(10):
            async with await Connection.open(tunnel.port) as client:
                await client.send(wire.head(f"POST {origin.url('/early')} HTTP/1.1", [("Host", origin.authority), ("Content-Length", "5000000")]))
                sending = asyncio.create_task(client.send(bytes(5_000_000)))
                response = await client.response()
                assert (response.status, response.body) == (413, b"too much")
                sending.cancel()
                await asyncio.wait([sending])


@pytest.mark.parametrize("asks", [True, False], ids=["the origin says 100", "the origin answers"])
async def test_a_client_that_waits_for_100(tunnel, origin, asks):
    @origin.on("/wait")
    async def wait(exchange):
        if asks:
            await exchange.send(wire.head("HTTP/1.1 100 Continue"))
        body = await exchange.read_body() if asks else b""
        await exchange.respond(200 if asks else 417, [] if asks else [("Connection", "close")], body)
        exchange.close()

    async with patiently(20), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"POST {origin.url('/wait')} HTTP/1.1", [("Host", origin.authority), ("Content-Length", "5"), ("Expect", "100-continue")]))
        head = await client.head()
        if head.status == 100:
            await client.send(b"hello")
            head = await client.head()
        assert head.status == (200 if asks else 417)
        assert b"".join([part async for part in client.body(head)]) == (b"hello" if asks else b"")


async def websocket_end(tunnel, serving, at_client) -> tuple[tuple, tuple]:
    """The code and the reason of the close frame that each side has got of the other: the client, and the origin."""
    ends = asyncio.get_running_loop().create_future()

    async def origin(connection):
        try:
            await serving(connection)
            async for _ in connection:
                pass
        except ConnectionClosed:
            pass
        await connection.wait_closed()
        ends.set_result(connection.protocol.close_rcvd)

    async with patiently(30), serve(origin, "127.0.0.1", 0, ping_interval=None, compression=None) as server:
        client = await open_websocket(tunnel.port, f"ws://127.0.0.1:{port_of(server)}/", "upgrade")
        try:
            await at_client(client)
            async for _ in client:
                pass
        except ConnectionClosed:
            pass
        await client.wait_closed()
        return tuple((close.code, close.reason) if close else None for close in (client.protocol.close_rcvd, await ends))


async def nothing(connection):
    pass


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("who", ["client", "origin"])
async def test_a_websocket_that_is_lost_is_no_closed_one(tunnel, who, how):
    async def lose(connection):
        await connection.send("something")
        if how == "reset":
            reset(connection)
        else:
            connection.transport.abort()

    try:
        ends = await websocket_end(tunnel, *((nothing, lose) if who == "client" else (lose, nothing)))
    except InvalidStatus as error:
        # The origin's reset came with its answer: early enough to be told instead.
        assert (who, how, error.response.status_code) == ("origin", "reset", 502)
        return
    except InvalidMessage:
        # Or it overtook the answer, as a reset does.
        assert (who, how) == ("origin", "reset")
        return
    assert ends == (None, None)


@pytest.mark.parametrize("who", ["client", "origin"])
async def test_a_websocket_that_is_closed(tunnel, who):
    async def close(connection):
        await connection.send("something")
        await connection.close(4001, "enough")

    ends = await websocket_end(tunnel, *((nothing, close) if who == "client" else (close, nothing)))
    assert ends == ((4001, "enough"), (4001, "enough"))
