"""The pipelines in configs/: each can be loaded with certificates in their place, passes the tests that it has, and is run. Those of
the functions are run in test_lambda.py, control.yaml against an AWS in test_lifecycle.py and test_control_filters.py, too."""

import asyncio
import re

import pytest
import yaml

from harness import wire
from harness.certificates import Authority
from harness.client import Connection, fetch
from harness.fluidity import ROOT, Fluidity
from harness.ports import free_port
from harness.processes import run
from harness.reverse_proxies import ReverseProxy
from harness.waiting import eventually, patiently

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
FUNCTIONS = sorted((ROOT / "configs/lambda").glob("*.yaml"))
BRANCHED = {"beside-the-intranet", "two-countries", "database", "home-and-office", "behind-a-kerberos-proxy"}
CARRIED = {"through-a-cdn", "behind-a-cdn"}
KEY = "0123456789abcdef0123456789abcdef"
NAMES = {"CLUSTER": "fluidity", "SERVICE": "fluidity-server", "AWS_REGION": "us-east-1", "FLUIDITY_CONTROL_KEY": KEY}


@pytest.mark.parametrize("config", [path.name for path in CONFIGS if path.name != "control.yaml"])
async def test_they_can_be_loaded(binary, place, config):
    result = await run(binary, "check", place / config, within=20)
    assert result.status == 0, result.text


@pytest.mark.parametrize("config", ["control.yaml", *(f"lambda/{path.name}" for path in FUNCTIONS)])
async def test_those_of_the_control_plane_want_names(binary, place, config):
    result = await run(binary, "check", place / config, within=20, environment=NAMES)
    assert result.status == 0 and "warning" not in result.text, result.text
    missing = "FLUIDITY_CONTROL_KEY" if config == "control.yaml" else "CLUSTER"
    refused = await run(binary, "check", place / config, within=20, environment={**NAMES, missing: ""})
    assert refused.status == 65 and missing in refused.text, refused.text


def test_there_are_some():
    assert {"agent", "server", "control", "team-server", "locked-down-exit", "development", "two-exits", *CARRIED, *BRANCHED} == {path.stem for path in CONFIGS}
    assert {"wake", "sleep", "kill", "status"} == {path.stem for path in FUNCTIONS}


@pytest.mark.parametrize("config", [path.name for path in CONFIGS if "tests" in yaml.safe_load(path.read_text())])
async def test_they_pass_their_tests(binary, place, config):
    result = await run(binary, "test", place / config, within=60)
    assert result.status == 0, result.text
    passed, count = re.search(r"^(\d+) of (\d+) passed$", result.text, re.MULTILINE).groups()
    assert passed == count == str(len(yaml.safe_load((place / config).read_text())["tests"]))


async def test_a_test_that_fails_is_named_at_its_line_with_status_1(binary, place):
    config = place / "development.yaml"
    config.write_text(config.read_text().replace("requests: 3 }", "requests: 4 }"))
    result = await run(binary, "test", config, within=60)
    assert result.status == 1, result.text
    line = next(number for number, text in enumerate(config.read_text().splitlines(), 1) if "requests: 4 }" in text)
    assert f"development.yaml:{line}:" in result.text and "3 requests reach the origin, not 4" in result.text


async def test_agent_and_server_work_together(binary, place):
    result = await run(binary, "check", place / "agent.yaml", place / "server.yaml", within=20)
    assert result.status == 0 and "work together" in result.text, result.text
    changed = await run(
        binary, "check", place / "agent.yaml", place / "server.yaml", "--set", "pipeline.mtls.name=other.example", within=20
    )
    assert changed.status == 65 and "wants a server named other.example" in changed.text, changed.text


