"""Transfers of 8 MiB that lose their connection twenty times each: every byte arrives once and in its place.

A few of them in `make test`; `make test-transfers` makes `FLUIDITY_TEST_TRANSFERS` of each kind, with each way to lose a connection by itself.
"""

import asyncio
import hashlib
import os
import time

import pytest

from harness import distant, wire
from harness.client import Connection
from harness.distant import AGENT, FAR, NEAR, ORIGIN, Link
from harness.waiting import patiently

from test_noticing import Talk, move
from test_resumption import BODY, CUTS, SIZE, make_cut, resumed  # noqa: F401 - a fixture

TRANSFERS = int(os.environ.get("FLUIDITY_TEST_TRANSFERS", "0"))
#: In which order connections are lost, each list for transfers of its own.
WAYS = [("reset",), ("closed",), ("half",), ("silent",)] if TRANSFERS else [("reset", "closed", "half")]


def test_a_hundred_where_it_is_asked_for():
    """What `make test-transfers` makes: no kind is left out when the numbers are changed."""
    assert not TRANSFERS or 4 * len(WAYS) * TRANSFERS >= 100


@pytest.mark.parametrize("ways", WAYS, ids="-".join)
@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize("kind", ["plain", "connect"])
async def test_every_byte_arrives_once(make_cut, origin, kind, direction, ways):  # noqa: F811
    came = {}

    async def transfer(number: int):
        path = f"/{number}"

        @origin.on(path)
        async def serve(exchange):
            if direction == "up":
                came[path] = await exchange.read_body()
            await exchange.respond(200, body=BODY if direction == "down" else b"")

        tunnel, cutter = await make_cut(ways)
        async with await Connection.open(tunnel.port) as client:
            target = origin.url(path)
            if kind == "connect":
                assert (await client.connect(origin.authority)).status == 200
                target = path
            method, more, body = ("GET", [], b"") if direction == "down" else ("PUT", [("Content-Length", str(SIZE))], BODY)
            await client.send(wire.head(f"{method} {target} HTTP/1.1", [("Host", origin.authority), *more]) + body)
            response = await client.response(method)
        assert response.status == 200
        arrived = response.body if direction == "down" else came[path]
        assert len(arrived) == SIZE and arrived == BODY, difference(arrived)
        assert list(origin.paths()).count(path) == 1, "the request was repeated"
        assert cutter.cuts == CUTS and resumed(tunnel) >= CUTS, (cutter.cuts, resumed(tunnel))

    async with patiently(600):
        # Some at once: each has an agent and a server of its own.
        for first in range(0, max(1, TRANSFERS), 4):
            await asyncio.gather(*(transfer(number) for number in range(first, min(first + 4, max(1, TRANSFERS)))))


def difference(arrived: bytes) -> str:
    """Where what arrived differs first from what was sent."""
    place = next((index for index, (left, right) in enumerate(zip(arrived, BODY)) if left != right), min(len(arrived), SIZE))
    return f"{len(arrived)} bytes, different from {place} on"


@pytest.mark.skipif(not distant.is_possible(), reason="network namespaces need root and /dev/net/tun")
def test_the_address_changes_again_and_again(binary, place, tmp_path):
    """A download at 4 Mbit/s, while the agent's machine has another address every few seconds."""
    times = CUTS if TRANSFERS else 3
    with Link(tmp_path, rate=4) as link:
        talk = Talk(link, binary, place)
        body = hashlib.shake_256(b"moved").digest(SIZE)
        (tmp_path / "body").write_bytes(body)
        site = link.run(1, "python3", "-m", "http.server", "--bind", FAR, "--directory", tmp_path, ORIGIN + 1)
        link.wait(1, FAR, ORIGIN + 1)
        # Slowly enough that the changes come while it lasts.
        limit = SIZE // (8 * times)
        client = link.run(
            0, "curl", "-sS", "--limit-rate", limit, "-x", f"http://127.0.0.1:{AGENT}", "-o", tmp_path / "came", f"http://{FAR}:{ORIGIN + 1}/body")
        addresses = [f"10.9.0.{3 + number}" for number in range(times)]
        before = NEAR
        for address in addresses:
            time.sleep(3.5)
            assert client.poll() is None, "the transfer was over before its connection was lost"
            move(link, address, before)
            before = address
        assert client.wait(300) == 0
        assert site.poll() is None
        assert (tmp_path / "came").read_bytes() == body
        assert talk.says("the session goes on") >= times
