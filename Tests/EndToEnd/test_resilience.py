"""`respond`, `circuit-breaker` and `retry`, on the agent and on the server, through real tunnels."""

import asyncio
import json

import pytest

from harness import wire
from harness.admin import Admin
from harness.client import Connection, fetch
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually, patiently

END = pytest.mark.parametrize("end", ["agent", "server"])


@pytest.fixture
def with_stage(make_tunnel):
    """A tunnel with one stage at one of its ends."""

    async def start(end: str, name: str, **keys):
        tunnel = make_tunnel(**{f"{end}_filters": [(name, keys)]}, agent_top={"event-loops": 1}, server_top={"event-loops": 1})
        return await asyncio.to_thread(tunnel.start)

    return start


@pytest.fixture
def health(launch, tmp_path):
    def start(**keys) -> Fluidity:
        port = free_port()
        stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "origin"}), ("respond", keys)]
        return launch(Fluidity("agent", write_configuration(tmp_path / "health.yaml", stages), port=port))

    return start


# respond


async def test_a_fixed_answer(health):
    process = health(status=200, body="ok\n", fields={"Cache-Control": "no-store", "X-List": ["a", "b"]})
    async with patiently(30), await Connection.open(process.port) as client:
        for method, body in [("GET", None), ("POST", b"x" * 300_000), ("HEAD", None), ("PUT", b"")]:
            length = [] if body is None else [("Content-Length", str(len(body)))]
            await client.send(wire.head(f"{method} /any HTTP/1.1", [("Host", "localhost"), *length]) + (body or b""))
            response = await client.response(method)
            assert response.status == 200
            assert response.body == (b"" if method == "HEAD" else b"ok\n")
            assert response.get("content-length") == "3"
            assert response.get("cache-control") == "no-store" and response.all("x-list") == ["a", "b"]
            assert response.get("content-type") == "text/plain; charset=utf-8"


async def test_a_fixed_answer_without_a_body(health):
    process = health(status=204)
    async with patiently(30), await Connection.open(process.port) as client:
        for _ in range(2):
            await client.send(wire.head("GET / HTTP/1.1", [("Host", "localhost")]))
            response = await client.response()
            assert response.status == 204 and response.get("content-length") is None


async def test_bytes_that_are_no_request_get_no_fixed_answer(health):
    process = health()
    async with patiently(30), await Connection.open(process.port) as client:
        await client.send(b"this is no HTTP\r\n\r\n")
        assert (await client.response()).status == 400


async def test_a_server_that_only_answers(make_tunnel, tmp_path, server_identity, client_identity, launch):
    """`respond` behind a tunnel: nothing is fetched, whatever is asked for."""
    port, agent_port = free_port(), free_port()
    server = write_configuration(tmp_path / "server.yaml", [
        ("accept", {"listen": f"127.0.0.1:{port}"}), ("mtls", server_identity.settings()), ("frame", {}),
        ("compress", {}), ("respond", {"body": "words " * 1000}),
    ])  # fmt: skip
    agent = write_configuration(tmp_path / "agent.yaml", [
        ("accept", {"listen": f"127.0.0.1:{agent_port}"}), ("http", {}), ("compress", {}), ("frame", {}),
        ("mtls", {**client_identity.settings(), "name": "localhost"}), ("connect", {"to": f"localhost:{port}"}),
    ])  # fmt: skip
    launch(Fluidity("server", server, port=port))
    launch(Fluidity("agent", agent, port=agent_port))
    async with patiently(30):
        response = await fetch(agent_port, "http://nowhere.invalid/")
        assert response.body == b"words " * 1000 and response.get("content-length") == "6000"
        async with await Connection.open(agent_port) as client:
            assert (await client.connect("nowhere.invalid:443")).status == 405


# circuit-breaker


@END
async def test_a_bad_site_is_left_alone_and_no_other(with_stage, origin, make_origin, end):
    tunnel = await with_stage(end, "circuit-breaker", minimum=4, pause="300ms", window="60s")
    other = await make_origin()
    is_well = False

    @origin.on("/")
    async def answer(exchange):
        await exchange.respond(200 if is_well else 503)

    @other.on("/")
    async def fine(exchange):
        await exchange.respond(200)

    async def status() -> int:
        return (await fetch(tunnel.port, origin.url())).status

    async with patiently(60):
        for _ in range(4):
            assert await status() == 503
        assert len(origin.requests) == 4
        refused = await fetch(tunnel.port, origin.url())
        assert refused.status == 503 and int(refused.get("retry-after")) == 1
        assert b"has failed too often" in refused.body
        assert len(origin.requests) == 4, "the origin isn't asked"
        assert (await fetch(tunnel.port, other.url())).status == 200
        # While it is still bad, one request at a time finds that out.
        await eventually(lambda: asked_again(origin, status), 20, "a probe")
        is_well = True

        async def is_closed():
            return await status() == 200

        await eventually(is_closed, 20, "the circuit closes")
        assert await status() == 200


async def asked_again(origin, status) -> bool:
    await status()
    return len(origin.requests) >= 5


@END
async def test_an_origin_that_cannot_be_reached(with_stage, end):
    tunnel = await with_stage(end, "circuit-breaker", minimum=3, pause="60s")
    url = f"http://127.0.0.1:{free_port()}/"
    async with patiently(60):
        for _ in range(3):
            assert (await fetch(tunnel.port, url)).status == 502
        assert (await fetch(tunnel.port, url)).status == 503
        async with await Connection.open(tunnel.port) as client:
            assert (await client.connect(url.split("/")[2])).status == 503, "CONNECT goes to the same origin"


