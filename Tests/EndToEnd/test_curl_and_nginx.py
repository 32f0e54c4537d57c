"""The ordinary case with ordinary programs: curl, the tunnel, nginx."""

import asyncio
import hashlib

import pytest

from harness.nginx import Nginx
from harness.processes import curl

ways = pytest.mark.parametrize("way", [[], ["--proxytunnel"]], ids=["plain", "connect"])


@ways
@pytest.mark.parametrize("size", Nginx.SIZES)
async def test_download(tunnel, nginx, size, way):
    result = await curl("-x", tunnel.proxy, *way, "--fail", nginx.url(size))
    assert result.status == 0, result.text
    assert hashlib.sha256(result.output).hexdigest() == nginx.hashes[str(size)]


@ways
async def test_many_files_on_one_connection(tunnel, nginx, way, tmp_path):
    urls = [nginx.url(size) for size in Nginx.SIZES * 5]
    targets = [argument for number, _ in enumerate(urls) for argument in ("-o", tmp_path / str(number))]
    result = await curl("-x", tunnel.proxy, *way, "--fail", "-w", "%{num_connects} ", *targets, *urls)
    assert result.status == 0, result.text
    assert sum(map(int, result.output.split())) == 1, "one connection carries all"
    for number, size in enumerate(Nginx.SIZES * 5):
        assert hashlib.sha256((tmp_path / str(number)).read_bytes()).hexdigest() == nginx.hashes[str(size)]


async def test_a_range(tunnel, nginx):
    whole = (nginx.files / "65536").read_bytes()
    result = await curl("-x", tunnel.proxy, "-r", "1000-1999", "-w", "%{http_code}", nginx.url(65536))
    assert result.output == whole[1000:2000] + b"206"


async def test_compression_is_between_the_ends(tunnel, nginx):
    """Compressed by nginx, unpacked by curl, and untouched in between."""
    plain = await curl("-x", tunnel.proxy, "-i", nginx.url("text.txt"))
    assert b"content-encoding" not in plain.output.lower()
    unpacked = await curl("-x", tunnel.proxy, "--compressed", nginx.url("text.txt"))
    assert hashlib.sha256(unpacked.output).hexdigest() == nginx.hashes["text.txt"]
    packed = await curl("-x", tunnel.proxy, "-H", "Accept-Encoding: gzip", nginx.url("text.txt"))
    assert packed.output[:2] == b"\x1f\x8b" and len(packed.output) < 5000


async def test_not_modified(tunnel, nginx):
    head = await curl("-x", tunnel.proxy, "-I", nginx.url(1000))
    (etag,) = [line.split(b": ")[1].strip() for line in head.output.splitlines() if line.lower().startswith(b"etag")]
    again = await curl("-x", tunnel.proxy, "-H", b"If-None-Match: ".decode() + etag.decode(), "-w", "%{http_code}", nginx.url(1000))
    assert again.output == b"304"


async def test_status_and_redirect_are_not_followed(tunnel, nginx):
    result = await curl("-x", tunnel.proxy, "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", nginx.url("redirect"))
    assert result.output.decode() == f"302 {nginx.url('0')}"
    missing = await curl("-x", tunnel.proxy, "-o", "/dev/null", "-w", "%{http_code}", nginx.url("missing"))
    assert missing.output == b"404"


@ways
async def test_fifty_curls_at_once(tunnel, nginx, way):
    results = await asyncio.gather(*(curl("-x", tunnel.proxy, *way, nginx.url(1 << 20)) for _ in range(50)))
    assert {hashlib.sha256(each.output).hexdigest() for each in results} == {nginx.hashes[str(1 << 20)]}
