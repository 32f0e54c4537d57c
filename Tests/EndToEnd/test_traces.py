"""Traces and metrics for a collector: agent's and server's spans form one tree, errors are always sent, and a collector that is away, silent or
worse costs nothing but traces, which are counted."""

import asyncio
import signal
import time

import pytest

from harness.client import Connection, fetch
from harness.codecs import CODECS
from harness.collector import Collector
from harness.ports import free_port
from harness.waiting import eventually, patiently

TRACE = "0af7651916cd43dd8448eb211c80319c"
CLIENT = "b7ad6b7169203331"


@pytest.fixture
def traced(make_tunnel):
    """A tunnel whose ends both send to a collector."""

    def make(url: str, codec: str = "mux", agent: dict = {}, server: dict = {}, **settings):
        frame = {"frame": {"codec": codec}}
        keys = {"to": url, "ratio": 1, **settings}
        return make_tunnel(
            agent=frame, server=frame, agent_top={"otlp": keys, **agent}, server_top={"otlp": keys, **server}
        )  # fmt: skip

    return make


def said(field: str) -> tuple[str, str, str]:
    version, trace, span, flags = field.split("-")
    assert version == "00" and len(trace) == 32 and len(span) == 16
    return trace, span, flags


async def pair(collector: Collector, count: int = 1):
    """The spans of exchanges of both ends, once there are so many of each."""

    def both():
        ours, theirs = collector.of("fluidity-agent"), collector.of("fluidity-server")
        return (ours, theirs) if len(ours) == len(theirs) == count else None

    return await eventually(both, 20, lambda: f"{count} spans of each end in {collector.spans}")


@pytest.mark.parametrize("codec", CODECS)
async def test_both_ends_spans_form_one_tree(traced, origin, codec):
    @origin.on("/ok")
    async def ok(exchange):
        await exchange.respond(200, body=b"hello")

    async with Collector() as collector:
        tunnel = traced(collector.url, codec).start()
        before = time.time_ns()
        assert (await fetch(tunnel.port, origin.url("/ok?secret=1"), "GET", [("Traceparent", f"00-{TRACE}-{CLIENT}-01"), ("tracestate", "a=b")])).status == 200
        (ours,), (theirs,) = await pair(collector)
    assert ours.trace == theirs.trace == TRACE
    assert ours.parent == CLIENT and theirs.parent == ours.id
    received = origin.requests[0]
    assert said(received.get("traceparent")) == (TRACE, theirs.id, "01") and received.get("tracestate") == "a=b"
    for span in (ours, theirs):
        assert span.name == "GET" and span.kind == 2 and span.error is None
        assert before - 10**9 < span.began <= span.ended < time.time_ns() + 10**9
        assert span.attributes["http.response.status_code"] == 200 and span.attributes["http.response.body.size"] == 5
        assert span.attributes["server.address"] == "127.0.0.1" and span.attributes["server.port"] == origin.port
        assert span.attributes["fluidity.outcome"] == "completed"
    assert ours.attributes["fluidity.exchange"] == theirs.attributes["fluidity.exchange"]
    assert "first byte" in collector.children(ours)
    fetched = collector.children(theirs)
    assert {"dial", "first byte"} <= set(fetched)
    for child in [*fetched.values(), *collector.children(ours).values()]:
        assert child.trace == TRACE and child.error is None and child.began <= child.ended
        parent = theirs if child in fetched.values() else ours
        assert parent.began <= child.began and child.ended <= parent.ended
    assert fetched["dial"].ended <= fetched["first byte"].began
    assert "secret" not in repr(collector.spans)


def tree(collector: Collector, parent) -> list:
    return sorted((span for span in collector.spans if span.parent == parent.id), key=lambda span: span.began)


async def test_what_the_tunnel_was_waited_for(traced, origin):
    """Two requests wait for one dial, whose first attempts fail. Each has a span of its wait, and in it what the dial waited for."""

    @origin.on("/ok")
    async def ok(exchange):
        await exchange.respond(200, body=b"hello")

    async with Collector() as collector:
        tunnel = traced(collector.url)
        tunnel.start_agent()
        asked = [asyncio.create_task(fetch(tunnel.port, origin.url("/ok"))) for _ in range(2)]
        await asyncio.sleep(0.5)
        tunnel.start_server()
        for each in asked:
            assert (await each).status == 200
        ours, _ = await pair(collector, 2)
        assert (await fetch(tunnel.port, origin.url("/ok"))).status == 200
        await pair(collector, 3)
        assert len({span.trace for span in ours}) == 2
        for span in ours:
            (wait,) = [child for child in tree(collector, span) if child.name == "wait for tunnel"]
            steps = tree(collector, wait)
            assert wait.trace == span.trace and {step.trace for step in steps} == {span.trace}
            dials = [step for step in steps if step.name == "tunnel: dial"]
            assert "refused" in dials[0].error and dials[-1].error is None, steps
            (handshake,) = [step for step in steps if step.name == "tunnel: TLS handshake"]
            assert dials[-1].ended <= handshake.began <= handshake.ended and handshake.error is None
            for step in steps:
                assert step.name.startswith("tunnel: ") and step.kind == 3
                assert wait.began <= step.began <= step.ended <= wait.ended
                assert step.attributes["server.address"] == "localhost" and step.attributes["server.port"] == tunnel.server_port
        # Who didn't wait has nothing of it.
        (third,) = [span for span in collector.of("fluidity-agent") if span.id not in {each.id for each in ours}]
        assert not any("tunnel" in child.name for child in tree(collector, third))


