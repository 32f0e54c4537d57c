"""The tunnel within WebSockets: behind nginx and haproxy, through a network that opens TLS, and by itself."""

import asyncio
import hashlib
import ssl

import pytest
import websockets

from harness import wire
from harness.certificates import Authority
from harness.client import Connection, fetch
from harness.codecs import CODECS
from harness.fluidity import Fluidity, write_configuration
from harness.memory import Growth, MiB
from harness.ports import free_port
from harness.reverse_proxies import Inspector, ReverseProxy
from harness.waiting import eventually, patiently
from test_unusual_pipelines import everything_works

PATH = "/hidden/place"
WEBSOCKET = ("websocket", {"path": PATH})


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Authority:
    """The authority of the certificates that stand before the server, as everybody trusts it."""
    return Authority(tmp_path_factory.mktemp("front"), "Front CA")


@pytest.fixture(scope="module")
def front_identity(front):
    return front.issue("www", dns=("localhost",), server=True)


def shown(identity) -> dict:
    """The keys of a server's `tls`."""
    return {"certificate": str(identity.certificate), "key": str(identity.key)}


def carriers(front, **websocket) -> list:
    """What an agent has between `mtls` and `connect`."""
    return [("websocket", {"path": PATH, **websocket}), ("tls", {"ca": str(front.path)})]


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
async def test_behind_a_reverse_proxy(make_tunnel, launch, tmp_path, front, front_identity, nginx, origin, kind):
    tunnel = make_tunnel(agent_carriers=carriers(front), server_carriers=[WEBSOCKET])
    tunnel.start_server()
    before = launch(ReverseProxy(kind, tmp_path / kind, front_identity, tunnel.server_port))
    context = ssl.create_default_context(cafile=front.path)

    async def look(target: str) -> int:
        reader, writer = await asyncio.open_connection("localhost", before.port, ssl=context)
        writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split()[1])

    # Connections to the server that the proxy keeps for the next request are none of its clients'.
    async with patiently(30):
        assert [await look(target) for target in ("/", PATH, f"{PATH}/more", "/")] == [404] * 4
    tunnel.rewrite_agent(connect={"to": f"localhost:{before.port}"})
    tunnel.start_agent()
    await everything_works(tunnel.port, nginx, origin)
    assert await look("/") == 404


@pytest.mark.parametrize("codec", CODECS)
async def test_with_its_own_tls(make_tunnel, front, front_identity, ok, codec):
    """Each codec is agreed on within, whatever the outer TLS says."""
    servers = {"codecs": sorted(CODECS)}
    tunnel = make_tunnel(
        agent={"frame": {"codec": codec}}, server={"frame": servers}, agent_carriers=carriers(front),
        server_carriers=[("tls", shown(front_identity)), WEBSOCKET]).start()
    for _ in range(3):
        assert (await fetch(tunnel.port, ok.url("/"))).text == "fine"


async def test_without_tls_around_it(make_tunnel, nginx, origin):
    tunnel = make_tunnel(agent_carriers=[WEBSOCKET], server_carriers=[WEBSOCKET]).start()
    await everything_works(tunnel.port, nginx, origin)


async def test_without_tls_within_it(tmp_path, launch, front, front_identity, nginx, origin):
    """Ordinary TLS around a WebSocket around a session: nobody is asked who he is."""
    port, agent_port = free_port(), free_port()
    server = [("accept", {"listen": f"127.0.0.1:{port}"}), ("tls", shown(front_identity)), WEBSOCKET, ("frame", {}), ("fetch", {"destinations": "any"})]
    agent = [("accept", {"listen": f"127.0.0.1:{agent_port}"}), ("http", {}), ("frame", {}), *carriers(front), ("connect", {"to": f"localhost:{port}"})]
    launch(Fluidity("server", write_configuration(tmp_path / "server.yaml", server), port=port))
    launch(Fluidity("agent", write_configuration(tmp_path / "agent.yaml", agent), port=agent_port))
    await everything_works(agent_port, nginx, origin)


@pytest.fixture
def inspector(launch, tmp_path, front) -> Inspector:
    return launch(Inspector(tmp_path / "network", front.path))


