"""The JSON protocol of the first Fluidity, both ends, written from its description and from nothing of ours."""

import asyncio
import base64
import json
import ssl
import urllib.parse
import uuid

from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.frames import Opcode

from .client import request
from .waiting import PATIENCE
from .wire import Broken, read_head, counted, chunks, until_end


def _context(identity, purpose) -> ssl.SSLContext:
    context = ssl.create_default_context(purpose, cafile=str(identity.ca))
    context.load_cert_chain(str(identity.certificate), str(identity.key))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "", validate=True)


class Peer:
    """One connection. `spread` puts white space between and inside of the values that are written."""

    spread = False

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.seen: list[dict] = []

    def write(self, kind: str, **payload):
        value = {"type": kind, "payload": payload}
        text = json.dumps(value, indent=3) if self.spread else json.dumps(value)
        self.writer.write((" \t\r\n" if self.spread else "").encode() + text.encode() + (b"" if self.spread else b"\n"))

    async def read(self) -> dict | None:
        line = await self.reader.readline()
        if not line:
            return None
        value = json.loads(line)
        assert set(value) == {"type", "payload"}, value
        self.seen.append(value)
        return value


class Agent(Peer):
    """Speaks to our server. Answers are kept for each id, in the order in which they come."""

    @classmethod
    async def open(cls, port: int, identity) -> "Agent":
        context = _context(identity, ssl.Purpose.SERVER_AUTH)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost", limit=1 << 28)
        agent = cls(reader, writer)
        agent.queues: dict[str, asyncio.Queue] = {}
        agent.task = asyncio.create_task(agent._run())
        return agent

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        self.writer.transport.abort()

    async def _run(self):
        while (value := await self.read()) is not None:
            self.queues[value["payload"]["id"]].put_nowait((value["type"], value["payload"]))
        for queue in self.queues.values():
            queue.put_nowait((None, {}))

    def start(self, kind: str, **payload) -> str:
        number = uuid.uuid4().hex
        self.queues[number] = asyncio.Queue()
        self.write(kind, id=number, **payload)
        return number

    async def next(self, number: str, kind: str | None = None) -> dict:
        got, payload = await asyncio.wait_for(self.queues[number].get(), 20 * PATIENCE)
        assert kind is None or got == kind, (got, payload)
        return payload

    async def fetch(self, method: str, url: str, headers: dict = {}, body: bytes = b"") -> dict:
        extra = {"body": encoded(body)} if body else {}
        return await self.next(self.start("http_request", method=method, url=url, headers=headers, **extra), "http_response")


class Server:
    """Lets our agent out: as small as it can be, and as the description has it."""

    def __init__(self, variant: bool = False):
        #: Refuses with connect_close, and writes white space, as a peer may.
        self.variant = variant
        self.requests: list[dict] = []
        self.types: list[str] = []
        self._tasks: set[asyncio.Task] = set()

    async def start(self, port: int, identity):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=_context(identity, ssl.Purpose.CLIENT_AUTH), limit=1 << 28)
        return self

    async def stop(self):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()

    def _spawn(self, work):
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        peer = Peer(reader, writer)
        peer.spread = self.variant
        self.peer = peer
        streams: dict[str, asyncio.Queue] = {}
        try:
            while (value := await peer.read()) is not None:
                kind, payload = value["type"], value["payload"]
                self.types.append(kind)
                number = payload["id"]
                assert len(number) == 32 and int(number, 16) >= 0
                if kind == "http_request":
                    self.requests.append(payload)
                    self._spawn(self._http(peer, payload))
                elif kind == "connect_open":
                    streams[number] = asyncio.Queue()
                    self._spawn(self._tunnel(peer, payload, streams[number]))
                elif kind == "ws_open":
                    streams[number] = asyncio.Queue()
                    self._spawn(self._websocket(peer, payload, streams[number]))
                elif number in streams:
                    streams[number].put_nowait((kind, payload))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _http(self, peer: Peer, payload: dict):
        url = urllib.parse.urlsplit(payload["url"])
        try:
            reader, writer = await asyncio.open_connection(url.hostname, url.port or 80, limit=1 << 20)
            fields = [(name, value) for name, values in payload["headers"].items() for value in values]
            body = decoded(payload.get("body"))
            path = payload["url"].split(url.netloc, 1)[1] or "/"
            raw = request(payload["method"], payload["url"], [*fields, ("Connection", "close")], body if body else None)
            writer.write(raw.replace(payload["url"].encode(), path.encode(), 1))
            head = await read_head(reader)
            while head.status < 200:
                head = await read_head(reader)
            if payload["method"] == "HEAD" or head.status in (204, 304):
                parts = counted(reader, 0)
            elif head.chunked:
                parts = chunks(reader, head)
            elif (length := head.get("content-length")) is not None:
                parts = counted(reader, int(length))
            else:
                parts = until_end(reader)
            data = b"".join([part async for part in parts])
            writer.close()
            headers: dict[str, list[str]] = {}
            for name, value in head.fields:
                headers.setdefault(name, []).append(value)
            extra = {"body": encoded(data)} if data else {}
            peer.write("http_response", id=payload["id"], status_code=head.status, headers=headers, **extra)
        except (OSError, Broken, AttributeError) as error:
            peer.write("http_response", id=payload["id"], status_code=502, headers={}, error=str(error))

    async def _tunnel(self, peer: Peer, payload: dict, queue: asyncio.Queue):
        number = payload["id"]
        host, port = payload["address"].rsplit(":", 1)
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
        except OSError as error:
            if self.variant:
                return peer.write("connect_close", id=number, error=str(error))
            return peer.write("connect_ack", id=number, ok=False, error=str(error))
        peer.write("connect_ack", id=number, ok=True, error="")

        async def down():
            while data := await reader.read(60_000):
                key = "data" if self.variant else "chunk"
                peer.write("connect_data", id=number, **{key: encoded(data)})
                await peer.writer.drain()
            peer.write("connect_close", id=number, error="")

        self._spawn(down())
        while True:
            kind, message = await queue.get()
            if kind == "connect_close":
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(decoded(message["chunk"]))
            await writer.drain()

    async def _websocket(self, peer: Peer, payload: dict, queue: asyncio.Queue):
        number = payload["id"]
        try:
            socket = await open_websocket(payload["url"], proxy=None, ping_interval=None, max_size=1 << 26, compression=None)
        except (OSError, InvalidHandshake) as error:
            return peer.write("ws_ack", id=number, ok=False, error=str(error))
        peer.write("ws_ack", id=number, ok=True, error="")

        async def down():
            try:
                async for message in socket:
                    data = message.encode() if isinstance(message, str) else message
                    peer.write("ws_message", id=number, message_type=1 if isinstance(message, str) else 2, data=encoded(data))
                    await peer.writer.drain()
            except ConnectionClosed:
                pass
            peer.write("ws_close", id=number, code=socket.close_code or 1006, error=socket.close_reason or "")

        self._spawn(down())
        while True:
            kind, message = await queue.get()
            if kind == "ws_close":
                return await socket.close(message["code"] if message["code"] >= 1000 and message["code"] != 1005 else 1000, message["error"])
            data = decoded(message["data"])
            match message["message_type"]:
                case Opcode.TEXT:
                    await socket.send(data.decode())
                case Opcode.BINARY:
                    await socket.send(data)
                case Opcode.PING:
                    peer.write("ws_message", id=number, message_type=10, data=message["data"])
