"""Proof 13: what relaying allocates, counted in the running processes.

Per 64 KiB of a body: nothing but a buffer that SwiftNIO reads into, two allocations, and that only when the last one is still on its way.
It mostly is used again: 0.02 to 0.4 allocations were measured, so with the threshold of 0.75 a single one more per chunk fails. What the
TLS library allocates is counted apart: BoringSSL has a buffer for each record of up to 16 KiB, and lets it go with the record (5.5).

Per exchange, a small GET on warm connections: 7.1 in the agent and 6.0 in the server, and in each two of the TLS library.

Per tunnel, a new CONNECT with one small exchange: 54.0 in the agent and 82 to 87 in the server, where buffers are used again or not
by how what is read falls together. Most of them are SwiftNIO's, which makes a channel, and futures on the way to it.

Per choice of a branch: nothing, wherever in a tree of twenty the branch is.

The thresholds in Benchmarks/allocations.json leave no room for another one, those of a server's tunnel for four to eight. Who needs
fewer lowers them.
"""

import json

import pytest

from harness.allocations import Count, Counted, counter
from harness.fluidity import ROOT, Fluidity, Tunnel, find_binary, write_configuration
from harness.memory import KiB, MiB
from harness.ports import free_port
from harness.processes import curl
from harness.waiting import eventually

THRESHOLDS = json.loads((ROOT / "Benchmarks/allocations.json").read_text())
SIZE = 64 * MiB
CHUNKS = SIZE // (64 * KiB)
REQUESTS = 1000
TUNNELS = 500
pytestmark = pytest.mark.alone


class CountedTunnel:
    """One loop in each process, so that every request takes a way that the one before has warmed up."""

    def __init__(self, tunnel: Tunnel, library):
        self.tunnel = tunnel
        self.counts = {name: Counted(library, tunnel.place / f"{name}.count", find_binary()) for name in ("server", "agent")}
        for name in ("server", "agent"):
            tunnel.environment = self.counts[name].environment
            getattr(tunnel, f"start_{name}")()

    def now(self) -> dict[str, Count]:
        return {each.name: self.counts[each.name].now(each.pid) for each in self.tunnel.processes}

    async def cost(self, run) -> dict[str, Count]:
        """What one run costs after another like it."""
        await run()
        before = await self.at_rest()
        await run()
        after = await self.at_rest()
        return {name: after[name] - before[name] for name in before}

    async def at_rest(self) -> dict[str, Count]:
        last: dict = {}

        def unchanged():
            before, now = dict(last), self.now()
            last.update(now)
            return before == now

        await eventually(unchanged, 20, "nothing is allocated any more")
        return last

    async def curl(self, *arguments):
        result = await curl("-x", self.tunnel.proxy, *arguments, within=120)
        assert result.status == 0, result.text


@pytest.fixture
def counted(make_tunnel, tmp_path) -> CountedTunnel:
    quiet = {"log": {"level": "notice"}, "event-loops": 1}
    tunnel = make_tunnel(agent_top=quiet, server_top=quiet)
    tunnel.place.mkdir(exist_ok=True)
    return CountedTunnel(tunnel, counter(tmp_path))


@pytest.mark.parametrize("way", ["download", "download through CONNECT", "upload", "upload through CONNECT"])
async def test_allocations_per_chunk(counted, nginx, origin, tmp_path, record_property, way):
    through = ["-p"] if "CONNECT" in way else []
    if "upload" in way:

        @origin.on("/upload")
        async def upload(exchange):
            async for _ in exchange.body():
                pass
            await exchange.respond(200)

        body = tmp_path / "body"
        body.write_bytes(bytes(SIZE))
        arguments = ["-H", "Expect:", "-T", body, origin.url("/upload")]
    else:
        nginx.add("chunks", bytes(SIZE))
        arguments = ["-o", "/dev/null", nginx.url("chunks")]
    for name, count in (await counted.cost(lambda: counted.curl(*through, *arguments))).items():
        record_property(f"{name}: allocations per 64 KiB", round(count.others / CHUNKS, 2))
        record_property(f"{name}: of the TLS library, per 64 KiB", round(count.tls / CHUNKS, 2))
        assert count.others / CHUNKS <= THRESHOLDS["per 64 KiB"], f"{name} allocates {count.others / CHUNKS:.2f} times for 64 KiB"


