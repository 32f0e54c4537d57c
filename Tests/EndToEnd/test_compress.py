"""`compress`: what is deflated between agent and server, and what never is."""

import asyncio
import hashlib
import json
import random
import ssl
import zlib

import pytest

from harness import wire
from harness.admin import Admin
from harness.client import Connection, fetch
from harness.fluidity import Fluidity, write_configuration
from harness.memory import Growth, MiB
from harness.ports import free_port
from harness.processes import curl
from harness.waiting import eventually, patiently
from harness.websocket import open_websocket, port_of, serve_echo

COMPRESS = ("compress", {})
TEXT = b"The same words over and over, as in most of what people read. " * 10_000


@pytest.fixture
def make_wire(make_tunnel, make_tcp):
    """A tunnel through a listener that counts what passes, each way."""

    async def make(agent_filters=(COMPRESS,), server_filters=(COMPRESS,), **settings):
        counts = {"up": 0, "down": 0}

        async def pump(reader, writer, name):
            while data := await reader.read(1 << 16):
                counts[name] += len(data)
                writer.write(data)
                await writer.drain()
            writer.write_eof()

        async def relay(reader, writer):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", tunnel.server_port)
            try:
                await asyncio.gather(pump(reader, far_writer, "up"), pump(far_reader, writer, "down"))
            finally:
                far_writer.close()

        between = await make_tcp(relay)
        agent = {"connect": {"to": f"localhost:{between.port}", "wait": "10s"}}
        tunnel = make_tunnel(agent=agent, agent_filters=list(agent_filters), server_filters=list(server_filters), **settings)
        await asyncio.to_thread(tunnel.start)
        tunnel.counts = counts
        return tunnel

    return make


def counted(tunnel, name: str) -> int:
    """What has passed since this was asked last."""
    value, tunnel.counts[name] = tunnel.counts[name], 0
    return value


async def until_up(tunnel, origin):
    """Every loop of the agent has its session once a request on each has been answered."""

    @origin.on("/up")
    async def up(exchange):
        await exchange.respond(200)

    for _ in range(16):
        assert (await fetch(tunnel.port, origin.url("/up"))).status == 200
    if hasattr(tunnel, "counts"):
        counted(tunnel, "up"), counted(tunnel, "down")


def on_text(origin, fields=(("Content-Type", "text/html"),), body=TEXT):
    @origin.on("/text")
    async def text(exchange):
        await exchange.respond(200, list(fields), body)

    @origin.on("/echo")
    async def echo(exchange):
        received = await exchange.read_body()
        await exchange.respond(200, [("Content-Type", "application/octet-stream")], hashlib.sha256(received).hexdigest().encode())


@pytest.mark.parametrize("agent", [True, False])
@pytest.mark.parametrize("server", [True, False])
async def test_every_combination_of_ends(make_wire, origin, agent, server):
    tunnel = await make_wire([COMPRESS] if agent else [], [COMPRESS] if server else [])
    on_text(origin)
    async with patiently(60):
        await until_up(tunnel, origin)
        response = await fetch(tunnel.port, origin.url("/text"))
        assert response.body == TEXT
        assert response.get("content-length") == str(len(TEXT)), "the length is the body's own"
        assert not response.chunked and response.get("content-encoding") is None
        assert (counted(tunnel, "down") < 30_000) == (agent and server)
        counted(tunnel, "up")
        fields = [("Content-Type", "application/json")]
        response = await fetch(tunnel.port, origin.url("/echo"), "POST", fields, TEXT)
        assert response.body == hashlib.sha256(TEXT).hexdigest().encode()
        assert (counted(tunnel, "up") < 30_000) == (agent and server)
        request = origin.requests[-1]
        assert request.get("content-length") == str(len(TEXT)) and not request.chunked
        names = {name.lower() for name, _ in request.fields}
        assert names <= {"host", "content-type", "content-length"}, "the origin sees nothing of the tunnel"


@pytest.mark.parametrize(
    "fields, is_deflated",
    [
        ([("Content-Type", "text/html")], True),
        ([("Content-Type", "image/png")], False),
        ([("Content-Type", "text/html"), ("Content-Encoding", "br")], False),
        ([("Content-Type", "text/html"), ("Cache-Control", "no-transform")], False),
        ([], False),
    ],
)
async def test_what_is_deflated(make_wire, origin, fields, is_deflated):
    tunnel = await make_wire()
    on_text(origin, fields)
    async with patiently(60):
        await until_up(tunnel, origin)
        response = await fetch(tunnel.port, origin.url("/text"))
    assert response.body == TEXT
    assert [each for each in response.fields if each[0] not in ("Content-Length", "Date")] == list(fields)
    assert (counted(tunnel, "down") < 30_000) == is_deflated


