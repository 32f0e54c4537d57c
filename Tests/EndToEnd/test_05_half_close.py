"""Proof 5: either side of a CONNECT tunnel can end its direction and go on reading."""

import asyncio
import random

import pytest

from harness.client import Connection
from harness.waiting import eventually, patiently

DATA = random.Random(5).randbytes(3_000_000)


@pytest.fixture(scope="module")
def shared(carried) -> dict:
    return carried()


async def opened(tunnel, target) -> Connection:
    client = await Connection.open(tunnel.port)
    response = await client.connect(target.authority)
    assert response.status == 200
    assert "content-length" not in response.raw.decode().lower() and not response.chunked
    return client


async def test_the_client_ends_first(tunnel, make_tcp):
    async def answer_after_the_end(reader, writer):
        received = await reader.read()
        writer.write(b"%d;" % len(received) + received[::-1])
        writer.write_eof()
        await writer.drain()

    target = await make_tcp(answer_after_the_end)
    async with patiently(30), await opened(tunnel, target) as client:
        await client.send(DATA)
        client.writer.write_eof()
        assert await client.reader.read() == b"%d;" % len(DATA) + DATA[::-1]


async def test_the_target_ends_first(tunnel, make_tcp):
    received = asyncio.get_running_loop().create_future()

    async def end_and_read_on(reader, writer):
        writer.write(DATA)
        writer.write_eof()
        received.set_result(await reader.read())

    target = await make_tcp(end_and_read_on)
    async with patiently(30), await opened(tunnel, target) as client:
        assert await client.reader.read() == DATA
        await client.send(DATA[::-1])
        client.writer.write_eof()
        assert await received == DATA[::-1]


async def test_both_ends_close_the_connection_to_the_target(tunnel, make_tcp):
    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    target = await make_tcp(echo)
    async with patiently(30), await opened(tunnel, target) as client:
        await client.send(b"hello")
        assert await client.reader.readexactly(5) == b"hello"
        client.writer.write_eof()
        assert await client.reader.read() == b""
    await eventually(lambda: target.open == 0, 10, "the connection to the target is closed")


async def test_early_data_after_connect_is_delivered(tunnel, make_tcp):
    async def echo_once(reader, writer):
        writer.write(b"got " + await reader.readexactly(5))
        await writer.drain()

    target = await make_tcp(echo_once)
    async with patiently(30), await Connection.open(tunnel.port) as client:
        assert (await client.connect(target.authority, early=b"early")).status == 200
        assert await client.reader.readexactly(9) == b"got early"


@pytest.mark.parametrize("who", ["client", "target"])
async def test_an_aborted_side_ends_the_other(tunnel, make_tcp, who):
    """A reset is passed on as an end with an error or at least an end, never as silence."""
    at_target = asyncio.get_running_loop().create_future()
    abort = asyncio.Event()

    async def target_side(reader, writer):
        await reader.readexactly(1)
        writer.write(b"!")
        if who == "target":
            await abort.wait()
            writer.transport.abort()
            return
        try:
            at_target.set_result(await reader.read())
        except ConnectionError:
            at_target.set_result(b"")

    target = await make_tcp(target_side)
    async with patiently(30), await opened(tunnel, target) as client:
        await client.send(b"?")
        assert await client.reader.readexactly(1) == b"!"
        if who == "target":
            abort.set()
            assert await client.ended() == b""
        else:
            client.abort()
            assert await at_target == b""
