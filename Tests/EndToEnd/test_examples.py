"""The stages in examples/, in a program of their own: real requests through a real pipeline."""

import hashlib
import hmac
import os
import re
from pathlib import Path

import pytest

from harness.client import fetch
from harness.fluidity import ROOT, Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run

KEY = "0123456789abcdef0123"


@pytest.fixture
def program() -> Path:
    path = Path(os.environ.get("EXAMPLE_BIN", ROOT / ".build/debug/example-tunnel"))
    assert path.exists(), "build it: swift build --package-path examples --scratch-path .build"
    return path


@pytest.fixture
def proxy(program, tmp_path, monkeypatch):
    port = free_port()
    config = write_configuration(
        tmp_path / "proxy.yaml",
        [
            ("accept", {"listen": f"127.0.0.1:{port}"}),
            ("http", {"mode": "proxy"}),
            ("sign", {"key": KEY}),
            ("replace", {"word": "colour", "with": "color"}),
            ("fetch", {"destinations": "any"}),
        ],
    )
    monkeypatch.setenv("FLUIDITY_BIN", str(program))
    running = Fluidity("server", config, port=port)
    yield port
    running.kill()


async def test_the_command_line_knows_the_stages(program):
    result = await run(program, "stages", within=20)
    assert re.search(r"^sign +Exchange -> Exchange$", result.text, re.MULTILINE), result.text
    described = await run(program, "stages", "replace", within=20)
    assert "fluidity_replace_words_total" in described.text


async def test_requests_are_signed_and_words_replaced(proxy, origin):
    seen = []

    @origin.on("/a")
    async def answer(exchange):
        seen.append(exchange.request)
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        # The word is divided at each of its letters, and the parts come one by one.
        for part in (b"the ", b"co", b"lo", b"ur", b" of a colo", b"u", b"rful day, col"):
            await exchange.send(b"%x\r\n%s\r\n" % (len(part), part))
        await exchange.send(b"0\r\n\r\n")

    response = await fetch(proxy, origin.url("/a"))
    assert response.body == b"the color of a colorful day, col"

    time, code = re.fullmatch(r"t=(\d+), v1=([0-9a-f]{64})", seen[0].get("x-signature")).groups()
    text = f"{time}\nGET\n{origin.authority}\n/a"
    assert hmac.compare_digest(code, hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest())
    assert seen[0].get("accept-encoding") == "identity"