async def test_a_trace_is_begun_and_crosses_tunnels_of_connect(traced, origin):
    async with Collector() as collector:
        tunnel = traced(collector.url).start()
        assert (await fetch(tunnel.port, origin.url("/"), "GET", [("traceparent", "00-malformed"), ("tracestate", "a=b")])).status == 404
        async with patiently(20), await Connection.open(tunnel.port) as client:
            assert (await client.connect(origin.authority)).status == 200
        ours, theirs = await pair(collector, 2)
    for span in ours:
        assert span.parent is None
        (other,) = [each for each in theirs if each.parent == span.id]
        assert other.trace == span.trace
    assert len({span.trace for span in ours}) == 2
    (received,) = origin.requests
    assert said(received.get("traceparent"))[0] in {span.trace for span in ours}
    assert received.get("tracestate") is None, "it was of a trace that isn't known"


async def test_nothing_is_begun_unasked(traced, origin):
    async with Collector() as collector:
        tunnel = traced(collector.url, begin=False).start()
        await fetch(tunnel.port, origin.url("/plain"))
        await fetch(tunnel.port, origin.url("/traced"), "GET", [("traceparent", f"00-{TRACE}-{CLIENT}-01")])
        (ours,), _ = await pair(collector)
    assert origin.requests[0].get("traceparent") is None
    assert ours.trace == TRACE and len(collector.of("fluidity-agent")) == 1


async def test_errors_are_always_sent(traced, origin):
    @origin.on("/ok")
    async def ok(exchange):
        await exchange.respond(200, body=b"hello")

    @origin.on("/broken")
    async def broken(exchange):
        await exchange.respond(500, body=b"no")

    closed = free_port()
    async with Collector() as collector:
        tunnel = traced(collector.url, ratio=0).start()
        for _ in range(5):
            assert (await fetch(tunnel.port, origin.url("/ok"))).status == 200
        assert (await fetch(tunnel.port, f"http://127.0.0.1:{closed}/")).status == 502
        assert (await fetch(tunnel.port, "http://nowhere.invalid/")).status in (502, 504)
        assert (await fetch(tunnel.port, origin.url("/broken"))).status == 500
        ours, theirs = await pair(collector, 3)
    refused = next(span for span in theirs if span.attributes.get("server.port") == closed)
    assert "refused" in refused.error and refused.attributes["error.type"] == "connection-refused"
    assert "refused" in collector.children(refused)["dial"].error
    by_id = {span.id: span for span in ours}
    for span in theirs:
        assert by_id[span.parent].trace == span.trace and span.error is not None and by_id[span.parent].error is not None
    assert by_id[refused.parent].attributes["fluidity.reason"] == "connection-refused"
    failed = next(span for span in theirs if span.attributes["server.address"] == "nowhere.invalid")
    assert failed.attributes["error.type"] == "name-not-resolved"
    wrong = next(span for span in theirs if span.attributes.get("http.response.status_code") == 500)
    assert wrong.attributes["error.type"] == "500"


async def test_waiting_for_the_tunnel_and_for_names_is_seen(traced, origin):
    async with Collector() as collector:
        tunnel = traced(collector.url)
        tunnel.start_agent()
        waiting = asyncio.create_task(fetch(tunnel.port, f"http://localhost:{origin.port}/"))
        await asyncio.sleep(0.3)
        tunnel.start_server()
        assert (await waiting).status == 404
        (ours,), (theirs,) = await pair(collector)
    waited = collector.children(ours)["wait for tunnel"]
    assert waited.ended <= collector.children(ours)["first byte"].ended and waited.error is None
    assert waited.ended - waited.began > 100_000_000
    # What was refused while there was no server is within the wait; nothing else failed.
    assert all(span.error is None for span in collector.spans if span.parent != waited.id), "nothing was tried again"
    assert "resolve name" in collector.children(theirs)


async def test_a_collector_that_comes_late_gets_what_waits(traced, origin):
    collector = Collector()
    tunnel = traced(collector.url).start()
    await fetch(tunnel.port, origin.url("/"))
    await eventually(lambda: "the collector takes nothing" in tunnel.agent.text(), 20, "a warning")
    assert tunnel.agent.text().count("the collector takes nothing") == 1
    async with collector:
        await pair(collector)


