"""Proof 4: readers that stop reading stall only themselves."""

import asyncio
import hashlib
import random

import pytest

from harness.client import Connection, fetch
from harness.codecs import STREAMING
from harness.memory import Growth, MiB
from harness.waiting import eventually, patiently
from harness import wire

# With both, more than the agent has connections to the server, so that the others share a connection with some. `mux` is made for
# many, as paused videos would be, though all were on one connection; HTTP/2 holds more of each.
STALLED = {"mux": 16, "h2": 8}
LARGE = 24 * MiB
OTHERS = 100
ALLOWED = 64 * MiB

_BLOCK = random.Random(4).randbytes(1 << 20)


def large(number: int):
    """The blocks of a large body that differs from the others'."""
    for index in range(LARGE // len(_BLOCK)):
        turn = (number * 1009 + index * 31) % len(_BLOCK)
        yield _BLOCK[turn:] + _BLOCK[:turn]


codecs = pytest.mark.parametrize("codec", STREAMING)


def speaking(make_tunnel, codec: str):
    frame = {"frame": {"codec": codec}}
    return make_tunnel(agent=frame, server=frame).start()


class Stalled:
    """A download whose client has read the head and then nothing."""

    def __init__(self, client: Connection, response):
        self.client = client
        self.response = response

    @classmethod
    async def start(cls, tunnel, url: str) -> "Stalled":
        client = await Connection.open(tunnel.port, receive_buffer=1 << 14)
        await client.send(wire.head(f"GET {url} HTTP/1.1", [("Host", url.split("/")[2])]))
        response = await client.head()
        assert response.status == 200
        return cls(client, response)

    async def resume(self) -> str:
        digest = hashlib.sha256()
        async for data in self.client.body(self.response):
            digest.update(data)
        self.client.abort()
        return digest.hexdigest()


@codecs
async def test_a_stalled_reader_stalls_only_itself(make_tunnel, origin, record_property, codec):
    sent = [0] * STALLED[codec]
    small = _BLOCK[: 256 * 1024]

    @origin.on("/large/*")
    async def send_large(exchange):
        number = int(exchange.request.target.rsplit("/", 1)[1])
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", str(LARGE))]))
        for block in large(number):
            for start in range(0, len(block), 1 << 16):
                await exchange.send(block[start : start + (1 << 16)])
                sent[number] += 1 << 16

    @origin.on("/small")
    async def send_small(exchange):
        await exchange.respond(200, body=small)

    tunnel = speaking(make_tunnel, codec)
    async with patiently(150):
        assert (await fetch(tunnel.port, origin.url("/small"))).body == small
        growths = {each.name: Growth(each.pid) for each in tunnel.processes}
        stalled = [await Stalled.start(tunnel, origin.url(f"/large/{number}")) for number in range(STALLED[codec])]
        await settled(sent)
        assert max(sent) < LARGE, "the origin could send everything although nobody reads"

        others = await asyncio.gather(*(fetch(tunnel.port, origin.url("/small"), within=60) for _ in range(OTHERS)))
        assert all(each.status == 200 and each.body == small for each in others)
        assert max(sent) < LARGE, "the stalled download went on while nobody read"
        for name, growth in growths.items():
            record_property(f"{name} grew by MiB", round(growth.peak() / MiB, 1))
            assert growth.peak() <= ALLOWED, f"{name} grew by {growth.peak() / MiB:.1f} MiB"

        for number, each in enumerate(stalled):
            expected = hashlib.sha256()
            for block in large(number):
                expected.update(block)
            assert await each.resume() == expected.hexdigest()


async def settled(sent: list[int]):
    """Waits until the origin can send no more."""
    last: dict = {"sent": None, "same": 0}

    def unchanged():
        same = sent == last["sent"] and all(sent)
        last.update(sent=list(sent), same=last["same"] + 1 if same else 0)
        return last["same"] > 25

    await eventually(unchanged, 30, "the stalled downloads come to rest")


@codecs
async def test_a_stalled_upload_stalls_only_itself(make_tunnel, origin, codec):
    """The same the other way: an origin that doesn't read."""
    tunnel = speaking(make_tunnel, codec)
    resume = asyncio.Event()

    @origin.on("/stalled")
    async def stalled(exchange):
        await resume.wait()
        digest = hashlib.sha256()
        async for data in exchange.body():
            digest.update(data)
        await exchange.respond(200, body=digest.hexdigest().encode())

    @origin.on("/upload")
    async def upload(exchange):
        await exchange.respond(200, body=hashlib.sha256(await exchange.read_body()).hexdigest().encode())

    body = b"".join(large(0))
    async with patiently(120):
        slow = [asyncio.create_task(fetch(tunnel.port, origin.url("/stalled"), "POST", body=body, within=120)) for _ in range(STALLED[codec])]
        await eventually(lambda: origin.paths().count("/stalled") == STALLED[codec], 10, "the stalled uploads reach the origin")
        part = _BLOCK[: 256 * 1024]
        others = await asyncio.gather(*(fetch(tunnel.port, origin.url("/upload"), "POST", body=part, within=60) for _ in range(OTHERS)))
        assert {each.text for each in others} == {hashlib.sha256(part).hexdigest()}
        assert not any(each.done() for each in slow)
        resume.set()
        assert {each.text for each in await asyncio.gather(*slow)} == {hashlib.sha256(body).hexdigest()}
