"""The server's connections to origins: how many there are, how long they are kept, and which address is taken."""

import asyncio

import pytest

from harness.client import fetch
from harness.fluidity import find_binary, write_configuration
from harness.hosts import own_hosts
from harness.origin import FullBacklog
from harness.ports import accepts, free_port
from harness.processes import Process
from harness.waiting import eventually, patiently


@pytest.fixture
def make_proxy(tmp_path, launch):
    """`accept, http, fetch` on one loop, so that there is one pool."""

    async def make(around=lambda *command: list(command), **keys) -> int:
        port = free_port()
        stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), ("fetch", {"destinations": "any", **keys})]
        config = write_configuration(tmp_path / "proxy.yaml", stages, **{"event-loops": 1})
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
