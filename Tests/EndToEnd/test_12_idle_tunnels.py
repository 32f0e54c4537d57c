"""Proof 12: what an idle CONNECT tunnel costs."""

import asyncio

import pytest

from harness.client import Connection
from harness.memory import KiB, resident
from harness.waiting import eventually, patiently

TUNNELS = 2000
ALLOWED = 40 * KiB


async def echo(reader, writer):
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()


async def open_tunnel(port: int, target) -> Connection:
    client = await Connection.open(port)
    assert (await client.connect(target.authority)).status == 200
    await client.send(b"hello")
    assert await client.reader.readexactly(5) == b"hello"
    return client


async def open_many(port: int, target, count: int) -> list[Connection]:
    gate = asyncio.Semaphore(100)

    async def one():
        async with gate:
            return await open_tunnel(port, target)

    return await asyncio.gather(*(one() for _ in range(count)))


@pytest.mark.timeout(600)
async def test_idle_tunnels_are_small(make_tunnel, make_tcp, record_property):
    tunnel = make_tunnel().start()
    target = await make_tcp(echo)
    async with patiently(200):
        # What the processes need once, they have after a few.
        for client in await open_many(tunnel.port, target, 50):
            client.abort()
        await eventually(lambda: target.open == 0, 20, "the first tunnels are closed")
        before = {each.name: resident(each.pid) for each in tunnel.processes}

        clients = await open_many(tunnel.port, target, TUNNELS)
        assert target.open == TUNNELS
        growth = {each.name: resident(each.pid) - before[each.name] for each in tunnel.processes}
        for name, bytes_grown in growth.items():
            record_property(f"KiB per idle tunnel in {name}", round(bytes_grown / TUNNELS / KiB, 1))
        assert sum(growth.values()) / TUNNELS <= ALLOWED, {name: f"{each / TUNNELS / KiB:.1f} KiB" for name, each in growth.items()}

        # They are idle, not dead.
        for client in clients[::50]:
            await client.send(b"still")
            assert await client.reader.readexactly(5) == b"still"
        for client in clients:
            client.abort()
        await eventually(lambda: target.open == 0, 30, "all tunnels are closed at the target")