# retry


@END
async def test_an_answer_that_says_try_again(with_stage, origin, end):
    tunnel = await with_stage(end, "retry", delay="10ms")
    answers = iter([503, 502, 200])
    bodies = []

    @origin.on("/flaky")
    async def flaky(exchange):
        bodies.append(await exchange.read_body())
        await exchange.respond(next(answers), body=b"answer")

    async with patiently(30):
        body = b"a body that is sent three times " * 1000
        response = await fetch(tunnel.port, origin.url("/flaky"), "PUT", body=body)
        assert response.status == 200 and bodies == [body] * 3
        process = getattr(tunnel, end)

        def exchanges() -> list[str]:
            lines = [json.loads(line) for line in process.text().splitlines() if line.startswith("{")]
            return [line["status"] for line in lines if line["message"] == "exchange"]

        # The next exchange's line comes behind all of this one's.
        assert (await fetch(tunnel.port, origin.url("/none"))).status == 404
        await eventually(lambda: "404" in exchanges(), 10, "the lines are written")
        assert exchanges() == ["200", "404"], "attempts aren't logged as exchanges"


async def test_attempts_are_counted_where_they_go(make_tunnel, origin):
    """One exchange for the client, and as many at the stages behind as there were attempts."""
    admin = Admin(free_port())
    tunnel = make_tunnel(agent_filters=[("retry", {"delay": "10ms"})], agent_top={"admin": admin.settings})
    await asyncio.to_thread(tunnel.start)
    answers = iter([503, 503, 200])

    @origin.on("/")
    async def flaky(exchange):
        await exchange.respond(next(answers), body=b"answer")

    async with patiently(30):
        assert (await fetch(tunnel.port, origin.url())).status == 200
        metrics = await admin.metrics()
        assert metrics.sum("fluidity_exchanges_begun_total") == 1 and metrics.sum("fluidity_exchanges_open") == 0
        assert metrics.sum("fluidity_exchanges_ended_total", outcome="completed") == 1
        assert metrics.sum("fluidity_exchange_response_bytes_total") == len(b"answer")
        assert metrics.sum("fluidity_retry_attempts_total") == 2
        for stage, entered, ended in [("retry", 1, 0), ("frame", 3, 3)]:
            assert metrics.sum("fluidity_stage_exchanges_in_total", stage=stage) == entered
            assert metrics.sum("fluidity_stage_exchanges_ended_total", stage=stage) == ended
            assert metrics.sum("fluidity_stage_exchanges_open", stage=stage) == 0
        assert metrics.sum("fluidity_stage_exchanges_out_total", stage="retry") == 3


@END
async def test_a_connection_that_is_lost_before_the_head(with_stage, origin, end):
    tunnel = await with_stage(end, "retry", delay="10ms")
    attempts = 0

    @origin.on("/lost")
    async def lost(exchange):
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            return exchange.reset()
        await exchange.respond(200, body=b"at last")

    async with patiently(30):
        # With a body, so that `fetch` itself doesn't try again.
        assert (await fetch(tunnel.port, origin.url("/lost"), "PUT", body=b"x")).body == b"at last"
        assert attempts == 3
        attempts = 0
        assert (await fetch(tunnel.port, origin.url("/lost"), "POST", body=b"x")).status == 502
        assert attempts == 1, "a POST is sent once"


@END
async def test_nothing_is_sent_again_after_the_head(with_stage, origin, end):
    tunnel = await with_stage(end, "retry", delay="10ms")

    @origin.on("/cut")
    async def cut(exchange):
        await exchange.read_body()
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", "100")]) + b"only a part")
        # Until the client has the head, a reset could overtake it.
        await passed.wait()
        exchange.reset()

    passed = asyncio.Event()
    async with patiently(30), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"GET {origin.url('/cut')} HTTP/1.1", [("Host", origin.authority)]))
        assert (await client.head()).status == 200
        passed.set()
        await client.ended()
        assert len(origin.requests) == 1


@END
async def test_large_and_streaming_bodies_pass(with_stage, origin, end):
    tunnel = await with_stage(end, "retry", delay="10ms")

    @origin.on("/large")
    async def large(exchange):
        total = 0
        async for data in exchange.body():
            total += len(data)
        await exchange.respond(503 if total > 1 << 20 else 200, body=b"%d" % total)

    async with patiently(60):
        response = await fetch(tunnel.port, origin.url("/large"), "PUT", body=bytes(5_000_000))
        assert (response.status, response.body) == (503, b"5000000") and len(origin.requests) == 1


@pytest.mark.parametrize(
    "stage, keys, message",
    [
        ("retry", {"attempts": 50}, "'attempts' must be between 2 and 10"),
        ("circuit-breaker", {"rate": 2}, "'rate' must be between 0.01 and 1"),
        ("compress", {"level": "best"}, "'level' wants a whole number"),
        ("respond", {"status": 42}, "'status' must be between 200 and 599"),
    ],
)
async def test_configurations_that_are_refused(binary, tmp_path, stage, keys, message):
    stages = [("accept", {"listen": "127.0.0.1:0"}), ("http", {"mode": "origin"}), (stage, keys)]
    config = write_configuration(tmp_path / "bad.yaml", stages + ([] if stage == "respond" else [("respond", {})]))
    result = await run(binary, "check", config)
    assert result.status == 65 and message in result.text
