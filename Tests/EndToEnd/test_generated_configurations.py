"""Pairs of an agent and a server that are made by chance from the schema: what `check` passes starts and answers a request, or `check` has
said why it may not; what it refuses doesn't start, and says the same."""

import asyncio
import json
import re

import pytest

from harness.client import fetch
from harness.codecs import CODECS
from harness.fluidity import write_configuration
from harness.generated import Generator
from harness.ports import accepts, free_port
from harness.processes import Process, run
from harness.waiting import PATIENCE

SEEDS = range(64)
FILTERS = ["access-log", "compress", "circuit-breaker", "retry", "egress", "headers", "rate-limit", "metrics", "auth"]


class Pair:
    """Two files, and the processes that run them."""

    def __init__(self, seed: int, place, client, server):
        chance = (generator := Generator(seed, place)).chance
        self.place = place
        self.port, self.server_port = free_port(), free_port()
        codec = chance.choice(["mux", *CODECS])
        frame = {"codec": codec, "codecs": None} if chance.random() < 0.9 else {}

        def listener(port):
            return {"listen": generator.pick(([f"127.0.0.1:{port}"], [f"*:{port}", f"$HOST:{port}", f"a..b:{port}"]))}

        def filters():
            return [generator.stage(name) for name in chance.sample(FILTERS, chance.choice([0, 1, 1, 2]))]

        to = generator.pick(([f"localhost:{self.server_port}"], [f"127.0.0.1:{self.server_port}", "a..b:1", "localhost"]))
        name = {"name": generator.pick((["localhost"], ["127.0.0.1", "other.example"]))} if chance.random() < 0.7 else {}
        agent = [
            generator.stage("accept", **listener(self.port)), generator.stage(chance.choice(["http", "http", "detect"]), mode="proxy"),
            *filters(), generator.stage("frame", **frame), ("mtls", {**client.settings(), **name}), generator.stage("connect", to=to),
        ]  # fmt: skip
        agent = [(stage, {key: value for key, value in keys.items() if stage != "detect" or key != "mode"}) for stage, keys in agent]
        end = generator.stage("fetch", destinations="any") if chance.random() < 0.8 else generator.stage("respond")
        server = [
            generator.stage("accept", **listener(self.server_port)), ("mtls", server.settings()), generator.stage("frame", **frame),
            *filters(), end,
        ]  # fmt: skip
        if chance.random() < 0.3:
            # What carries the tunnel, sometimes on one side alone.
            for stages, behind, others in ((agent, 1, "site"), (server, 0, "fields")):
                if not generator.strikes():
                    _, keys = generator.stage("websocket", path="/a", timeout="10s")
                    keys = {key: value for key, value in keys.items() if key != others or generator.strikes()}
                    stages.insert([stage for stage, _ in stages].index("mtls") + behind, ("websocket", keys))
        self.agent = write_configuration(place / "agent.yaml", agent, **self.top(generator, self.port))
        self.server = write_configuration(place / "server.yaml", server, **self.top(generator, self.server_port))
        self.status = dict(server).get("respond", {}).get("status")

    def top(self, generator: Generator, port: int) -> dict:
        top = {"event-loops": 1, "drain": "1s"}
        if generator.chance.random() < 0.4:
            admin = free_port()
            top["admin"] = {"listen": generator.pick(([f"127.0.0.1:{admin}", f"unix:{self.place}/admin-{port}.sock"], [f"127.0.0.1:{port}", f"0.0.0.0:{port}"]))}
        return top

    def text(self) -> str:
        return f"{self.agent.read_text()}---\n{self.server.read_text()}"


def sentences(text: str) -> set[str]:
    """What is wrong, without where."""
    return set(re.findall(r"error: (.*)", text))


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_check_says_is_so(seed, tmp_path, binary, launch, ok, client_identity, server_identity):
    pair = Pair(seed, tmp_path, client_identity, server_identity)
    files = {"server": pair.server, "agent": pair.agent}
    refused = False
    for kind, file in files.items():
        result = await run(binary, "check", file, within=20)
        assert result.status in (0, 65), result.text
        if result.status == 65:
            refused = True
            started = await run(binary, kind, "--config", file, within=20)
            assert started.status == 65, f"seed {seed}: check refuses what starts:\n{result.text}\n{started.text}"
            assert sentences(result.text) == sentences(started.text), f"seed {seed}"
    if refused:
        return
    result = await run(binary, "check", *files.values(), within=20)
    if result.status == 65:
        # The two don't fit together, though each may start.
        assert sentences(result.text)
        return
    processes = [launch(Process(kind, [binary, kind, "--config", file], tmp_path)) for kind, file in files.items()]
    outcome = await answer(pair, processes, ok)
    works = outcome is not None and (outcome < 500 or outcome == pair.status)
    logs = "\n".join(process.tail() for process in processes)
    assert works or "warning: " in result.text, f"seed {seed}: check passes what doesn't work ({outcome}):\n{pair.text()}\n{logs}"
    assert all(process.alive for process in processes), logs


async def answer(pair: Pair, processes, origin) -> int | None:
    """The status of the first answer that isn't made for want of a tunnel; nothing if none comes in time."""
    last = None
    until = asyncio.get_running_loop().time() + 6 * PATIENCE
    # Where the agent waits for its tunnel, each attempt takes its time.
    for _ in range(20 * PATIENCE):
        if asyncio.get_running_loop().time() > until:
            break
        if any(not process.alive for process in processes):
            return None
        if accepts(pair.port):
            try:
                response = await fetch(pair.port, origin.url("/"), within=5)
                last = response.status
                if last < 500 or last == pair.status:
                    return last
            except (OSError, EOFError, AssertionError, asyncio.TimeoutError):
                pass
        await asyncio.sleep(0.1)
    return last


def test_a_seed_makes_the_same_again(tmp_path):
    def made(seed):
        return json.dumps([Generator(seed, tmp_path).stage("accept") for _ in range(5)])

    assert made(1) == made(1) != made(2)
