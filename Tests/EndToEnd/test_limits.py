"""What `accept` limits, and the other kind of listener."""

import asyncio
import os

import pytest

from harness import wire
from harness.client import Connection, request
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.waiting import eventually, patiently
from harness.wire import Broken


@pytest.fixture
def proxy(launch, tmp_path):
    """Starts `accept, http, fetch` with further keys for `accept`."""

    def start(listen: str | None = None, **accept) -> Fluidity:
        port = free_port() if listen is None else None
        keys = {"listen": listen or f"127.0.0.1:{port}", **{key.replace("_", "-"): value for key, value in accept.items()}}
        stages = [("accept", keys), ("http", {"mode": "proxy"}), ("fetch", {"destinations": "any"})]
        return launch(Fluidity("agent", write_configuration(tmp_path / "proxy.yaml", stages), port=port))

    return start


async def test_connection_limit(proxy, ok):
    process = proxy(max_connections=2)

    async def opened() -> Connection | None:
        """A connection that has carried a request, or None if it is refused."""
        client = await Connection.open(process.port)
        try:
            async with asyncio.timeout(1):
                if (await client.request("GET", ok.url("/"))).status == 200:
                    return client
        except (Broken, TimeoutError):
            pass
        client.abort()
        return None

    async with patiently(60):
        # The probe of the harness for readiness may still be counted.
        first = await eventually(opened, 10, "the first connection")
        second = await eventually(opened, 10, "the second connection")
        assert await opened() is None, "a third connection is served"
        assert (await first.request("GET", ok.url("/"))).status == 200, "the first two go on"
        first.abort()
        third = await eventually(opened, 10, "there is room again")
        second.abort()
        third.abort()


async def test_idle_limit(proxy, ok):
    process = proxy(idle="1s")
    async with patiently(30):
        async with await Connection.open(process.port) as mute:
            assert await mute.ended(within=10) == b""
        async with await Connection.open(process.port) as client:
            assert (await client.request("GET", ok.url("/"))).status == 200
            assert await client.ended(within=10) == b""
        async with await Connection.open(process.port) as half:
            await half.send(request("GET", ok.url("/"))[:20])
            rest = await half.ended(within=10)
            assert not rest or rest.startswith(b"HTTP/1.1 408"), rest
        async with await Connection.open(process.port) as tunnel:
            assert (await tunnel.connect(ok.authority)).status == 200
            assert await tunnel.ended(within=10) == b""


async def test_what_moves_is_not_idle(proxy, origin):
    @origin.on("/")
    async def slowly(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", "12")]))
        for _ in range(12):
            await asyncio.sleep(0.25)
            await exchange.send(b"x")

    process = proxy(idle="2s")
    async with patiently(30), await Connection.open(process.port) as client:
        assert (await client.request("GET", origin.url("/"))).body == b"x" * 12


async def test_a_unix_socket(proxy, ok, tmp_path):
    path = tmp_path / "proxy.sock"
    process = proxy(listen=f"unix:{path}")
    async with patiently(30):
        async with await Connection.open(unix=str(path)) as client:
            for _ in range(2):
                assert (await client.request("GET", ok.url("/"))).body == b"fine"
        process.signal(15)
        assert await process.ended(within=10) == 0
    assert not path.exists(), "the socket goes with the process"


async def test_a_stale_unix_socket_is_replaced(proxy, ok, tmp_path):
    path = tmp_path / "proxy.sock"
    first = proxy(listen=f"unix:{path}")
    first.kill()
    assert os.path.exists(path)
    proxy(listen=f"unix:{path}")
    async with patiently(30), await Connection.open(unix=str(path)) as client:
        assert (await client.request("GET", ok.url("/"))).body == b"fine"
