"""`frame: { codec: json }`: the first Fluidity's envelopes, between our ends and with a peer in Python that isn't ours."""

import asyncio
import contextlib
import hashlib
import json
import os

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from harness import wire
from harness.client import Connection, fetch
from harness.codecs import CODECS
from harness.envelopes import Agent, Server, decoded, encoded
from harness.origin import reset
from harness.ports import free_port
from harness.processes import curl
from harness.waiting import eventually, patiently
from harness.websocket import open_websocket, port_of, serve_echo

JSON = {"frame": {"codec": "json"}}


@pytest_asyncio.fixture(params=["our server", "their server", "their odd server"])
async def agent(request, make_tunnel, server_identity):
    """Our agent with each kind of server."""
    tunnel = make_tunnel(agent=JSON, server=JSON)
    theirs = None
    if request.param == "our server":
        tunnel.start_server()
    else:
        theirs = await Server(variant="odd" in request.param).start(tunnel.server_port, server_identity)
    tunnel.start_agent()
    yield tunnel
    if theirs:
        await theirs.stop()


async def test_everything_through_our_agent(agent, nginx, origin):
    @origin.on("/echo")
    async def echo(exchange):
        body = await exchange.read_body()
        fields = [("X-Length", str(len(body))), ("X-Two", "1"), ("X-Two", "2"), ("Connection", "X-Hop"), ("X-Hop", "h")]
        await exchange.respond(200, fields, body)

    async with patiently(60):
        for size in ("0", "1000", "1048576"):
            response = await fetch(agent.port, nginx.url(size))
            assert response.status == 200 and hashlib.sha256(response.body).hexdigest() == nginx.hashes[size]
        assert (await fetch(agent.port, nginx.url("redirect"))).status == 302, "redirects are for the client"
        async with await Connection.open(agent.port) as client:
            for body in (b"", b"x", os.urandom(300_000)):
                response = await client.request("POST", origin.url("/echo"), [("Proxy-Authorization", "Basic eA==")], body)
                assert response.body == body and response.get("x-length") == str(len(body))
                assert sorted(response.all("x-two")) == ["1", "2"]
            head = await client.request("HEAD", nginx.url(1000))
            assert head.status == 200 and head.body == b""
        large = await curl("-x", f"http://127.0.0.1:{agent.port}", "--proxytunnel", nginx.url(10_000_000))
        assert hashlib.sha256(large.output).hexdigest() == nginx.hashes["10000000"]
        upload = await curl("-x", f"http://127.0.0.1:{agent.port}", "--proxytunnel", "--data-binary", "@-", origin.url("/echo"), "-H", "Expect:")
        assert upload.status == 0
    assert all(request.get("proxy-authorization") is None for request in origin.requests)


async def test_websockets_through_our_agent(agent):
    async with patiently(60), serve_echo() as echo:
        async with open_websocket(agent.port, f"ws://127.0.0.1:{port_of(echo)}/chat?x=1", "upgrade") as socket:
            for message in ("", "hello", "žluťoučký", b"\x00\xff" * 100_000, "x" * 200_000):
                await socket.send(message)
                assert await socket.recv() == message
            await socket.send(["in ", "three ", "parts"])
            assert await socket.recv() == "in three parts"
            await (await socket.ping(b"there?"))
            await socket.send("close 4001 enough for today")
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "enough for today")
        async with open_websocket(agent.port, f"ws://127.0.0.1:{port_of(echo)}/", "upgrade") as socket:
            await socket.close(4002, "bye")
            assert (socket.protocol.close_rcvd.code, socket.protocol.close_rcvd.reason) == (4002, "bye")


async def test_refusals_through_our_agent(agent, origin):
    dead = free_port()
    async with patiently(30):
        async with await Connection.open(agent.port) as client:
            assert (await client.connect(f"127.0.0.1:{dead}")).status == 502
        assert (await fetch(agent.port, f"http://127.0.0.1:{dead}/")).status == 502
        async with await Connection.open(agent.port) as client:
            upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")]
            assert (await client.request("GET", origin.url("/none"), upgrade)).status == 502


