"""A peer that has the right certificate and means harm: what it sends can't make the other side hold more than `session-memory`, beside
what each open stream costs and what a process needs once.

Everything here is measured as growth of resident memory; the kernel keeps the peak.
"""

import asyncio
import contextlib
import socket
import ssl

import pytest
import pytest_asyncio

from harness.fluidity import Fluidity, write_configuration
from harness.memory import KiB, Measured, MiB
from harness.mux import DATA, END, HEAD, OPEN, PING, RESET, TRAILERS, WINDOW, Peer, connect_head, fields, frame, get_head, response_head
from harness.origin import StalledOrigin
from harness.ports import free_port
from harness.processes import quiet
from harness.waiting import eventually, patiently

BIG = fields((b"x-filler", b"f" * 65_000), (b"x-more", b"g" * 30_000))


@pytest.fixture
def server(make_tunnel) -> Fluidity:
    tunnel = make_tunnel(
        server={
            "frame": {"stream-window": "2MiB"},
            "fetch": {"destinations": "any", "connect-timeout": "120s", "connections-per-origin": 2000},
        }
    )
    tunnel.start_server()
    return tunnel.server


@pytest_asyncio.fixture
async def peer(server, client_identity):
    peer = await Peer.dial(server.port, client_identity)
    yield peer
    await peer.close()


async def open_tunnels(peer: Peer, authority: str, count: int, first: int = 1) -> list[int]:
    streams = list(range(first, first + count))
    for stream in streams:
        head = connect_head(authority)
        await peer.send(frame(OPEN, stream, len(head).to_bytes(4, "big") + head))
    return streams


async def exhaust(peer: Peer, streams: list[int], size: int, most: int):
    """Sends pieces on all the streams until there are no windows any more, or `most` bytes were sent."""
    sent = 0
    while sent < most and not peer.ended:
        before = sent
        for stream in streams:
            sent += size * await peer.pieces(stream, size, 16_384)
        if sent == before:
            await peer.noticed()
            with contextlib.suppress(AssertionError):
                await eventually(lambda: peer.ended or peer.session_window > 0 and any(map(peer.window, streams)), 1, "credit comes")
            if peer.session_window < size or max(map(peer.window, streams)) < size:
                break
    await peer.noticed()


@pytest.mark.parametrize("where", ["before the origin is connected", "at an origin that doesn't read"])
@pytest.mark.timeout(600)
async def test_pieces_of_one_byte(server, peer, silent, record_property, where):
    async with StalledOrigin() as origin:
        measured = Measured(server, record_property)
        streams = await open_tunnels(peer, origin.authority if "read" in where else silent, 2)
        # What the kernel takes comes on top of the windows.
        await exhaust(peer, streams, 1, 32 * MiB)
        assert not peer.ended and min(peer.session_window, max(map(peer.window, streams))) == 0
        measured.check(2)


async def test_single_bytes_among_others(server, peer, silent, record_property):
    """Each byte that is held comes in a read of its own, of which everything else is dropped."""
    measured = Measured(server, record_property)
    (over,) = await open_tunnels(peer, silent, 1)
    await peer.send(frame(RESET, over, b"\0\1"))
    streams = await open_tunnels(peer, silent, 1500, first=2)
    for _ in range(2):
        for stream in streams:
            await eventually(lambda: peer.session_window > 70_000 or peer.ended, 20, "credit comes for what was dropped")
            await peer.pieces(stream, 1, 1)
            peer.session_window -= 65_536
            await peer.send(frame(DATA, over, b"f" * 65_536))
    await peer.noticed()
    assert not peer.ended
    measured.check(len(streams))


async def test_trailers_that_wait(server, peer, silent, record_property):
    measured = Measured(server, record_property)
    streams = await open_tunnels(peer, silent, 1500)
    for stream in streams:
        await peer.send(frame(TRAILERS, stream, BIG))
    await peer.noticed()
    assert not peer.ended
    # 5: excessive. The session goes on, and so do the streams whose trailers there was room for.
    assert 10 < len(streams) - len(peer.resets) < 100 and set(peer.resets.values()) == {5}
    measured.check(len(streams))


async def test_heads_that_wait(server, peer, silent, record_property):
    measured = Measured(server, record_property)
    head = connect_head(silent, BIG)
    for stream in range(1, 1501):
        await peer.send(frame(OPEN, stream, len(head).to_bytes(4, "big") + head))
    await peer.noticed()
    # 6: refused, nothing was begun.
    assert not peer.ended and len(peer.resets) > 1400 and set(peer.resets.values()) == {6}
    measured.check(1500)


def opening(stream: int, authority: str) -> bytes:
    head = connect_head(authority)
    return frame(OPEN, stream, len(head).to_bytes(4, "big") + head)


#: What the peer sends again and again, and the reason for which it is shown out.
FLOODS = {
    "streams opened and reset": (lambda number, place: opening(number, place) + frame(RESET, number, b"\0\1"), "streams opened and reset"),
    "empty DATA": (lambda number, place: (opening(1, place) if number == 1 else b"") + frame(DATA, 1), "too many empty frames"),
    "PINGs": (lambda number, place: frame(PING, 0, number.to_bytes(8, "big")), "too many PINGs"),
    "credit in crumbs": (lambda number, place: frame(WINDOW, 0, b"\0\0\0\1"), "credit in crumbs"),
    "a window beyond all bounds": (lambda number, place: frame(WINDOW, 0, b"\x7f\xff\xff\xff"), "too large a window"),
    "streams without end": (lambda number, place: opening(number, place), "more than 8192 streams"),
}


