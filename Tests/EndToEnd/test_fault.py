"""`fault`, on the agent and on the server: each fault as a client sees it."""

import asyncio
import time

import pytest

from harness import wire
from harness.client import Connection, fetch
from harness.processes import run
from harness.fluidity import write_configuration
from harness.waiting import patiently
from harness.wire import Broken

END = pytest.mark.parametrize("end", ["agent", "server"])
BODY = bytes(range(256)) * 400


@pytest.fixture
def with_faults(make_tunnel, origin):
    """A tunnel with the stage at one of its ends, and an origin that says what it got."""

    @origin.on("/body")
    async def body(exchange):
        await exchange.read_body()
        await exchange.respond(200, body=BODY)

    @origin.on("/echo")
    async def echo(exchange):
        received = await exchange.read_body()
        await exchange.respond(200, body=received)

    async def start(end: str, **keys):
        # One loop at each end, so that chance goes by the order of requests alone.
        tunnel = make_tunnel(**{f"{end}_filters": [("fault", keys)]}, agent_top={"event-loops": 1}, server_top={"event-loops": 1})
        return await asyncio.to_thread(tunnel.start)

    return start


@END
async def test_latency(with_faults, origin, end):
    tunnel = await with_faults(end, latency={"delay": "300ms"})
    async with patiently(30):
        began = time.monotonic()
        assert (await fetch(tunnel.port, origin.url("/body"))).body == BODY
        # That it is no earlier is the property; how much later depends on the machine.
        assert time.monotonic() - began >= 0.3


@END
async def test_abort_with_a_status(with_faults, origin, end):
    tunnel = await with_faults(end, abort={"status": 418})
    async with patiently(30):
        response = await fetch(tunnel.port, origin.url("/body"))
        assert response.status == 418 and b"'fault'" in response.body
        async with await Connection.open(tunnel.port) as client:
            assert (await client.connect(origin.authority)).status == 418
        assert origin.requests == []


@END
async def test_abort_with_a_reset(with_faults, origin, end):
    tunnel = await with_faults(end, abort={"reset": True})
    async with patiently(30):
        if end == "server":
            # The stream is reset; before a head, the agent can say so.
            assert (await fetch(tunnel.port, origin.url("/body"))).status == 502
        else:
            with pytest.raises(Broken):
                await fetch(tunnel.port, origin.url("/body"))
        assert origin.requests == []


@END
async def test_truncation(with_faults, origin, end):
    tunnel = await with_faults(end, truncate={"after": "1KiB"})
    async with patiently(30), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"GET {origin.url('/body')} HTTP/1.1", [("Host", origin.authority)]))
        try:
            head = await client.head()
            assert head.get("content-length") == str(len(BODY))
            assert len(await client.ended()) <= 1024
        except Broken:
            pass  # the reset has overtaken what was on its way
        for _ in range(2):
            # What isn't longer isn't touched, and a body that has broken off takes nothing else with it.
            assert (await fetch(tunnel.port, origin.url("/echo"), "POST", body=b"x" * 1024)).body == b"x" * 1024


@END
async def test_truncation_of_a_request(with_faults, origin, end):
    tunnel = await with_faults(end, truncate={"after": "1KiB", "of": "request"})
    async with patiently(30):
        assert (await fetch(tunnel.port, origin.url("/echo"), "POST", body=BODY)).status == 502
        assert (await fetch(tunnel.port, origin.url("/echo"), "POST", body=b"small")).body == b"small"


@END
async def test_throttle(with_faults, origin, end):
    tunnel = await with_faults(end, throttle={"rate": "200KiB", "of": "both"})
    async with patiently(60):
        began = time.monotonic()
        assert (await fetch(tunnel.port, origin.url("/echo"), "POST", body=BODY)).body == BODY
        # Twice 100 KiB at 200 KiB/s, but for what was saved up at the start.
        assert time.monotonic() - began >= 0.7


@END
async def test_corruption(with_faults, origin, end):
    tunnel = await with_faults(end, corrupt={})
    async with patiently(30):
        received = (await fetch(tunnel.port, origin.url("/body"))).body
        assert len(received) == len(BODY)
        wrong = sum((a ^ b).bit_count() for a, b in zip(received, BODY))
        assert 1 <= wrong <= len(BODY) // 100


async def test_hosts_that_are_not_named_are_left_alone(with_faults, origin):
    tunnel = await with_faults("agent", abort={}, hosts=["localhost", "*.example"])
    async with patiently(30):
        assert (await fetch(tunnel.port, origin.url("/body"))).body == BODY
        assert (await fetch(tunnel.port, origin.url("/body", host="localhost"))).status == 503


async def test_chance_repeats_itself(with_faults, origin):
    """With one event loop, and requests one after the other."""

    async def run_of(seed: int) -> list[int]:
        tunnel = await with_faults("agent", abort={"probability": 0.5}, seed=seed)
        async with await Connection.open(tunnel.port) as client:
            statuses = [(await client.request("GET", origin.url("/body"))).status for _ in range(40)]
        tunnel.kill()
        return statuses

    async with patiently(60):
        first = await run_of(5)
        assert set(first) == {200, 503}
        assert await run_of(5) == first
        assert await run_of(6) != first


async def test_retry_and_circuit_breaker_see_faults(make_tunnel, origin):
    """What the stage is for: a third of the attempts fails, and the client sees none of it."""

    @origin.on("/")
    async def answer(exchange):
        await exchange.respond(200)

    filters = [("retry", {"attempts": 10, "delay": "1ms", "burst": 10000}), ("fault", {"abort": {"probability": 0.3}, "seed": 1})]
    tunnel = await asyncio.to_thread(make_tunnel(agent_filters=filters).start)
    async with patiently(60):
        assert {(await fetch(tunnel.port, origin.url())).status for _ in range(50)} == {200}
    filters = [("circuit-breaker", {"minimum": 3, "pause": "60s"}), ("fault", {"abort": {"status": 504}})]
    tunnel = await asyncio.to_thread(make_tunnel(agent_filters=filters, agent_top={"event-loops": 1}).start)
    async with patiently(60):
        assert [(await fetch(tunnel.port, origin.url())).status for _ in range(4)] == [504, 504, 504, 503]


@pytest.mark.parametrize(
    "keys, message",
    [
        ({}, "no fault is named"),
        ({"abort": {"probability": 2}}, "'probability' must be between 0 and 1"),
        ({"abort": {"status": 200}}, "'status' must be between 400 and 599"),
        ({"truncate": {"of": "reply"}}, "one of request, response, both"),
        ({"latency": {"delay": "fast"}}, "wants a duration"),
        ({"hosts": [""], "corrupt": {}}, "hosts"),
    ],
)
async def test_configurations_that_are_refused(binary, tmp_path, keys, message):
    stages = [("accept", {"listen": "127.0.0.1:0"}), ("http", {}), ("fault", keys), ("fetch", {})]
    result = await run(binary, "check", write_configuration(tmp_path / "bad.yaml", stages))
    assert result.status == 65 and message in result.text