@pytest.mark.parametrize("config, client, reached", [("server", "client", True), ("team-server", "ann", True), ("team-server", "lost-laptop", False), ("locked-down-exit", "laptop", False)])
async def test_servers_run_behind_the_agent(binary, launch, place, origin, config, client, reached):
    """Nothing is changed but ports, and where the server may dial: the origin is on this machine."""

    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    made = await run(binary, "cert", "issue", client, "--ca", place / "../run/certs", "--out", place / "../run/certs", "--client", "--replace", within=20)
    assert made.status == 0, made.text
    port, server_port, admin = free_port(), free_port(), free_port()
    settings = {"accept.listen": f"127.0.0.1:{server_port}", "fetch.destinations": "any"}
    arguments = [part for key, value in settings.items() for part in ("--set", f"pipeline.{key}={value}")]
    if config == "team-server":
        arguments += ["--set", f"admin.listen=127.0.0.1:{admin}"]
    launch(Fluidity("server", place / f"{config}.yaml", port=server_port, arguments=arguments))
    files = {"certificate": f"../run/certs/{client}.pem", "key": f"../run/certs/{client}-key.pem"}
    settings = {"accept.listen": f"127.0.0.1:{port}", "connect.to": f"localhost:{server_port}", **{f"mtls.{key}": value for key, value in files.items()}}
    launch(Fluidity("agent", place / "agent.yaml", port=port, arguments=[part for key, value in settings.items() for part in ("--set", f"pipeline.{key}={value}")]))
    answer = await fetch(port, origin.url("/"), fields=[("Cookie", "a=b")])
    assert (answer.status, len(origin.requests)) == ((200, 1) if reached else (403, 0)), answer.body


async def test_a_tunnel_passes_a_reverse_proxy(binary, launch, tmp_path, place, origin):
    """As it is shipped but for ports, the name and authority of who stands between, and where the server may dial."""

    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    checked = await run(binary, "check", place / "through-a-cdn.yaml", place / "behind-a-cdn.yaml", within=20)
    assert checked.status == 0 and "work together" in checked.text and "warning" not in checked.text, checked.text
    port, server_port = free_port(), free_port()
    launch(Fluidity("server", place / "behind-a-cdn.yaml", port=server_port, arguments=set_all(accept__listen=f"127.0.0.1:{server_port}", fetch__destinations="any")))
    front = Authority(tmp_path / "front", "Front CA")
    before = launch(ReverseProxy("nginx", tmp_path / "nginx", front.issue("www", dns=("localhost",), server=True), server_port))
    settings = {"accept__listen": f"127.0.0.1:{port}", "tls__ca": str(front.path), "connect__to": f"localhost:{before.port}"}
    launch(Fluidity("agent", place / "through-a-cdn.yaml", port=port, arguments=set_all(**settings)))
    answer = await fetch(port, origin.url("/"))
    assert (answer.status, answer.body) == (200, b"hello"), answer.body


def set_all(**settings: str) -> list[str]:
    return [part for key, value in settings.items() for part in ("--set", f"pipeline.{key.replace('__', '.').replace('_', '-')}={value}")]


@pytest.fixture
def server(launch, place):
    """The shipped server at a port of its own, which reaches this machine too."""

    def start(name: str) -> int:
        port = free_port()
        launch(Fluidity("server", place / "server.yaml", port=port, name=name, arguments=set_all(accept__listen=f"127.0.0.1:{port}", fetch__destinations="any")))
        return port

    return start


async def test_the_intranet_is_beside_the_tunnel(launch, place, origin, server):
    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    port, tunnel = free_port(), server("server")
    branches = "route__branches__"
    settings = {"accept__listen": f"127.0.0.1:{port}", f"{branches}tunnel__stages__connect__to": f"localhost:{tunnel}"}
    settings |= {f"{branches}intranet_addresses__when__networks": "[127.0.0.0/8]", f"{branches}intranet_addresses__stages__fetch__destinations": "any"}
    agent = launch(Fluidity("agent", place / "beside-the-intranet.yaml", port=port, arguments=set_all(**settings)))
    for host, route in (("127.0.0.1", "intranet-addresses"), ("localhost", "tunnel")):
        answer = await fetch(port, re.sub("//[^:/]+", f"//{host}", origin.url("/")))
        assert answer.body == b"hello"
        await eventually(lambda: f"route={route} " in agent.text(), 10, agent.text)


