"""Clients that connect and don't say who they are keep nobody else out."""

import asyncio
import base64
import contextlib

import pytest

from harness.admin import Admin
from harness.client import Connection, fetch, request
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually, patiently

LIMIT = 50


@contextlib.asynccontextmanager
async def crowd(port: int, count: int, says: bytes = b"", addresses: int = 1, returns: bool = False):
    """That many connections, from addresses of this machine in turns, each of which says something and, if it `returns`, comes again
    when it is closed. Yields those that were closed."""
    closed = []

    async def stranger(index: int):
        while True:
            try:
                own = (f"127.0.0.{1 + index % addresses}", 0)
                reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=own)
                writer.write(says)
                while await reader.read(4096):
                    pass
                writer.close()
            except OSError:
                pass
            closed.append(index)
            if not returns:
                return
            # Not a busy loop, should the port be closed.
            await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(stranger(index)) for index in range(count)]
    try:
        yield closed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def turns_them_out(closed: list):
    await eventually(lambda: len(closed) > LIMIT, 20, "strangers are turned out")


HALF_A_HELLO = b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + bytes(20)


@pytest.mark.parametrize("says", [b"", HALF_A_HELLO], ids=["nothing", "half a hello"])
@pytest.mark.parametrize("addresses", [1, 200])
async def test_before_a_handshake(make_tunnel, ok, says, addresses):
    """Agents come to a server whose port is full of connections without a handshake, whoever they are from. Before there were limits of
    their own, the last of so many would have been accepted after a minute: those before it have 10 s each for the handshake."""
    admin = Admin(free_port())
    tunnel = make_tunnel(server={"accept": {"max-connections": LIMIT}}, server_top={"admin": admin.settings})
    tunnel.start_server()
    async with crowd(tunnel.server_port, 6 * LIMIT, says, addresses) as closed:
        await turns_them_out(closed)
        tunnel.start_agent()
        assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    # Who is known stays, however many come.
    async with crowd(tunnel.server_port, 4 * LIMIT, says, addresses) as closed:
        await turns_them_out(closed)
        assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
        metrics = await admin.metrics()
        # Beside those that are somebody's, strangers have as many places again.
        assert metrics.sum("fluidity_accept_connections_open", stage="accept") <= 2 * LIMIT
        assert metrics.sum("fluidity_accept_strangers_closed_total", stage="accept") > 2 * LIMIT
    assert tunnel.agent.text().count("tunnel is down") == 0, tunnel.agent.tail()


@pytest.fixture
def proxy(launch, tmp_path):
    """Starts `accept, http, fetch` with further stages between, and patience for clients that send nothing."""

    def start(*filters, **accept) -> Fluidity:
        port = free_port()
        stages = [
            ("accept", {"listen": f"127.0.0.1:{port}", "max-connections": LIMIT, **accept}),
            ("http", {"mode": "proxy", "head-timeout": "1h", "keep-alive": "1h"}),
            *filters,
            ("fetch", {"destinations": "any"}),
        ]
        return launch(Fluidity("agent", write_configuration(tmp_path / "proxy.yaml", stages), port=port))

    return start


@pytest.mark.parametrize("says", [b"", b"GET http://example.org/ HTTP/1.1\r\nHost: exa"], ids=["nothing", "half a head"])
async def test_before_a_request(proxy, ok, says):
    process = proxy()
    async with patiently(30), await Connection.open(process.port) as early:
        assert (await early.request("GET", ok.url("/"))).status == 200
        async with crowd(process.port, 3 * LIMIT, says, returns=True) as closed:
            await turns_them_out(closed)
            assert (await fetch(process.port, ok.url("/"))).body == b"fine"
            assert (await early.request("GET", ok.url("/"))).status == 200, "a connection that has had a request stays open"


async def test_who_is_refused_by_auth_is_nobody(proxy, binary, ok, tmp_path):
    """Their requests are answered, and their connections kept open, but not in the way of who has a password."""
    users = tmp_path / "users.txt"
    assert (await run(binary, "passwd", users, "alice", stdin=b"open sesame\n")).status == 0
    process = proxy(("auth", {"methods": [{"basic": {"users": str(users)}}]}))
    refused = request("GET", ok.url("/"))
    async with patiently(30), crowd(process.port, 3 * LIMIT, refused, returns=True) as closed:
        await turns_them_out(closed)
        password = base64.b64encode(b"alice:open sesame").decode()
        answer = await fetch(process.port, ok.url("/"), fields=[("Proxy-Authorization", f"Basic {password}")])
        assert answer.status == 200
    assert ok.paths() == ["/"]


async def test_a_few_free_places_are_no_long_queue(proxy, ok):
    """All places but one belong to somebody: strangers are counted by themselves then."""
    process = proxy()
    async with patiently(60), contextlib.AsyncExitStack() as stack:
        for _ in range(LIMIT - 1):
            client = await stack.enter_async_context(await Connection.open(process.port))
            assert (await client.request("GET", ok.url("/"))).status == 200
        async with crowd(process.port, 4 * LIMIT) as closed:
            await turns_them_out(closed)
            assert (await fetch(process.port, ok.url("/"))).body == b"fine"


async def test_many_at_once_that_say_who_they_are(proxy, ok):
    """A burst of honest clients is no crowd: nobody is turned out, however many wait."""
    process = proxy()
    async with patiently(60):
        answers = await asyncio.gather(*(fetch(process.port, ok.url("/"), within=60) for _ in range(4 * LIMIT)))
    assert [answer.status for answer in answers] == [200] * (4 * LIMIT)