async def test_through_a_network_that_opens_tls(make_tunnel, inspector, front, front_identity, nginx, origin):
    """The outer TLS is the network's from end to end; the tunnel's own passes it untouched."""
    server_carriers = [("tls", shown(front_identity)), WEBSOCKET]
    seen = carriers(Authority.at(inspector.ca))
    tunnel = make_tunnel(agent={"connect": {"via": inspector.url}}, agent_carriers=seen, server_carriers=server_carriers).start()
    await everything_works(tunnel.port, nginx, origin)
    # Whoever trusts the server's own authority sees who has opened what he sends.
    direct = make_tunnel(agent={"connect": {"via": inspector.url, "wait": "1s"}}, agent_carriers=carriers(front), server_carriers=server_carriers).start()
    says = (await fetch(direct.port, origin.url("/"))).text
    assert "was issued by" in says and "mitmproxy" in says and "which is no authority in 'ca': either somebody between here and the server opens TLS" in says, says


async def test_such_a_network_is_named(make_tunnel, inspector, origin):
    tunnel = make_tunnel(agent={"connect": {"via": inspector.url, "wait": "1s"}}).start()
    response = await fetch(tunnel.port, origin.url("/"))
    assert response.status == 503
    assert "was issued by" in response.text and "mitmproxy" in response.text, response.text
    assert "somebody between here and the server opens TLS" in response.text and "'websocket' and 'tls' behind 'mtls'" in response.text, response.text


# MARK: What is there beside it