async def test_two_countries_have_a_server_each(launch, place, origin, server):
    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    port = free_port()
    settings = {"accept__listen": f"127.0.0.1:{port}", "route__branches__france__when__hosts": "[localhost]"}
    settings |= {f"route__branches__{branch}__stages__connect__to": f"localhost:{server(branch)}" for branch in ("france", "everything_else")}
    agent = launch(Fluidity("agent", place / "two-countries.yaml", port=port, arguments=set_all(**settings)))
    for host, route in (("localhost", "france"), ("127.0.0.1", "everything-else")):
        answer = await fetch(port, re.sub("//[^:/]+", f"//{host}", origin.url("/")))
        assert answer.body == b"hello"
        await eventually(lambda: f"route={route} " in agent.text(), 10, agent.text)


async def test_two_exits_stand_in_for_each_other(launch, place, origin, server):
    """The first isn't there."""

    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    port, servers = free_port(), f"[localhost:{free_port()}, localhost:{server('server')}]"
    launch(Fluidity("agent", place / "two-exits.yaml", port=port, arguments=set_all(accept__listen=f"127.0.0.1:{port}", connect__to=servers)))
    assert (await fetch(port, origin.url("/"))).body == b"hello"


async def test_at_home_and_in_the_office(binary, launch, place, origin, server):
    """In the office the way leads through a proxy, which isn't there, and then directly."""

    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    tunnel, nobody = server("server"), free_port()
    config = place / "home-and-office.yaml"
    config.write_text(config.read_text().replace("http://proxy.corp.example:3128", f"http://127.0.0.1:{nobody}"))
    for profile in ("home", "office"):
        port = free_port()
        arguments = ["--profile", profile, *set_all(accept__listen=f"127.0.0.1:{port}", connect__to=f"localhost:{tunnel}")]
        launch(Fluidity("agent", config, port=port, name=profile, arguments=arguments))
        assert (await fetch(port, origin.url("/"))).body == b"hello"
        printed = await run(binary, "print", config, "--profile", profile)
        assert (f"127.0.0.1:{nobody}" in printed.text) == (profile == "office"), printed.text


async def test_a_database_is_reached_through_the_tunnel(launch, place, origin, server):
    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    async def database(reader, writer):
        writer.write(b"ready " + await reader.readexactly(5))
        writer.close()

    port, fixed = free_port(), free_port()
    async with patiently(60), await asyncio.start_server(database, "127.0.0.1", 0) as listener:
        to = listener.sockets[0].getsockname()[1]
        settings = {"entrances__ways__proxy__stages__accept__listen": f"127.0.0.1:{port}", "entrances__ways__database__stages__accept__listen": f"127.0.0.1:{fixed}"}
        settings |= {"entrances__ways__database__stages__forward__to": f"127.0.0.1:{to}", "connect__to": f"localhost:{server('server')}"}
        launch(Fluidity("agent", place / "database.yaml", port=port, arguments=set_all(**settings)))
        reader, writer = await asyncio.open_connection("127.0.0.1", fixed)
        writer.write(b"hello")
        assert await reader.read(-1) == b"ready hello"
        writer.close()
        assert (await fetch(port, origin.url("/"))).body == b"hello"


async def test_the_developers_proxy_runs(launch, place, origin):
    @origin.on("/")
    async def busy(exchange):
        await exchange.respond(503 if len(origin.requests) < 3 else 200, body=b"hello")

    port, admin = free_port(), free_port()
    launch(Fluidity("server", place / "development.yaml", port=port, arguments=["--set", f"pipeline.accept.listen=127.0.0.1:{port}", "--set", f"admin.listen=127.0.0.1:{admin}"]))
    answer = await fetch(port, origin.url("/"))
    assert answer.status == 200 and answer.get("x-proxy") == "development" and len(origin.requests) == 3
    assert all(len(request.get("x-request-id")) == 16 for request in origin.requests)


async def test_the_control_plane_runs(launch, place):
    port = free_port()
    launch(Fluidity("control", place / "control.yaml", port=port, arguments=["--set", f"pipeline.accept.listen=127.0.0.1:{port}"], environment={**NAMES, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}))  # fmt: skip
    for key, status in ((None, 403), (KEY[:-1] + "0", 403), (KEY, 502)):
        async with patiently(30), await Connection.open(port) as client:
            await client.send(wire.head("GET /status HTTP/1.1", [("Host", "control"), *([("X-Api-Key", key)] if key else [])]))
            assert (await client.response()).status == status, key
