"""Proof: who doesn't read what they asked for, or have sent what nobody takes, holds up nobody else of their session for long."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from harness import wire
from harness.client import Connection
from harness.fluidity import Fluidity
from harness.memory import KiB, MiB
from harness.waiting import eventually, patiently

#: One connection between agent and server: everybody shares it.
ONE = {"event-loops": 1}
#: What takes milliseconds may take so long. Somebody who holds all of a session and isn't ended holds it for longer.
DEADLINE = 8
LARGE = 8 * MiB
SLOW = 4 * MiB

counts = pytest.mark.parametrize("count", [40, 200])


class Unread:
    """A client of which the kernel takes little, so that what isn't read is felt at once."""

    def __init__(self, listener: int | Path, address: str = "127.0.0.1"):
        if isinstance(listener, Path):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(str(listener))
        else:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.bind((address, 0))
            self.socket.connect(("127.0.0.1", listener))
        self.socket.setblocking(False)

    def ask(self, url: str, method: str = "GET", fields=()):
        self.socket.sendall(wire.head(f"{method} {url} HTTP/1.1", [("Host", url.removeprefix("http://").split("/")[0]), *fields]))
        return self

    async def body(self, size: int) -> int:
        """Reads a response with a body of that size. How much of it came."""
        data = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in data:
                data += await self._read()
            count = len(data.partition(b"\r\n\r\n")[2])
            while count < size:
                count += len(await self._read())
        return count

    async def _read(self) -> bytes:
        if data := await asyncio.get_running_loop().sock_recv(self.socket, 1 << 16):
            return data
        raise ConnectionError("the end")


@pytest.fixture
def clients():
    made: list[Unread] = []
    yield made
    for each in made:
        each.socket.close()


@pytest.fixture
def site(origin):
    """`/large` is more than windows and kernels hold, `/slow` the same, and comes so slowly that its window doesn't grow; `/small` is a
    few KiB. What was sent of the large ones is counted."""
    origin.sent = 0

    async def send(exchange, size: int, piece: int, pause: float):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", str(size))]))
        for _ in range(size // piece):
            await exchange.send(b"l" * piece)
            origin.sent += piece
            await asyncio.sleep(pause)

    origin.on("/large")(lambda exchange: send(exchange, LARGE, 64 * KiB, 0))
    origin.on("/slow")(lambda exchange: send(exchange, SLOW, 16 * KiB, 0.01))

    @origin.on("/small")
    async def small(exchange):
        await exchange.respond(200, body=str(len(await exchange.read_body())).encode() + b"s" * 9_000)

    return origin


@pytest.fixture
def one_session(make_tunnel):
    return make_tunnel(agent_top=ONE, server_top=ONE).start()


async def at_rest(origin):
    """Returns when nothing moves any more."""
    last = {"sent": -1, "same": 0}

    def unchanged():
        last.update(same=last["same"] + 1 if origin.sent == last["sent"] else 0, sent=origin.sent)
        return last["same"] > 50

    await eventually(unchanged, 30, "what nobody reads comes to rest")


class Others:
    """Asks for something small again and again, meanwhile and once more at the end. Each time it has to come in time."""

    def __init__(self, listener: int | Path, origin, body: bytes | None = None, address: str = "127.0.0.1"):
        self.listener, self.origin, self.body, self.address = listener, origin, body, address

    async def ask(self):
        method = "GET" if self.body is None else "POST"
        where = {"unix": str(self.listener)} if isinstance(self.listener, Path) else {"port": self.listener, "local_addr": (self.address, 0)}
        async with asyncio.timeout(DEADLINE), await Connection.open(**where) as client:
            response = await client.request(method, self.origin.url("/small"), body=self.body)
        assert response.status == 200 and len(response.body) > 9_000

    async def _go_on(self):
        while True:
            await self.ask()

    async def __aenter__(self):
        self._task = asyncio.create_task(self._go_on())
        return self

    async def __aexit__(self, kind, *_):
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if kind is None:
            for _ in range(20):
                await self.ask()


@counts
async def test_unread_downloads(one_session, site, clients, count):
    async with patiently(60), Others(one_session.port, site):
        clients += [Unread(one_session.port).ask(site.url("/large")) for _ in range(count)]
        await at_rest(site)
    assert one_session.alive


@counts
async def test_somebody_elses_few_stay(one_session, site, clients, count):
    """Who has much has to go, not who has little: the few of another client are complete when they are read at last."""
    async with patiently(60):
        few = [Unread(one_session.port, "127.0.0.2").ask(site.url("/slow")) for _ in range(2)]
        clients += few
        await at_rest(site)
        async with Others(one_session.port, site, address="127.0.0.3"):
            clients += [Unread(one_session.port).ask(site.url("/large")) for _ in range(count)]
            await at_rest(site)
        assert await asyncio.gather(*(each.body(SLOW) for each in few)) == [SLOW, SLOW]
    resets = [line for line in one_session.agent.text().splitlines() if "others need the room" in line]
    assert resets and not [line for line in resets if "127.0.0.2" in line]


async def test_nobody_is_ended_while_there_is_room(one_session, site, clients):
    async with patiently(60), Others(one_session.port, site):
        clients += [Unread(one_session.port).ask(site.url("/large")) for _ in range(10)]
        await at_rest(site)
    async with patiently(60):
        assert await asyncio.gather(*(each.body(LARGE) for each in clients)) == [LARGE] * len(clients)


async def test_downloads_that_are_read_a_byte_at_a_time(one_session, site, clients):
    reading = True

    async def drip():
        while reading:
            for each in clients:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    each.socket.recv(1)
            await asyncio.sleep(0.01)

    clients += [Unread(one_session.port).ask(site.url("/large")) for _ in range(100)]
    task = asyncio.create_task(drip())
    async with patiently(60), Others(one_session.port, site):
        await at_rest(site)
    reading = False
    await task


@counts
async def test_ends_of_downloads_that_are_not_read(make_tunnel, tmp_path, site, clients, count):
    """All of the response has come, and the last part of it waits for the client: its stream is over and can't be reset."""

    # More than a Unix socket holds, and less than that and a window.
    @site.on("/whole")
    async def whole(exchange):
        await exchange.respond(200, body=b"w" * (300 * KiB))
        site.sent += 300 * KiB

    path = tmp_path / "agent.sock"
    tunnel = make_tunnel(agent={"accept": {"listen": f"unix:{path}"}}, agent_top=ONE, server_top=ONE)
    tunnel.start_server()
    tunnel.agent = Fluidity("agent", tunnel.agent_config, port=None)
    async with patiently(60), Others(path, site):
        clients += [Unread(path).ask(site.url("/whole")) for _ in range(count)]
        await at_rest(site)
    assert tunnel.alive


@counts
async def test_uploads_that_the_origin_does_not_read(one_session, site, make_tcp, clients, count):
    never = asyncio.Event()

    async def deaf(reader, writer):
        writer.transport.pause_reading()
        await never.wait()

    target = await make_tcp(deaf)
    part = b"u" * (64 * KiB)

    async def upload(client: Unread):
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.get_running_loop().sock_sendall(client.socket, part)
                site.sent += len(part)

    async with patiently(90), Others(one_session.port, site, body=b"b" * 20_000):
        tasks = []
        for _ in range(count):
            client = Unread(one_session.port)
            clients.append(client)
            client.ask(f"http://{target.authority}/", "POST", [("Content-Length", str(LARGE * 10))])
            tasks.append(asyncio.create_task(upload(client)))
        await at_rest(site)
    for task in tasks:
        task.cancel()
