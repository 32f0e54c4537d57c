"""HTTP/1.1 on asyncio streams: as little as the clients and origins of these tests need, and nothing that tidies up.

Names and values are kept as they came, in order, so that a test sees what was really sent.
"""

import asyncio

Fields = list[tuple[str, str]]


class Broken(Exception):
    """The connection ended, or what came was no HTTP, before the message was complete."""


class Message:
    """A request or a response: start line, fields, body, trailers."""

    def __init__(self, start: str, fields: Fields, raw: bytes):
        self.start = start
        self.fields = fields
        self.raw = raw
        self.body = b""
        self.trailers: Fields = []
        #: For a response: the 1xx responses before it.
        self.interim: list["Message"] = []

    @property
    def status(self) -> int:
        return int(self.start.split(" ", 2)[1])

    @property
    def method(self) -> str:
        return self.start.split(" ", 2)[0]

    @property
    def target(self) -> str:
        return self.start.split(" ", 2)[1]

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def sentence(self) -> str:
        """What a refusal says, without the line below that says which end, stage and exchange it was."""
        return self.text.split("\n(")[0].strip()

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None

    @property
    def chunked(self) -> bool:
        return any("chunked" in value.lower() for value in self.all("transfer-encoding"))


def parse_fields(lines: list[bytes]) -> Fields:
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise Broken(f"a field line without a colon: {line!r}")
        fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    return fields


async def read_head(reader: asyncio.StreamReader) -> Message | None:
    """The next head, or None if the connection ends cleanly before it."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Broken(f"ended inside a head: {error.partial[:200]!r}") from None
        return None
    except (ConnectionError, asyncio.LimitOverrunError) as error:
        raise Broken(repr(error)) from None
    lines = raw[:-4].split(b"\r\n")
    return Message(lines[0].decode("latin-1"), parse_fields(lines[1:]), raw)


async def read_some(reader: asyncio.StreamReader, most: int) -> bytes:
    try:
        data = await reader.read(most)
    except ConnectionError as error:
        raise Broken(repr(error)) from None
    if not data:
        raise Broken("ended inside a body")
    return data


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Broken(f"ended inside a chunked body: {error!r}") from None


async def chunks(reader: asyncio.StreamReader, message: Message):
    """The data of a chunked body as it comes; trailers are left in `message`."""
    while size := int((await _line(reader)).split(b";")[0], 16):
        while size:
            data = await read_some(reader, min(size, 1 << 18))
            size -= len(data)
            yield data
        if await _line(reader):
            raise Broken("no line end after a chunk")
    trailers = []
    while line := await _line(reader):
        trailers.append(line)
    message.trailers = parse_fields(trailers)


async def counted(reader: asyncio.StreamReader, length: int):
    """The data of a body with a known length as it comes."""
    while length:
        data = await read_some(reader, min(length, 1 << 18))
        length -= len(data)
        yield data


async def until_end(reader: asyncio.StreamReader):
    """The data of a body that ends with the connection."""
    while True:
        try:
            data = await reader.read(1 << 18)
        except ConnectionError as error:
            raise Broken(repr(error)) from None
        if not data:
            return
        yield data


def head(start: str, fields: Fields = ()) -> bytes:
    return "".join([start, "\r\n", *(f"{name}: {value}\r\n" for name, value in fields), "\r\n"]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: Fields = ()) -> bytes:
    return b"0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in trailers).encode("latin-1") + b"\r\n"
