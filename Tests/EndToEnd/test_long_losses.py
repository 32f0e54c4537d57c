"""Longer without a connection than a session is kept: everything ends with an error, at both sides, and nothing is left.

It takes minutes, and is run by `make test-transfers`.
"""

import asyncio

import pytest
import websockets
from websockets.asyncio.server import serve

from harness import wire
from harness.client import Connection, fetch
from harness.waiting import eventually, patiently
from harness.websocket import open_websocket, port_of
from harness.wire import Broken

from test_resumed_transfers import TRANSFERS
from test_resumption import make_cut  # noqa: F401 - a fixture

USUAL = {"frame": {"resume": {"enabled": True}, "ping-interval": "10s", "ping-timeout": "5s"}}


@pytest.mark.skipif(not TRANSFERS, reason="make test-transfers has the time for it")
async def test_a_hundred_seconds_without_a_connection(make_cut, origin, make_tcp, admins, ok):  # noqa: F811
    """With nobody's times changed: the agent tries for 60 s, the server keeps a session for 90 s from when it has noticed."""
    gone = {name: asyncio.Event() for name in ("events", "conversation", "websocket")}

    @origin.on("/events")
    async def events(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
        try:
            while True:
                await exchange.send(wire.chunk(b"data: " + b"x" * 1_000 + b"\n\n"))
                await asyncio.sleep(1)
        finally:
            gone["events"].set()

    async def echo(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        finally:
            gone["conversation"].set()

    async def echo_messages(connection):
        try:
            async for message in connection:
                await connection.send(message)
        finally:
            gone["websocket"].set()

    place = await make_tcp(echo)
    agent, server = admins
    tunnel, cutter = await make_cut(
        most=0, agent=USUAL, server=USUAL, agent_top={"admin": agent.settings}, server_top={"admin": server.settings})
    ended = {}
    clock = asyncio.get_running_loop().time

    async def watch(name: str, waiting, error):
        try:
            await waiting
        except error:
            ended[name] = clock()

    async def until_broken(client, response):
        async for _ in client.body(response):
            pass

    async def until_ended(client):
        assert await client.ended(within=120) == b""
        raise Broken("ended")

    async with patiently(180), serve(echo_messages, "127.0.0.1", 0, ping_interval=None) as websockets_server:
        watching, talking = await Connection.open(tunnel.port), await Connection.open(tunnel.port)
        await watching.send(wire.head(f"GET {origin.url('/events')} HTTP/1.1", [("Host", origin.authority)]))
        response = await watching.head()
        assert (await talking.connect(place.authority)).status == 200
        async with open_websocket(tunnel.port, f"ws://127.0.0.1:{port_of(websockets_server)}/", "upgrade") as socket:
            await socket.send("before")
            assert await socket.recv() == "before"
            await talking.send(b"before")
            assert await talking.reader.readexactly(6) == b"before"
            cutter.dark = True
            began = clock()
            await talking.send(b"in the dark")
            await socket.send("in the dark")
            waiting = [
                asyncio.create_task(watch("events", until_broken(watching, response), Broken)),
                asyncio.create_task(watch("conversation", until_ended(talking), Broken)),
                asyncio.create_task(watch("websocket", socket.recv(), websockets.ConnectionClosed)),
            ]
            await asyncio.sleep(90)
            before = await server.metrics()
            assert before.sum("fluidity_mux_sessions_detached") >= 1 and before.sum("fluidity_mux_kept_bytes") >= 10_000
            await asyncio.sleep(10)
            # What the agent told its clients didn't wait for the light.
            assert len(ended) == 3 and all(60 <= time - began < 100 for time in ended.values()), ended
            cutter.dark = False
            await asyncio.gather(*waiting)
        for name, event in gone.items():
            await asyncio.wait_for(event.wait(), 60)
        for name, admin in (("agent", agent), ("server", server)):

            async def nothing_is_kept():
                metrics = await admin.metrics()
                # The sessions that there are now keep a PONG at most.
                kept = metrics.sum("fluidity_mux_kept_bytes")
                return kept < 200 and metrics.sum("fluidity_mux_sessions_detached") == metrics.sum("fluidity_exchanges_open") == 0

            await eventually(nothing_is_kept, 30, f"nothing is kept by the {name}")
            assert (await admin.metrics()).sum("fluidity_mux_sessions_outlasted_total") >= 1
        assert (await fetch(tunnel.port, ok.url("/"), within=30)).body == b"fine"
    assert "did not come back within" in tunnel.agent.text() and "did not come back within" in tunnel.server.text()
