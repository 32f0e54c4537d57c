"""Connections on which nothing passes are closed; one byte now and then, whichever way, keeps one open."""

import asyncio

import pytest

from harness.client import Connection
from harness.waiting import patiently

BYTES = 10
PAUSE = 0.3  # Of which three are shorter than the limit, and ten are longer than two of it.


@pytest.mark.parametrize("way", ["from the target", "to the target"])
async def test_a_byte_now_and_then_keeps_a_tunnel_open(make_tunnel, make_tcp, way):
    received = asyncio.get_running_loop().create_future()

    async def trickle(writer):
        for _ in range(BYTES):
            await asyncio.sleep(PAUSE)
            writer.write(b"x")
            await writer.drain()

    async def target(reader, writer):
        if way == "from the target":
            await trickle(writer)
            writer.write_eof()
        else:
            received.set_result(await reader.readexactly(BYTES))

    tunnel = make_tunnel(agent={"accept": {"idle": "1s"}}).start()
    origin = await make_tcp(target)
    async with patiently(30), await Connection.open(tunnel.port) as client:
        assert (await client.connect(origin.authority)).status == 200
        if way == "from the target":
            assert await client.reader.readexactly(BYTES) == BYTES * b"x"
        else:
            await trickle(client.writer)
            assert await received == BYTES * b"x"


async def test_a_silent_tunnel_is_closed(make_tunnel, make_tcp):
    async def silent(reader, writer):
        await reader.read()

    tunnel = make_tunnel(agent={"accept": {"idle": "1s"}}).start()
    origin = await make_tcp(silent)
    async with await Connection.open(tunnel.port) as client:
        assert (await client.connect(origin.authority)).status == 200
        await client.ended(within=15)
