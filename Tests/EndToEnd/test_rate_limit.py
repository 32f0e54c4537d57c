"""Limits of requests, of open exchanges and of bytes, on the agent and on the server."""

import asyncio
import hashlib
import time

import pytest

from harness.client import Connection, fetch
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually


@pytest.fixture
def hello(origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"hello")

    @origin.on("/big")
    async def big(exchange):
        await exchange.respond(200, body=bytes(range(256)) * 4096)

    @origin.on("/upload")
    async def upload(exchange):
        body = await exchange.read_body()
        await exchange.respond(200, body=hashlib.sha256(body).hexdigest().encode())

    return origin


def limits(where: str, *stages: dict) -> dict:
    return {f"{where}_filters": [("rate-limit", stage) for stage in stages]}


@pytest.mark.parametrize("where", ["agent", "server"])
async def test_requests(make_tunnel, hello, where):
    tunnel = make_tunnel(**limits(where, {"by": "client", "requests": "3/h"})).start()
    statuses = [(await fetch(tunnel.port, hello.url("/"))).status for _ in range(3)]
    assert statuses == [200] * 3
    refused = await fetch(tunnel.port, hello.url("/"))
    assert refused.status == 429
    assert refused.get("ratelimit-policy") == '"requests";q=3;w=3600'
    wait = int(refused.get("retry-after"))
    assert 1100 < wait <= 1200 and refused.get("ratelimit") == f'"requests";r=0;t={wait}'
    assert "3/h for each client" in refused.text
    async with await Connection.open(tunnel.port) as client:
        assert (await client.connect(hello.authority)).status == 429
    assert len(hello.requests) == 3


