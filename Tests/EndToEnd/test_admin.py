"""The admin listener: what has been counted, whether the pipeline is ready, and who may ask."""

import asyncio
import signal

import pytest

from harness.admin import Admin
from harness.client import Connection, fetch, request
from harness.codecs import CANCELLING, CODECS
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually, patiently
from harness.wire import Broken


@pytest.fixture
def watched(make_tunnel, admins):
    """A tunnel whose both ends can be asked."""
    agent, server = admins
    return make_tunnel(agent={"connect": {"wait": "1s"}}, agent_top={"admin": agent.settings}, server_top={"admin": server.settings})


async def settled(admin, **expected):
    """Waits for the ends of exchanges, which come a moment after their last byte."""

    async def ended():
        return (await admin.metrics()).sum("fluidity_exchanges_open") == 0

    await eventually(ended, 10, "no exchange is open")
    return await admin.metrics()


async def test_counters_add_up_exactly(watched, admins, origin):
    @origin.on("/echo")
    async def echo(exchange):
        body = await exchange.read_body()
        await exchange.respond(200, body=body * 3)

    @origin.on("/broken")
    async def broken(exchange):
        exchange.reset()

    watched.start()
    agent, server = admins
    sizes = [0, 1, 1000, 70_000, 300_000]
    for size in sizes * 4:
        response = await fetch(watched.port, origin.url("/echo"), "POST", body=b"x" * size)
        assert len(response.body) == 3 * size
    assert (await fetch(watched.port, origin.url("/nowhere"))).status == 404
    assert (await fetch(watched.port, origin.url("/broken"))).status == 502
    closed = free_port()
    assert (await fetch(watched.port, f"http://127.0.0.1:{closed}/")).status == 502
    everything = 4 * len(sizes) + 3
    sent = 4 * sum(sizes)

    here, there = await settled(agent), await settled(server)
    for metrics in (here, there):
        assert metrics.sum("fluidity_exchanges_begun_total") == everything
        assert metrics.sum("fluidity_exchanges_ended_total") == everything
        assert metrics.sum("fluidity_exchange_request_bytes_total") == sent
        assert metrics.sum("fluidity_exchange_duration_seconds_count") == everything
    assert there.sum("fluidity_exchanges_ended_total", outcome="failed") == 2
    assert there.sum("fluidity_exchange_failures_total", reason="connection-refused") == 1
    # What the server answered for the origin is an answer like any other for the agent.
    assert here.sum("fluidity_exchanges_ended_total", outcome="completed") == everything
    assert here.sum("fluidity_stage_exchanges_in_total", stage="frame", place="3") == everything
    assert there.sum("fluidity_stage_exchanges_in_total", stage="fetch", place="4") == everything
    assert there.sum("fluidity_stage_exchanges_ended_total", stage="fetch") == everything
    assert there.sum("fluidity_stage_request_bytes_total", stage="fetch") == sent
    # 3 * sent from the origin; what else there is are the texts of the refusals.
    missing = len(b"no such path at this origin")
    received = there.sum("fluidity_exchange_response_bytes_total")
    assert received == here.sum("fluidity_exchange_response_bytes_total")
    assert 3 * sent + missing < received < 3 * sent + missing + 400
    assert here.sum("fluidity_http_responses_total", **{"class": "2xx"}) == 4 * len(sizes)
    assert here.sum("fluidity_http_responses_total", **{"class": "5xx"}) == 2
    assert here.sum("fluidity_frame_streams_total") == there.sum("fluidity_frame_streams_total") == everything
    assert here.sum("fluidity_frame_streams_open") == there.sum("fluidity_frame_streams_open") == 0
    assert there.sum("fluidity_fetch_failures_total", reason="connection-refused") == 1
    assert there.sum("fluidity_fetch_dials_total") + there.sum("fluidity_fetch_reused_total") >= everything