async def ask(port: int, request: bytes) -> bytes:
    """Everything that a server answers until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with patiently(20):
        answer = await reader.read()
    writer.close()
    return answer


async def test_to_others_it_is_an_ordinary_site(make_tunnel):
    tunnel = make_tunnel(server_carriers=[("websocket", {"path": PATH, "site": {"body": "<h1>Hello</h1>\n", "fields": {"Content-Type": "text/html"}}})])
    tunnel.start_server()
    for request in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", f"GET {PATH} HTTP/1.1\r\nHost: a\r\n\r\n".encode()):
        head, _, body = (await ask(tunnel.server_port, request)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK") and b"Content-Type: text/html" in head and b"Connection: close" in head, head
        assert body == b"<h1>Hello</h1>\n"
    posted = await ask(tunnel.server_port, b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
    assert posted.startswith(b"HTTP/1.1 200 OK")
    assert (await ask(tunnel.server_port, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")).endswith(b"\r\n\r\n")
    assert (await ask(tunnel.server_port, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert (await ask(tunnel.server_port, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n")).startswith(b"HTTP/1.1 431 ")


def opening(path: str = PATH, version: int = 13, key: str = "dGhlIHNhbXBsZSBub25jZQ==") -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: {version}\r\n\r\n"
    ).encode()


async def test_who_asks_wrongly(make_tunnel):
    tunnel = make_tunnel(server_carriers=[WEBSOCKET])
    tunnel.start_server()
    old = await ask(tunnel.server_port, opening(version=8))
    assert old.startswith(b"HTTP/1.1 426 ") and b"Sec-WebSocket-Version: 13" in old
    assert (await ask(tunnel.server_port, opening(key="short"))).startswith(b"HTTP/1.1 400 ")
    for words in ("it doesn't speak version 13 of WebSocket", "Sec-WebSocket-Key is none"):
        await eventually(lambda: words in tunnel.server.text(), 15, lambda: f"the reason; it said:\n{tunnel.server.tail()}")


@pytest.mark.parametrize("frames, code", [
    (b"\x82\x05", 1002), (b"\x81\x80\0\0\0\0", 1003), (b"\xc2\x80", 1002), (b"\x89\xfe", 1002), (b"\x80\x80\0\0\0\0", 1002),
    (b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 1002), (b"\x83\x80", 1002), (b"\x88\x81\0\0\0\0x", 1002),
], ids=["unmasked", "text", "reserved-bit", "long-ping", "nothing-to-continue", "huge", "reserved-opcode", "half-a-code"])  # fmt: skip
async def test_frames_that_are_none(make_tunnel, ok, frames, code):
    """One at a time, behind the handshake; and in one piece with it."""
    tunnel = make_tunnel(agent_carriers=[WEBSOCKET], server_carriers=[WEBSOCKET]).start()
    reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.server_port)
    async with patiently(20):
        for byte in opening():
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        for byte in frames:
            writer.write(bytes([byte]))
            await writer.drain()
        assert await reader.read() == b"\x88\x02" + code.to_bytes(2)
        writer.close()
        assert (await ask(tunnel.server_port, opening() + frames)).endswith(b"\x88\x02" + code.to_bytes(2))
    assert (await fetch(tunnel.port, ok.url("/"))).text == "fine"


async def test_a_slow_handshake(make_tunnel):
    """Byte by byte, and not to its end."""
    tunnel = make_tunnel(server_carriers=[("websocket", {"path": PATH, "timeout": "1s"})])
    tunnel.start_server()
    reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.server_port)

    async def drip():
        for byte in opening()[:-2]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(drip())
    async with patiently(20):
        assert await reader.read() == b""
    task.cancel()
    writer.close()


# MARK: With another program's WebSockets


@pytest.fixture
def plain(tmp_path, launch):
    """A server whose WebSockets carry the bytes of an HTTP proxy."""
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("websocket", {"path": PATH}), ("http", {}), ("fetch", {"destinations": "any"})]
    return launch(Fluidity("server", write_configuration(tmp_path / "plain.yaml", stages), port=port))


def connect(port: int, **options):
    return websockets.connect(f"ws://127.0.0.1:{port}{PATH}", proxy=None, compression=None, max_size=None, ping_interval=None, **options)


async def test_another_programs_websocket(plain, ok):
    request = f"GET {ok.url('/')} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    async with patiently(30), connect(plain.port) as socket:
        for _ in range(2):
            await (await socket.ping(b"there?"))
            # A message in fragments, between whose frames a ping is answered.
            async def fragments():
                for byte in request:
                    yield bytes([byte])
                    if byte == 0x20:
                        await (await socket.ping())

            await socket.send(fragments())
            answer = b""
            while not answer.endswith(b"fine"):
                answer += await socket.recv()
            assert answer.startswith(b"HTTP/1.1 200 ")
        await socket.close()
        assert socket.close_code == 1000


async def test_an_answer_that_ends_the_connection_ends_the_websocket(plain, ok):
    async with patiently(30), connect(plain.port) as socket:
        await socket.send(f"GET {ok.url('/')} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert b"".join([message async for message in socket]).endswith(b"fine")
        assert (socket.close_code, socket.close_reason) == (1000, "")


async def test_a_lost_answer_isn_t_whole(plain, make_origin):
    """What the origin breaks off must not look like an end."""
    origin = await make_origin()

    @origin.on("/half")
    async def half(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", "1000000")]) + b"x" * 100_000)
        exchange.reset()

    async with patiently(30), connect(plain.port) as socket:
        await socket.send(f"GET {origin.url('/half')} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        with pytest.raises(websockets.exceptions.ConnectionClosedError):
            while True:
                await socket.recv()
        assert socket.close_code != 1000


async def test_who_reads_nothing_fills_nothing(plain, nginx):
    """A download of a hundred megabytes stops at the reader's pace."""
    nginx.add_huge("huge", 100 * MiB)
    growth = Growth(plain.pid)
    async with patiently(90), connect(plain.port, max_queue=1) as socket:
        await socket.send(f"GET {nginx.url('huge')} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        received, digest = b"", hashlib.sha256()
        while b"\r\n\r\n" not in received:
            received += await socket.recv()
        body = received.partition(b"\r\n\r\n")[2]
        # Until nothing more can be on its way: what the server holds then is all that it ever does.
        before = 0
        while (now := moved_bytes(plain)) - before > 64 << 10:
            before = now
            await asyncio.sleep(0.5)
        assert growth.peak() < 24 * MiB
        count = len(body)
        digest.update(body)
        while count < 100 * MiB:
            message = await socket.recv()
            count += len(message)
            digest.update(message)
        assert digest.hexdigest() == nginx.hashes["huge"]


def moved_bytes(process) -> int:
    """What a process has read and written so far."""
    with open(f"/proc/{process.pid}/io") as file:
        values = dict(line.split(": ") for line in file.read().splitlines())
    return int(values["rchar"]) + int(values["wchar"])


# MARK: Why there is none


@pytest.fixture
def says(make_tunnel, ok):
    """What a client is told whose agent finds no server."""

    async def ask(port: int, stages: list, **connect) -> str:
        tunnel = make_tunnel(agent={"connect": {"to": f"localhost:{port}", "wait": "1s", **connect}}, agent_carriers=stages, agent_top={"event-loops": 1})
        tunnel.start_agent()
        response = await fetch(tunnel.port, ok.url("/"), within=20)
        assert response.status == 503
        return response.text

    return ask


async def test_what_a_reverse_proxy_says(says, launch, tmp_path, front, front_identity, make_tunnel):
    behind = make_tunnel(server_carriers=[WEBSOCKET])
    behind.start_server()
    port = launch(ReverseProxy("nginx", tmp_path / "nginx", front_identity, behind.server_port)).port
    place = f"at localhost:{port} "
    answers = {
        "/other": f"'/other' {place}has no WebSocket (404): 'path' has to be the one of the server's 'websocket', and every reverse proxy",
        "/elsewhere": f"'/elsewhere' {place}leads elsewhere (302, to https://login.example/)",
        "/members": f"'/members' {place}doesn't let this side in (403); 'fields' can have what it wants to see",
        # This one speaks HTTP/1.0 with what is behind it, which knows no Upgrade.
        "/plain": f"'/plain' {place}has no WebSocket (404)",
    }
    for path, words in answers.items():
        text = await says(port, carriers(front, path=path))
        assert words in text, text
    text = await says(port, [("websocket", {"path": PATH})])
    assert "takes no such request (400)" in text and "The plain HTTP request was sent to HTTPS port" in text, text
    behind.server.kill()
    text = await says(port, carriers(front))
    assert "can't reach the server behind it (502)" in text, text


async def test_what_is_wrong_with_a_certificate(says, launch, tmp_path, front):
    """That of who stands before the server, not the tunnel's own."""

    async def at(identity, ca=front) -> str:
        port = launch(ReverseProxy("nginx", tmp_path / identity.certificate.stem, identity, free_port())).port
        return await says(port, carriers(ca))

    text = await at(front.issue("old", dns=("localhost",), server=True, days=-1))
    assert "the certificate of the server, CN=old, expired on 20" in text and "fluidity cert" not in text, text
    text = await at(front.issue("other", dns=("other.example",), server=True))
    assert "the certificate of the server is for other.example, not for localhost" in text, text
    text = await at(Authority(tmp_path / "foreign", "Foreign CA").issue("www2", dns=("localhost",), server=True))
    assert "CN=www2, was issued by CN=Foreign CA, which is no authority in 'ca'" in text, text


async def test_tls_where_none_is_spoken(says, make_tunnel, front):
    behind = make_tunnel(server_carriers=[WEBSOCKET])
    behind.start_server()
    text = await says(behind.server_port, carriers(front))
    assert "what answers in place of the server doesn't speak TLS" in text and "leave 'tls' out if the port is one of plain HTTP" in text, text


async def test_what_a_server_says_of_those_that_it_refuses(make_tunnel, front, front_identity):
    tunnel = make_tunnel(server_carriers=[("tls", shown(front_identity)), WEBSOCKET], server_top={"log": {"level": "debug", "format": "json"}})
    tunnel.start_server()
    await ask(tunnel.server_port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    words = "what the client says is no TLS: it speaks another protocol, plain HTTP say, to a port of TLS"
    await eventually(lambda: words in tunnel.server.text(), 15, lambda: f"the reason; it said:\n{tunnel.server.tail()}")
    # Through the outer TLS and the WebSocket, and no client of the inner one.
    context = ssl.create_default_context(cafile=front.path)
    async with patiently(20):
        async with websockets.connect(f"wss://localhost:{tunnel.server_port}{PATH}", ssl=context, proxy=None, compression=None) as socket:
            await socket.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await socket.wait_closed()
    words = "what the client says is no TLS: it isn't one of ours, or has no 'mtls'"
    await eventually(lambda: words in tunnel.server.text(), 15, lambda: f"the reason; it said:\n{tunnel.server.tail()}")


async def test_a_certificate_that_is_renewed(make_tunnel, tmp_path, front, ok):
    """The files are read again; what is open goes on."""
    first, second = (front.issue(name, dns=("localhost",), server=True) for name in ("first", "second"))
    files = {"certificate": tmp_path / "www.pem", "key": tmp_path / "www-key.pem"}

    def place(identity):
        for name, path in files.items():
            path.touch(mode=0o600)
            path.write_bytes(getattr(identity, name).read_bytes())

    place(first)
    tunnel = make_tunnel(agent_carriers=carriers(front), server_carriers=[("tls", {name: str(path) for name, path in files.items()}), WEBSOCKET]).start()
    assert (await fetch(tunnel.port, ok.url("/"))).text == "fine"

    async def subject() -> str:
        context = ssl.create_default_context(cafile=front.path)
        _, writer = await asyncio.open_connection("localhost", tunnel.server_port, ssl=context)
        found = writer.get_extra_info("peercert")["subject"]
        writer.close()
        return dict(part[0] for part in found)["commonName"]

    assert await subject() == "first"
    place(second)
    await eventually(lambda: "certificate reloaded" in tunnel.server.text(), 20, "the new certificate")
    assert await subject() == "second"
    assert (await fetch(tunnel.port, ok.url("/"))).text == "fine"
