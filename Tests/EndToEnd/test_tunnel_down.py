"""An agent without a server, and one whose server comes and goes."""

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys

import pytest

from harness.client import Connection, fetch
from harness.codecs import CODECS
from harness.waiting import eventually, patiently


async def test_503_after_the_wait(make_tunnel, ok):
    tunnel = make_tunnel(agent={"connect": {"wait": "1s"}})
    tunnel.start_agent()
    for way in ("plain", "connect"):
        async with patiently(10), await Connection.open(tunnel.port) as client:
            response = await (client.request("GET", ok.url("/")) if way == "plain" else client.connect(ok.authority))
        assert response.status == 503
        assert int(response.get("retry-after")) > 0
        assert "tunnel" in response.text.lower() and "since" in response.text.lower(), response.text
    assert ok.requests == []


async def test_a_request_waits_for_the_tunnel(make_tunnel, ok):
    tunnel = make_tunnel(agent={"connect": {"wait": "10m"}})
    tunnel.start_agent()
    async with patiently(40):
        waiting = [asyncio.create_task(fetch(tunnel.port, ok.url("/"), within=40)) for _ in range(20)]
        await asyncio.sleep(0)
        tunnel.start_server()
        for each in await asyncio.gather(*waiting):
            assert (each.status, each.body) == (200, b"fine")


async def test_a_client_that_leaves_while_it_waits(make_tunnel, ok):
    """Its request doesn't come to life later."""
    tunnel = make_tunnel(agent={"connect": {"wait": "10m"}})
    tunnel.start_agent()
    with pytest.raises(TimeoutError):
        await fetch(tunnel.port, ok.url("/left"), within=0.5)
    tunnel.start_server()
    assert (await fetch(tunnel.port, ok.url("/"), within=40)).status == 200
    assert ok.paths() == ["/"]


async def test_another_server_at_the_same_place(make_tunnel, ok):
    tunnel = make_tunnel().start()
    for _ in range(3):
        assert (await fetch(tunnel.port, ok.url("/"))).status == 200
        tunnel.server.kill()
        tunnel.start_server()

        async def works():
            return (await fetch(tunnel.port, ok.url("/"), within=30)).status == 200

        await eventually(works, 25, "the agent works with the new server")


async def test_a_server_that_never_answers(make_tunnel, make_tcp, ok):
    """The port accepts and says nothing: no tunnel either."""

    async def mute(reader, writer):
        await reader.read()

    listener = await make_tcp(mute)
    tunnel = make_tunnel(agent={"connect": {"to": f"localhost:{listener.port}", "wait": "1s"}})
    tunnel.start_agent()
    response = await fetch(tunnel.port, ok.url("/"), within=15)
    assert response.status == 503, response.raw


async def test_a_silent_server_is_noticed(make_tunnel, origin):
    """A server that is stopped, not dead: its connections are open and nothing comes."""

    @origin.on("/slow")
    async def slow(exchange):
        await exchange.reader.read()

    pings = {"frame": {"ping-interval": "1s", "ping-timeout": "1s", "resume": {"enabled": False}}}
    tunnel = make_tunnel(agent={**pings, "connect": {"wait": "1s"}}, server=pings).start()
    async with patiently(30):
        waiting = asyncio.create_task(fetch(tunnel.port, origin.url("/slow"), within=30))
        await eventually(lambda: origin.requests, 10, "the request has reached the origin")
        tunnel.server.signal(19)  # SIGSTOP
        try:
            response = await waiting
            assert response.status in (502, 503, 504), response.raw
        finally:
            tunnel.server.signal(18)  # SIGCONT


def drop_everything(writer):
    """From now on the kernel throws away what comes to this socket, without a word to the other end."""
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(nothing)))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel isn't asked elsewhere")
@pytest.mark.parametrize("codec", CODECS)
async def test_a_connection_that_has_died_silently_is_given_up(make_tunnel, make_tcp, ok, codec):
    """With bytes on their way: the kernel would send those again for a quarter of an hour."""
    # Else the request would go on over the next connection.
    frame = {"frame": {"codec": codec, "ping-interval": "1s", "ping-timeout": "1s", "resume": {"enabled": False}}}
    server = make_tunnel(server=frame)
    server.start_server()
    ends = []

    async def pass_on(reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", server.server_port)
        ends.append(writer)

        async def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := await source.read(1 << 16):
                    sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, back), pump(there, writer))

    way = await make_tcp(pass_on)
    tunnel = make_tunnel(agent={**frame, "connect": {"to": f"localhost:{way.port}", "wait": "1s"}})
    tunnel.start_agent()
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    for end in ends:
        drop_everything(end)
    dead = len(ends)
    async with patiently(60):
        response = await fetch(tunnel.port, ok.url("/"), within=60)
        assert response.status in (502, 503, 504), response.raw
        await eventually(lambda: len(ends) >= 2 * dead, 30, "the agent has dialled anew")

        async def works():
            return (await fetch(tunnel.port, ok.url("/"))).status == 200

        await eventually(works, 30, "the new connection is used")
