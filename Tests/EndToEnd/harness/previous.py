"""Both ends of `mux` as the version spoke it that knew nothing of resumption: what a program of today has to get on with.

Written from docs/protocol.md of that version. Its HELLOs are its very bytes: an opener's without extensions, an acceptor's with client names
alone. Frames of types that it doesn't know, 10 and above, are read and skipped, and noted.
"""

import asyncio
import ssl
import struct

from .mux import DATA, END, GOAWAY, HEAD, OPEN, PONG, RESET, WINDOW, frame, response_head
from .origin import Server

OPENER = bytes.fromhex("000016 00 00000000 464c5549444954590001 00020000 00400000 00002000")
ACCEPTOR = bytes.fromhex("00001a 00 00000000 464c5549444954590001 00020000 00400000 00002000 00020000")
PIECE = 16 << 10


class Lost(Exception):
    """The connection ended before the stream did."""


class Reset(Exception):
    """The other side ended the stream with a reason."""


def request_head(method: str, authority: str, path: str, length: int | None = None) -> bytes:
    body = b"\x00" if length is None else struct.pack(">Bq", 1, length)
    scheme = 0 if method == "CONNECT" else 1
    kind = 1 if method == "CONNECT" else 0
    texts = struct.pack(">H", len(authority)) + authority.encode() + struct.pack(">H", len(path)) + path.encode()
    return bytes([kind, scheme]) + body + bytes([len(method)]) + method.encode() + texts + b"\x00\x00"


def read_request(head: bytes) -> tuple[str, str, str]:
    """Method, authority and path. What the previous version doesn't offer isn't sent to it."""
    kind = head[0]
    assert kind & 0x3F in (0, 1, 2), f"a kind of request that the previous version doesn't know: {kind:#x}"
    place = 2 + (8 if kind & 0x40 else 0)
    assert head[place] in (0, 1, 2), "a deflated body, which wasn't offered"
    place += 9 if head[place] == 1 else 1
    texts = []
    for form, size in ((">B", 1), (">H", 2), (">H", 2)):
        (length,) = struct.unpack_from(form, head, place)
        texts.append(head[place + size : place + size + length].decode())
        place += size + length
    return texts[0], texts[1], texts[2]


class Stream:
    """One exchange, at either end."""

    def __init__(self, session: "Session", number: int):
        self.session = session
        self.number = number
        self.window = session.stream_window
        self.request: tuple[str, str, str] | None = None
        #: The final response's status, once it is there.
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        #: The code of a RESET.
        self.reset: int | None = None
        self._parts: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self._over: Exception | None = None

    def take(self, part: bytes | Exception | None):
        self._parts.put_nowait(part)
        if isinstance(part, Exception):
            self._over = part
            if not self.status.done():
                self.status.set_exception(part)
                # Not everybody asks for it.
                self.status.exception()

    async def read(self) -> bytes:
        """What came next; nothing at the end of the other side."""
        part = await self._parts.get()
        if isinstance(part, Exception):
            self._parts.put_nowait(part)
            raise part
        if part:
            self.session.credit(self.number, len(part))
        return part or b""

    async def read_all(self) -> bytes:
        parts = []
        while part := await self.read():
            parts.append(part)
        return b"".join(parts)

    async def read_exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = await self.read()
            assert part, "the stream ended too early"
            data += part
        return data

    async def send(self, data: bytes = b"", end: bool = False):
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            await self.session.room(self, len(piece))
            if self._over:
                raise self._over
            await self.session.send(frame(DATA, self.number, piece))
        if end:
            await self.session.send(frame(DATA | END, self.number))

    async def cancel(self):
        await self.session.send(frame(RESET, self.number, (1).to_bytes(2, "big")))

    async def answer(self, status: int):
        await self.session.send(frame(HEAD, self.number, response_head(status)))


