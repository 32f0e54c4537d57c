"""A client that sends exactly what it is told, for what curl can't do or does too politely."""

import asyncio

from . import wire
from .waiting import patiently
from .wire import Broken, Fields, Message


class Connection:
    """One connection to a proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int | None = None, *, unix: str | None = None, receive_buffer: int | None = None, **options) -> "Connection":
        """`receive_buffer` makes a reader that stops reading felt after few bytes."""
        limit = 1 << 18 if receive_buffer is None else receive_buffer
        if unix is not None:
            return cls(*await asyncio.open_unix_connection(unix, limit=limit, **options))
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=limit, **options))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.abort()

    def abort(self):
        self.writer.transport.abort()

    async def send(self, data: bytes):
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError as error:
            raise Broken(repr(error)) from None

    async def head(self) -> Message:
        """The next response head, interim or not."""
        message = await wire.read_head(self.reader)
        if message is None:
            raise Broken("ended before a response")
        return message

    def body(self, message: Message, method: str = "GET"):
        """The body of a response as it comes."""
        if method == "HEAD" or message.status in (204, 304):
            return wire.counted(self.reader, 0)
        if message.chunked:
            return wire.chunks(self.reader, message)
        length = message.get("content-length")
        return wire.until_end(self.reader) if length is None else wire.counted(self.reader, int(length))

    async def response(self, method: str = "GET") -> Message:
        """The next final response with its whole body."""
        interim = []
        message = await self.head()
        while message.status < 200 and message.status != 101:
            interim.append(message)
            message = await self.head()
        message.interim = interim
        if message.status != 101 and not (method == "CONNECT" and message.status < 300):
            message.body = b"".join([data async for data in self.body(message, method)])
        return message

    async def request(self, method: str, url: str, fields: Fields = (), body: bytes | None = None) -> Message:
        """Sends one request in absolute form, with `Host` and, if there is a body, its length, and reads the response."""
        await self.send(request(method, url, fields, body))
        return await self.response(method)

    async def connect(self, authority: str, early: bytes = b"") -> Message:
        """Opens a tunnel. What the target says first stays in `reader`."""
        await self.send(wire.head(f"CONNECT {authority} HTTP/1.1", [("Host", authority)]) + early)
        return await self.response("CONNECT")

    async def socks(self, port: int):
        """Opens a tunnel to a port of this machine in SOCKS5."""
        await self.send(b"\x05\x01\x00" + b"\x05\x01\x00\x01" + bytes([127, 0, 0, 1]) + port.to_bytes(2, "big"))
        assert await self.reader.readexactly(12) == b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6)

    async def ended(self, within: float = 10) -> bytes:
        """What still comes until the other side ends the connection, cleanly or not."""
        rest = b""
        try:
            async with patiently(within):
                while data := await self.reader.read(1 << 16):
                    rest += data
        except ConnectionError:
            pass
        return rest


def request(method: str, url: str, fields: Fields = (), body: bytes | None = None) -> bytes:
    """The bytes of a request in absolute form."""
    authority = url.split("/")[2].split("?")[0]
    length = [] if body is None else [("Content-Length", str(len(body)))]
    return wire.head(f"{method} {url} HTTP/1.1", [("Host", authority), *fields, *length]) + (body or b"")


async def fetch(port: int, url: str, method: str = "GET", fields: Fields = (), body: bytes | None = None, within: float = 30) -> Message:
    """One request on a connection of its own."""
    async with patiently(within), await Connection.open(port) as connection:
        return await connection.request(method, url, fields, body)
