"""Proof 2: 1 GiB each way, through plain proxying and through CONNECT, in bounded memory."""

import hashlib

import pytest

from harness.memory import Growth, MiB
from harness.processes import run

SIZE = 1 << 30
ALLOWED = 32 * MiB

pytestmark = pytest.mark.timeout(600)
ways = pytest.mark.parametrize("way", ["plain", "connect"])


@pytest.fixture(scope="module")
def huge(nginx):
    nginx.add_huge("huge", SIZE)
    yield nginx
    (nginx.files / "huge").unlink()


def proxying(tunnel, way: str) -> list[str]:
    return ["-x", tunnel.proxy, *(["--proxytunnel"] if way == "connect" else [])]


class Watched:
    """A tunnel that has already carried something, and how much its processes grow from then on."""

    def __init__(self, tunnel):
        self._growths = {each.name: Growth(each.pid) for each in tunnel.processes}

    def check(self, record):
        for name, growth in self._growths.items():
            record(f"{name} grew by MiB", round(growth.peak() / MiB, 1))
        for name, growth in self._growths.items():
            assert growth.peak() <= ALLOWED, f"{name} grew by {growth.peak() / MiB:.1f} MiB"


async def warmed_up(make_tunnel, nginx, way) -> Watched:
    tunnel = make_tunnel().start()
    small = await run("curl", "-q", "-sS", *proxying(tunnel, way), nginx.url(1000))
    assert hashlib.sha256(small.output).hexdigest() == nginx.hashes["1000"], small.text
    return tunnel


@ways
async def test_download(make_tunnel, huge, way, record_property):
    tunnel = await warmed_up(make_tunnel, huge, way)
    watched = Watched(tunnel)
    command = 'set -o pipefail; curl -q -sS --fail "$@" | openssl dgst -sha256 -r'
    result = await run("bash", "-c", command, "curl", *proxying(tunnel, way), huge.url("huge"), within=280)
    assert result.status == 0, result.text
    assert result.output.split()[0].decode() == huge.hashes["huge"]
    watched.check(record_property)


@ways
async def test_upload(make_tunnel, huge, origin, way, record_property):
    received = hashlib.sha256()

    @origin.on("/upload")
    async def upload(exchange):
        total = 0
        async for data in exchange.body():
            received.update(data)
            total += len(data)
        await exchange.respond(200, body=f"{total}".encode())

    tunnel = await warmed_up(make_tunnel, huge, way)
    watched = Watched(tunnel)
    url = origin.url("/upload")
    result = await run("curl", "-q", "-sS", "-H", "Expect:", "-T", huge.files / "huge", *proxying(tunnel, way), url, within=280)
    assert result.text == str(SIZE)
    assert received.hexdigest() == huge.hashes["huge"]
    watched.check(record_property)
