"""The Lambda Runtime API, as AWS documents it, for one function at a time."""

import asyncio
import json
import time

from . import wire
from .waiting import eventually


class RuntimeAPI:
    """Gives out the invocations that a test puts in, and keeps what the function says about each.

    A second report on an invocation is refused with 403, one on an unknown id with 400, one that is too large with 413.
    """

    LIMIT = 6_291_556

    def __init__(self):
        self.port = 0
        self.asked = asyncio.Event()
        self.init_error: dict | None = None
        self.first_next: float | None = None
        #: What `next` is answered with in place of an invocation: a status.
        self.next_status: int | None = None
        #: How often a connection is closed behind the answer that it was just given, without saying so.
        self.close_after_answer = 0
        self.connections = 0
        #: The process that runs the function, if the test has said so.
        self.function = None
        self._pending: asyncio.Queue = asyncio.Queue()
        self._open: dict[str, asyncio.Future] = {}
        self._count = 0
        self._writers: dict = {}

    async def start(self) -> "RuntimeAPI":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self._server.close()
        self.close_idle_connections()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def invoke(self, event, *, deadline: float = 120, within: float = 60, headers: dict | None = None):
        """Returns what came of it: ("response", document) or ("error", document with its headers)."""
        self._count += 1
        identity = f"8476a536-e9f4-11e8-9739-{self._count:012d}"
        outcome = asyncio.get_running_loop().create_future()
        self._open[identity] = outcome
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        fields = [
            ("Lambda-Runtime-Aws-Request-Id", identity),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + deadline) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:fluidity"),
            ("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"),
            *(headers or {}).items(),
        ]
        await self._pending.put((data, fields))
        return await eventually(lambda: self._outcome(outcome), within, "the function reports on the invocation")

    def _outcome(self, outcome: asyncio.Future):
        if outcome.done():
            return outcome.result()
        # Nothing more comes of it.
        assert self.function is None or self.function.alive, f"the function ended with status {self.function.status}:\n{self.function.tail()}"

    def close_idle_connections(self):
        """As a function's connections are found after a thaw: ended by the other side."""
        for writer, task in list(self._writers.items()):
            task.cancel()
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self.connections += 1
        self._writers[writer] = asyncio.current_task()
        try:
            while (message := await wire.read_head(reader)) is not None:
                length = int(message.get("content-length") or 0)
                body = await reader.readexactly(length) if length else b""
                await self._answer(message, body, reader, writer)
                if self.close_after_answer:
                    self.close_after_answer -= 1
                    return
        except (wire.Broken, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._writers.pop(writer, None)
            writer.close()

    async def _invocation(self, reader):
        """The next invocation, for a function that is still there: one that was killed while it waited takes none."""
        taken, gone = asyncio.ensure_future(self._pending.get()), asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({taken, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                if taken.done() and not taken.cancelled():
                    self._pending.put_nowait(taken.result())
                raise ConnectionError("the function is gone")
            return taken.result()
        finally:
            taken.cancel()
            gone.cancel()
            # Only then can somebody else read.
            await asyncio.gather(taken, gone, return_exceptions=True)

    async def _answer(self, message, body: bytes, reader, writer):
        def send(status: int, data: bytes = b"", fields=()):
            head = wire.head(f"HTTP/1.1 {status} Status", [("Content-Length", str(len(data))), *fields])
            writer.write(head + data)

        path = message.target.removeprefix("/2018-06-01/runtime")
        if path == "/invocation/next" and message.method == "GET":
            if self.first_next is None:
                self.first_next = time.monotonic()
            self.asked.set()
            if self.next_status:
                send(self.next_status, b'{"errorMessage":"no"}')
            else:
                data, fields = await self._invocation(reader)
                send(200, data, [("Content-Type", "application/json"), *fields])
        elif path == "/init/error":
            self.init_error = {**json.loads(body), "header": message.get("Lambda-Runtime-Function-Error-Type")}
            send(202, b'{"status":"OK"}')
        else:
            _, _, identity, what = path.split("/")
            outcome = self._open.get(identity)
            if outcome is None:
                send(400, b'{"errorMessage":"unknown id"}')
            elif outcome.done():
                send(403, b'{"errorMessage":"already reported"}')
            elif what == "response" and len(body) > self.LIMIT:
                send(413, b'{"errorMessage":"too large"}')
            else:
                document = json.loads(body)
                if what == "error":
                    document["header"] = message.get("Lambda-Runtime-Function-Error-Type")
                outcome.set_result((what, document))
                send(202, b'{"status":"OK"}')
        await writer.drain()