class Session:
    """One connection, whose frames are read as they come."""

    def __init__(self, reader, writer, hello: bytes):
        self.reader, self.writer = reader, writer
        self.stream_window = self.session_window = 0
        #: The numbers of the extensions in the other side's HELLO.
        self.extensions: list[int] = []
        self.greeted = asyncio.Event()
        self.ended = asyncio.Event()
        #: What was said with GOAWAY: last stream, code, words.
        self.gone: tuple[int, int, str] | None = None
        #: Types of frames that the previous version doesn't know.
        self.skipped: list[int] = []
        self.streams: dict[int, Stream] = {}
        self.opened: asyncio.Queue[Stream] = asyncio.Queue()
        self._room = asyncio.Condition()
        self._last = -1
        self.writer.write(hello)
        self.reading = asyncio.create_task(self._read())

    async def open(self, method: str, authority: str, path: str = "", length: int | None = None) -> Stream:
        self._last += 2
        stream = self.streams[self._last] = Stream(self, self._last)
        head = request_head(method, authority, path, length)
        has_body = length is not None or method == "CONNECT"
        await self.send(frame(OPEN if has_body else OPEN | END, stream.number, len(head).to_bytes(4, "big") + head))
        return stream

    async def send(self, data: bytes):
        self.writer.write(data)
        try:
            await self.writer.drain()
        except (ConnectionError, ssl.SSLError):
            raise Lost from None

    def credit(self, number: int, count: int):
        for stream in (number, 0):
            self.writer.write(frame(WINDOW, stream, count.to_bytes(4, "big")))

    async def room(self, stream: Stream, size: int):
        async with self._room:
            await self._room.wait_for(lambda: min(stream.window, self.session_window) >= size or stream._over)
            stream.window -= size
            self.session_window -= size

    def lose(self):
        """Ends the connection without a word."""
        self.writer.transport.abort()

    async def _read(self):
        try:
            while True:
                header = await self.reader.readexactly(8)
                payload = await self.reader.readexactly(int.from_bytes(header[:3], "big"))
                self._take(header[3], int.from_bytes(header[4:], "big"), payload)
                async with self._room:
                    self._room.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.ended.set()
            for stream in self.streams.values():
                stream.take(Lost())
            async with self._room:
                self._room.notify_all()

    def _take(self, kind: int, number: int, payload: bytes):
        end, kind = bool(kind & END), kind & 0x1F
        stream = self.streams.get(number)
        match kind:
            case 0:
                self.stream_window, self.session_window = struct.unpack_from(">II", payload, 10)
                place = 22
                while place < len(payload):
                    extension, length = struct.unpack_from(">HH", payload, place)
                    self.extensions.append(extension)
                    place += 4 + length
                self.greeted.set()
            case 1:
                stream = self.streams[number] = Stream(self, number)
                length = int.from_bytes(payload[:4], "big")
                stream.request = read_request(payload[4 : 4 + length])
                if early := payload[4 + length :]:
                    stream.take(early)
                self.opened.put_nowait(stream)
            case 2 if stream:
                status = int.from_bytes(payload[:2], "big")
                if status >= 200:
                    stream.status.set_result(status)
            case 3 if stream:
                if payload:
                    stream.take(payload)
            case 4 if stream:
                stream.take(None)
            case 5 if number == 0:
                self.session_window += int.from_bytes(payload, "big")
            case 5 if stream:
                stream.window += int.from_bytes(payload, "big")
            case 6 if stream:
                stream.reset = int.from_bytes(payload[:2], "big")
                stream.take(Reset(payload[2:].decode()))
            case 7:
                self.writer.write(frame(PONG, 0, payload))
            case 9:
                self.gone = (int.from_bytes(payload[:4], "big"), int.from_bytes(payload[4:6], "big"), payload[6:].decode())
            case unknown if unknown > 9:
                self.skipped.append(unknown)
        if end and stream:
            stream.take(None)


async def previous_agent(port: int, identity) -> Session:
    """An agent of the previous version, connected to a server of today."""
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.load_cert_chain(identity.certificate, identity.key)
    context.set_alpn_protocols(["fluidity/1"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    session = Session(reader, writer, OPENER)
    await asyncio.wait_for(session.greeted.wait(), 30)
    return session


class PreviousServer(Server):
    """A server of the previous version, for agents of today. Each stream is a call of `handler`."""

    def __init__(self, identity, handler):
        super().__init__()
        self.handler = handler
        self.sessions: list[Session] = []
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(identity.ca))
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_cert_chain(identity.certificate, identity.key)
        self._context.set_alpn_protocols(["fluidity/1"])

    async def start(self, **options):
        return await super().start(ssl=self._context, **options)

    async def serve(self, reader, writer):
        session = Session(reader, writer, ACCEPTOR)
        self.sessions.append(session)
        tasks = []
        taking = asyncio.create_task(self._take(session, tasks))
        try:
            await session.ended.wait()
        finally:
            for task in (taking, session.reading, *tasks):
                task.cancel()

    async def _take(self, session: Session, tasks: list):
        while True:
            stream = await session.opened.get()
            tasks.append(asyncio.create_task(self._answer(stream)))

    async def _answer(self, stream: Stream):
        try:
            await self.handler(stream)
        except (Lost, Reset, asyncio.CancelledError):
            pass
        except Exception as error:  # told when the server stops
            self.failures.append(error)

    async def drain(self):
        """Takes nothing new on the sessions that there are, as one that is asked to end does."""
        for session in self.sessions:
            last = max(session.streams, default=0)
            await session.send(frame(GOAWAY, 0, struct.pack(">IH", last, 7) + b"shutting down"))
