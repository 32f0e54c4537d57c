"""An origin whose answers are written in the tests, byte by byte if they like."""

import asyncio
import socket
import struct

from . import wire
from .wire import Broken, Fields, Message


class Exchange:
    """One request at the origin and the connection that it came on."""

    def __init__(self, origin: "Origin", request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.origin = origin
        self.request = request
        self.reader = reader
        self.writer = writer
        self.keep = True

    async def send(self, data: bytes):
        self.writer.write(data)
        await self.writer.drain()

    def body(self):
        """The request's body as it comes."""
        if self.request.chunked:
            return wire.chunks(self.reader, self.request)
        return wire.counted(self.reader, int(self.request.get("content-length") or 0))

    async def read_body(self) -> bytes:
        self.request.body = b"".join([data async for data in self.body()])
        return self.request.body

    async def respond(self, status: int = 200, fields: Fields = (), body: bytes = b""):
        """A response with its length."""
        length = [] if status in (204, 304) else [("Content-Length", str(len(body)))]
        payload = b"" if self.request.method == "HEAD" else body
        await self.send(wire.head(f"HTTP/1.1 {status} Because", [*fields, *length]) + payload)

    def close(self):
        self.keep = False

    def reset(self):
        """Ends the connection with a TCP reset."""
        self.keep = False
        reset(self.writer)


def reset(writer):
    """Ends the connection of a writer, or of whatever else has a transport, with a TCP reset."""
    raw = writer.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Server:
    """A listener on loopback whose connections are all closed with it. An exception in a connection's code fails the test."""

    def __init__(self):
        self.failures: list[BaseException] = []
        self.connections = 0
        self._tasks: set[asyncio.Task] = set()
        self._server: asyncio.Server | None = None

    async def start(self, **options):
        self._server = await asyncio.start_server(self._run, "127.0.0.1", 0, limit=1 << 18, backlog=4096, **options)
        return self

    @property
    def port(self) -> int:
        return self._server.sockets[0].getsockname()[1]

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._tasks)

    async def _run(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self.connections += 1
        try:
            await self.serve(reader, writer)
        except (ConnectionError, Broken, asyncio.CancelledError):
            pass
        except BaseException as error:  # told when the origin stops
            self.failures.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def serve(self, reader, writer):
        raise NotImplementedError

    async def stop(self):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5)
        if self.failures:
            raise self.failures[0]


class Origin(Server):
    """An HTTP origin. `on` gives a path its handler; what comes to any other path is answered with 404.

    Every request is kept in `requests` as it came.
    """

    def __init__(self):
        super().__init__()
        self.requests: list[Message] = []
        self.scheme = "http"
        self._handlers = {}

    def on(self, path: str):
        def register(handler):
            self._handlers[path] = handler
            return handler

        return register

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [request.target for request in self.requests]

    async def serve(self, reader, writer):
        while (request := await wire.read_head(reader)) is not None:
            self.requests.append(request)
            exchange = Exchange(self, request, reader, writer)
            path = request.target.partition("?")[0]
            handler = self._handlers.get(path) or self._handlers.get("/" + path.split("/")[1] + "/*", _missing)
            await handler(exchange)
            if not exchange.keep:
                return


async def _missing(exchange: Exchange):
    await exchange.read_body()
    await exchange.respond(404, body=b"no such path at this origin")


class Connections(Server):
    """A TCP server whose connections are handled by one function of (reader, writer)."""

    def __init__(self, handler):
        super().__init__()
        self.serve = handler


class FullBacklog:
    """A loopback port whose connection attempts are never answered, because its queue of connections is full."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0):
        self._listener = socket.socket()
        self._listener.bind((address, port))
        self._listener.listen(0)
        self.port = self._listener.getsockname()[1]
        self._fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((address, self.port))
            self._fillers.append(filler)

    def open(self) -> socket.socket:
        """From now on who connects is let in. The result is the socket that listens."""
        self._listener.listen(256)
        for each in self._fillers:
            each.close()
        return self._listener

    def close(self):
        for each in [*self._fillers, self._listener]:
            each.close()


class StalledOrigin:
    """Takes connections and never reads from them. `half_closed`: ends its own side at once."""

    def __init__(self, half_closed: bool = False):
        self.half_closed = half_closed
        self.connections: list[socket.socket] = []

    async def __aenter__(self):
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(4096)
        self._listener.setblocking(False)
        self.authority = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._task = asyncio.create_task(self._accept())
        return self

    async def _accept(self):
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            self.connections.append(connection)
            if self.half_closed:
                connection.shutdown(socket.SHUT_WR)

    async def __aexit__(self, *_):
        self._task.cancel()
        self._listener.close()
        for each in self.connections:
            each.close()
