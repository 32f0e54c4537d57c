"""A peer of HTTP/2 that has the right certificate and means harm: bodies that wait take as much memory as they have bytes, however they came.

As in test_hostile_peers.py, what counts is the growth of resident memory.
"""

import asyncio
import contextlib
import os
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import pytest
import pytest_asyncio

from harness.client import Connection
from harness.fluidity import Fluidity, write_configuration
from harness.http2 import HTTP2Client
from harness.memory import KiB, Measured
from harness.origin import FullBacklog, StalledOrigin
from harness.ports import free_port
from harness.processes import quiet
from harness.waiting import eventually, patiently

WINDOW = 65_535  # What a server takes of a stream that it doesn't read (RFC 9113, 6.9.2).
STREAMS = 6


@pytest.fixture
def server(make_tunnel):
    settings = {"destinations": "any", "connect-timeout": "120s", "connections-per-origin": 2000}
    tunnel = make_tunnel(server={"frame": {"codec": "h2"}, "fetch": settings})
    tunnel.start_server()
    return tunnel.server


def data(stream: int, payload: bytes, padding: int | None = None) -> bytes:
    if padding is not None:
        payload = bytes([padding]) + payload + bytes(padding)
    return len(payload).to_bytes(3, "big") + bytes([0, 0 if padding is None else 8]) + stream.to_bytes(4, "big") + payload


