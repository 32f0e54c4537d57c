"""A tunnel whose connection is lost again and again: no stream notices."""

import asyncio
import hashlib

import pytest
import pytest_asyncio

from harness import wire
from harness.client import Connection, fetch
from harness.cutting import Cutter
from harness.waiting import eventually, patiently
from harness.websocket import open_websocket, port_of, serve_echo

SIZE = 8 << 20
CUTS = 20
BODY = hashlib.shake_256(b"resumption").digest(SIZE)
# A silent loss is noticed soon.
SOON = {"frame": {"ping-interval": "500ms", "ping-timeout": "1s", "resume": {"enabled": True}}}


@pytest_asyncio.fixture
async def make_cut(make_tunnel):
    """A tunnel through a cutter: both started."""
    cutters = []

    async def make(ways=("reset",), after=SIZE // (CUTS + 2), most=CUTS, lifetime=None, agent: dict = {}, server: dict = {}, **settings):
        tunnel = make_tunnel(agent={**SOON, **agent}, server={**SOON, **server}, **settings)
        cutter = await Cutter(tunnel.server_port, after, ways, most, lifetime).start()
        cutters.append(cutter)
        tunnel.rewrite_agent(connect={"to": f"localhost:{cutter.port}"})
        return tunnel.start(), cutter

    yield make
    for each in cutters:
        await each.stop()


def resumed(tunnel) -> int:
    return tunnel.agent.text().count("the session goes on")


@pytest.mark.parametrize("way", ["reset", "closed", "half", "silent"])
async def test_a_download(make_cut, origin, way):
    @origin.on("/")
    async def body(exchange):
        await exchange.respond(200, body=BODY)

    tunnel, cutter = await make_cut((way,), most=4 if way == "silent" else CUTS)
    response = await fetch(tunnel.port, origin.url("/"), within=120)
    assert response.status == 200 and hashlib.sha256(response.body).digest() == hashlib.sha256(BODY).digest()
    assert cutter.cuts == cutter.most
    assert resumed(tunnel) >= cutter.most
    assert len(origin.requests) == 1


@pytest.mark.parametrize("way", ["reset", "closed", "half", "silent"])
async def test_an_upload(make_cut, origin, way):
    @origin.on("/")
    async def take(exchange):
        await exchange.respond(200, body=hashlib.sha256(await exchange.read_body()).hexdigest().encode())

    tunnel, cutter = await make_cut((way,), most=4 if way == "silent" else CUTS)
    async with patiently(120), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"PUT {origin.url('/')} HTTP/1.1", [("Host", origin.authority), ("Content-Length", str(SIZE))]) + BODY)
        response = await client.response()
    assert response.body.decode() == hashlib.sha256(BODY).hexdigest()
    assert cutter.cuts == cutter.most and resumed(tunnel) >= cutter.most


async def test_both_ways_at_once_through_connect(make_cut, make_tcp):
    """Every byte comes back, once and in its place, over ten streams at once."""

    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    place = await make_tcp(echo)
    tunnel, cutter = await make_cut(("reset", "closed", "half"), after=300_000)
    size = 1 << 20

    async def one(number: int):
        data = hashlib.shake_128(bytes([number])).digest(size)
        async with await Connection.open(tunnel.port) as client:
            assert (await client.connect(place.authority)).status == 200
            sending = asyncio.create_task(client.send(data))
            back = await client.reader.readexactly(size)
            await sending
        assert back == data

    async with patiently(180):
        await asyncio.gather(*(one(number) for number in range(10)))
    assert cutter.cuts == CUTS and resumed(tunnel) >= CUTS


async def test_a_blackout(make_cut, make_tcp):
    """A conversation goes on behind a time in which nothing got through."""

    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    place = await make_tcp(echo)
    tunnel, cutter = await make_cut(most=0)
    async with patiently(60), await Connection.open(tunnel.port) as client:
        assert (await client.connect(place.authority)).status == 200
        for word in (b"before", b"in", b"after"):
            cutter.dark = word == b"in"
            await client.send(word)
            if cutter.dark:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.reader.readexactly(1), 8)
            else:
                expected = b"inafter" if word == b"after" else word
                assert await asyncio.wait_for(client.reader.readexactly(len(expected)), 5) == expected
    assert resumed(tunnel) >= 1