async def test_resets_are_counted_by_their_cause(watched, admins, origin):
    has_begun = asyncio.Event()

    @origin.on("/half")
    async def half(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await has_begun.wait()
        exchange.reset()

    watched.start()
    async with patiently(20), await Connection.open(watched.port) as client:
        await client.send(request("GET", origin.url("/half")))
        response = await client.head()
        has_begun.set()
        with pytest.raises(Broken):
            async for _ in client.body(response):
                pass
    here, there = [await settled(admin) for admin in admins]
    assert here.sum("fluidity_frame_resets_total", cause="peer") == 1
    assert here.sum("fluidity_frame_resets_total", cause="excessive") == here.sum("fluidity_frame_resets_total", cause="crowded") == 0
    assert there.sum("fluidity_frame_resets_total") == 0


@pytest.mark.parametrize("codec", CODECS)
async def test_sessions_and_streams_of_every_codec(make_tunnel, admins, origin, make_tcp, codec):
    async def hold(reader, writer):
        await reader.read()
        writer.close()

    frame, (agent, server), target, closed = {"frame": {"codec": codec}}, admins, await make_tcp(hold), free_port()
    tops = {f"{name}_top": {"admin": admin.settings, "event-loops": 1} for name, admin in (("agent", agent), ("server", server))}
    tunnel = make_tunnel(agent=frame, server=frame, **tops).start()

    async def counted(admin, what: str) -> float:
        return (await admin.metrics()).sum(f"fluidity_frame_{what}", codec=codec)

    for _ in range(5):
        assert (await fetch(tunnel.port, origin.url("/nowhere"))).status == 404
    async with patiently(30), await Connection.open(tunnel.port) as client:
        assert (await client.connect(f"127.0.0.1:{closed}")).status == 502
    async with patiently(30), await Connection.open(tunnel.port) as client:
        assert (await client.connect(target.authority)).status == 200
        assert await counted(agent, "streams_open") == await counted(server, "streams_open") == 1
    # The client went without a word; its stream is over, and what becomes of it depends on what the codec can say.
    for admin in admins:

        async def none_is_open():
            return await counted(admin, "streams_open") == 0

        await eventually(none_is_open, 10, "no stream is open")
        assert await counted(admin, "streams_total") == 7
        assert await counted(admin, "sessions_open") == await counted(admin, "sessions_total") == 1
    assert (await counted(agent, "resets_total"), await counted(server, "resets_total")) == ((0, 1) if codec in CANCELLING else (1, 0))
    tunnel.server.kill()

    async def is_over():
        return await counted(agent, "sessions_open") == 0

    await eventually(is_over, 10, "the session is over")
    assert await counted(agent, "sessions_total") == 1


async def test_bytes_of_open_tunnels_are_seen_before_they_end(watched, admins, make_tcp):
    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    target = await make_tcp(echo)
    watched.start()
    async with patiently(30), await Connection.open(watched.port) as client:
        assert (await client.connect(target.authority)).status == 200
        await client.send(b"x" * 5000)
        assert await client.reader.readexactly(5000) == b"x" * 5000
        for admin in admins:
            metrics = await admin.metrics()
            assert metrics.sum("fluidity_exchanges_open") == 1
            assert metrics.sum("fluidity_exchange_request_bytes_total") == 5000
            assert metrics.sum("fluidity_exchange_response_bytes_total") == 5000


async def test_every_metric_is_well_formed(watched, admins, origin):
    watched.start()
    await fetch(watched.port, origin.url("/"))
    for admin in admins:
        metrics = await admin.metrics()
        names = [family.name for family in metrics.families]
        assert len(names) == len(set(names)), "a name's series must stand together"
        for family in metrics.families:
            assert family.documentation, family.name
            assert family.name.startswith(("fluidity_", "process_")), family.name
            if family.type == "counter":
                assert all(sample.name.endswith("_total") for sample in family.samples), family.name
            if family.type == "histogram":
                check_histogram(family)
        assert metrics.sum("process_resident_memory_bytes") > 1 << 20
        assert metrics.sum("process_open_fds") > 3
        expiry = metrics.sum("fluidity_mtls_certificate_expiry_timestamp_seconds", stage="mtls")
        assert expiry > metrics.sum("process_start_time_seconds")


def check_histogram(family):
    series = {}
    for sample in family.samples:
        key = tuple(sorted(item for item in sample.labels.items() if item[0] != "le"))
        series.setdefault(key, {}).setdefault(sample.name.removeprefix(family.name), []).append(sample)
    for parts in series.values():
        counts = [sample.value for sample in parts["_bucket"]]
        assert counts == sorted(counts) and parts["_bucket"][-1].labels["le"] == "+Inf"
        assert parts["_count"][0].value == counts[-1]
        assert (parts["_sum"][0].value > 0) == (counts[-1] > 0)


async def test_readiness_follows_the_tunnel(watched, admins, origin):
    watched.start_server()
    agent, server = admins
    watched.start_agent()
    await eventually(agent.ready, 15, "the agent is ready")
    assert await server.ready()
    watched.server.kill()

    async def is_down():
        return not await agent.ready()

    await eventually(is_down, 15, "the agent notices")
    response = await agent.ask("/readyz")
    assert response.status == 503
    assert b"connect (stage 5): the tunnel to localhost:" in response.body, response.body
    assert (await agent.ask("/livez")).status == 200
    report = await agent.pipeline()
    assert report["ready"] is False and report["problems"]
    assert [stage["ready"] for stage in report["stages"]] == [True, True, True, True, False]
    watched.start_server()
    await eventually(agent.ready, 30, "the agent is ready again")
    assert (await agent.metrics()).sum("fluidity_connect_reconnects_total") >= 1


async def test_an_expired_certificate_is_not_ready(make_tunnel, admins, authority):
    """It was good when the program started."""
    agent, server = admins
    # Long enough for both to start with it on a busy machine.
    days = 12 / 86_400
    tunnel = make_tunnel(
        client=authority.issue("brief", days=days), server_as=authority.issue("brief-server", dns=("localhost",), server=True, days=days),
        agent_top={"admin": agent.settings}, server_top={"admin": server.settings},
    ).start()  # fmt: skip
    for admin in admins:

        async def says_so():
            answer = await admin.ask("/readyz")
            return answer.status == 503 and "the certificate expired on" in answer.text

        await eventually(says_so, 20, "the certificate expires")
        assert (await admin.ask("/livez")).status == 200
    assert tunnel.alive


@pytest.mark.parametrize("who", ["agent", "server"])
async def test_a_draining_process_lives_and_is_not_ready(watched, admins, make_tcp, who):
    async def hold(reader, writer):
        await reader.read(1 << 16)

    target = await make_tcp(hold)
    watched.start()
    admin = admins[0] if who == "agent" else admins[1]
    process = watched.agent if who == "agent" else watched.server
    async with patiently(30):
        client = await Connection.open(watched.port)
        assert (await client.connect(target.authority)).status == 200
        process.signal(signal.SIGTERM)

        async def says_so():
            response = await admin.ask("/readyz")
            return response.status == 503 and b"draining" in response.body

        await eventually(says_so, 10, "/readyz says that it drains")
        assert (await admin.ask("/livez")).status == 200
        assert (await admin.pipeline())["phase"] == "draining"
        client.abort()
        assert await process.ended(within=15) == 0


async def test_the_list_with_states_and_counters(watched, admins, origin):
    watched.start()
    await fetch(watched.port, origin.url("/"))
    agent, server = admins
    await settled(server)
    report = await server.pipeline()
    assert [stage["name"] for stage in report["stages"]] == ["accept", "mtls", "frame", "fetch"]
    assert [stage["place"] for stage in report["stages"]] == [1, 2, 3, 4]
    assert report["phase"] == "running" and report["ready"] is True
    accept, mtls, frame, sink = report["stages"]
    assert accept["state"]["address"] == f"127.0.0.1:{watched.server_port}"
    assert "UTC" in mtls["state"]["certificate expires"]
    assert sink["counters"]["fluidity_stage_exchanges_in_total"] == 1
    assert sink["counters"]["fluidity_stage_exchanges_ended_total{outcome=completed}"] == 1
    assert "PRIVATE KEY" not in str(report)


@pytest.mark.parametrize(
    "path, method, host, status",
    [
        ("/readyz", "HEAD", None, 200),
        ("/metrics", "HEAD", None, 200),
        ("/metrics?x=1", "GET", "localhost:1", 200),
        ("/metrics", "GET", "[::1]:9", 200),
        ("/nowhere", "GET", None, 404),
        ("/metrics/", "GET", None, 404),
        ("/METRICS", "GET", None, 404),
        ("/metrics", "DELETE", None, 405),
        ("/livez", "OPTIONS", None, 405),
        ("/metrics", "GET", "rebound.example", 421),
        ("/metrics", "GET", "127.0.0.1.example", 421),
    ],
)
async def test_who_may_ask_what(watched, admins, path, method, host, status):
    watched.start()
    response = await admins[1].ask(path, method, host=host)
    assert response.status == status
    if method == "HEAD":
        assert response.body == b"" and int(response.get("content-length")) > 0
    if status == 405:
        assert response.get("allow") == "GET, HEAD"


async def test_a_body_is_not_waited_for(watched, admins):
    watched.start()
    async with patiently(10):
        response = await admins[0].ask("/metrics", "POST", [("Content-Length", "1000000")])
        assert response.status == 405


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "0", "127.1", "[::]", "[::ffff:127.0.0.1]", "[::ffff:0:0]", "[64:ff9b::127.0.0.1]"])
@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0"])
async def test_it_is_not_reached_through_the_tunnel(make_tunnel, admins, host, listen):
    _, server = admins
    tunnel = make_tunnel(server_top={"admin": {"listen": f"{listen}:{server.port}"}}).start()
    assert (await fetch(tunnel.port, f"http://{host}:{server.port}/metrics")).status == 403
    async with patiently(10), await Connection.open(tunnel.port) as client:
        assert (await client.connect(f"{host}:{server.port}")).status == 403
    assert (await server.ask("/livez")).status == 200


