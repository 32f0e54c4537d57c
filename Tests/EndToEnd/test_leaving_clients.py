"""Who closes his half of a connection has left, unless it is a tunnel's: what is done for him ends at once."""

import pytest

from harness import wire
from harness.client import Connection, fetch
from harness.codecs import CANCELLING
from harness.origin import FullBacklog
from harness.waiting import eventually, patiently


@pytest.fixture(scope="module", params=CANCELLING)
def codec(request) -> str:
    """Those that can say that a client has left."""
    return request.param


@pytest.fixture(scope="module")
def shared(carried) -> dict:
    return carried()


@pytest.fixture
def events(origin):
    """An origin whose `/events` begin and say nothing more."""

    @origin.on("/events")
    async def answer(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Type", "text/event-stream")]) + b"data: first\n\n")
        assert await exchange.reader.read() == b""
        exchange.close()

    @origin.on("/silent")
    async def silent(exchange):
        assert await exchange.reader.read() == b""
        exchange.close()

    return origin


async def listening(tunnel, origin) -> Connection:
    client = await Connection.open(tunnel.port)
    await client.send(wire.head(f"GET {origin.url('/events')} HTTP/1.1", [("Host", origin.authority)]))
    assert (await client.head()).status == 200
    await client.reader.readuntil(b"data: first\n\n")
    return client


async def test_of_events(tunnel, events):
    """Less than the minute that such a client had."""
    async with patiently(10), await listening(tunnel, events) as client:
        client.writer.write_eof()
        await eventually(lambda: events.open == 0, 5, "the origin hears of it")
        # A part of an answer doesn't end like the whole.
        with pytest.raises(ConnectionResetError):
            await client.reader.read()


async def test_it_is_counted_no_longer(make_tunnel, events, ok):
    tunnel = make_tunnel(server_filters=[("rate-limit", {"by": "global", "concurrent": 1})]).start()
    async with patiently(30), await listening(tunnel, events) as client:
        assert (await fetch(tunnel.port, ok.url("/"))).status == 429
        client.writer.write_eof()

        async def let_in():
            return (await fetch(tunnel.port, ok.url("/"))).status == 200

        await eventually(let_in, 5, "there is room again")


@pytest.mark.parametrize("when", ["with the request", "afterwards"])
async def test_before_the_answer(tunnel, events, when):
    """As with squid and nginx, also where it comes along with the request."""
    async with patiently(10), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"GET {events.url('/silent')} HTTP/1.1", [("Host", events.authority)]))
        if when == "afterwards":
            await eventually(lambda: events.requests, 10, "the request is at the origin")
        client.writer.write_eof()
        assert await client.reader.read() == b""
        await eventually(lambda: events.open == 0, 5, "the origin hears of it")


@pytest.mark.parametrize("protocol", ["http", "socks"])
async def test_before_a_tunnel_is_open(make_tunnel, protocol):
    tunnel = make_tunnel(client_protocols="detect", server={"fetch": {"connect-timeout": "10m"}}).start()
    silent = FullBacklog()
    try:
        async with patiently(15), await Connection.open(tunnel.port) as client:
            if protocol == "http":
                place = f"127.0.0.1:{silent.port}"
                await client.send(wire.head(f"CONNECT {place} HTTP/1.1", [("Host", place)]))
            else:
                await client.send(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01" + silent.port.to_bytes(2))
                assert await client.reader.readexactly(2) == b"\x05\x00"
            client.writer.write_eof()
            assert await client.reader.read() == b""
    finally:
        silent.close()


@pytest.mark.parametrize("way", ["CONNECT", "GET"])
async def test_while_an_origin_is_dialled(make_tunnel, way):
    """What nobody waits for isn't dialled on: it would keep a descriptor, and a place among an origin's connections, for `connect-timeout`."""
    silent = FullBacklog()
    place = f"127.0.0.1:{silent.port}"
    tunnel = make_tunnel(server={"fetch": {"connect-timeout": "60s"}}).start()

    def dials() -> int:
        """Connections to it that are being opened (SYN_SENT), without those that fill its queue."""
        wanted = f"0100007F:{silent.port:04X}"
        with open("/proc/net/tcp") as table:
            lines = [line.split() for line in table]
        return sum(line[2] == wanted and line[3] == "02" for line in lines)

    try:
        before = dials()
        async with patiently(30):
            clients = [await Connection.open(tunnel.port) for _ in range(10)]
            for client in clients:
                target = place if way == "CONNECT" else f"http://{place}/"
                await client.send(wire.head(f"{way} {target} HTTP/1.1", [("Host", place)]))
            await eventually(lambda: dials() >= before + 10, 10, "all are dialled")
            for client in clients:
                client.abort()
            await eventually(lambda: dials() <= before, 10, "none is dialled any longer")
    finally:
        silent.close()
