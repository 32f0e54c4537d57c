"""`frame: { codec: h2 }`: standard HTTP/2 proxying, with clients and proxies that aren't ours."""

import asyncio
import base64
import hashlib
import os

import pytest

from harness import wire
from harness.client import Connection, fetch
from harness.fluidity import Fluidity, write_configuration
from harness.http2 import HTTP2Client, get, tunnel as connect, websocket
from harness.origin import reset
from harness.ports import accepts, free_port
from harness.processes import Process, curl, run
from harness.waiting import eventually, patiently, wait_until
from harness.websocket import open_websocket, port_of, serve_echo

H2 = {"frame": {"codec": "h2"}}
PROTOCOL_ERROR, CONNECT_ERROR = 1, 10


@pytest.fixture
def server(make_tunnel):
    tunnel = make_tunnel(server=H2)
    tunnel.start_server()
    return tunnel


@pytest.fixture
def client(server, client_identity):
    async def open(**options) -> HTTP2Client:
        return await HTTP2Client.open(server.server_port, client_identity, **options)

    return open


async def test_plain_requests(client, origin, nginx):
    @origin.on("/post")
    async def post(exchange):
        body = await exchange.read_body()
        await exchange.send(wire.head("HTTP/1.1 103 Early Hints", [("Link", "</a.css>")]))
        head = [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"), ("X-One", "1"), ("X-One", "2"), ("Connection", "X-Hop"), ("X-Hop", "h")]
        await exchange.send(wire.head("HTTP/1.1 201 Made", head) + wire.chunk(body) + wire.last_chunk([("X-Sum", str(len(body)))]))

    async with patiently(60), await client() as h2:
        streams = [await h2.request(get(nginx.url(size))) for size in (0, 1000, 10_000_000)]
        for stream, size in zip(streams, ("0", "1000", "10000000")):
            await stream.done()
            assert stream.status == 200 and stream.headers["content-length"] == size
            assert hashlib.sha256(stream.body).hexdigest() == nginx.hashes[size]
        head = await (await h2.request(get(nginx.url(1000), "HEAD"))).done()
        assert head.headers["content-length"] == "1000" and head.body == b"" and head.ended
        fields = [("cookie", "a=1"), ("cookie", "b=2"), ("proxy-authorization", "Basic eDp5"), ("x-mine", "yes")]
        stream = await h2.request(get(origin.url("/post"), "POST", *fields), body=b"data" * 100_000)
        await stream.done()
        assert stream.status == 201 and stream.body == b"data" * 100_000
        assert stream.informational[0][":status"] == "103" and stream.informational[0]["link"] == "</a.css>"
        assert stream.trailers == {"x-sum": "400000"} and "x-hop" not in stream.headers
    seen = origin.requests[0]
    assert seen.get("cookie") == "a=1; b=2" and seen.get("x-mine") == "yes" and seen.chunked
    assert seen.get("proxy-authorization") is None


async def test_connect(client, make_tcp):
    """Bytes both ways, ahead of the answer too, and each half by itself."""

    async def count(reader, writer):
        data = await reader.read()
        writer.write(f"{len(data)} bytes".encode())
        await writer.drain()
        writer.close()

    origin = await make_tcp(count)
    async with patiently(60), await client() as h2:
        stream = await h2.request(connect(origin.authority), end=False)
        await stream.send(b"early")
        assert (await stream.head())[":status"] == "200" and "content-length" not in stream.headers
        await stream.send(b"x" * 1_000_000, end=True)
        await stream.done()
        assert stream.body == b"1000005 bytes" and stream.ended and stream.reset is None


def basic(user: str, password: str) -> tuple[str, str]:
    return "proxy-authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def test_a_proxy_that_asks_for_credentials(binary, make_tunnel, client_identity, origin, tmp_path):
    users = tmp_path / "users.txt"
    assert (await run(binary, "passwd", users, "ann", stdin=b"open sesame\n")).status == 0
    methods = [{"basic": {"users": str(users)}}, {"bearer": {"tokens": [{"name": "robot", "key": "0123456789abcdef"}]}}]
    tunnel = make_tunnel(
        server={"frame": {"codecs": ["mux", "h2"]}}, server_filters=[("auth", {"methods": methods, "failure-delay": "100ms"})]
    ).start()

    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    async with patiently(60), await HTTP2Client.open(tunnel.server_port, client_identity) as h2:
        for fields in ((), (basic("ann", "wrong"),), (basic("nobody", "open sesame"),), (("proxy-authorization", "Bearer x"),)):
            for stream in (await h2.request(get(origin.url("/"), "GET", *fields)), await h2.request([*connect(origin.authority), *fields], end=False)):
                await stream.done()
                assert stream.status == 407 and stream.body.startswith(b"valid credentials are needed here\n") and stream.ended
                assert stream.every("proxy-authenticate") == ['Basic realm="fluidity", charset="UTF-8"', 'Bearer realm="fluidity"']
        assert origin.requests == []
        for fields in (basic("ann", "open sesame"), ("proxy-authorization", "Bearer 0123456789abcdef")):
            stream = await (await h2.request(get(origin.url("/"), "GET", fields))).done()
            assert stream.status == 200 and stream.body == b"hello"
        assert all(seen.get("proxy-authorization") is None for seen in origin.requests)
        tunnelled = await h2.request([*connect(origin.authority), basic("ann", "open sesame")], end=False)
        assert (await tunnelled.head())[":status"] == "200"
        await tunnelled.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await h2.until(lambda: tunnelled.body.endswith(b"hello"))
    for name in ("ann", "robot"):
        await eventually(lambda: f'"client":"{name}"' in tunnel.server.text(), 10, f"{name} is in the log")
    # An agent's clients can't be asked by the server: what they say to their proxy ends there.
    refused = await fetch(tunnel.port, origin.url("/"), fields=[("Proxy-Authorization", basic("ann", "open sesame")[1])])
    assert refused.status == 403 and refused.get("proxy-authenticate") is None
    checked = await run(binary, "check", tunnel.server_config)
    assert checked.status == 0 and "warning" not in checked.text, checked.text


@pytest.mark.parametrize("connects", [False, True], ids=["plain", "connect"])
async def test_a_server_that_asks_our_agent_for_credentials(binary, make_tunnel, origin, connects):
    """Its challenge isn't passed on: a browser would answer it with what its user says to the agent."""
    methods = [{"bearer": {"tokens": [{"name": "robot", "key": "0123456789abcdef"}]}}]
    tunnel = make_tunnel(agent=H2, server=H2, server_filters=[("auth", {"methods": methods, "failure-delay": "100ms"})]).start()
    for fields in ([], [("Proxy-Authorization", "Bearer 0123456789abcdef")]):
        async with patiently(30), await Connection.open(tunnel.port) as agent:
            if connects:
                answer = await agent.connect(origin.authority)
            else:
                answer = await agent.request("GET", origin.url("/"), fields)
        assert answer.status == 403 and answer.get("proxy-authenticate") is None
        assert b"asks the agent for credentials (407)" in answer.body, answer.body
    assert origin.requests == []
    checked = await run(binary, "check", tunnel.agent_config, tunnel.server_config)
    assert checked.status == 65 and "lets no agent in" in checked.text, checked.text


async def test_failures_of_origins(client, make_tcp, origin):
    async def resets(reader, writer):
        await reader.read(1)
        writer.write(b"some")
        await writer.drain()
        reset(writer)

    @origin.on("/short")
    async def short(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", "10")]) + b"five!")
        exchange.close()

    broken = await make_tcp(resets)
    async with patiently(60), await client() as h2:
        refused = await (await h2.request(connect(f"127.0.0.1:{free_port()}"), end=False)).done()
        assert refused.status == 502 and b"refused" in refused.body
        assert refused.headers["proxy-status"].startswith('fluidity; error=connection_refused; details="exchange ')
        stream = await h2.request(connect(broken.authority), end=False)
        await stream.head()
        await stream.send(b"x")
        assert (await stream.done()).reset == CONNECT_ERROR
        cut = await (await h2.request(get(origin.url("/short")))).done()
        assert cut.status == 200 and not cut.ended and cut.reset == CONNECT_ERROR, "a part is never taken for the whole"


async def test_a_tunnel_has_no_trailers(client, make_tcp):
    """RFC 9113, 8.5: nothing but data goes through it. The origin hears that it was no proper end."""
    ends = asyncio.Queue()

    async def listen(reader, writer):
        try:
            while await reader.read(100):
                pass
            ends.put_nowait("end")
        except ConnectionResetError:
            ends.put_nowait("reset")

    target = await make_tcp(listen)
    async with patiently(30), await client() as h2:
        stream = await h2.request(connect(target.authority), end=False)
        await stream.head()
        await stream.send(b"data")
        h2.h2.send_headers(stream.number, [("x-sum", "1")], end_stream=True)
        await h2.flush()
        assert (await stream.done()).reset == PROTOCOL_ERROR
        assert await ends.get() == "reset"


@pytest.mark.parametrize(
    "headers, status",
    [
        (connect("no-port"), 400),
        (get("http://host/", "GET", ("host", "other")), 400),
        (get("ftp://host/"), 400),
        (get("http://user@host/"), 400),
        ([*websocket("ws://host/")[:1], (":protocol", "smoke"), *websocket("ws://host/")[2:]], 501),
    ],
)
async def test_requests_that_are_refused(client, headers, status):
    async with patiently(30), await client() as h2:
        stream = await (await h2.request(headers)).done()
        assert stream.status == status and stream.body.strip(), stream.body


async def test_a_cancelled_request_reaches_the_origin(client, origin):
    cut = asyncio.Event()

    @origin.on("/slow")
    async def slow(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + wire.chunk(b"begun"))
        try:
            await exchange.reader.read()
        except ConnectionError:
            pass
        cut.set()

    async with patiently(30), await client() as h2:
        stream = await h2.request(get(origin.url("/slow")))
        assert await stream.read(5) == b"begun"
        await stream.cancel()
        await cut.wait()
        # The connection goes on.
        assert (await (await h2.request(get(origin.url("/other")))).done()).status == 404


async def test_an_answer_before_the_end_of_the_request(client, origin):
    @origin.on("/early")
    async def early(exchange):
        await exchange.respond(413, body=b"too much")
        exchange.close()

    async with patiently(30), await client() as h2:
        stream = await h2.request(get(origin.url("/early"), "POST"), body=b"x" * 1000, end=False)
        await stream.done()
        assert stream.status == 413 and stream.body == b"too much" and stream.ended
        await h2.until(lambda: stream.reset is not None)
        assert stream.reset == 0, "the rest of the request isn't wanted: NO_ERROR"


async def test_websocket(client):
    async with patiently(30), serve_echo() as echo, await client() as h2:
        assert h2.settings[8] == 1, "SETTINGS_ENABLE_CONNECT_PROTOCOL"
        stream = await h2.request(websocket(f"ws://127.0.0.1:{port_of(echo)}/chat"), end=False)
        assert (await stream.head())[":status"] == "200"
        assert "sec-websocket-accept" not in stream.headers and "upgrade" not in stream.headers
        mask = os.urandom(4)
        await stream.send(b"\x81\x85" + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(b"hello")))
        assert await stream.read(7) == b"\x81\x05hello"


async def test_a_slow_origin_stops_its_client_and_nobody_else(client, make_tcp, nginx):
    """No more than a window and what sockets hold is taken for an origin that doesn't read."""
    stalled = asyncio.Event()

    async def mute(reader, writer):
        await stalled.wait()
        while await reader.read(1 << 20):
            pass

    origin = await make_tcp(mute)
    async with patiently(60), await client() as h2:
        stream = await h2.request(connect(origin.authority), end=False)
        await stream.head()
        sent = 0

        async def pour():
            nonlocal sent
            while sent < 100_000_000:
                await stream.send(bytes(50_000))
                sent += 50_000

        pouring = asyncio.create_task(pour())
        last = -1
        while sent != last:
            last = sent
            # While nothing moves there, another stream does.
            other = await (await h2.request(get(nginx.url(65536)))).done()
            assert len(other.body) == 65536
        assert sent < 20_000_000
        stalled.set()
        await h2.until(lambda: sent > last + 5_000_000, 30)
        pouring.cancel()


async def test_a_client_that_gives_no_credit(client, nginx, server):
    """What it doesn't credit isn't sent, and others aren't stopped by it."""
    async with patiently(60), await client(credits=False) as h2:
        stalled = await h2.request(get(nginx.url(10_000_000)))
        await h2.until(lambda: len(stalled.body) == 65_535)
        async with await client() as other:
            done = await (await other.request(get(nginx.url(1 << 20)))).done()
            assert len(done.body) == 1 << 20
        assert len(stalled.body) == 65_535


async def test_limits(make_tunnel, client_identity, make_tcp):
    async def mute(reader, writer):
        await reader.read()

    tunnel = make_tunnel(server={"frame": {"codec": "h2", "max-streams": 8}})
    tunnel.start_server()
    origin = await make_tcp(mute)
    async with patiently(30), await HTTP2Client.open(tunnel.server_port, client_identity) as h2:
        assert h2.settings[3] == 8 and h2.settings[5] == 96 << 10 and h2.settings[6] == 256 << 10
        streams = [await h2.request(connect(origin.authority), end=False) for _ in range(8)]
        for stream in streams:
            await stream.head()
        h2.forget_stream_limit()
        await h2.request(connect(origin.authority), end=False)
        await h2.until(lambda: h2.goaway is not None)
        assert h2.goaway.error_code == PROTOCOL_ERROR, "who opens more than it may breaks the protocol"
        assert len(origin.failures) == 0 and origin.connections == 8
    async with patiently(30), await HTTP2Client.open(tunnel.server_port, client_identity) as h2:
        beside = await h2.request(connect(origin.authority), end=False)
        await beside.head()

        async def head_of(kilobytes: int):
            fields = [(f"x-{number}", "y" * 2000) for number in range(kilobytes // 2)]
            return await h2.request(get("http://127.0.0.1:1/", "GET", *fields))

        # What is too large to be passed on is refused alone; what is larger than that isn't read.
        for kilobytes, status in ((60, 502), (120, 431), (60, 502)):
            assert (await (await head_of(kilobytes)).done()).status == status
        assert h2.goaway is None and beside.reset is None
        await head_of(300)
        await h2.until(lambda: h2.goaway is not None or any(s.reset for s in h2.streams.values()))


async def test_draining(client, server, origin):
    release = asyncio.Event()

    @origin.on("/wait")
    async def wait(exchange):
        await release.wait()
        await exchange.respond(200, body=b"in the end")

    async with patiently(30), await client() as h2:
        stream = await h2.request(get(origin.url("/wait")))
        await eventually(lambda: origin.requests, 10, "the request is there")
        server.server.signal(15)
        await h2.until(lambda: h2.goaway is not None)
        assert h2.goaway.error_code == 0
        release.set()
        await stream.done()
        assert stream.body == b"in the end" and stream.ended
        assert await server.server.ended(within=15) == 0


# MARK: agents and other programs


async def everything_works(port: int, nginx, origin, websockets: bool = True):
    @origin.on("/echo")
    async def echo(exchange):
        await exchange.respond(200, body=await exchange.read_body())

    async with patiently(60):
        large = await fetch(port, nginx.url(10_000_000))
        assert hashlib.sha256(large.body).hexdigest() == nginx.hashes["10000000"]
        async with await Connection.open(port) as client:
            for _ in range(3):
                assert (await client.request("POST", origin.url("/echo"), body=b"hello" * 50_000)).body == b"hello" * 50_000
        through = await curl("-x", f"http://127.0.0.1:{port}", "--proxytunnel", nginx.url(1 << 20))
        assert hashlib.sha256(through.output).hexdigest() == nginx.hashes[str(1 << 20)]
        if websockets:
            async with serve_echo() as server, open_websocket(port, f"ws://127.0.0.1:{port_of(server)}/", "upgrade") as socket:
                for text in ("", "hello", "x" * 200_000):
                    await socket.send(text)
                    assert await socket.recv() == text


async def test_our_agent_and_our_server(make_tunnel, nginx, origin):
    tunnel = make_tunnel(agent=H2, server=H2).start()
    await everything_works(tunnel.port, nginx, origin)


async def test_our_agent_when_the_server_goes_and_comes(make_tunnel, nginx):
    tunnel = make_tunnel(agent=H2, server=H2).start()
    for _ in range(3):
        assert (await fetch(tunnel.port, nginx.url(1))).status == 200
        tunnel.server.signal(15)
        assert await tunnel.server.ended(within=15) == 0
        tunnel.start_server()

        async def works():
            return (await fetch(tunnel.port, nginx.url(1), within=30)).status == 200

        await eventually(works, 25, "the agent works with the new server")


def nghttpx(place, *arguments) -> Process:
    port = free_port()
    place.mkdir(parents=True, exist_ok=True)
    command = ["nghttpx", "--conf", "/dev/null", "--workers=1", "--errorlog-file=/dev/stderr", "--pid-file", place / "pid"]
    process = Process("nghttpx", [*command, *[str(each).replace("PORT", str(port)) for each in arguments]], place)
    process.port = port
    wait_until(lambda: not process.alive or accepts(port), 10, "nghttpx accepts")
    assert process.alive, process.text()
    return process


async def test_nghttpx_before_our_server(launch, server, client_identity, tmp_path, nginx, origin):
    """A proxy that is set to use another over HTTP/2 and mutual TLS finds all that it needs here."""
    front = launch(
        nghttpx(
            tmp_path / "front", "--http2-proxy", "--frontend=127.0.0.1,PORT;no-tls",
            f"--backend=localhost,{server.server_port};;tls;proto=h2;sni=localhost",
            f"--client-cert-file={client_identity.certificate}", f"--client-private-key-file={client_identity.key}",
            f"--cacert={client_identity.ca}",
        )
    )  # fmt: skip
    await everything_works(front.port, nginx, origin, websockets=False)


async def test_our_agent_through_nghttpx(launch, make_tunnel, server_identity, client_identity, tmp_path, nginx, origin):
    """An HTTP/2 proxy that isn't ours, with a forward proxy behind it."""
    port = free_port()
    config = write_configuration(
        tmp_path / "forward.yaml",
        [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), ("fetch", {"destinations": "any"})],
    )
    launch(Fluidity("server", config, port=port, name="forward"))
    proxy = launch(
        nghttpx(
            tmp_path / "proxy", "--http2-proxy", "--frontend=127.0.0.1,PORT", f"--backend=127.0.0.1,{port}",
            "--verify-client", f"--verify-client-cacert={client_identity.ca}",
            server_identity.key, server_identity.certificate,
        )
    )  # fmt: skip
    tunnel = make_tunnel(agent={**H2, "connect": {"to": f"localhost:{proxy.port}"}})
    tunnel.start_agent()
    await everything_works(tunnel.port, nginx, origin, websockets=False)


@pytest.mark.parametrize("through", ["directly", "a proxy"])
async def test_a_server_that_takes_few_streams_on_a_connection(launch, make_tunnel, make_tcp, nginx, tmp_path, through):
    """As foreign servers do, which take a hundred or so: what has no room goes over another connection."""

    async def echo(reader, writer):
        while data := await reader.read(1000):
            writer.write(data)

    target = await make_tcp(echo)
    way = {}
    if through == "a proxy":
        port = free_port()
        stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), ("fetch", {"destinations": "any"})]
        launch(Fluidity("server", write_configuration(tmp_path / "forward.yaml", stages), port=port, name="forward"))
        way = {"via": f"http://127.0.0.1:{port}"}
    tunnel = make_tunnel(agent={**H2, "connect": {"wait": "60s", **way}}, server={"frame": {"codec": "h2", "max-streams": 32}}).start()
    async with patiently(90):
        tunnels = [await Connection.open(tunnel.port) for _ in range(300)]
        answers = await asyncio.gather(*[each.connect(target.authority) for each in tunnels])
        assert {each.status for each in answers} == {200}
        assert {(await fetch(tunnel.port, nginx.url(1000))).status for _ in range(20)} == {200}
        for each in tunnels:
            await each.send(b"still here")
        assert {await each.reader.readexactly(10) for each in tunnels} == {b"still here"}
        connections = tunnel.server.text().count("HTTP/2 client connected")
        assert 10 <= connections <= 32, connections
        for each in tunnels:
            each.abort()


# MARK: several codecs on one port


async def test_one_port_for_several_codecs(make_tunnel, client_identity, nginx, origin):
    tunnel = make_tunnel(server={"frame": {"codecs": ["mux", "h2"]}}).start()
    await everything_works(tunnel.port, nginx, origin)
    other = make_tunnel(agent={**H2, "connect": {"to": f"localhost:{tunnel.server_port}"}})
    other.start_agent()
    await everything_works(other.port, nginx, origin)
    async with patiently(30), await HTTP2Client.open(tunnel.server_port, client_identity) as h2:
        assert (await (await h2.request(get(nginx.url(1)))).done()).status == 200


@pytest.mark.parametrize("agent, server, name", [("h2", "mux", "h2"), ("mux", "h2", "fluidity/1")])
async def test_an_agent_that_wants_what_the_server_has_not(make_tunnel, nginx, agent, server, name):
    tunnel = make_tunnel(agent={"frame": {"codec": agent}, "connect": {"wait": "1s"}}, server={"frame": {"codec": server}}).start()
    response = await fetch(tunnel.port, nginx.url(1))
    assert response.status == 503
    assert f"the server doesn't take the protocol '{name}' on this port" in response.text, response.text
