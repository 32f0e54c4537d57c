"""A server's name with several addresses: doors of one server in order, servers of their own with `spread`."""

import asyncio
import json
import signal

import pytest
import pytest_asyncio

from harness.admin import Admin
from harness.client import Connection, fetch
from harness.fluidity import Fluidity, find_binary, write_configuration
from harness.names import NameServer
from harness.ports import free_port
from harness.processes import Process
from harness.waiting import eventually, patiently

NAME = "exit.test"


class Exit:
    """A server at one of the name's addresses, which says in its answers where it is."""

    def __init__(self, place, identity, address: str, port: int, codec: str):
        self.address, self.port, self.place, self.process = address, port, place, None
        self.config = write_configuration(place / f"{address.replace(':', '-')}.yaml", [
            ("accept", {"listen": f"[{address}]:{port}" if ":" in address else f"{address}:{port}"}),
            ("mtls", identity.settings()), ("frame", {"codec": codec}),
            ("headers", {"response": {"set": {"X-Exit": address}}}), ("fetch", {"destinations": "any"}),
        ])  # fmt: skip

    def start(self) -> "Exit":
        self.process = Process(self.address, [find_binary(), "server", "--config", self.config], self.place)
        self.process.wait_for_line("listening")
        return self

    def kill(self):
        if self.process:
            self.process.kill()


class World:
    def __init__(self, place, client, server, names, *, codec="mux", loops=1, **connect):
        self.place, self.client, self.server, self.names, self.codec, self.loops = place, client, server, names, codec, loops
        self.connect, self.exits, self.agent = connect, {}, None
        self.admin, self.port, self.server_port = Admin(free_port()), free_port(), free_port()

    def exit(self, address: str) -> Exit:
        self.exits[address] = Exit(self.place, self.server, address, self.server_port, self.codec).start()
        return self.exits[address]

    def start(self) -> "World":
        config = write_configuration(self.place / "agent.yaml", [
            ("accept", {"listen": f"127.0.0.1:{self.port}"}), ("http", {"mode": "proxy"}), ("frame", {"codec": self.codec}),
            ("mtls", {**self.client.settings(), "name": "localhost"}),
            ("connect", {"to": f"{NAME}:{self.server_port}", "resolver": self.names.place, "wait": "10s", **self.connect}),
        ], **{"admin": self.admin.settings, "event-loops": self.loops})  # fmt: skip
        self.agent = Fluidity("agent", config, port=self.port)
        return self

    async def by(self, url: str) -> str:
        """Which exit fetched it."""
        response = await fetch(self.port, url)
        assert response.status == 200, response.text
        return response.get("x-exit")

    async def up(self, address: str | None = None) -> float:
        metrics = await self.admin.metrics()
        shown = [each for each in metrics.samples if each.name == "fluidity_connect_connections_up"]
        return sum(each.value for each in shown if address in (None, each.labels.get("address")))

    def kill(self):
        for each in (*self.exits.values(), self.agent):
            if each:
                each.kill()


@pytest_asyncio.fixture
async def names():
    server = await NameServer().start()
    yield server
    server.stop()


@pytest.fixture
def make_world(tmp_path, client_identity, server_identity, names):
    made = []

    def make(**settings) -> World:
        made.append(World(tmp_path / f"world{len(made)}", client_identity, server_identity, names, **settings))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def ok(origin):
    @origin.on("/")
    async def answer(exchange):
        await exchange.respond(200, body=b"fine")

    return origin.url("/")


