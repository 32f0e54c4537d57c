"""Proof 3: what the origin sends arrives before it sends more."""

import asyncio

import pytest

from harness import wire
from harness.client import Connection
from harness.waiting import patiently


@pytest.mark.parametrize("framing", ["chunked", "until-close", "connect"])
async def test_each_event_arrives_before_the_next_is_sent(tunnel, origin, framing):
    seen = asyncio.Semaphore(0)

    @origin.on("/events")
    async def events(exchange):
        chunked = [("Transfer-Encoding", "chunked")] if framing != "until-close" else []
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Type", "text/event-stream"), *chunked]))
        for number in range(50):
            event = b"data: event %d\n\n" % number
            await exchange.send(wire.chunk(event) if chunked else event)
            # No event is sent that the client has not asked for by reading the one before.
            await seen.acquire()
        if chunked:
            await exchange.send(wire.last_chunk())
        exchange.close()

    async with patiently(60), await Connection.open(tunnel.port) as client:
        url = origin.url("/events")
        if framing == "connect":
            assert (await client.connect(origin.authority)).status == 200
            url = "/events"
        await client.send(wire.head(f"GET {url} HTTP/1.1", [("Host", origin.authority), ("Accept", "text/event-stream")]))
        response = await client.head()
        assert response.status == 200
        received, number = b"", 0
        async for data in client.body(response):
            received += data
            while received.startswith(event := b"data: event %d\n\n" % number):
                received = received[len(event) :]
                number += 1
                seen.release()
        assert (number, received) == (50, b"")


async def test_an_upload_arrives_before_more_is_sent(tunnel, origin):
    arrived = asyncio.Queue()

    @origin.on("/upload")
    async def upload(exchange):
        async for data in exchange.body():
            arrived.put_nowait(data)
        await exchange.respond(200)

    async with patiently(60), await Connection.open(tunnel.port) as client:
        fields = [("Host", origin.authority), ("Transfer-Encoding", "chunked")]
        await client.send(wire.head(f"POST {origin.url('/upload')} HTTP/1.1", fields))
        for number in range(20):
            await client.send(wire.chunk(b"part %d" % number))
            assert await arrived.get() == b"part %d" % number
        await client.send(wire.last_chunk())
        assert (await client.response()).status == 200


async def test_curl_shows_events_as_they_come(tunnel, origin):
    """The same with a client that is not ours."""
    seen = asyncio.Event()

    @origin.on("/events")
    async def events(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        await exchange.send(wire.chunk(b"first\n"))
        await seen.wait()
        await exchange.send(wire.chunk(b"second\n") + wire.last_chunk())

    command = ["curl", "-q", "-sSN", "-x", tunnel.proxy, origin.url("/events")]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        async with patiently(30):
            assert await child.stdout.readline() == b"first\n"
            seen.set()
            assert await child.stdout.read() == b"second\n"
            assert await child.wait() == 0
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