async def test_on_an_address_of_its_own_it_is_not_reached_through_the_tunnel(make_tunnel, admins):
    _, server = admins
    tunnel = make_tunnel(server_top={"admin": {"listen": f"127.0.0.9:{server.port}"}}).start()
    for host in ("127.0.0.9", "[::ffff:127.0.0.9]", "[::ffff:7f00:9]", "127.9", "0x7f000009", "[64:ff9b::7f00:9]", "[::ffff:0:7f00:9]", "[2002:7f00:9::]", "0"):
        assert (await fetch(tunnel.port, f"http://{host}:{server.port}/metrics")).status == 403, host
    # Nobody listens there.
    assert (await fetch(tunnel.port, f"http://127.0.0.8:{server.port}/metrics")).status == 502


async def test_names_can_be_added(make_tunnel, admins):
    _, server = admins
    make_tunnel(server_top={"admin": {**server.settings, "names": ["Server.Internal"]}}).start_server()
    assert (await server.ask("/readyz", host="server.internal:9900")).status == 200
    assert (await server.ask("/readyz", host="other.internal:9900")).status == 421


async def test_as_a_pipeline_of_its_own(tmp_path, launch):
    admin = Admin(free_port())
    config = write_configuration(
        tmp_path / "admin.yaml", [("accept", admin.settings), ("http", {"mode": "origin"}), ("admin", {})]
    )
    launch(Fluidity("server", config, port=admin.port))
    assert await admin.ready()
    metrics = await admin.metrics()
    # This very request is open.
    assert metrics.sum("fluidity_exchanges_open") == 1
    assert metrics.sum("fluidity_exchanges_begun_total") == 2