async def test_clients_of_a_socket_for_both_versions(launch, tmp_path, hello):
    """IPv4 clients have their own addresses there, and aren't one because those of IPv6 begin alike."""
    port = free_port()
    fields = [("headers", {"request": {"set": {"X-Client": "{client}"}}})]
    stages = [("accept", {"listen": f"[::]:{port}"}), ("http", {"mode": "proxy"}), ("rate-limit", {"by": "client", "requests": "1/h"}), *fields, ("fetch", {"destinations": "any"})]
    launch(Fluidity("server", write_configuration(tmp_path / "both.yaml", stages), port=port))

    async def status(source: str) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        writer.write(f"GET {hello.url('/')} HTTP/1.1\r\nHost: {hello.authority}\r\nConnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return int(answer[9:12])

    for source in ("127.0.0.2", "127.0.0.3"):
        assert await status(source) == 200, source
        assert await status(source) == 429, source
    assert [request.get("x-client") for request in hello.requests] == ["127.0.0.2", "127.0.0.3"]


@pytest.mark.parametrize("where", ["agent", "server"])
async def test_a_limit_for_each_host_and_identity(make_tunnel, hello, where):
    keys = [{"name": name, "key": name * 16} for name in ("ann", "bob")]
    stages = [("auth", {"methods": [{"api-key": {"header": "X-Key", "keys": keys}}]}), ("rate-limit", {"by": "identity", "requests": "2/h"}), ("rate-limit", {"by": "host", "requests": "3/h"})]
    tunnel = make_tunnel(**{f"{where}_filters": stages}).start()

    async def status(name, host):
        return (await fetch(tunnel.port, hello.url("/", host=host), fields=[("X-Key", name * 16)])).status

    assert [await status("ann", "127.0.0.1") for _ in range(3)] == [200, 200, 429]
    assert [await status("bob", "127.0.0.1"), await status("bob", "127.0.0.1")] == [200, 429], "its host has had three"
    assert await status("bob", "127.0.0.1") == 429


@pytest.mark.parametrize("where", ["agent", "server"])
async def test_open_exchanges(make_tunnel, origin, where):
    release = asyncio.Event()

    @origin.on("/wait")
    async def wait(exchange):
        await release.wait()
        await exchange.respond(200, body=b"done")

    tunnel = make_tunnel(**limits(where, {"by": "global", "concurrent": 3})).start()
    open_ones = [asyncio.create_task(fetch(tunnel.port, origin.url("/wait"))) for _ in range(3)]
    await eventually(lambda: len(origin.requests) == 3, 10, "three are open")
    refused = await fetch(tunnel.port, origin.url("/wait"))
    assert refused.status == 429 and refused.get("ratelimit-policy") == '"concurrent";q=3;qu="concurrent-requests"'
    # One who leaves makes room; how soon that is known is the proxy's.
    open_ones.pop().cancel()
    last = []

    async def let_in():
        last[:] = [asyncio.create_task(fetch(tunnel.port, origin.url("/wait")))]
        await eventually(lambda: last[0].done() or len(origin.requests) == 4, 10, "an answer, or a request at the origin")
        return len(origin.requests) == 4

    await eventually(let_in, 10, "there is room again")
    release.set()
    answers = await asyncio.gather(*open_ones, *last)
    assert [answer.body for answer in answers] == [b"done"] * 3


@pytest.mark.parametrize("where", ["agent", "server"])
async def test_downloads_are_delayed_and_whole(make_tunnel, hello, where):
    tunnel = make_tunnel(**limits(where, {"by": "global", "download": "512KiB/s", "byte-burst": "128KiB"})).start()
    began = time.monotonic()
    response = await fetch(tunnel.port, hello.url("/big"))
    took = time.monotonic() - began
    assert response.body == bytes(range(256)) * 4096
    # A mebibyte less the burst, and the last chunk's size. Only ever later, if the machine is busy.
    assert took > 1.5, took


@pytest.mark.parametrize("where", ["agent", "server"])
async def test_uploads_and_tunnels_are_delayed_and_whole(make_tunnel, hello, where):
    tunnel = make_tunnel(**limits(where, {"by": "global", "upload": "512KiB/s", "byte-burst": "128KiB"})).start()
    body = bytes(range(256)) * 4096
    digest = hashlib.sha256(body).hexdigest().encode()
    began = time.monotonic()
    assert (await fetch(tunnel.port, hello.url("/upload"), "POST", body=body)).body == digest
    middle = time.monotonic()
    async with await Connection.open(tunnel.port) as client:
        assert (await client.connect(hello.authority)).status == 200
        request = f"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        await client.send(request + body)
        assert (await client.response()).body == digest
    assert middle - began > 1.5 and time.monotonic() - middle > 1.5


async def test_one_who_is_delayed_delays_nobody_else(make_tunnel, hello):
    keys = [{"name": name, "key": name * 16} for name in ("ann", "bob")]
    stages = [("auth", {"methods": [{"api-key": {"header": "X-Key", "keys": keys}}]}), ("rate-limit", {"by": "identity", "download": "8KiB/s", "byte-burst": "64KiB"})]
    tunnel = make_tunnel(server_filters=stages).start()
    slow = asyncio.create_task(fetch(tunnel.port, hello.url("/big"), fields=[("X-Key", "ann" * 16)]))
    await eventually(lambda: len(hello.requests) == 1, 10, "the first has begun")
    for _ in range(20):
        assert (await fetch(tunnel.port, hello.url("/"), fields=[("X-Key", "bob" * 16)])).body == b"hello"
    assert not slow.done()
    slow.cancel()


@pytest.mark.parametrize("keys, message", [
    ({"by": "nobody", "requests": "1/s"}, "wants one of global, client, identity, host"), ({"by": "global"}, "'rate-limit' limits nothing"),
    ({"by": "global", "requests": "100"}, "the period is missing"), ({"by": "global", "download": "10MiB"}, "the period is missing"),
    ({"by": "global", "burst": 5, "concurrent": 1}, "'burst' goes with 'requests'"), ({"requests": "1/s"}, "needs the key 'by'"),
])  # fmt: skip
@pytest.mark.parametrize("where", ["agent", "server"])
async def test_check_refuses(binary, make_tunnel, where, keys, message):
    tunnel = make_tunnel(**limits(where, keys))
    result = await run(binary, "check", tunnel.agent_config if where == "agent" else tunnel.server_config)
    assert result.status == 65 and message in result.text, result.text
