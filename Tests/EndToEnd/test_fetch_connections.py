"""The server's connections to origins: how many there are, how long they are kept, and which address is taken."""

import asyncio

import pytest

from harness import wire
from harness.admin import Admin
from harness.client import Connection, fetch
from harness.codecs import CODECS
from harness.fluidity import find_binary, write_configuration
from harness.hosts import own_hosts
from harness.origin import FullBacklog
from harness.ports import accepts, free_port
from harness.processes import Process
from harness.waiting import eventually, patiently


@pytest.fixture
def make_proxy(tmp_path, launch):
    """`accept, http, fetch` on one loop, so that there is one pool."""

    async def make(around=lambda *command: list(command), top: dict = {}, **keys) -> int:
        port = free_port()
        stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), ("fetch", {"destinations": "any", **keys})]
        config = write_configuration(tmp_path / "proxy.yaml", stages, **{"event-loops": 1, **top})
        launch(Process("proxy", around(find_binary(), "agent", "--config", config), tmp_path))
        await eventually(lambda: accepts(port), 15, "the proxy listens")
        return port

    return make


async def test_a_connection_is_used_again(make_proxy, ok):
    port = await make_proxy()
    for _ in range(5):
        assert (await fetch(port, ok.url("/"))).body == b"fine"
    assert ok.connections == 1


async def test_they_are_bounded_and_the_rest_waits(make_proxy, origin):
    go = asyncio.Event()

    @origin.on("/held")
    async def held(exchange):
        await go.wait()
        await exchange.respond(200, body=b"at last")

    port = await make_proxy(**{"connections-per-origin": 2})
    async with patiently(30):
        asking = [asyncio.create_task(fetch(port, origin.url("/held"))) for _ in range(6)]
        await eventually(lambda: len(origin.requests) == 2, 10, "two are on their way")
        # An origin of its own has a pool of its own: when this is answered, the six were dealt with.
        other = origin.url("/other", host="localhost")
        assert (await fetch(port, other)).status == 404
        assert len(origin.requests) == 3 and origin.connections == 3
        go.set()
        assert [answer.body for answer in await asyncio.gather(*asking)] == [b"at last"] * 6
    assert origin.connections == 3


async def test_an_idle_one_is_closed(make_proxy, ok):
    port = await make_proxy(idle="1s")
    assert (await fetch(port, ok.url("/"))).body == b"fine"
    await eventually(lambda: ok.open == 0, 15, "the connection is closed")
    assert (await fetch(port, ok.url("/"))).body == b"fine"
    assert ok.connections == 2


async def test_without_idle_none_is_kept(make_proxy, ok):
    port = await make_proxy(idle="0")
    for _ in range(3):
        assert (await fetch(port, ok.url("/"))).body == b"fine"
    assert ok.connections == 3


@pytest.mark.parametrize("first", ["silent", "refused"])
async def test_another_address_of_the_name_is_tried(make_proxy, ok, tmp_path, first):
    """Happy Eyeballs (RFC 8305): the first doesn't answer, and the limit on connecting isn't waited for."""
    hosts = await own_hosts(tmp_path)
    silent = FullBacklog("127.0.0.77", ok.port) if first == "silent" else None
    hosts.say({"both.example": ["127.0.0.77", "127.0.0.1"]})
    port = await make_proxy(hosts.around, **{"connect-timeout": "10m"})
    try:
        for _ in range(3):
            assert (await fetch(port, ok.url("/", host="both.example"))).body == b"fine"
    finally:
        if silent is not None:
            silent.close()


@pytest.fixture
def held(origin):
    """An origin whose `/held` waits, and whose other answers say their path."""
    go = asyncio.Event()

    @origin.on("/held")
    async def hold(exchange):
        await go.wait()
        await exchange.respond(200, body=b"at last")

    origin.go = go
    return origin


async def waiting(admin) -> float:
    return (await admin.metrics()).sum("fluidity_fetch_exchanges_waiting")


async def ask(port: int, url: str, client: str = "127.0.0.1") -> Connection:
    """A request of a client that has the address, for whose answer isn't waited."""
    connection = await Connection.open(port, local_addr=(client, 0))
    await connection.send(wire.head(f"GET {url} HTTP/1.1", [("Host", "x")]))
    return connection


