"""An agent with several servers: in order, or spread."""

import asyncio
import json
import signal

import pytest

from harness.admin import Admin
from harness.client import Connection, fetch, request
from harness.codecs import CODECS, SAYING_GOODBYE
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually, patiently



class Exit:
    """A server that says in its answers which it is."""

    def __init__(self, place, identity, name: str, codec: str, top: dict = {}):
        self.name, self.port, self.process = name, free_port(), None
        self.config = write_configuration(place / f"{name}.yaml", [
            ("accept", {"listen": f"127.0.0.1:{self.port}"}), ("mtls", identity.settings()), ("frame", {"codec": codec}),
            ("headers", {"response": {"set": {"X-Exit": name}}}), ("fetch", {"destinations": "any"}),
        ], **top)  # fmt: skip

    def start(self):
        self.process = Fluidity("server", self.config, port=self.port, name=self.name)

    def kill(self):
        if self.process:
            self.process.kill()


class World:
    def __init__(self, place, client, server, *, codec="mux", loops=1, **connect):
        self.exits = [Exit(place, server, name, codec) for name in ("near", "far")]
        self.admin, self.port = Admin(free_port()), free_port()
        self.agent_config = write_configuration(place / "agent.yaml", [
            ("accept", {"listen": f"127.0.0.1:{self.port}"}), ("http", {"mode": "proxy"}), ("frame", {"codec": codec}),
            ("mtls", client.settings()),
            ("connect", {"to": [{"at": f"127.0.0.1:{each.port}", "name": "localhost"} for each in self.exits], "wait": "10s", **connect}),
        ], **{"admin": self.admin.settings, "event-loops": loops})  # fmt: skip
        self.agent = None

    def start_agent(self):
        self.agent = Fluidity("agent", self.agent_config, port=self.port)

    def start(self) -> "World":
        for each in self.exits:
            each.start()
        self.start_agent()
        return self

    def kill(self):
        for each in (*self.exits, self.agent):
            if each:
                each.kill()


@pytest.fixture
def make_world(tmp_path, client_identity, server_identity):
    made = []

    def make(**settings) -> World:
        made.append(World(tmp_path / f"world{len(made)}", client_identity, server_identity, **settings))
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


async def by(world: World, url: str) -> str:
    """Which exit fetched it."""
    response = await fetch(world.port, url)
    assert response.status == 200, response.text
    return response.get("x-exit")


@pytest.mark.parametrize("codec", CODECS)
async def test_the_second_is_used_while_the_first_is_down(make_world, ok, codec):
    world = make_world(codec=codec).start()
    near, far = world.exits
    assert [await by(world, ok) for _ in range(5)] == ["near"] * 5
    metrics = await world.admin.metrics()
    assert metrics.sum("fluidity_connect_connections_up", server=f"127.0.0.1:{near.port}") == 1
    assert metrics.sum("fluidity_connect_dials_total", server=f"127.0.0.1:{far.port}") == 0, "it is dialled when it is needed"
    near.kill()
    # Nothing that could be sent again fails.
    assert [await by(world, ok) for _ in range(20)] == ["far"] * 20
    assert await world.admin.ready()
    near.start()

    async def is_back():
        return await by(world, ok) == "near"

    await eventually(is_back, 60, "exchanges go to the first again")

    async def far_rests():
        return (await world.admin.metrics()).sum("fluidity_connect_connections_up", server=f"127.0.0.1:{far.port}") == 0

    await eventually(far_rests, 20, "nobody needs the second any more")
    far.kill()
    assert [await by(world, ok) for _ in range(5)] == ["near"] * 5
    # And once more.
    near.kill()
    far.start()
    assert await by(world, ok) == "far"


