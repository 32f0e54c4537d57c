"""Proof 10: SIGTERM and SIGINT let what is open finish, take nothing new, and end with status 0."""

import asyncio
import random
import signal

import pytest

from harness import wire
from harness.client import Connection, fetch
from harness.fluidity import find_binary
from harness.ports import accepts
from harness.processes import Process
from harness.waiting import eventually, patiently

PART = b"0123456789abcdef" * 4096


class Download:
    """A response of which the origin has sent half and sends the rest when told to."""

    def __init__(self, origin):
        self.origin = origin
        self.rest = asyncio.Event()
        origin.on("/download")(self._serve)

    async def _serve(self, exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", str(2 * len(PART)))]) + PART)
        await self.rest.wait()
        await exchange.send(PART)

    async def begin(self, tunnel, way: str = "plain"):
        client = await Connection.open(tunnel.port)
        url = self.origin.url("/download")
        if way == "connect":
            assert (await client.connect(self.origin.authority)).status == 200
            url = "/download"
        await client.send(wire.head(f"GET {url} HTTP/1.1", [("Host", self.origin.authority)]))
        response = await client.head()
        assert response.status == 200
        body = client.body(response)
        self.received = b""
        while len(self.received) < len(PART):
            self.received += await anext(body)
        self._client, self._body = client, body

    async def finish(self) -> bytes:
        self.rest.set()
        async for data in self._body:
            self.received += data
        self._client.abort()
        return self.received


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("way", ["plain", "connect"])
@pytest.mark.parametrize("who", ["agent", "server"])
async def test_a_download_completes(make_tunnel, origin, who, way, number):
    tunnel = make_tunnel(agent={"connect": {"wait": "1s"}}).start()
    process, port = (tunnel.agent, tunnel.port) if who == "agent" else (tunnel.server, tunnel.server_port)
    download = Download(origin)
    async with patiently(60):
        await download.begin(tunnel, way)
        process.signal(number)
        await eventually(lambda: not accepts(port), 10, "new connections are refused")
        assert process.alive, "it ended although a download was open"
        if who == "server":
            # The agent has been told: it opens nothing on a session that is going away.
            response = await fetch(tunnel.port, origin.url("/download"), within=20)
            assert response.status == 503, response.raw
        assert await download.finish() == PART + PART
        assert await process.ended(within=15) == 0


@pytest.mark.parametrize("who", ["agent", "server"])
async def test_an_idle_process_ends_at_once(make_tunnel, who):
    tunnel = make_tunnel(**{f"{who}_top": {"drain": "1h"}}).start()
    process = tunnel.agent if who == "agent" else tunnel.server
    process.signal(signal.SIGTERM)
    assert await process.ended(within=5) == 0


@pytest.mark.parametrize("who", ["agent", "server"])
async def test_a_keep_alive_connection_holds_nothing_up(make_tunnel, origin, who):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    tunnel = make_tunnel(**{f"{who}_top": {"drain": "1h"}}).start()
    process = tunnel.agent if who == "agent" else tunnel.server
    async with await Connection.open(tunnel.port) as client:
        assert (await client.request("GET", origin.url("/"))).body == b"fine"
        process.signal(signal.SIGTERM)
        assert await process.ended(within=5) == 0


@pytest.mark.parametrize("who", ["agent", "server"])
async def test_a_second_signal_ends_it_at_once(make_tunnel, origin, who):
    """The limit on draining would end it only long after this test."""
    tunnel = make_tunnel(**{f"{who}_top": {"drain": "1h"}}).start()
    process, port = (tunnel.agent, tunnel.port) if who == "agent" else (tunnel.server, tunnel.server_port)
    download = Download(origin)
    async with patiently(60):
        await download.begin(tunnel)
        process.signal(signal.SIGTERM)
        await eventually(lambda: not accepts(port), 10, "new connections are refused")
        assert process.alive
        process.signal(signal.SIGTERM)
        assert await process.ended(within=10) == 0


@pytest.mark.parametrize("who", ["agent", "server"])
async def test_draining_has_a_limit(make_tunnel, origin, who):
    tunnel = make_tunnel(**{f"{who}_top": {"drain": "1s"}}).start()
    process = tunnel.agent if who == "agent" else tunnel.server
    download = Download(origin)
    async with patiently(60):
        await download.begin(tunnel)
        process.signal(signal.SIGTERM)
        await process.ended(within=5)


async def test_the_agent_finds_the_next_server(make_tunnel, origin):
    """A server that is replaced while a download runs: the download completes on the old, the next request goes to the new."""
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    tunnel = make_tunnel().start()
    download = Download(origin)
    async with patiently(90):
        await download.begin(tunnel)
        old = tunnel.server
        old.signal(signal.SIGTERM)
        await eventually(lambda: not accepts(tunnel.server_port), 10, "the old server takes nothing new")
        tunnel.start_server()

        async def works():
            return (await fetch(tunnel.port, origin.url("/"), within=30)).status == 200

        try:
            await eventually(works, 30, "the next server is used")
            assert old.alive
            assert await download.finish() == PART + PART
            assert await old.ended(within=15) == 0
        finally:
            old.kill()


@pytest.mark.parametrize("who", ["agent", "server"])
async def test_a_signal_at_any_time_ends_it(make_tunnel, launch, who):
    """Also while it starts. Before it can answer signals, they end it as they end any program."""
    moments = random.Random(10)
    for _ in range(30):
        tunnel = make_tunnel(agent_top={"drain": "1s"}, server_top={"drain": "1s"})
        config = tunnel.agent_config if who == "agent" else tunnel.server_config
        process = launch(Process(who, [find_binary(), who, "--config", config], tunnel.place))
        # Some moment of its first tenth of a second; which one is of no matter.
        await asyncio.sleep(moments.uniform(0, 0.1))
        process.signal(signal.SIGINT)
        assert await process.ended(within=10) in (0, -signal.SIGINT)