async def test_a_port_that_is_taken_is_said(make_tunnel, admins, binary):
    _, server = admins
    tunnel = make_tunnel(server_top={"admin": server.settings})
    blocker = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", server.port)
    ended = await run(binary, "server", "--config", tunnel.server_config, within=15)
    blocker.close()
    assert ended.status == 69
    assert str(server.port) in ended.text and "in use" in ended.text


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"listen": "9900"}, "write 127.0.0.1:9900"),
        ({"listn": "127.0.0.1:9900"}, "did you mean 'listen'"),
        ("127.0.0.1:9900", "'admin' wants a mapping"),
        ({"names": "a"}, "'names' wants a list"),
    ],
)
async def test_bad_settings_have_their_place(make_tunnel, binary, settings, words):
    tunnel = make_tunnel(server_top={"admin": settings})
    ended = await run(binary, "check", tunnel.server_config)
    assert ended.status == 65
    assert words in ended.text, ended.text
    assert "server.yaml:" in ended.text


async def test_renewed_certificates_are_used_without_a_restart(make_tunnel, admins, authority, server_identity, tmp_path, origin):
    agent, server = admins
    own = {name: tmp_path / f"own-{name}.pem" for name in ("certificate", "key", "ca")}
    settings = server_identity.settings()
    for name, path in own.items():
        path.write_bytes(open(settings[name], "rb").read())
        path.chmod(0o600)
    tunnel = make_tunnel(
        server={"mtls": {name: str(path) for name, path in own.items()}}, server_top={"admin": server.settings}
    ).start()
    before = (await server.metrics()).sum("fluidity_mtls_certificate_expiry_timestamp_seconds")
    renewed = authority.issue("renewed", dns=("localhost",), server=True, days=3).settings()
    # The certificate first: for a moment it has another key.
    for name in ("certificate", "key"):
        own[name].write_bytes(open(renewed[name], "rb").read())

    async def is_used():
        return (await server.metrics()).sum("fluidity_mtls_certificate_expiry_timestamp_seconds") < before

    await eventually(is_used, 30, "the new certificate is used")
    tunnel.server.wait_for_line("certificate reloaded")
    tunnel.agent.kill()
    tunnel.start_agent()
    assert (await fetch(tunnel.port, origin.url("/"))).status == 404