ADDRESSES = ["127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize("codec", ["mux", "h2", "json"])
async def test_spread_goes_over_the_addresses_of_a_name(make_world, names, ok, make_tcp, codec):
    async def hold(reader, writer):
        await reader.read()
        writer.close()

    target = await make_tcp(hold)
    names.say(NAME, *ADDRESSES)
    world = make_world(codec=codec, policy="spread")
    for address in ADDRESSES:
        world.exit(address)
    world.start()
    for address in ADDRESSES:
        await eventually(lambda: is_up(world, address), 20, f"{address} is up")
    async with patiently(60):
        held = []
        for _ in range(10):
            client = await Connection.open(world.port)
            assert (await client.connect(target.authority)).status == 200
            held.append(client)
        metrics = await world.admin.metrics()
        for address in ADDRESSES:
            labels = {"server": f"{NAME}:{world.server_port}", "address": address}
            assert metrics.sum("fluidity_frame_streams_open", **labels) == 5
        for client in held:
            client.abort()
    # No more connections than there are addresses, and nothing is shown of those that there aren't.
    assert await world.up() == 2 and metrics.sum("fluidity_connect_dials_total") == 2
    assert "#" not in (await world.admin.ask("/metrics")).text.replace("# HELP", "").replace("# TYPE", "")


async def is_up(world: World, address: str) -> bool:
    return await world.up(address) == 1


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_no_request_that_can_be_sent_again_fails(make_world, names, ok, how):
    """1,000 requests while one of the two machines behind the name goes."""
    names.say(NAME, *ADDRESSES)
    world = make_world(policy="spread")
    exits = [world.exit(address) for address in ADDRESSES]
    world.start()
    for address in ADDRESSES:
        await eventually(lambda: is_up(world, address), 20, f"{address} is up")
    seen = []

    async def ask(count: int):
        for _ in range(count):
            seen.append(await world.by(ok))
            await asyncio.sleep(0.005)

    async with patiently(200):
        asking = asyncio.gather(*(ask(50) for _ in range(20)))
        await eventually(lambda: len(seen) >= 100, 30, "requests are answered")
        exits[0].process.signal({"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[how])
        await asking
    assert len(seen) == 1000 and seen[-1] == ADDRESSES[1] and set(seen) == set(ADDRESSES)
    place = f"{NAME}:{world.server_port}"
    stages = (await world.admin.ask("/pipeline")).text
    assert f"server {place} ({ADDRESSES[0]})" in stages and f"server {place} ({ADDRESSES[1]})" in stages, stages
    lines = [json.loads(line) for line in world.agent.text().splitlines()]
    assert [line["server"] for line in lines if line["message"] == "tunnel is down"][0] == f"{place} ({ADDRESSES[0]})"
    if how == "kill":
        exits[0].start()
        await eventually(lambda: is_up(world, ADDRESSES[0]), 30, "it is back")


async def test_addresses_come_and_go(make_world, names, ok, make_tcp):
    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    target = await make_tcp(echo)
    names.say(NAME, ADDRESSES[0], ttl=1)
    world = make_world(policy="spread")
    for address in ADDRESSES:
        world.exit(address)
    world.start()
    assert await world.by(ok) == ADDRESSES[0]
    async with patiently(200), await Connection.open(world.port) as kept:
        assert (await kept.connect(target.authority)).status == 200
        names.say(NAME, *ADDRESSES, ttl=1)
        await eventually(lambda: is_up(world, ADDRESSES[1]), 40, "the new address is used")
        names.say(NAME, ADDRESSES[1], ttl=1)

        async def is_left():
            return [await world.by(ok) for _ in range(4)] == [ADDRESSES[1]] * 4

        await eventually(is_left, 120, "nothing new goes to an address that is gone")
        # What is open there goes on.
        await kept.send(b"still here")
        assert await kept.reader.readexactly(10) == b"still here"
    await eventually(lambda: is_gone(world), 30, "its session ends with what was open")
    assert [await world.by(ok) for _ in range(4)] == [ADDRESSES[1]] * 4


async def is_gone(world: World) -> bool:
    return await world.up() == 1


async def test_a_machine_with_an_address_of_each_family_is_one_server(make_world, names, ok):
    names.say(NAME, "127.0.0.1", "::1")
    world = make_world(policy="spread")
    for address in ("127.0.0.1", "::1"):
        world.exit(address)
    world.start()
    first = await world.by(ok)
    # Longer than between two looks at the addresses.
    for _ in range(30):
        await asyncio.sleep(0.2)
        assert await world.by(ok) == first and await world.up() == 1
    world.exits[first].kill()
    assert await world.by(ok) in {"127.0.0.1", "::1"} - {first}


async def test_in_order_an_address_of_no_use_is_not_in_the_way(make_world, names, ok):
    """The first address takes connections, and nobody there speaks TLS."""
    names.say(NAME, *ADDRESSES)
    world = make_world()
    dead = await asyncio.start_server(lambda reader, writer: writer.close(), ADDRESSES[0], world.server_port)
    exits = world.exit(ADDRESSES[1])
    world.start()
    assert await world.by(ok) == ADDRESSES[1]
    metrics = await world.admin.metrics()
    assert metrics.sum("fluidity_connect_dials_total") == 2 and metrics.sum("fluidity_connect_connections_up") == 1
    # And not again while it is remembered.
    exits.kill()
    exits.start()
    assert await world.by(ok) == ADDRESSES[1]
    dead.close()