async def test_random_bodies_come_out_as_they_went_in(make_wire, origin):
    tunnel = await make_wire()
    source = random.Random(5)

    @origin.on("/random")
    async def answer(exchange):
        received = await exchange.read_body()
        await exchange.respond(200, [("Content-Type", "text/plain")], received[::-1])

    def body() -> bytes:
        size = source.choice([0, 1, 1000, 1023, 1024, 5000, 65536, 300_000, 3_000_000])
        kind = source.randrange(3)
        if kind == 0:
            return source.randbytes(size)
        return (b"%d words " % source.randrange(1000) * (size // 4 + 1))[:size] if kind == 1 else bytes(size)

    async def client(number: int):
        async with await Connection.open(tunnel.port) as connection:
            for _ in range(8):
                sent = body()
                response = await connection.request("POST", origin.url("/random"), [("Content-Type", "text/plain")], sent)
                assert hashlib.sha256(response.body).digest() == hashlib.sha256(sent[::-1]).digest()

    async with patiently(120):
        await until_up(tunnel, origin)
        await asyncio.gather(*(client(number) for number in range(8)))


async def test_each_event_arrives_before_the_next_is_sent(make_wire, origin):
    tunnel = await make_wire()
    seen = asyncio.Semaphore(0)

    @origin.on("/events")
    async def events(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
        for number in range(100):
            await exchange.send(wire.chunk(b"data: an event with words that come again, number %d\n\n" % number))
            await seen.acquire()
        await exchange.send(wire.last_chunk())

    async with patiently(60), await Connection.open(tunnel.port) as client:
        await until_up(tunnel, origin)
        await client.send(wire.head(f"GET {origin.url('/events')} HTTP/1.1", [("Host", origin.authority)]))
        response = await client.head()
        received, number = b"", 0
        async for data in client.body(response):
            received += data
            while received.startswith(event := b"data: an event with words that come again, number %d\n\n" % number):
                received, number = received[len(event) :], number + 1
                seen.release()
        assert (number, received) == (100, b"")


async def test_an_upload_arrives_before_more_is_sent(make_wire, origin):
    tunnel = await make_wire()
    arrived = asyncio.Queue()

    @origin.on("/upload")
    async def upload(exchange):
        async for data in exchange.body():
            arrived.put_nowait(data)
        await exchange.respond(200)

    async with patiently(60), await Connection.open(tunnel.port) as client:
        await until_up(tunnel, origin)
        fields = [("Host", origin.authority), ("Transfer-Encoding", "chunked"), ("Content-Type", "application/x-ndjson")]
        await client.send(wire.head(f"POST {origin.url('/upload')} HTTP/1.1", fields))
        for number in range(20):
            await client.send(wire.chunk(b'{"part": %d}\n' % number))
            assert await arrived.get() == b'{"part": %d}\n' % number
        await client.send(wire.last_chunk())
        assert (await client.response()).status == 200


async def test_trailers_pass(make_wire, origin):
    tunnel = await make_wire()

    @origin.on("/trailers")
    async def trailers(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked"), ("Trailer", "Sum")]))
        await exchange.send(wire.chunk(TEXT) + b"0\r\nSum: 42\r\n\r\n")

    async with patiently(60):
        await until_up(tunnel, origin)
        response = await fetch(tunnel.port, origin.url("/trailers"))
        assert response.body == TEXT and response.trailers == [("Sum", "42")]
        assert counted(tunnel, "down") < 30_000


async def test_connect_and_websockets_are_not_touched(make_wire, origin):
    """Compressible bytes in a tunnel go as they are: whose they are nobody here can know."""
    tunnel = await make_wire()
    on_text(origin)
    async with patiently(60):
        await until_up(tunnel, origin)
        through = await curl("-x", tunnel.proxy, "--proxytunnel", origin.url("/text"))
        assert through.output == TEXT
        assert counted(tunnel, "down") > len(TEXT)
        message = "the same words " * 10_000
        async with serve_echo() as server, open_websocket(tunnel.port, f"ws://127.0.0.1:{port_of(server)}/", "upgrade", compression=None) as socket:
            await socket.send(message)
            assert await socket.recv() == message
        assert counted(tunnel, "down") > len(message)


async def test_a_client_and_an_origin_cannot_pretend(make_wire, origin):
    """Fields with names that somebody might take for the tunnel's are passed on like any other, and nothing comes of them."""
    tunnel = await make_wire()
    fields = [("Fluidity-Encoding", "deflate"), ("Fluidity-Accept", "deflate"), ("Content-Type", "text/plain")]
    on_text(origin, [*fields, ("X-Kind", "deflated")], b"short and plain")
    async with patiently(60):
        await until_up(tunnel, origin)
        response = await fetch(tunnel.port, origin.url("/text"), "POST", fields, b"also plain")
        assert response.body == b"short and plain"
        assert origin.requests[-1].get("fluidity-encoding") == "deflate"


async def test_a_huge_body_that_was_small_takes_no_memory(make_wire, origin):
    """1 GiB of zeros, a megabyte in the tunnel, read by a client at its own speed."""
    tunnel = await make_wire()
    size = 1 << 30
    chunk = bytes(1 << 20)

    @origin.on("/zeros")
    async def zeros(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(size))]))
        for _ in range(size // len(chunk)):
            await exchange.send(chunk)

    async with patiently(300), await Connection.open(tunnel.port, receive_buffer=1 << 16) as client:
        await until_up(tunnel, origin)
        agent, server = Growth(tunnel.agent.pid), Growth(tunnel.server.pid)
        await client.send(wire.head(f"GET {origin.url('/zeros')} HTTP/1.1", [("Host", origin.authority)]))
        response = await client.head()
        received = 0
        async for data in client.body(response):
            received += len(data)
        assert received == size
        assert counted(tunnel, "down") < 16 * MiB
        assert agent.peak() < 24 * MiB and server.peak() < 24 * MiB


async def test_a_stalled_reader_of_a_huge_body_takes_no_memory(make_wire, origin):
    tunnel = await make_wire()
    sent = 0

    @origin.on("/endless")
    async def endless(exchange):
        nonlocal sent
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked")]))
        while True:
            await exchange.send(wire.chunk(bytes(1 << 16)))
            sent += 1 << 16

    async with patiently(120), await Connection.open(tunnel.port, receive_buffer=1 << 14) as client:
        await until_up(tunnel, origin)
        agent, server = Growth(tunnel.agent.pid), Growth(tunnel.server.pid)
        await client.send(wire.head(f"GET {origin.url('/endless')} HTTP/1.1", [("Host", origin.authority)]))
        await client.head()
        # The origin stops when every buffer on the way is full; others go on meanwhile.
        before = -1
        while before != sent:
            before = sent
            for _ in range(20):
                assert (await fetch(tunnel.port, origin.url("/up"))).status == 200
        assert agent.peak() < 24 * MiB and server.peak() < 24 * MiB


async def test_a_request_that_is_no_deflated_body_is_refused(make_tunnel, origin, client_identity):
    """A peer that says a body is deflated and sends something else gets an error, and the session goes on."""
    tunnel = make_tunnel(server_filters=[COMPRESS])
    await asyncio.to_thread(tunnel.start_server)
    on_text(origin)
    async with patiently(30):
        async with await mux_session(tunnel.server_port, client_identity) as session:
            hello = await session.frame()
            assert hello.payload[22:].startswith(b"\0\1\0\1\1"), "the server says that it inflates"
            session.open(1, origin.authority, "/echo", deflated=True, data=b"this was never deflated")
            head = await session.until(2, stream=1)
            assert int.from_bytes(head.payload[:2], "big") == 502
            session.open(3, origin.authority, "/text", method="GET")
            head = await session.until(2, stream=3)
            assert int.from_bytes(head.payload[:2], "big") == 200


async def test_a_bomb_ends_in_an_error_or_flows(make_tunnel, origin, client_identity):
    """A request of a kilobyte or so that inflates to a megabyte for each: with a length that is exceeded, and with none."""
    tunnel = make_tunnel(server_filters=[COMPRESS])
    await asyncio.to_thread(tunnel.start_server)
    received = asyncio.Queue()

    @origin.on("/sink")
    async def sink(exchange):
        total = 0
        async for data in exchange.body():
            total += len(data)
        received.put_nowait(total)
        await exchange.respond(200)

    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    assert len(bomb) < 128 << 10, "it has to fit in a stream's window"
    async with patiently(120):
        async with await mux_session(tunnel.server_port, client_identity) as session:
            await session.frame()
            growth = Growth(tunnel.server.pid)
            session.open(1, origin.authority, "/sink", deflated=1000, data=bomb[:16_000])
            head = await session.until(2, stream=1)
            assert int.from_bytes(head.payload[:2], "big") == 502
            session.open(3, origin.authority, "/sink", deflated=True, data=b"", end=False)
            session.data(3, bomb, end=True)
            assert await received.get() == 100 << 20
            head = await session.until(2, stream=3)
            assert int.from_bytes(head.payload[:2], "big") == 200
            assert growth.peak() < 24 * MiB


async def test_what_is_deflated_is_zlib(make_tunnel, origin, client_identity):
    """Another program's zlib reads what the server sends to whoever asks for it."""
    tunnel = make_tunnel(server_filters=[COMPRESS])
    await asyncio.to_thread(tunnel.start_server)
    on_text(origin)
    async with patiently(30), await mux_session(tunnel.server_port, client_identity) as session:
        await session.frame()
        for stream, asks in [(1, True), (3, False)]:
            session.open(stream, origin.authority, "/text", method="GET", asks=asks)
            head = await session.until(2, stream)
            form = b"\3\1" if asks else b"\1"
            assert head.payload[2:].startswith(form + len(TEXT).to_bytes(8, "big"))
            data = await session.body(stream)
            assert (zlib.decompress(data) if asks else data) == TEXT


async def test_a_relay_between_passes_it_on(make_tunnel, launch, tmp_path, origin, server_identity, client_identity):
    """`frame, frame` in the middle, without the stage: what the last end takes, the first may send."""
    port = free_port()
    tunnel = make_tunnel(agent={"connect": {"to": f"localhost:{port}"}}, agent_filters=[COMPRESS], server_filters=[COMPRESS])
    await asyncio.to_thread(tunnel.start_server)
    stages = [
        ("accept", {"listen": f"127.0.0.1:{port}"}), ("mtls", server_identity.settings()), ("frame", {}), ("frame", {}),
        ("mtls", {**client_identity.settings(), "name": "localhost"}), ("connect", {"to": f"localhost:{tunnel.server_port}"}),
    ]  # fmt: skip
    config = write_configuration(tmp_path / "relay.yaml", stages, **{"event-loops": 1})
    relay = await asyncio.to_thread(lambda: launch(Fluidity("server", config, port=port, name="relay")))
    await asyncio.to_thread(relay.wait_for_line, "tunnel is up")
    await asyncio.to_thread(tunnel.start_agent)
    on_text(origin)
    async with patiently(60):
        await until_up(tunnel, origin)
        response = await fetch(tunnel.port, origin.url("/text"))
        assert response.body == TEXT and response.get("content-length") == str(len(TEXT))
        fields = [("Content-Type", "application/json")]
        response = await fetch(tunnel.port, origin.url("/echo"), "POST", fields, TEXT)
        assert response.body == hashlib.sha256(TEXT).hexdigest().encode()

        def exchanges():
            lines = [json.loads(line) for line in relay.text().splitlines() if line.startswith("{")]
            return [line for line in lines if line["message"] == "exchange"]

        # Lines are written a moment later than what they tell of happens.
        await eventually(lambda: any(line["method"] == "POST" for line in exchanges()), 10, "the relay's log has the POST")
        passed = exchanges()
        assert min(int(line["sent"]) for line in passed if line["method"] == "GET" and line["sent"] != "0") < 30_000
        assert [int(line["received"]) < 30_000 for line in passed if line["method"] == "POST"] == [True]


async def test_a_deflated_request_does_not_go_to_an_end_that_cannot_take_it(make_tunnel, origin):
    """Deflated for one server, it waits for a stream, and finds another server when it gets one."""
    admin = Admin(free_port())
    tunnel = make_tunnel(
        agent_filters=[COMPRESS], server_filters=[COMPRESS], server={"frame": {"max-streams": 1}}, agent={"connect": {"wait": "60s"}},
        agent_top={"event-loops": 1, "admin": admin.settings},
    )  # fmt: skip
    await asyncio.to_thread(tunnel.start)
    on_text(origin)

    @origin.on("/held")
    async def held(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", "10")]) + b"part")
        await asyncio.Event().wait()

    async with patiently(60), await Connection.open(tunnel.port) as first, await Connection.open(tunnel.port) as second:
        assert (await fetch(tunnel.port, origin.url("/text"))).body == TEXT
        await first.send(wire.head(f"GET {origin.url('/held')} HTTP/1.1", [("Host", origin.authority)]))
        assert (await first.head()).status == 200
        fields = [("Host", origin.authority), ("Content-Type", "application/json"), ("Content-Length", str(len(TEXT)))]
        await second.send(wire.head(f"POST {origin.url('/echo')} HTTP/1.1", fields))

        async def both_are_open():
            return (await admin.metrics()).sum("fluidity_exchanges_open") == 2

        await eventually(both_are_open, 20, "the second request waits for a stream")
        tunnel.server.kill()
        text = tunnel.server_config.read_text()
        tunnel.server_config.write_text("".join(line for line in text.splitlines(True) if "- compress" not in line))
        await asyncio.to_thread(tunnel.start_server)
        response = await second.response("POST")
        assert response.status == 503 and b"takes no compressed bodies" in response.body
        assert "/echo" not in origin.paths()
        response = await fetch(tunnel.port, origin.url("/echo"), "POST", [("Content-Type", "application/json")], TEXT)
        assert response.body == hashlib.sha256(TEXT).hexdigest().encode(), "the next one goes as it is"


async def test_the_metrics_say_what_was_saved(make_tunnel, origin):
    admins = [Admin(free_port()), Admin(free_port())]
    tunnel = make_tunnel(
        agent_filters=[COMPRESS], server_filters=[COMPRESS],
        agent_top={"admin": admins[0].settings}, server_top={"admin": admins[1].settings},
    )  # fmt: skip
    await asyncio.to_thread(tunnel.start)
    on_text(origin)
    async with patiently(30):
        await until_up(tunnel, origin)
        assert (await fetch(tunnel.port, origin.url("/text"))).body == TEXT
        for admin in admins:
            metrics = await admin.metrics()
            labels = {"stage": "compress", "body": "response"}
            deflated = metrics.sum("fluidity_compress_deflated_bytes_total", **labels)
            assert metrics.sum("fluidity_compress_original_bytes_total", **labels) == len(TEXT) and 0 < deflated < 30_000
            assert metrics.sum("fluidity_compress_saved_bytes_total", **labels) == len(TEXT) - deflated
            assert metrics.sum("fluidity_compress_bodies_total", **labels) == 1


class Frame:
    def __init__(self, kind: int, stream: int, payload: bytes):
        self.kind, self.stream, self.payload, self.ends = kind & 0x1F, stream, payload, kind & 0x80 != 0


class MuxSession:
    """A few frames of the tunnel's protocol, spoken by a peer that isn't Fluidity."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self._send(0, 0, b"FLUIDITY" + b"\0\1" + (1 << 20).to_bytes(4, "big") + (1 << 24).to_bytes(4, "big") + (100).to_bytes(4, "big"))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()

    def _send(self, kind: int, stream: int, payload: bytes):
        self.writer.write(len(payload).to_bytes(3, "big") + bytes([kind]) + stream.to_bytes(4, "big") + payload)

    def open(self, stream: int, authority: str, path: str, *, method: str = "PUT", deflated: bool | int = False, asks: bool = False, data: bytes = b"", end: bool = True):
        """`deflated` is the body's own length, or True for a body whose length isn't known. `asks` takes a deflated response."""
        length = b"\0"
        if deflated:
            length = b"\3\2" if deflated is True else b"\3\1" + deflated.to_bytes(8, "big")
        text = [part.encode() for part in (authority, path)]
        head = (b"\x80\1" if asks else b"\0\1") + length + bytes([len(method)]) + method.encode() + b"".join(len(part).to_bytes(2, "big") + part for part in text) + b"\0\0"
        self._send(0x81 if end else 1, stream, len(head).to_bytes(4, "big") + head + data)

    def data(self, stream: int, data: bytes, end: bool):
        """All of it must fit in the windows."""
        for start in range(0, len(data), 1 << 16):
            part = data[start : start + (1 << 16)]
            self._send(0x83 if end and start + len(part) == len(data) else 3, stream, part)

    async def frame(self) -> Frame:
        header = await self.reader.readexactly(8)
        return Frame(header[3], int.from_bytes(header[4:], "big"), await self.reader.readexactly(int.from_bytes(header[:3], "big")))

    async def body(self, stream: int) -> bytes:
        """The rest of a response that fits in the windows."""
        data = b""
        while True:
            frame = await self.frame()
            if (frame.kind, frame.stream) == (3, stream):
                data += frame.payload
                if frame.ends:
                    return data

    async def until(self, kind: int, stream: int) -> Frame:
        while True:
            frame = await self.frame()
            if (frame.kind, frame.stream) == (kind, stream):
                return frame


async def mux_session(port: int, identity) -> MuxSession:
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.load_cert_chain(identity.certificate, identity.key)
    context.set_alpn_protocols(["fluidity/1"])
    return MuxSession(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost"))
