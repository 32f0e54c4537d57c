"""Proof 1: 10,000 mixed requests on 64 connections; each body is the right one and none is another's."""

import asyncio
import random

import pytest

from harness import wire
from harness.client import Connection

REQUESTS = 10_000
CONNECTIONS = 64
LARGEST = 1 << 20

_NOISE = random.Random(7).randbytes(2 * LARGEST)


def content(name: str, size: int) -> bytes:
    """`size` bytes that no other name has, unless it is shorter than the name."""
    start = hash_of(name) % LARGEST
    return (name.encode() + b"|" + _NOISE[start : start + size])[:size]


def hash_of(name: str) -> int:
    return int.from_bytes(random.Random(name).randbytes(4))


def any_size(choice: random.Random) -> int:
    """Small ones most often, as on the Web; edges of buffers and windows now and then."""
    if choice.random() < 0.1:
        return choice.choice([0, 1, 16383, 16384, 16385, 65535, 65536, 65537, LARGEST])
    return int(2 ** choice.uniform(0, 20))


async def answer(exchange):
    """GET and HEAD: the content that the URL names. POST: what was sent, if it is what the URL names."""
    _, _, name, size = exchange.request.target.split("/")
    body = content(name, int(size))
    fields = [("X-Name", name)]
    if exchange.request.method == "POST":
        received = await exchange.read_body()
        if received != body:
            return await exchange.respond(409, fields, b"the origin got another body")
    if exchange.request.method == "HEAD" or hash_of(name) % 2:
        return await exchange.respond(200, fields, body)
    await exchange.send(wire.head("HTTP/1.1 200 OK", [*fields, ("Transfer-Encoding", "chunked")]))
    for start in range(0, len(body), 50_000):
        await exchange.send(wire.chunk(body[start : start + 50_000]))
    await exchange.send(wire.last_chunk())


class Worker:
    """One client connection after the other; a CONNECT uses its connection up."""

    def __init__(self, number: int, proxy_port: int, origins: list):
        self.number = number
        self.port = proxy_port
        self.origins = origins
        self.choice = random.Random(number)
        self.connection: Connection | None = None
        self.done: dict[str, int] = {}

    async def work(self, count: int):
        for index in range(count):
            if self.connection is None:
                self.connection = await Connection.open(self.port)
            method = self.choice.choices(["GET", "POST", "HEAD", "CONNECT"], [50, 30, 10, 10])[0]
            await self.one(method, f"w{self.number}-{index}", any_size(self.choice), self.choice.choice(self.origins))
            self.done[method] = self.done.get(method, 0) + 1
        if self.connection is not None:
            self.connection.abort()

    async def one(self, method: str, name: str, size: int, origin):
        connection = self.connection
        url = origin.url(f"/content/{name}/{size}")
        expected = content(name, size)
        if method == "CONNECT":
            opened = await connection.connect(origin.authority)
            assert opened.status == 200, opened.text
            method, url = "GET", f"/content/{name}/{size}"
            await connection.send(wire.head(f"GET {url} HTTP/1.1", [("Host", origin.authority)]))
            response = await connection.response()
            connection.abort()
            self.connection = None
        elif method == "POST" and self.choice.random() < 0.5:
            await connection.send(wire.head(f"POST {url} HTTP/1.1", [("Host", origin.authority), ("Transfer-Encoding", "chunked")]))
            for start in range(0, size, 30_000):
                await connection.send(wire.chunk(expected[start : start + 30_000]))
            await connection.send(wire.last_chunk())
            response = await connection.response()
        else:
            response = await connection.request(method, url, body=expected if method == "POST" else None)
        assert response.status == 200, f"{method} {url}: {response.status} {response.text[:200]}"
        assert response.get("x-name") == name, f"{method} {url} got the answer for {response.get('x-name')}"
        if method == "HEAD":
            assert response.get("content-length") == str(size)
        else:
            assert response.body == expected, f"{method} {url}: {len(response.body)} bytes, not the {size} expected"


@pytest.mark.timeout(600)
async def test_ten_thousand_mixed_requests(tunnel, make_origin):
    origins = [await make_origin() for _ in range(3)]
    for origin in origins:
        origin.on("/content/*")(answer)
    shares = [REQUESTS // CONNECTIONS + (number < REQUESTS % CONNECTIONS) for number in range(CONNECTIONS)]
    workers = [Worker(number, tunnel.port, origins) for number in range(CONNECTIONS)]
    await asyncio.gather(*(worker.work(share) for worker, share in zip(workers, shares)))
    assert sum(sum(worker.done.values()) for worker in workers) == REQUESTS
    assert sum(len(origin.requests) for origin in origins) == REQUESTS, "a request was lost or repeated"
    assert {method for worker in workers for method in worker.done} == {"GET", "POST", "HEAD", "CONNECT"}