@pytest.mark.parametrize("behaviour", ["away", "silence", "flood", 400])
async def test_a_bad_collector_costs_traces_alone(traced, origin, admins, behaviour):
    @origin.on("/ok")
    async def ok(exchange):
        await exchange.respond(200, body=b"hello")

    collector = Collector(behaviour)
    tops = {"agent": {"admin": admins[0].settings}, "server": {"admin": admins[1].settings}}
    tunnel = traced(collector.url, **tops)
    if behaviour != "away":
        await collector.__aenter__()
    tunnel.start()
    # As many as wait at most, and more: nobody waits for the collector.
    async with patiently(60):
        async def many():
            async with await Connection.open(tunnel.port) as client:
                for _ in range(700):
                    assert (await client.request("GET", origin.url("/ok"))).status == 200

        await asyncio.gather(*(many() for _ in range(8)))
    metrics = await admins[0].metrics()
    dropped = metrics.sum("fluidity_otlp_exchanges_dropped_total")
    exported = metrics.sum("fluidity_otlp_exchanges_exported_total")
    waiting = metrics.sum("fluidity_otlp_exchanges_waiting")
    assert waiting <= 4096
    if behaviour in ("away", "silence"):
        assert exported == 0 and metrics.sum("fluidity_otlp_exchanges_dropped_total", reason="crowded") > 0, metrics.text
    assert dropped + exported + waiting >= 5600 - 256, "what isn't counted is on its way"
    if behaviour == "flood":
        await eventually(lambda: exported_now(admins[0], 1), 30, "what was taken counts as such")
    memory = metrics.sum("process_resident_memory_bytes")
    assert memory < 400 << 20, f"{memory} bytes"
    tunnel.agent.signal(signal.SIGTERM)
    await tunnel.agent.ended(30)
    assert tunnel.agent.status == 0
    if behaviour != "away":
        await collector.__aexit__()


async def test_what_a_collector_answers_counts(traced, origin, admins):
    dripping = Collector("drip")
    async with dripping:
        tunnel = traced(dripping.url, agent={"admin": admins[0].settings}).start()
        await fetch(tunnel.port, origin.url("/"))
        await eventually(lambda: exported_now(admins[0], 1), 30, "its head says that it has taken it")
        spans = [span.id for span in dripping.spans if span.service == "fluidity-agent"]
        assert len(set(spans)) == len(spans) >= 2, "nothing is sent twice"


async def test_a_part_that_is_rejected_is_counted(traced, origin, admins):
    async with Collector("part") as collector:
        tunnel = traced(collector.url, agent={"admin": admins[0].settings}).start()
        await fetch(tunnel.port, origin.url("/"))

        async def counted() -> bool:
            return (await admins[0].metrics()).sum("fluidity_otlp_exchanges_dropped_total", reason="unsent") == 1

        await eventually(counted, 30, "what was rejected is dropped")
        assert (await admins[0].metrics()).sum("fluidity_otlp_exchanges_exported_total") == 0


async def test_a_busy_collector_is_left_alone_as_long_as_it_says(traced, origin):
    async with Collector("busy") as collector:
        tunnel = traced(collector.url).start()
        began = time.monotonic()
        await fetch(tunnel.port, origin.url("/"))
        await eventually(lambda: len(collector.of("fluidity-agent")) == len(collector.of("fluidity-server")) == 1, 30, "it gets it later")
        assert time.monotonic() - began >= 3.5


async def exported_now(admin, least: int) -> bool:
    return (await admin.metrics()).sum("fluidity_otlp_exchanges_exported_total") >= least


async def test_what_waits_is_sent_at_the_end(traced, origin):
    async with Collector() as collector:
        tunnel = traced(collector.url).start()
        for _ in range(20):
            await fetch(tunnel.port, origin.url("/"))
        tunnel.agent.signal(signal.SIGTERM)
        await tunnel.agent.ended(30)
        assert len(collector.of("fluidity-agent")) == 20


async def test_metrics_are_sent_as_well(traced, origin):
    async with Collector() as collector:
        tunnel = traced(collector.url, metrics="1s", service="proxy of mine", fields={"Api-Key": "s3cret"}).start()
        await fetch(tunnel.port, origin.url("/"))

        def begun():
            found = [metric for metric in collector.metrics if metric["name"] == "fluidity_exchanges_begun_total"]
            return found[-1] if found and found[-1]["sum"]["dataPoints"][0]["asDouble"] == 1 else None

        metric = await eventually(begun, 20, "the exchange is counted")
        assert metric["service"] == "proxy of mine" and metric["sum"]["isMonotonic"] and metric["sum"]["aggregationTemporality"] == 2
        assert {request["fields"]["api-key"] for request in collector.requests} == {"s3cret"}
        histogram = next(metric for metric in collector.metrics if metric["name"] == "fluidity_exchange_duration_seconds")["histogram"]
        (point,) = histogram["dataPoints"]
        assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1
        assert sum(int(count) for count in point["bucketCounts"]) == int(point["count"])
        gauge = next(metric for metric in collector.metrics if metric["name"] == "fluidity_exchanges_open")
        assert "gauge" in gauge
    assert "s3cret" not in tunnel.agent.text() + tunnel.server.text()