@pytest.mark.timeout(600)
@pytest.mark.parametrize("padding", [None, 0, 5], ids=["bare", "padding of none", "padding"])
@pytest.mark.parametrize("where", ["before the origin is connected", "at an origin that doesn't read"])
async def test_pieces_of_one_byte(server, client_identity, silent, record_property, where, padding):
    async with patiently(300), StalledOrigin() as origin, await HTTP2Client.open(server.port, client_identity) as client:
        measured = Measured(server, record_property)
        authority = origin.authority if "read" in where else silent
        streams = [
            (await client.request([(":method", "CONNECT"), (":authority", authority)], end=False)).number for _ in range(STREAMS)
        ]
        if "read" in where:
            await asyncio.gather(*(client.streams[stream].head() for stream in streams))
        size = 1 if padding is None else 2 + padding
        turn = b"".join(data(stream, b"x", padding) for stream in streams)
        for _ in range(WINDOW // size // 64):
            client.writer.write(turn * 64)
            await client.writer.drain()
        await eventually(quiet(server.pid), 120, "the server has taken everything")
        assert not client.closed and client.goaway is None
        measured.check(STREAMS)


@pytest.mark.timeout(600)
async def test_single_bytes_among_others(server, client_identity, silent, record_property, origin):
    """Each byte that is held comes in a read of its own, with much that goes on."""

    @origin.on("/sink")
    async def sink(exchange):
        async for _ in exchange.body():
            pass
        await exchange.respond(200)

    async with patiently(300), await HTTP2Client.open(server.port, client_identity) as client:
        measured = Measured(server, record_property)
        post = [(":method", "POST"), (":scheme", "http"), (":authority", origin.authority), (":path", "/sink")]
        busy = await client.request(post, end=False)
        held = [(await client.request([(":method", "CONNECT"), (":authority", silent)], end=False)).number for _ in range(100)]
        block = os.urandom(16 * KiB)
        for _ in range(12):
            for stream in held:
                client.writer.write(data(stream, b"x"))
                await busy.send(block)
        await busy.send(end=True)
        assert (await busy.done()).status == 200
        assert client.goaway is None
        measured.check(len(held))


async def test_what_waited_arrives(server, client_identity):
    """Nothing is lost of it, nor repeated, whatever it was cut into, and its end neither."""
    backlog = FullBacklog()
    arrived: dict[bytes, bytes] = {}

    async def take(reader, writer):
        if received := await reader.read(-1):
            arrived[received[:1]] = received
        writer.close()

    async with patiently(120), await HTTP2Client.open(server.port, client_identity) as client:
        target = [(":method", "CONNECT"), (":authority", f"127.0.0.1:{backlog.port}")]
        streams = {name: (await client.request(target, end=False)).number for name in b"abcdefgh"}
        bodies = {name: bytearray() for name in streams}
        sent = dict.fromkeys(streams, 0)
        turn = 0
        while min(sent.values()) < WINDOW - 2 * KiB:
            for name, stream in streams.items():
                turn += 1
                payload = bytes([name]) * (1 + turn * 37 % 700)
                frame = data(stream, payload, None if turn % 3 else turn % 256)
                if sent[name] + len(frame) <= WINDOW:
                    sent[name] += len(frame)
                    bodies[name] += payload
                    client.writer.write(frame)
            await client.writer.drain()
        for stream in streams.values():
            client.writer.write(b"\0\0\0\0\1" + stream.to_bytes(4, "big"))
        await client.writer.drain()
        listener = await asyncio.start_server(take, sock=backlog.open())
        await eventually(lambda: len(arrived) == len(streams), 60, "all of it arrives")
        listener.close()
        assert arrived == {bytes([name]): bytes(body) for name, body in bodies.items()}
        assert client.goaway is None
    backlog.close()


class HostileServer:
    """A server of one connection, which answers when the test says so."""

    def __init__(self):
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.asked: dict[str, int] = {}
        self.connections = 0
        self.resets = 0
        self.ended = False

    async def serve(self, reader, writer):
        self.connections += 1
        self.writer = writer
        self.h2.initiate_connection()
        await self.flush()
        with contextlib.suppress(asyncio.CancelledError):
            while received := await reader.read(1 << 16):
                for event in self.h2.receive_data(received):
                    if isinstance(event, h2.events.RequestReceived):
                        self.asked[dict(event.headers)[b":path"].decode()] = event.stream_id
                    elif isinstance(event, h2.events.StreamReset):
                        self.resets += 1
                await self.flush()
        self.ended = True

    async def flush(self):
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    def window(self, stream: int) -> int:
        return self.h2.local_flow_control_window(stream)

    async def send(self, stream: int, payload: bytes):
        await eventually(lambda: self.window(stream) >= len(payload) or self.ended, 30, "there is credit")
        self.h2.send_data(stream, payload)
        await self.flush()


@pytest_asyncio.fixture
async def deceived(client_identity, server_identity, tmp_path, launch):
    """An agent, and the hostile server that it has."""
    hostile = HostileServer()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(server_identity.ca))
    context.load_cert_chain(server_identity.certificate, server_identity.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    listener = await asyncio.start_server(hostile.serve, "127.0.0.1", 0, ssl=context)
    port = free_port()
    config = write_configuration(
        tmp_path / "agent.yaml",
        [
            ("accept", {"listen": f"127.0.0.1:{port}"}),
            ("http", {"mode": "proxy"}),
            ("frame", {"codec": "h2"}),
            ("mtls", {**client_identity.settings(), "name": "localhost"}),
            ("connect", {"to": f"localhost:{listener.sockets[0].getsockname()[1]}"}),
        ],
        **{"event-loops": 1},
    )
    agent = launch(Fluidity("agent", config, port=port))
    yield agent, hostile
    listener.close()


@pytest.mark.timeout(600)
async def test_an_agent_whose_clients_do_not_read(deceived, record_property):
    """Each byte for one of them comes in a read of its own, with much for another that reads."""
    agent, hostile = deceived
    clients = []
    async with patiently(300):
        reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
        writer.write(b"GET http://a.test/busy HTTP/1.1\r\nHost: a.test\r\n\r\n")
        for number in range(12):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", agent.port))
            client.sendall(f"GET http://a.test/{number} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
            clients.append(client)
        await eventually(lambda: len(hostile.asked) == 13, 30, "the agent asks")
        busy = hostile.asked.pop("/busy")
        held = list(hostile.asked.values())
        for stream in [busy, *held]:
            hostile.h2.send_headers(stream, [(":status", "200")])
        await hostile.flush()

        async def read() -> int:
            count = 0
            while received := await reader.read(1 << 18):
                count += len(received)
            return count

        reading = asyncio.create_task(read())
        for stream in held:
            # Until no credit comes any more, though half of the window is used.
            whole = hostile.window(stream)
            while hostile.window(stream) > whole // 2:
                await hostile.send(stream, bytes(8 * KiB))
                if hostile.window(stream) <= whole // 2:
                    await asyncio.sleep(0.2)
        measured = Measured(agent, record_property)
        block = os.urandom(16 * KiB)
        for _ in range(200):
            for stream in held:
                hostile.writer.write(data(stream, b"x"))
                hostile.h2.outbound_flow_control_window -= 1
                await hostile.send(busy, block)
        hostile.h2.end_stream(busy)
        await hostile.flush()
        assert not hostile.ended
        measured.check(len(held) + 1)
    reading.cancel()
    for each in clients:
        each.close()


@pytest.mark.parametrize("goodbye", [True, False])
@pytest.mark.parametrize("ends", [True, False], ids=["whole", "cut"])
async def test_a_server_that_closes_behind_its_answer(deceived, goodbye, ends):
    """The client gets all of a whole one, however slowly it reads, and hears whether it is whole."""
    agent, hostile = deceived
    async with patiently(60):
        client = await Connection.open(agent.port, receive_buffer=2048)
        await client.send(b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n")
        await eventually(lambda: hostile.asked, 30, "the agent asks")
        (stream,) = hostile.asked.values()
        hostile.h2.send_headers(stream, [(":status", "200")])
        whole, body = 0, b""
        # Until no credit comes any more: from then on what is sent waits.
        while not whole or hostile.window(stream) > whole // 2:
            whole = max(whole, hostile.window(stream))
            part = os.urandom(8 * KiB)
            body += part
            await hostile.send(stream, part)
            if hostile.window(stream) <= whole // 2:
                await asyncio.sleep(0.3)
        for _ in range(3):
            part = os.urandom(8 * KiB)
            body += part
            await hostile.send(stream, part)
        if ends:
            hostile.h2.end_stream(stream)
        if goodbye:
            hostile.h2.close_connection()
        await hostile.flush()
        hostile.writer.close()
        response = await client.head()
        await asyncio.sleep(1)
        received = b""
        with contextlib.nullcontext() if ends else pytest.raises(Exception):
            async for part in client.body(response):
                received += part
        assert received == body if ends else body.startswith(received)
        client.abort()


async def test_clients_that_leave_while_bodies_wait(deceived):
    """Their streams end, the connection goes on for others, and its window is as it was: nothing counts what nobody wanted."""
    agent, hostile = deceived
    clients = []
    async with patiently(120):
        for number in range(40):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", agent.port))
            client.sendall(f"GET http://a.test/{number} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
            clients.append(client)
        await eventually(lambda: len(hostile.asked) == len(clients), 30, "the agent asks")
        streams = list(hostile.asked.values())
        for stream in streams:
            hostile.h2.send_headers(stream, [(":status", "200")])
        await hostile.flush()
        for stream in streams:
            while hostile.h2.streams[stream].outbound_flow_control_window > 64 * KiB:
                before = hostile.h2.streams[stream].outbound_flow_control_window
                await hostile.send(stream, bytes(8 * KiB))
                if before <= 128 * KiB:
                    await asyncio.sleep(0.02)
        spent = hostile.h2.outbound_flow_control_window
        for each in clients:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            each.close()
        await eventually(lambda: hostile.resets == len(streams), 30, "the agent resets the streams")
        credit = len(streams) * 64 * KiB
        await eventually(lambda: hostile.h2.outbound_flow_control_window >= spent + credit, 30, "the connection's window comes back")
        # The connection serves others.
        client = await Connection.open(agent.port)
        await client.send(b"GET http://a.test/after HTTP/1.1\r\nHost: a.test\r\n\r\n")
        await eventually(lambda: "/after" in hostile.asked, 30, "the agent asks over the same connection")
        hostile.h2.send_headers(hostile.asked["/after"], [(":status", "204")], end_stream=True)
        await hostile.flush()
        assert (await client.head()).status == 204
        client.abort()
        assert hostile.connections == 1 and not hostile.ended