async def test_allocations_per_exchange(counted, nginx, record_property):
    nginx.add("little", b"x" * 500)
    arguments = ["-o", "/dev/null", nginx.url("little")] * REQUESTS
    for name, count in (await counted.cost(lambda: counted.curl(*arguments))).items():
        record_property(f"{name}: allocations per exchange", round(count.others / REQUESTS, 2))
        record_property(f"{name}: of the TLS library, per exchange", round(count.tls / REQUESTS, 2))
        allowed = THRESHOLDS["per exchange"][name]
        assert count.others / REQUESTS <= allowed, f"{name} allocates {count.others / REQUESTS:.2f} times for an exchange, not {allowed}"


async def test_allocations_per_tunnel(counted, nginx, record_property):
    """A new CONNECT for each, with one small exchange in it, which the origin ends."""
    nginx.add("little", b"x" * 500)
    arguments = ["-p", "-H", "Connection: close", "-o", "/dev/null", nginx.url("little")] * TUNNELS
    for name, count in (await counted.cost(lambda: counted.curl(*arguments))).items():
        record_property(f"{name}: allocations per tunnel", round(count.others / TUNNELS, 2))
        record_property(f"{name}: of the TLS library, per tunnel", round(count.tls / TUNNELS, 2))
        allowed = THRESHOLDS["per tunnel"][name]
        assert count.others / TUNNELS <= allowed, f"{name} allocates {count.others / TUNNELS:.2f} times for a tunnel, not {allowed}"


@pytest.mark.parametrize("depth", [1, 2])
async def test_the_choice_of_a_branch_allocates_nothing(launch, tmp_path, record_property, depth):
    """What an exchange allocates where the last of twenty branches takes it, beyond what it does without branches, once the metrics are there."""
    library = counter(tmp_path)
    respond = ("respond", {"status": 200, "body": "here"})
    # All that is asked of an exchange, none of which fits.
    conditions = [
        {"hosts": ["*.example.com", "a*.b?.example"]}, {"networks": ["192.0.2.0/24", "2001:db8::/32"]}, {"ports": ["8000-9000"], "methods": ["GET"]},
        {"clients": ["192.0.2.0/24"], "kinds": ["tunnel"], "schemes": ["https"]}, {"methods": ["GET"], "identities": ["anna"]},
        {"hours": ["00:00-12:00", "12:00-24:00"], "weekdays": ["monday", "sunday"], "methods": ["PUT"]},
    ]  # fmt: skip
    others = [conditions[number % len(conditions)] for number in range(19)]
    stages = [{"respond": respond[1]}]
    for _ in range(depth):
        named = [{"name": f"way-{number}", "when": when, "stages": [{"respond": {}}]} for number, when in enumerate(others)]
        stages = [{"route": {"branches": [*named, {"name": "last", "when": {"hosts": ["*.test"]}, "stages": stages}]}}]
    costs = {}
    for name, last in (("without", respond), ("with", ("route", stages[0]["route"]))):
        port, place = free_port(), tmp_path / name
        config = write_configuration(
            place / "server.yaml", [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), last],
            **{"log": {"level": "notice"}, "event-loops": 1})  # fmt: skip
        counted = Counted(library, place / "count", find_binary())
        process = launch(Fluidity("server", config, port=port, environment=counted.environment, name=name))

        async def ask(port=port):
            result = await curl("-x", f"http://127.0.0.1:{port}", *(["-o", "/dev/null", "http://a.test/"] * REQUESTS), within=120)
            assert result.status == 0, result.text

        async def at_rest(counted=counted, process=process) -> int:
            last: list[int] = []

            def unchanged():
                last.append(counted.now(process.pid).others)
                return len(last) > 1 and last[-1] == last[-2]

            await eventually(unchanged, 20, "nothing is allocated any more")
            return last[-1]

        await ask()
        before = await at_rest()
        await ask()
        costs[name] = (await at_rest() - before) / REQUESTS
        process.kill()
    record_property("allocations for the choice of a branch", round(costs["with"] - costs["without"], 3))
    # A connection more or less that curl opens is a few dozen in a thousand exchanges.
    assert abs(costs["with"] - costs["without"]) < 0.1, costs