async def test_waiting_for_one_has_an_end(make_proxy, held):
    """Where all are in use for longer than connecting may take; and those that are in use go on."""
    port = await make_proxy(**{"connections-per-origin": 1, "connect-timeout": "500ms"})
    async with patiently(30):
        first = asyncio.create_task(fetch(port, held.url("/held")))
        await eventually(lambda: held.requests, 10, "the connection is in use")
        refused = await fetch(port, held.url("/held"))
        assert refused.status == 503 and int(refused.get("retry-after")) > 0
        assert refused.sentence == "none of the 1 connections to 127.0.0.1 that there may be became free in 500ms"
        held.go.set()
        assert (await first).status == 200


async def test_who_leaves_waits_no_longer(make_proxy, held):
    admin = Admin(free_port())
    port = await make_proxy(top={"admin": admin.settings}, **{"connections-per-origin": 1, "connect-timeout": "10m"})

    async def all_wait():
        return await waiting(admin) == 50

    async def nobody_waits():
        return await waiting(admin) == 0

    async with patiently(30):
        first = asyncio.create_task(fetch(port, held.url("/held")))
        await eventually(lambda: held.requests, 10, "the connection is in use")
        leaving = [await ask(port, held.url("/left")) for _ in range(50)]
        await eventually(all_wait, 10, "they wait")
        for each in leaving:
            each.abort()
        await eventually(nobody_waits, 10, "nobody waits")
        held.go.set()
        assert (await first).status == 200
        assert (await fetch(port, held.url("/held"))).status == 200
    assert held.paths() == ["/held", "/held"]


@pytest.mark.parametrize("way", ["proxy", *CODECS])
async def test_clients_take_turns(make_proxy, make_tunnel, held, way):
    """One with many that wait doesn't have another wait for all of them. An agent tells its clients apart for the server."""
    admin = Admin(free_port())
    keys = {"connections-per-origin": 1, "connect-timeout": "10m"}
    top = {"admin": admin.settings, "event-loops": 1}
    if way == "proxy":
        port = await make_proxy(top=top, **keys)
    else:
        frame = {"frame": {"codec": way}}
        tunnel = make_tunnel(agent=frame, server={**frame, "fetch": keys}, agent_top={"event-loops": 1}, server_top=top)
        await asyncio.to_thread(tunnel.start)
        port = tunnel.port
    for path in ("/many", "/one"):

        @held.on(path)
        async def answer(exchange):
            await exchange.respond(200, body=b"fine")

    async def all_wait():
        return await waiting(admin) == 31

    connections = []
    async with patiently(30):
        connections.append(await ask(port, held.url("/held")))
        await eventually(lambda: held.requests, 10, "the connection is in use")
        for _ in range(30):
            connections.append(await ask(port, held.url("/many"), "127.0.0.2"))

        async def many_wait():
            return await waiting(admin) == 30

        await eventually(many_wait, 10, "the many wait")
        connections.append(await ask(port, held.url("/one"), "127.0.0.3"))
        await eventually(all_wait, 10, "all wait")
        held.go.set()
        for each in connections:
            assert (await each.response()).status == 200
            each.abort()
    assert held.paths()[:3] == ["/held", "/many", "/one"] and len(held.paths()) == 32


async def test_one_client_cannot_take_all_places(make_tunnel, held):
    """1,024 may wait. Who has all of them gives his last to another, who goes on next."""
    keys = {"connections-per-origin": 1, "connect-timeout": "10m"}
    tunnel = make_tunnel(server={"fetch": keys}, agent_top={"event-loops": 1}, server_top={"event-loops": 1})
    await asyncio.to_thread(tunnel.start)

    @held.on("/one")
    async def answer(exchange):
        await exchange.respond(200, body=b"fine")

    connections = []
    async with patiently(60):
        try:
            connections.append(await ask(tunnel.port, held.url("/held")))
            await eventually(lambda: held.requests, 10, "the connection is in use")
            for _ in range(1_024):
                connections.append(await ask(tunnel.port, held.url("/many"), "127.0.0.2"))
            refused = await ask(tunnel.port, held.url("/many"), "127.0.0.2")
            connections.append(refused)
            assert (await refused.response()).status == 503
            connections.append(await ask(tunnel.port, held.url("/one"), "127.0.0.3"))
            gives_way = await connections[1_024].response()
            assert gives_way.status == 503 and gives_way.sentence == "too many requests wait for 127.0.0.1"
            held.go.set()
            assert (await connections[-1].response()).body == b"fine"
        finally:
            for each in connections:
                each.abort()