@pytest.mark.parametrize("flood, reason", FLOODS.values(), ids=FLOODS)
async def test_a_flood_ends_its_session_only(server, peer, client_identity, silent, record_property, flood, reason):
    bystander = await Peer.dial(server.port, client_identity)
    measured = Measured(server, record_property)
    number = 0
    async with patiently(60):
        while not peer.ended:
            await peer.send(b"".join(flood(number + more, silent) for more in range(1, 101)))
            number += 100
            # What is sent never waits, so nothing that comes would be read.
            await asyncio.sleep(0)
            assert number < 1_000_000, "it is never shown out"
    # The frame that says why may be lost with the connection, on which more and more is sent.
    assert peer.gone is None or reason in peer.gone[1], peer.gone
    await eventually(lambda: reason in server.text(), 10, lambda: f"the log says why; it says\n{server.tail()}")
    await bystander.noticed()
    assert not bystander.ended
    await bystander.close()
    measured.check(8192)


async def test_many_ordinary_streams_fit(server, peer, silent):
    """The limits above are for attacks: 4,096 streams with heads of 500 bytes at once are none."""
    head = connect_head(silent, fields((b"user-agent", b"u" * 480)))
    for stream in range(1, 4097):
        await peer.send(frame(OPEN, stream, len(head).to_bytes(4, "big") + head))
    await peer.noticed()
    assert not peer.ended and not peer.resets


@pytest.mark.timeout(600)
async def test_streams_that_both_sides_ended(server, peer, record_property):
    """What such streams have left on its way is held like anything else: the window doesn't come back with a stream's end."""
    async with StalledOrigin(half_closed=True) as origin:
        measured = Measured(server, record_property)
        number = 0
        while number < 30 and peer.session_window > 0 and not peer.ended:
            number += 1
            await open_tunnels(peer, origin.authority, 1, first=number)
            await eventually(lambda: number in peer.heads or peer.ended, 20, "the tunnel is open")
            await exhaust(peer, [number], 16_384, 32 * MiB)
            await peer.send(frame(DATA | END, number))
            await peer.noticed()
        assert not peer.ended
        measured.check(number)
        # Nothing of the window is lost by it: when the connections are gone, all of it is there again.
        for each in origin.connections:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            each.close()
        await eventually(lambda: peer.session_window > 2 * MiB, 20, "the window comes back")


async def test_downloads_that_are_not_read(server, client_identity, make_tcp, record_property):
    """More than a thousand responses at once for a peer that doesn't read: no origin is read any further."""
    count = 1200
    go = asyncio.Event()
    waiting = 0

    async def endless(reader, writer):
        nonlocal waiting
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        waiting += 1
        await go.wait()
        writer.write(b"x" * (256 * KiB))
        await writer.drain()
        await reader.read()

    origin = await make_tcp(endless)
    peer = await Peer.dial(server.port, client_identity, stream_window=1 << 20, session_window=1 << 30)
    measured = Measured(server, record_property)
    for number in range(1, count + 1):
        head = get_head(origin.authority, "/")
        await peer.send(frame(OPEN | END, number, len(head).to_bytes(4, "big") + head))
    await eventually(lambda: waiting == count and len(peer.heads) == count, 60, "all downloads have begun")
    peer.deafen()
    peer.writer.transport.pause_reading()
    go.set()
    await eventually(quiet(server.pid), 60, "the server comes to rest")
    measured.check(count)
    await peer.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", ["informational heads", "final heads and bodies", "trailers"])
async def test_a_hostile_server(client_identity, server_identity, tmp_path, launch, record_property, what):
    """What a server sends to an agent whose clients don't read."""
    count = 150
    peers: list[Peer] = []

    async def answer(reader, writer):
        peer = Peer(reader, writer)
        peers.append(peer)
        await peer.start(stream_window=1 << 20, session_window=1 << 24)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(server_identity.ca))
    context.load_cert_chain(server_identity.certificate, server_identity.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["fluidity/1"])
    listener = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    port = free_port()
    config = write_configuration(
        tmp_path / "agent.yaml",
        [
            ("accept", {"listen": f"127.0.0.1:{port}"}),
            ("http", {"mode": "proxy"}),
            ("frame", {"codec": "mux"}),
            ("mtls", {**client_identity.settings(), "name": "localhost"}),
            ("connect", {"to": f"localhost:{listener.sockets[0].getsockname()[1]}"}),
        ],
    )
    agent = launch(Fluidity("agent", config, port=port))
    clients = []
    async with patiently(150):
        await eventually(lambda: peers and all(peer.session_window for peer in peers), 20, "the agent is there")
        measured = Measured(agent, record_property)
        for number in range(count):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\n\r\n")
            clients.append(client)
        await eventually(lambda: sum(len(peer.opened) for peer in peers) == count, 20, "the agent opens streams")
        for peer in peers:
            for stream in peer.opened:
                heads = 64 if what == "informational heads" else 1
                head = response_head(103 if heads > 1 else 200, fields() if what == "trailers" else BIG)
                while heads > 0 and stream not in peer.resets:
                    heads -= 1
                    await peer.send(frame(HEAD, stream, head))
                    await peer.noticed()
                if what != "informational heads" and stream not in peer.resets:
                    await peer.pieces(stream, 16_384, 8)
                    await peer.pieces(stream, 1, 4_096)
                    if what == "trailers":
                        await peer.send(frame(TRAILERS, stream, BIG))
                    await peer.noticed()
            assert not peer.ended
        measured.check(count)
    for each in clients:
        each.close()
    for peer in peers:
        await peer.close()
    listener.close()
