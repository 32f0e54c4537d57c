"""The version before sessions could be resumed, as an agent of today's server and as a server of today's agent: everything works but that.

It is spoken by `harness/previous.py`, so that no second program is needed; `make test-previous` takes the program itself.
"""

import asyncio
import hashlib
import signal

import pytest
import pytest_asyncio

from harness import wire
from harness.client import Connection, fetch, request
from harness.previous import Lost, PreviousServer, Reset, previous_agent
from harness.waiting import eventually, patiently
from harness.wire import Broken

BODY = hashlib.shake_256(b"previous").digest(2 << 20)
RESUMES = {"frame": {"resume": {"enabled": True}}}


async def echo(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


# The previous version's agent, and the server of today


@pytest_asyncio.fixture
async def server(make_tunnel, admins):
    """A server that resumes sessions."""
    tunnel = make_tunnel(server=RESUMES, server_top={"admin": admins[1].settings})
    tunnel.start_server()
    return tunnel


@pytest_asyncio.fixture
async def agent(server, client_identity):
    """Nothing of what the server says is new to it."""
    session = await previous_agent(server.server_port, client_identity)
    yield session
    session.lose()
    await session.ended.wait()
    assert session.skipped == [], "the server sends frames that weren't agreed on"


async def test_an_old_agent_downloads_and_uploads(agent, origin):
    @origin.on("/down")
    async def down(exchange):
        await exchange.respond(200, body=BODY)

    @origin.on("/up")
    async def up(exchange):
        await exchange.respond(200, body=hashlib.sha256(await exchange.read_body()).hexdigest().encode())

    async with patiently(60):
        down, up = await agent.open("GET", origin.authority, "/down"), await agent.open("PUT", origin.authority, "/up", len(BODY))
        sending = asyncio.create_task(up.send(BODY, end=True))
        assert await down.status == 200 and await down.read_all() == BODY
        await sending
        assert await up.status == 200 and await up.read_all() == hashlib.sha256(BODY).hexdigest().encode()


async def test_an_old_agent_tunnels(agent, make_tcp):
    place = await make_tcp(echo)
    async with patiently(60):
        stream = await agent.open("CONNECT", place.authority)
        assert await stream.status == 200
        sending = asyncio.create_task(stream.send(BODY, end=True))
        assert await stream.read_exactly(len(BODY)) == BODY
        await sending
        assert await stream.read() == b""


async def test_an_old_agent_cancels(agent, ok):
    ended = asyncio.Event()

    @ok.on("/endless")
    async def endless(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        try:
            while True:
                await exchange.send(wire.chunk(b"x" * 10_000))
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    async with patiently(30):
        stream = await agent.open("GET", ok.authority, "/endless")
        assert await stream.status == 200 and await stream.read()
        await stream.cancel()
        await ended.wait()
        # The session goes on.
        after = await agent.open("GET", ok.authority, "/")
        assert await after.status == 200 and await after.read_all() == b"fine"


async def test_a_server_that_drains_lets_an_old_agent_finish(server, agent, make_tcp):
    place = await make_tcp(echo)
    async with patiently(30):
        stream = await agent.open("CONNECT", place.authority)
        assert await stream.status == 200
        server.server.signal(signal.SIGTERM)
        await eventually(lambda: agent.gone, 10, "the agent is told")
        assert agent.gone[:2] == (stream.number, 7)
        # Refused, as something that can be sent again.
        late = await agent.open("GET", place.authority, "/")
        with pytest.raises((Reset, Lost)):
            await late.status
        assert late.reset in (6, None)
        await stream.send(b"goes on", end=True)
        assert await stream.read_all() == b"goes on"
        assert await server.server.ended(within=15) == 0


async def test_nothing_is_kept_of_an_old_agent_that_is_lost(server, agent, admins, client_identity, make_tcp, ok):
    ended = asyncio.Event()

    async def mute(reader, writer):
        try:
            while await reader.read(1 << 16):
                pass
        finally:
            ended.set()

    place = await make_tcp(mute)
    async with patiently(30):
        stream = await agent.open("CONNECT", place.authority)
        assert await stream.status == 200
        await stream.send(b"hello")
        agent.lose()
        # At once, and not when a session has been kept for as long as one is.
        await asyncio.wait_for(ended.wait(), 20)
        metrics = await admins[1].metrics()
        for name in ("connections_lost_total", "sessions_detached", "kept_bytes"):
            assert metrics.sum(f"fluidity_mux_{name}") == 0
        # Another connection is a new session.
        again = await previous_agent(server.server_port, client_identity)
        after = await again.open("GET", ok.authority, "/")
        assert await after.status == 200 and await after.read_all() == b"fine"
        again.lose()


# The previous version's server, and the agent of today


@pytest_asyncio.fixture
async def make_old(make_tunnel, server_identity):
    """An agent that resumes sessions, and a server that knows nothing of it, whose streams are calls of a function."""
    servers = []

    async def make(handler):
        server = await PreviousServer(server_identity, handler).start()
        servers.append(server)
        tunnel = make_tunnel(agent=RESUMES, agent_top={"event-loops": 1})
        tunnel.rewrite_agent(connect={"to": f"localhost:{server.port}"})
        tunnel.start_agent()
        await eventually(lambda: server.sessions and server.sessions[0].greeted.is_set(), 10, "the agent is connected")
        return tunnel, server

    yield make
    for server in servers:
        for session in server.sessions:
            session.lose()
        await server.stop()
        for session in server.sessions:
            # What an old server would skip is only what HELLO says, and nobody wants to go on with anything.
            assert session.skipped == [] and 4 not in session.extensions, (session.skipped, session.extensions)


async def everything(stream):
    """What a server does, with no origin behind it."""
    method, _, path = stream.request
    match method, path:
        case "CONNECT", _:
            await stream.answer(200)
            while data := await stream.read():
                await stream.send(data)
            await stream.send(end=True)
        case "PUT", _:
            body = await stream.read_all()
            await stream.answer(200)
            await stream.send(hashlib.sha256(body).hexdigest().encode(), end=True)
        case _, "/down":
            await stream.answer(200)
            await stream.send(BODY, end=True)
        case _, "/endless":
            await stream.answer(200)
            while True:
                await stream.send(b"x" * 1_000)
                await asyncio.sleep(0.01)
        case _, "/never":
            await asyncio.Event().wait()
        case _:
            await stream.answer(200)
            await stream.send(b"fine", end=True)


async def test_an_old_server_serves(make_old):
    tunnel, server = await make_old(everything)
    async with patiently(60):
        down, up = await asyncio.gather(
            fetch(tunnel.port, "http://site.test/down", within=60), fetch(tunnel.port, "http://site.test/up", "PUT", body=BODY, within=60)
        )
        assert down.status == 200 and down.body == BODY
        assert up.status == 200 and up.body.decode() == hashlib.sha256(BODY).hexdigest()
        async with await Connection.open(tunnel.port) as client:
            assert (await client.connect("site.test:443")).status == 200
            sending = asyncio.create_task(client.send(BODY))
            assert await client.reader.readexactly(len(BODY)) == BODY
            await sending
    assert len(server.sessions) == 1


async def test_an_old_server_hears_of_a_client_that_leaves(make_old):
    tunnel, server = await make_old(everything)
    async with patiently(30):
        async with await Connection.open(tunnel.port) as client:
            await client.send(request("GET", "http://site.test/endless"))
            assert (await client.head()).status == 200
        (stream,) = server.sessions[0].streams.values()
        await eventually(lambda: stream.reset is not None, 10, "the server is told")
        assert stream.reset == 1
        assert (await fetch(tunnel.port, "http://site.test/")).body == b"fine"
    assert len(server.sessions) == 1


async def test_an_old_server_that_drains_is_let_finish(make_old):
    tunnel, server = await make_old(everything)
    async with patiently(30), await Connection.open(tunnel.port) as client:
        assert (await client.connect("site.test:443")).status == 200
        await server.drain()
        # What is new goes over another connection.
        assert (await fetch(tunnel.port, "http://site.test/")).body == b"fine"
        assert len(server.sessions) == 2
        await client.send(b"goes on")
        assert await client.reader.readexactly(7) == b"goes on"
        assert not server.sessions[0].ended.is_set()
        client.writer.write_eof()
        assert await client.ended() == b""
        await asyncio.wait_for(server.sessions[0].ended.wait(), 20)


async def test_the_loss_of_an_old_server_ends_what_was_open_with_an_error(make_old):
    tunnel, server = await make_old(everything)
    async with patiently(60):
        download, tunnelled, asking = [await Connection.open(tunnel.port) for _ in range(3)]
        await download.send(request("GET", "http://site.test/endless"))
        response = await download.head()
        assert response.status == 200
        assert (await tunnelled.connect("site.test:443")).status == 200
        await asking.send(request("POST", "http://site.test/never", body=b"once"))
        await eventually(lambda: len(server.sessions[0].streams) == 3, 10, "all three have arrived")
        server.sessions[0].lose()
        with pytest.raises(Broken):
            async for _ in download.body(response):
                pass
        await tunnelled.ended()
        answer = await asking.response("POST")
        assert answer.status == 502 and b"connection to " in answer.body and (b"lost" in answer.body or b"closed" in answer.body), answer.body
        assert (await fetch(tunnel.port, "http://site.test/", within=30)).body == b"fine"
        for client in (download, tunnelled, asking):
            client.abort()
    assert len(server.sessions) == 2
    assert "the session is kept" not in tunnel.agent.text()