async def test_the_silence_of_a_lost_connection_is_nobodys(make_cut, make_tcp):
    """It isn't counted against what the server lets a tunnel be silent."""

    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    place = await make_tcp(echo)
    tunnel, cutter = await make_cut(most=0, server={"fetch": {"tunnel-silence": "3s"}})
    async with patiently(60), await Connection.open(tunnel.port) as client:
        assert (await client.connect(place.authority)).status == 200
        cutter.dark = True
        await asyncio.sleep(10)
        cutter.dark = False
        await client.send(b"after")
        assert await asyncio.wait_for(client.reader.readexactly(5), 10) == b"after"
        # And then it counts again.
        await client.ended(within=20)


async def test_thirty_seconds_without_a_connection(make_cut, origin, make_tcp):
    """A WebSocket, events and a conversation, with nobody's times changed."""
    asked, seen = asyncio.Event(), []

    @origin.on("/events")
    async def events(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
        for number in range(45):
            await exchange.send(wire.chunk(b"data: %d\n\n" % number))
            await asyncio.sleep(1)
        await exchange.send(wire.last_chunk())

    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    place = await make_tcp(echo)
    usual = {"frame": {"resume": {"enabled": True}, "ping-interval": "10s", "ping-timeout": "5s"}}
    tunnel, cutter = await make_cut(most=0, agent=usual, server=usual)

    async def watch():
        async with await Connection.open(tunnel.port) as client:
            await client.send(wire.head(f"GET {origin.url('/events')} HTTP/1.1", [("Host", origin.authority)]))
            response = await client.head()
            received = b""
            async for data in client.body(response):
                received += data
                asked.set()
            seen.append(received)

    async with patiently(120), serve_echo() as websockets, await Connection.open(tunnel.port) as client:
        watching = asyncio.create_task(watch())
        async with open_websocket(tunnel.port, f"ws://127.0.0.1:{port_of(websockets)}/", "upgrade") as socket:
            assert (await client.connect(place.authority)).status == 200
            await asked.wait()
            await socket.send("before")
            assert await socket.recv() == "before"
            cutter.dark = True
            await client.send(b"in the dark")
            await socket.send("in the dark")
            await asyncio.sleep(30)
            cutter.dark = False
            assert await asyncio.wait_for(client.reader.readexactly(11), 5) == b"in the dark"
            assert await asyncio.wait_for(socket.recv(), 5) == "in the dark"
            await watching
    assert seen == [b"".join(b"data: %d\n\n" % number for number in range(45))]
    assert resumed(tunnel) >= 1 and "did not come back" not in tunnel.agent.text()


async def test_what_stands_in_between_ends_every_connection_after_three_seconds(make_cut, origin):
    """As a proxy of a company may. A download goes on through five of them."""

    @origin.on("/slow")
    async def slow(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", str(SIZE))]))
        for start in range(0, SIZE, SIZE // 64):
            await exchange.send(BODY[start : start + SIZE // 64])
            await asyncio.sleep(0.25)

    tunnel, cutter = await make_cut(most=0, lifetime=3)
    response = await fetch(tunnel.port, origin.url("/slow"), within=60)
    assert response.status == 200 and response.body == BODY
    assert cutter.cuts >= 4 and resumed(tunnel) >= 4


async def test_two_hundred_lose_their_connections_at_the_same_moment(make_cut, make_tunnel, make_tcp):
    """25 agents with eight connections each, and 200 conversations: all of them go on, three times."""

    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    place = await make_tcp(echo)
    first, cutter = await make_cut(most=0, agent_top={"event-loops": 8})
    agents = [first]
    for _ in range(24):
        tunnel = make_tunnel(agent={**SOON}, agent_top={"event-loops": 8})
        tunnel.rewrite_agent(connect={"to": f"localhost:{cutter.port}"})
        tunnel.start_agent()
        agents.append(tunnel)
    async with patiently(240):
        await eventually(lambda: len(cutter.ends) == 200, 60, "every loop of every agent is connected")
        clients = [await Connection.open(agents[index % 25].port) for index in range(200)]
        for client in clients:
            assert (await client.connect(place.authority)).status == 200
        for round in range(3):
            words = [b"%d %d\n" % (round, index) for index in range(200)]
            for client, word in zip(clients, words):
                await client.send(word)
            assert cutter.cut_all() == 200
            for client, word in zip(clients, words):
                assert await client.reader.readexactly(len(word)) == word
            await eventually(lambda: len(cutter.ends) == 200, 60, "every connection is there again")
        for client in clients:
            await client.__aexit__(None, None, None)
    # Those without a stream have time.
    assert first.server.text().count("the session goes on") >= 200


async def test_a_server_that_restarts_while_requests_come(make_cut, ok):
    """The first waits no longer than the restart and a second try."""
    tunnel, cutter = await make_cut(most=0)
    assert (await fetch(tunnel.port, ok.url("/"))).status == 200
    loop = asyncio.get_running_loop()
    took, isOver = [], False

    async def ask():
        while not isOver:
            began = loop.time()
            response = await fetch(tunnel.port, ok.url("/"), within=30)
            took.append((response.status, loop.time() - began))
            await asyncio.sleep(0.05)

    async with patiently(60):
        asking = [asyncio.create_task(ask()) for _ in range(4)]
        await asyncio.sleep(0.3)
        tunnel.server.kill()
        await asyncio.sleep(1)
        began = loop.time()
        tunnel.start_server()
        up = loop.time() - began
        await asyncio.sleep(3)
        isOver = True
        await asyncio.gather(*asking)
    # What it had begun is lost with it; what came later waits.
    assert sum(status != 200 for status, _ in took) <= 4, took
    assert max(time for _, time in took) < 1 + up + 2, (up, took)


async def test_a_session_that_does_not_come_back(make_cut, make_tcp):
    """Both sides end its streams, and keep nothing."""
    ended = asyncio.Event()

    async def mute(reader, writer):
        try:
            while await reader.read(1 << 16):
                pass
        finally:
            ended.set()

    place = await make_tcp(mute)
    tunnel, cutter = await make_cut(
        most=0, agent={"frame": {**SOON["frame"], "resume": {"enabled": True, "try": "2s"}}}, server={"frame": {**SOON["frame"], "resume": {"enabled": True, "keep": "3s"}}}
    )
    async with patiently(60), await Connection.open(tunnel.port) as client:
        assert (await client.connect(place.authority)).status == 200
        await client.send(b"hello")
        cutter.dark = True
        await client.ended(within=30)
        await asyncio.wait_for(ended.wait(), 30)
    assert "did not come back within" in tunnel.agent.text()


async def test_a_server_that_is_replaced(make_cut, ok, make_tcp):
    """What it knew is gone: its streams end with an error that says so, and others begin."""

    async def mute(reader, writer):
        await reader.read()

    place = await make_tcp(mute)
    tunnel, cutter = await make_cut(most=0)
    async with patiently(60), await Connection.open(tunnel.port) as client:
        assert (await client.connect(place.authority)).status == 200
        tunnel.server.kill()
        tunnel.start_server()
        await client.ended(within=30)
    assert (await fetch(tunnel.port, ok.url("/"), within=30)).status == 200
    await eventually(lambda: "doesn't know it any more" in tunnel.agent.text() or "another session now" in tunnel.agent.text(), 10, "the reason is told")


async def test_where_one_side_does_not_resume(make_cut, ok):
    """Everything else works."""
    for side in ("agent", "server"):
        tunnel, cutter = await make_cut(**{side: {"frame": {**SOON["frame"], "resume": {"enabled": False}}}}, after=50_000, most=3)
        for _ in range(60):
            assert (await fetch(tunnel.port, ok.url("/"), within=30)).status in (200, 502)
        assert resumed(tunnel) == 0