@pytest.mark.parametrize("codec, how", [*((codec, "kill") for codec in CODECS), *((codec, "drain") for codec in SAYING_GOODBYE), ("mux", "stop")])
async def test_no_request_that_can_be_sent_again_fails(make_world, ok, origin, codec, how):
    """1,000 requests and 100 transfers while the first server goes: killed, drained, or stopped like a machine that hangs. Of a transfer that
    is lost a part had come already; whoever drains loses none."""

    @origin.on("/slow")
    async def slow(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n")
        for _ in range(16):
            await exchange.send(bytes(4096))
            await asyncio.sleep(0.03)

    world = make_world(codec=codec, loops=2).start()
    near, far = world.exits
    await by(world, ok)
    seen = []

    async def transfer(number: int) -> bool:
        """Whether all of it came."""
        await asyncio.sleep(number * 0.01)
        async with await Connection.open(world.port) as client:
            await client.send(request("GET", origin.url("/slow")))
            assert (await client.head()).status == 200
            try:
                await client.reader.readexactly(65536)
            except (asyncio.IncompleteReadError, ConnectionError):
                return False
            return True

    async def ask(count: int):
        for _ in range(count):
            seen.append(await by(world, ok))
            await asyncio.sleep(0.005)

    async with patiently(200):
        asking = asyncio.gather(*(ask(50) for _ in range(20)))
        transfers = asyncio.gather(*map(transfer, range(100)))
        await asyncio.sleep(0.3)
        near.process.signal({"kill": signal.SIGKILL, "drain": signal.SIGTERM, "stop": signal.SIGSTOP}[how])
        await asking
        whole = sum(await transfers)
    assert whole == 100 if how == "drain" else whole >= 40, f"{whole} of 100 transfers came whole"
    assert len(seen) == 1000 and seen[0] == "near" and seen[-1] == "far"


async def test_streams_of_the_lost_server_end_and_others_go_on(make_world, ok, make_tcp):
    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    target = await make_tcp(echo)
    world = make_world().start()
    near, far = world.exits
    near.kill()
    async with patiently(60), await Connection.open(world.port) as kept:
        assert (await kept.connect(target.authority)).status == 200
        near.start()

        async def is_back():
            return await by(world, ok) == "near"

        await eventually(is_back, 60, "exchanges go to the first again")
        # What began at the second stays there as long as it lasts.
        await asyncio.sleep(2)
        await kept.send(b"still here")
        assert await kept.reader.readexactly(10) == b"still here"
        far.kill()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await kept.reader.readexactly(1)
    assert await by(world, ok) == "near"


@pytest.mark.parametrize("codec", CODECS)
async def test_spread_over_all_that_are_up(make_world, ok, make_tcp, codec):
    async def hold(reader, writer):
        await reader.read()
        writer.close()

    target = await make_tcp(hold)
    world = make_world(codec=codec, policy="spread").start()

    async def both_are_up():
        metrics = await world.admin.metrics()
        return metrics.sum("fluidity_connect_connections_up") == 2

    await eventually(both_are_up, 20, "both are up")
    async with patiently(60):
        held = []
        for _ in range(10):
            client = await Connection.open(world.port)
            assert (await client.connect(target.authority)).status == 200
            held.append(client)
        metrics = await world.admin.metrics()
        for each in world.exits:
            assert metrics.sum("fluidity_frame_streams_open", server=f"127.0.0.1:{each.port}") == 5
        for client in held:
            client.abort()
    world.exits[0].kill()
    assert [await by(world, ok) for _ in range(10)] == ["far"] * 10


async def test_without_any_the_answer_names_them_all(make_world, ok):
    world = make_world(wait="1s")
    world.start_agent()
    response = await fetch(world.port, ok)
    assert response.status == 503
    for each in world.exits:
        assert f"the tunnel to 127.0.0.1:{each.port} is down since" in response.text, response.text
    ready = await world.admin.ask("/readyz")
    assert ready.status == 503 and str(world.exits[0].port) in ready.text
    world.exits[1].start()
    assert await by(world, ok) == "far", "what waits goes to the first that comes"


async def test_one_line_for_each_change_of_a_tunnel(make_world, ok):
    world = make_world(loops=4).start()

    async def are_up():
        return (await world.admin.metrics()).sum("fluidity_connect_connections_up") == 4

    await eventually(are_up, 20, "four connections are up")

    def told(message: str) -> list[str]:
        lines = [json.loads(line) for line in world.agent.text().splitlines()]
        return [line["server"] for line in lines if line["message"] == message]

    near, far = (f"127.0.0.1:{each.port}" for each in world.exits)
    assert told("tunnel is up") == [near]
    world.exits[0].kill()
    await by(world, ok)

    async def is_told():
        return told("tunnel is down").count(near) >= 1 and told("tunnel is up") == [near, far]

    await eventually(is_told, 20, "both changes are told")
    world.exits[0].start()

    async def all_rest():
        return told("tunnel rests") and (await world.admin.metrics()).sum("fluidity_connect_connections_up", server=far) == 0

    await eventually(all_rest, 60, "nobody needs the second any more")
    assert told("tunnel rests") == [far] and told("tunnel is up") == [near, far, near]


@pytest.mark.parametrize(
    "to, words",
    [
        ("[]", "a list of servers"),
        ("[discover]", "'discover'"),
        ("[{ name: a.example }]", "'at'"),
        ("[{ at: 'a.example:1', nmae: b }]", "did you mean 'name'"),
        ("['a.example']", "a.example"),
    ],
)
async def test_what_cannot_be_is_told(tmp_path, binary, client_identity, to, words):
    config = tmp_path / "agent.yaml"
    settings = json.dumps(client_identity.settings())
    config.write_text(
        "pipeline:\n  - accept: { listen: '127.0.0.1:8080' }\n  - http: {}\n  - frame: {}\n"
        f"  - mtls: {settings}\n  - connect: {{ to: {to} }}\n"
    )
    checked = await run(binary, "check", config, within=20)
    assert checked.status == 65 and words in checked.text and "agent.yaml:6" in checked.text, checked.text