async def test_bodies_that_are_too_large(make_tunnel, origin):
    @origin.on("/large")
    async def large(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        for _ in range(40):
            await exchange.send(wire.chunk(bytes(10_000)))
        await exchange.send(wire.last_chunk())

    @origin.on("/length")
    async def length(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", "1000000")]))
        await exchange.reader.read()

    limits = {"frame": {"codec": "json", "max-body": "100KiB"}}
    tunnel = make_tunnel(agent=limits, server=limits).start()
    async with patiently(30):
        for path in ("/large", "/length"):
            response = await fetch(tunnel.port, origin.url(path))
            assert response.status == 502 and "102400 bytes" in response.text, response.raw
        response = await fetch(tunnel.port, origin.url("/echo"), "POST", body=bytes(102_401))
        assert response.status == 413 and "102400 bytes" in response.text, response.raw
        async with await Connection.open(tunnel.port) as client:
            await client.send(wire.head(f"POST {origin.url('/echo')} HTTP/1.1", [("Host", "x"), ("Transfer-Encoding", "chunked")]))
            await client.send(wire.chunk(bytes(60_000)) + wire.chunk(bytes(60_000)))
            assert (await client.response()).status == 413
        response = await fetch(tunnel.port, origin.url("/none"), "POST", body=bytes(102_400))
        assert response.status == 404
    assert [request.target for request in origin.requests] == ["/large", "/length", "/none"]


@pytest.fixture
def server(make_tunnel):
    tunnel = make_tunnel(server=JSON)
    tunnel.start_server()
    return tunnel


@pytest.mark.parametrize("spread", [False, True])
async def test_their_agent_and_our_server(server, client_identity, nginx, origin, spread):
    @origin.on("/post")
    async def post(exchange):
        await exchange.respond(201, [("X-One", "1")], await exchange.read_body())

    async with patiently(60), await Agent.open(server.server_port, client_identity) as agent:
        agent.spread = spread
        agent.write("hello", anything=[1, {"of": "theirs"}])
        response = await agent.fetch("GET", nginx.url(1 << 20), {"Accept": ["*/*"]})
        assert response["status_code"] == 200 and hashlib.sha256(decoded(response["body"])).hexdigest() == nginx.hashes[str(1 << 20)]
        response = await agent.fetch("POST", origin.url("/post"), {"X-Mine": ["a", "b"], "Proxy-Authorization": ["x"], "Te": ["trailers"]}, b"data" * 10_000)
        assert response["status_code"] == 201 and decoded(response["body"]) == b"data" * 10_000 and response["headers"]["X-One"] == ["1"]
        assert "body" not in await agent.fetch("GET", nginx.url("empty")) and "error" not in response
        # Many at once, each with its own answer.
        many = await asyncio.gather(*(agent.fetch("POST", origin.url("/post"), {}, str(number).encode()) for number in range(100)))
        assert [decoded(each["body"]) for each in many] == [str(number).encode() for number in range(100)]
        failed = await agent.fetch("GET", f"http://127.0.0.1:{free_port()}/")
        assert failed["status_code"] == 502 and "refused" in failed["error"]
        assert (await agent.fetch("GET", "gopher://x/"))["status_code"] == 400
    assert origin.requests[0].all("x-mine") == ["a", "b"] and origin.requests[0].get("proxy-authorization") is None


async def test_their_agent_connects(server, client_identity, make_tcp):
    async def count(reader, writer):
        data = await reader.read()
        writer.write(f"{len(data)} bytes".encode())
        await writer.drain()
        writer.close()

    async def resets(reader, writer):
        await reader.read(1)
        reset(writer)

    counting, broken = await make_tcp(count), await make_tcp(resets)
    async with patiently(30), await Agent.open(server.server_port, client_identity) as agent:
        number = agent.start("connect_open", address=counting.authority)
        assert (await agent.next(number, "connect_ack"))["ok"] is True
        for _ in range(100):
            agent.write("connect_data", id=number, chunk=encoded(bytes(10_000)))
        agent.write("connect_data", id=number, data=encoded(b"x"))
        agent.write("connect_close", id=number, error="")
        assert decoded((await agent.next(number, "connect_data"))["chunk"]) == b"1000001 bytes"
        assert (await agent.next(number, "connect_close"))["error"] == ""
        number = agent.start("connect_open", host=broken.authority)
        assert (await agent.next(number, "connect_ack"))["ok"] is True
        agent.write("connect_data", id=number, chunk=encoded(b"x"))
        assert (await agent.next(number, "connect_close"))["error"]
        for address, words in ((f"127.0.0.1:{free_port()}", "refused"), ("no port", "no host and port")):
            refused = await agent.next(agent.start("connect_open", address=address), "connect_ack")
            assert refused["ok"] is False and words in refused["error"]


async def test_their_agent_opens_websockets(server, client_identity, origin):
    async with patiently(30), serve_echo() as echo, await Agent.open(server.server_port, client_identity) as agent:
        number = agent.start("ws_open", url=f"ws://127.0.0.1:{port_of(echo)}/", headers={"Origin": ["http://x"]})
        assert (await agent.next(number, "ws_ack"))["ok"] is True
        for kind, data in ((1, "žlutý".encode()), (2, os.urandom(200_000)), (1, b"")):
            agent.write("ws_message", id=number, message_type=kind, data=encoded(data))
            message = await agent.next(number, "ws_message")
            assert (message["message_type"], decoded(message["data"])) == (kind, data)
        agent.write("ws_message", id=number, message_type=9, data=encoded(b"ping"))
        message = await agent.next(number, "ws_message")
        assert (message["message_type"], decoded(message["data"])) == (10, b"ping")
        agent.write("ws_message", id=number, message_type=1, data=encoded(b"close 4001 enough"))
        closed = await agent.next(number, "ws_close")
        assert (closed["code"], closed["error"]) == (4001, "enough")
        refused = await agent.next(agent.start("ws_open", url=origin.url("/none").replace("http", "ws"), headers={}), "ws_ack")
        assert refused["ok"] is False and "404" in refused["error"]


async def test_nonsense_ends_the_session_and_no_more(server, client_identity, nginx):
    async with patiently(30):
        for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"[]", b'{"type":"connect_open","payload":{}}\n', b'{"type":' + b"[" * 100 + b"]" * 100 + b"}"):
            async with await Agent.open(server.server_port, client_identity) as agent:
                agent.writer.write(nonsense)
                await agent.task
        async with await Agent.open(server.server_port, client_identity) as agent:
            assert (await agent.fetch("GET", nginx.url(1)))["status_code"] == 200


async def test_who_asks_and_never_reads_is_shown_out(server, client_identity, nginx):
    """Answers that nobody reads would grow without bound."""
    async with patiently(60), await Agent.open(server.server_port, client_identity) as agent:
        agent.writer.transport.pause_reading()
        refused = json.dumps({"type": "connect_open", "payload": {"id": "x" * 30, "address": "nowhere"}}).encode() + b"\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                agent.writer.write(refused * 1000)
                await agent.writer.drain()
        await eventually(lambda: "doesn't read what it asked for" in server.server.text(), 10, "the server says why")
    async with await Agent.open(server.server_port, client_identity) as agent:
        assert (await agent.fetch("GET", nginx.url(1)))["status_code"] == 200


async def test_a_stalled_origin_holds_no_more_than_it_may(server, client_identity, make_tcp):
    """Nothing is dropped, nothing grows: the connection is read no further."""
    go = asyncio.Event()
    received = 0

    async def mute(reader, writer):
        nonlocal received
        await go.wait()
        while data := await reader.read(1 << 20):
            received += len(data)

    origin = await make_tcp(mute)
    async with patiently(90), await Agent.open(server.server_port, client_identity) as agent:
        number = agent.start("connect_open", address=origin.authority)
        await agent.next(number, "connect_ack")
        sent = 0

        async def pour():
            nonlocal sent
            while sent < 100_000_000:
                agent.write("connect_data", id=number, chunk=encoded(bytes(50_000)))
                await agent.writer.drain()
                sent += 50_000

        pouring = asyncio.create_task(pour())
        last = -1
        while sent != last:
            last = sent
            await asyncio.sleep(0.5)
        assert sent < 60_000_000
        go.set()
        await pouring
        await eventually(lambda: received == 100_000_000, 60, lambda: f"everything arrives, {received} so far")


async def test_streams_end_with_the_tunnel(make_tunnel, origin):
    @origin.on("/slow")
    async def slow(exchange):
        await exchange.reader.read()

    tunnel = make_tunnel(agent=JSON, server=JSON).start()
    async with patiently(30):
        waiting = asyncio.create_task(fetch(tunnel.port, origin.url("/slow")))
        await eventually(lambda: origin.requests, 10, "the request is there")
        tunnel.server.kill()
        assert (await waiting).status == 502


async def test_one_port_for_all_codecs(make_tunnel, client_identity, nginx):
    tunnel = make_tunnel(server={"frame": {"codecs": CODECS}}).start()
    assert (await fetch(tunnel.port, nginx.url(1))).status == 200
    for codec in CODECS:
        other = make_tunnel(agent={"frame": {"codec": codec}, "connect": {"to": f"localhost:{tunnel.server_port}"}})
        other.start_agent()
        assert (await fetch(other.port, nginx.url(1))).status == 200
    async with patiently(30), await Agent.open(tunnel.server_port, client_identity) as agent:
        assert (await agent.fetch("GET", nginx.url(1)))["status_code"] == 200
