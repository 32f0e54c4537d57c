"""The tunnel's own protocol, spoken by a peer that keeps to its rules only where a test wants it to. See docs/protocol.md."""

import asyncio
import ssl
import struct

from .waiting import eventually

HELLO, OPEN, HEAD, DATA, TRAILERS, WINDOW, RESET, PING, PONG, GOAWAY = range(10)
END = 0x80


def frame(kind: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind]) + stream.to_bytes(4, "big") + payload


def hello(stream_window: int = 1 << 18, session_window: int = 1 << 22, streams: int = 8192) -> bytes:
    return frame(HELLO, 0, b"FLUIDITY" + struct.pack(">HIII", 1, stream_window, session_window, streams))


def fields(*pairs: tuple[bytes, bytes]) -> bytes:
    return struct.pack(">H", len(pairs)) + b"".join(struct.pack(">HH", len(name), len(value)) + name + value for name, value in pairs)


def connect_head(authority: str, block: bytes = fields()) -> bytes:
    """The head of a CONNECT."""
    return b"\x01\x00\x02\x07CONNECT" + struct.pack(">H", len(authority)) + authority.encode() + b"\x00\x00" + block


def get_head(authority: str, path: str, block: bytes = fields()) -> bytes:
    name, place = authority.encode(), path.encode()
    return b"\x00\x01\x00\x03GET" + struct.pack(">H", len(name)) + name + struct.pack(">H", len(place)) + place + block


def response_head(status: int, block: bytes = fields()) -> bytes:
    return struct.pack(">HBH", status, 2, 0) + block


class Peer:
    """One side of a session. What comes is read as it comes, unless `deaf`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self.writer = writer
        self.session_window = 0
        self.stream_window = 0
        self.windows: dict[int, int] = {}
        self.heads: dict[int, int] = {}
        self.resets: dict[int, int] = {}
        self.opened: list[int] = []
        self.pongs = 0
        self.pings = 0
        self.gone: tuple[int, str] | None = None
        self.ended = False
        self._reading: asyncio.Task | None = None

    @classmethod
    async def dial(cls, port: int, identity, **settings) -> "Peer":
        context = ssl.create_default_context(cafile=str(identity.ca))
        context.load_cert_chain(identity.certificate, identity.key)
        context.set_alpn_protocols(["fluidity/1"])
        peer = cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost"))
        await peer.start(**settings)
        return peer

    async def start(self, **settings):
        self.writer.write(hello(**settings))
        self._reading = asyncio.create_task(self._read())
        await eventually(lambda: self.session_window > 0, 10, "the peer says HELLO")

    def deafen(self):
        """Reads no more."""
        self._reading.cancel()

    async def close(self):
        self._reading.cancel()
        self.writer.transport.abort()

    async def _read(self):
        try:
            while True:
                header = await self.reader.readexactly(8)
                self._take(header[3], int.from_bytes(header[4:], "big"), await self.reader.readexactly(int.from_bytes(header[:3], "big")))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self.ended = True

    def _take(self, kind: int, stream: int, payload: bytes):
        match kind & 0x1F:
            case 0:
                self.stream_window, self.session_window = struct.unpack_from(">II", payload, 10)
            case 1:
                self.opened.append(stream)
            case 2:
                self.heads[stream] = int.from_bytes(payload[:2], "big")
            case 5 if stream == 0:
                self.session_window += int.from_bytes(payload, "big")
            case 5:
                self.windows[stream] = self.window(stream) + int.from_bytes(payload, "big")
            case 6:
                self.resets[stream] = int.from_bytes(payload[:2], "big")
            case 7:
                self.writer.write(frame(PONG, 0, payload))
            case 8:
                self.pongs += 1
            case 9:
                self.gone = (int.from_bytes(payload[4:6], "big"), payload[6:].decode())
                self.ended = True

    # What is sent

    def window(self, stream: int) -> int:
        return self.windows.get(stream, self.stream_window)

    async def send(self, data: bytes):
        self.writer.write(data)
        try:
            await self.writer.drain()
        except ConnectionError:
            self.ended = True

    async def pieces(self, stream: int, size: int, count: int, end: bool = False) -> int:
        """DATA frames of `size` bytes, as many as both windows allow. How many these were."""
        count = min(count, self.window(stream) // size, self.session_window // size)
        self.windows[stream] = self.window(stream) - count * size
        self.session_window -= count * size
        one = frame(DATA, stream, b"x" * size)
        most = max(1, (1 << 20) // len(one))
        for start in range(0, count, most):
            await self.send(one * min(most, count - start))
        if end:
            await self.send(frame(DATA | END, stream))
        return count

    async def noticed(self, within: float = 60):
        """Returns when the other side has dealt with everything that was sent."""
        self.pings += 1
        await self.send(frame(PING, 0, b"\0" * 8))
        await eventually(lambda: self.pongs >= self.pings or self.ended, within, "the peer answers a PING")
