"""What stands between agent and server and ends their connections, in every way in which that happens."""

import asyncio

from .origin import Server, reset


class Cutter(Server):
    """Passes bytes on to `target`, and after so many bytes, both ways together, ends the connection in one of the `ways`:

    reset: both sides get a reset. silent: nothing passes any more, and nobody is told. closed: both sides get an end. half: only the
    agent's side is ended. A cut comes wherever the bytes end, in the middle of a TLS record mostly.
    """

    def __init__(self, target: int, after: int, ways: tuple[str, ...], most: int, lifetime: float | None = None):
        super().__init__()
        # Every connection is ended after so many seconds.
        self.lifetime = lifetime
        self.target = target
        self.after = after
        self.ways = ways
        self.most = most
        self.cuts = 0
        # Ends every connection from now on while it is set, and takes none.
        self.dark = False
        #: Both ends of each connection that is open.
        self.ends: set[tuple] = set()

    def cut_all(self) -> int:
        """Resets every connection that is open, at the same moment; how many there were."""
        ends = list(self.ends)
        for both in ends:
            for writer in both:
                reset(writer)
        self.cuts += len(ends)
        return len(ends)

    async def serve(self, reader, writer):
        if self.dark:
            return reset(writer)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 16)
        self.ends.add((writer, there_writer))
        left = [self.after]
        over = asyncio.Event()

        async def pass_on(source, sink):
            while data := await source.read(1 << 14):
                while self.dark:
                    await asyncio.sleep(0.05)
                if self.cuts < self.most and len(data) >= left[0]:
                    sink.write(data[: left[0]])
                    await sink.drain()
                    over.set()
                    await asyncio.Event().wait()
                left[0] -= len(data)
                sink.write(data)
                await sink.drain()

        tasks = [asyncio.create_task(pass_on(reader, there_writer)), asyncio.create_task(pass_on(there_reader, writer))]
        waiting = asyncio.create_task(over.wait())
        try:
            done, _ = await asyncio.wait([*tasks, waiting], timeout=self.lifetime, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self.cuts += 1
            if not over.is_set():
                return
            way = self.ways[self.cuts % len(self.ways)]
            self.cuts += 1
            match way:
                case "reset":
                    reset(writer)
                    reset(there_writer)
                case "closed":
                    pass
                case "half":
                    writer.write_eof()
                    await asyncio.sleep(5)
                case "silent":
                    # What is sent stays here.
                    await asyncio.sleep(60)
        finally:
            self.ends.discard((writer, there_writer))
            for task in (*tasks, waiting):
                task.cancel()
            there_writer.close()
