"""Branches, several ways in and fixed ways: who goes where, and that everything works there as it does in a plain list."""

import asyncio
import fnmatch
import ipaddress
import json
import os
import random
import re
import signal

import pytest
import yaml

from harness.admin import Admin
from harness.client import Connection, fetch
from harness.fluidity import Fluidity, write_configuration
from harness.ports import accepts, free_port
from harness.processes import run
from harness.waiting import eventually, patiently

FETCH = {"fetch": {"destinations": "any"}}


def start(launch, tmp_path, *stages, command="server", name="tree", listens: bool = True, **top) -> Fluidity:
    port = free_port()
    first = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"})] if listens else []
    config = write_configuration(tmp_path / f"{name}.yaml", [*first, *stages], **top)
    return launch(Fluidity(command, config, port=port if listens else None, name=name))


# How many exchanges in all; `make branches` asks for more.
COUNT = int(os.environ.get("FLUIDITY_TEST_BRANCHES", 12_000))


def answering(name: str, when: dict | None = None) -> dict:
    return {"name": name, **({"when": when} if when else {}), "stages": [{"respond": {"status": 200, "body": name}}]}


# MARK: the choice, against a plain re-implementation

SUFFIXES = ["example", "test", "corp.example", "a.corp.example", "fr", "de"]
# What all requests of the test have in common.
OURS = {"clients": "127.0.0.0/8", "kinds": "plain", "schemes": "http"}
METHODS = ["GET", "POST", "PUT", "DELETE"]


def some_conditions(chance: random.Random) -> dict:
    when = {}
    if chance.random() < 0.7:
        patterns = [f"*.{chance.choice(SUFFIXES)}", f"{chance.choice('abc')}*.{chance.choice(SUFFIXES)}", f"?.{chance.choice(SUFFIXES)}"]
        when["hosts"] = chance.sample(patterns, chance.randint(1, 2))
    elif chance.random() < 0.5:
        when["networks"] = chance.sample(["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32"], chance.randint(1, 2))
    if chance.random() < 0.4:
        low = chance.randint(1, 9000)
        when["ports"] = [chance.choice([80, 443, 8080]), f"{low}-{low + 2000}"]
    if chance.random() < 0.3:
        when["methods"] = chance.sample(METHODS, 2)
    for (key, own), other in zip(OURS.items(), ("192.0.2.0/24", "tunnel", "https"), strict=True):
        if when and chance.random() < 0.15:
            when[key] = chance.choice([[own], [own], [other, own], [other]])
    return when or {"ports": [chance.randint(1, 11_000)]}


def some_tree(chance: random.Random) -> list[tuple[str, dict, list | None]]:
    """Twenty branches that answer, some of them below others: name, conditions, and the branches below it where there are some."""
    inner = [[(f"way-{12 + 4 * part + number}", some_conditions(chance), None) for number in range(4)] for part in range(2)]
    outer = [(f"way-{number}", some_conditions(chance), None) for number in range(12)]
    for part, below in zip((4, 9), inner, strict=True):
        outer.insert(part, (f"within-{part}", {"ports": [chance.choice([80, 443, 8080])]}, below))
    return outer


def written(tree: list) -> list[dict]:
    """The same as `route` wants it."""
    return [
        {"name": name, "when": when, "stages": [{"route": {"branches": written(below)}}]} if below else answering(name, when)
        for name, when, below in tree
    ]


def chosen(tree: list, request: tuple) -> str | None:
    """The first whose conditions hold, and of those below it again the first."""
    for name, when, below in tree:
        if fits(when, *request):
            return chosen(below, request) if below else name
    return None


def some_request(chance: random.Random) -> tuple[str, str, int]:
    host = f"{chance.choice(['a', 'b', 'c', 'ab', 'WWW'])}.{chance.choice(SUFFIXES)}"
    if chance.random() < 0.25:
        host = chance.choice(["10.1.2.3", "10.200.0.1", "192.0.2.77", "198.51.100.1", "[2001:db8::5]", "[2001:db9::5]"])
    return chance.choice(METHODS), host, chance.choice([80, 443, 8080, chance.randint(1, 11_000)])


def fits(when: dict, method: str, host: str, port: int) -> bool:
    """The conditions once more, in as few words as possible."""
    if "hosts" in when and not any(fnmatch.fnmatchcase(host.lower(), pattern.lower()) for pattern in when["hosts"]):
        return False
    if "networks" in when:
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        if not any(address.version == network.version and address in network for network in map(ipaddress.ip_network, when["networks"])):
            return False
    if any(key in when and own not in when[key] for key, own in OURS.items()):
        return False
    ports = [tuple(map(int, str(each).split("-"))) for each in when.get("ports", ["1-65535"])]
    return any(each[0] <= port <= each[-1] for each in ports) and method in when.get("methods", METHODS)


@pytest.mark.parametrize("seed", range(3))
async def test_the_choice_is_that_of_a_plain_implementation(launch, tmp_path, seed):
    chance = random.Random(seed)
    tree = some_tree(chance)
    proxy = start(launch, tmp_path, ("route", {"branches": written(tree)}), log={"level": "notice", "format": "json"})
    requests = [some_request(chance) for _ in range(-(-COUNT // 3))]
    wanted = [chosen(tree, request) for request in requests]
    assert len(set(wanted)) > 8, "the requests are spread"

    async def ask(part: range):
        async with patiently(120 + COUNT // 100), await Connection.open(proxy.port) as client:
            for number in part:
                method, host, port = requests[number]
                answer = await client.request(method, f"http://{host}:{port}/")
                got = answer.body.decode() if answer.status == 200 else None
                assert got == wanted[number] and answer.status in (200, 403), (requests[number], wanted[number], answer.status, answer.body)

    await asyncio.gather(*(ask(range(number, len(requests), 4)) for number in range(4)))


# MARK: what is known of it


async def test_logs_metrics_and_the_report_name_the_branch(launch, tmp_path):
    admin = Admin(free_port())
    inner = {"route": {"branches": [answering("france", {"hosts": ["*.fr"]}), answering("rest")]}}
    branches = [answering("near", {"hosts": ["*.near.example"]}), {"name": "abroad", "when": {"hosts": ["*.fr", "*.de"]}, "stages": [{"retry": {}}, inner]}]
    log = tmp_path / "access.log"
    proxy = start(launch, tmp_path, ("access-log", {"to": str(log)}), ("route", {"branches": branches}), admin=admin.settings)
    for host, body in (("a.near.example", "near"), ("b.fr", "france"), ("b.de", "rest")):
        assert (await fetch(proxy.port, f"http://{host}/")).body == body.encode()
    refused = await fetch(proxy.port, "http://elsewhere.example/")
    assert refused.status == 403 and b"no branch of 'route' is for it" in refused.body
    routes = ["near", "abroad/france", "abroad/rest", None]


    def of(lines: list) -> list:
        return [line.get("route") for line in lines]

    await eventually(lambda: of([json.loads(line)["exchange"] for line in log.read_text().splitlines()]) == routes, 10, log.read_text)
    await eventually(lambda: of([line for line in map(json.loads, proxy.text().splitlines()) if line.get("message") == "exchange"]) == routes, 10, proxy.text)
    metrics, report = (await admin.metrics()).text, await admin.pipeline()
    taken = dict(re.findall(r'^fluidity_route_exchanges_total\{.*route="([^"]+)".*\} (\d+)$', metrics, re.M))
    assert taken == {"near": "1", "abroad": "2", "abroad/france": "1", "abroad/rest": "1"}
    places = [stage["place"] for stage in report["stages"]]
    assert places == [1, 2, 3, 4, "4.near.1", "4.abroad.1", "4.abroad.2", "4.abroad.2.france.1", "4.abroad.2.rest.1"]
    assert report["ready"] and all(stage["ready"] for stage in report["stages"])


async def test_every_command_knows_branches(binary, tmp_path):
    branches = [answering("near", {"hosts": ["*.near.example"]}), {"name": "far", "stages": [{"retry": {"attempts": 2}}, {"fetch": {"destinations": "any"}}]}]
    tests = [
        {"name": "near", "request": {"url": "http://a.near.example/"}, "expect": {"route": "near", "stage": "respond", "body": "near"}},
        {"name": "far", "request": {"url": "http://else.example/"}, "expect": {"route": "far", "status": 200, "origin": {"requests": 1}}},
        {"name": "wrong", "request": {"url": "http://else.example/"}, "expect": {"route": "near"}},
    ]
    config = write_configuration(tmp_path / "tree.yaml", [("accept", {"listen": "127.0.0.1:1"}), ("http", {}), ("route", {"branches": branches})], tests=tests)
    tested = await run(binary, "test", config)
    assert tested.status == 1 and "2 of 3 passed" in tested.text and "the branch 'far' takes it, not 'near'" in tested.text, tested.text
    drawn = (await run(binary, "graph", config)).text
    assert re.search(r"├─ near  when.hosts: \[\"\*\.near\.example\"\]\n +│ +respond", drawn) and re.search(r"└─ far\n +retry .*attempts: 2\n +│  exchanges\n +fetch", drawn), drawn
    for form, arrow in (("mermaid", "p0s2 -->|near| p0s3"), ("dot", 'p0s2 -> p0s4 [label="far"]')):
        assert arrow in (await run(binary, "graph", config, "--format", form)).text
    printed = (await run(binary, "print", config, "--set", "pipeline.route.branches.far.stages.retry.attempts=4")).text
    assert re.search(r"- name: far +# tree.yaml:\d+", printed.replace(str(config), "tree.yaml")), printed
    assert re.search(r"attempts: 4 +# --set pipeline.route.branches.far.stages.retry.attempts", printed), printed
    again = tmp_path / "again.yaml"
    again.write_text(printed)
    checked = await run(binary, "check", again)
    assert checked.status == 0, f"{printed}\n{checked.text}"
    assert yaml.safe_load(printed)["pipeline"][2]["route"]["branches"][1]["stages"][0]["retry"]["attempts"] == 4


# MARK: tunnels and fixed ways


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write(b"done")
    writer.close()


def tail(client_identity, port: int, wait: str = "10s") -> list:
    return [{"frame": {"codec": "mux"}}, {"mtls": {**client_identity.settings(), "name": "localhost"}}, {"connect": {"to": f"localhost:{port}", "wait": wait}}]


async def test_a_tunnel_beside_direct_ways(make_tunnel, launch, tmp_path, client_identity, origin):
    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=(exchange.request.get("x-way") or "none").encode())

    tunnel = make_tunnel()
    tunnel.start_server()
    direct = {"name": "direct", "when": {"hosts": ["127.0.0.1"]}, "stages": [{"headers": {"request": {"set": {"X-Way": "direct"}}}}, FETCH]}
    through = {"name": "through", "stages": [{"headers": {"request": {"set": {"X-Way": "through"}}}}, *tail(client_identity, tunnel.server_port)]}
    agent = start(launch, tmp_path, ("route", {"branches": [direct, through]}), command="agent")
    url = origin.url("/")
    port = int(re.search(r":(\d+)", url[7:])[1])
    assert (await fetch(agent.port, f"http://127.0.0.1:{port}/")).body == b"direct"
    assert (await fetch(agent.port, f"http://localhost:{port}/")).body == b"through"


async def test_one_agent_has_a_proxy_and_fixed_ways_over_one_session(make_tunnel, launch, tmp_path, client_identity, origin):
    """A server that speaks first, one that is spoken to first, half-closing, and nobody there."""

    @origin.on("/")
    async def hello(exchange):
        await exchange.respond(200, body=b"hello")

    async def greets(reader, writer):
        writer.write(b"220 ready\r\n")
        await echo(reader, writer)

    tunnel = make_tunnel()
    tunnel.start_server()
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as silent, await asyncio.start_server(greets, "127.0.0.1", 0) as first:
        ports = {name: free_port() for name in ("proxy", "silent", "first", "nobody")}
        to = {"silent": silent.sockets[0].getsockname()[1], "first": first.sockets[0].getsockname()[1], "nobody": free_port()}
        ways = [{"name": "proxy", "stages": [{"accept": {"listen": f"127.0.0.1:{ports['proxy']}"}}, {"headers": {"request": {"set": {"X-A": "b"}}}}]}]
        ways[0]["stages"].insert(1, {"http": {"mode": "proxy"}})
        ways += [{"name": name, "stages": [{"accept": {"listen": f"127.0.0.1:{ports[name]}"}}, {"forward": {"to": f"127.0.0.1:{port}"}}]} for name, port in to.items()]
        stages = [(name, keys) for entry in tail(client_identity, tunnel.server_port) for name, keys in entry.items()]
        agent = start(launch, tmp_path, ("entrances", {"ways": ways}), *stages, command="agent", listens=False, **{"event-loops": 1})
        assert (await fetch(ports["proxy"], origin.url("/"))).body == b"hello"
        async with patiently(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", ports["first"])
            assert await reader.readexactly(11) == b"220 ready\r\n"
            writer.write(b"x" * 3_000_000)
            writer.write_eof()
            assert await reader.read(-1) == b"x" * 3_000_000 + b"done"
            reader, writer = await asyncio.open_connection("127.0.0.1", ports["silent"])
            writer.write(b"all at once")
            writer.write_eof()
            assert await reader.read(-1) == b"all at oncedone"
            with pytest.raises(ConnectionError):
                reader, writer = await asyncio.open_connection("127.0.0.1", ports["nobody"])
                await reader.readexactly(1)
        assert agent.text().count('"message":"tunnel is up"') == 1, "all ways share the one loop's session"
        await eventually(lambda: f'"target":"127.0.0.1:{to["nobody"]}"' in agent.text(), 10, agent.text)


async def test_stages_of_ways_that_join_are_counted_at_their_places(launch, tmp_path):
    """The stage behind several ways has another one before it for each of them."""
    admin, ports = Admin(free_port()), {"filtered": free_port(), "plain": free_port()}
    ways = [{"name": name, "stages": [{"accept": {"listen": f"127.0.0.1:{port}"}}, {"http": {"mode": "proxy"}}]} for name, port in ports.items()]
    ways[0]["stages"].append({"headers": {"response": {"set": {"X-A": "b"}}}})
    start(launch, tmp_path, ("entrances", {"ways": ways}), ("respond", {"status": 200, "body": "12345"}), listens=False, admin=admin.settings)
    for name, count in (("filtered", 3), ("plain", 2)):
        for _ in range(count):
            answer = await fetch(ports[name], "http://a.example/")
            assert (answer.body, answer.get("x-a")) == (b"12345", "b" if name == "filtered" else None)
    metrics = (await admin.metrics()).text

    def of(metric: str) -> dict[str, str]:
        return dict(re.findall(rf'^{metric}\{{.*place="([^"]+)".*\}} (\d+)$', metrics, re.M))

    assert of("fluidity_stage_exchanges_in_total") == {"1.filtered.3": "3", "2": "5"}
    assert of("fluidity_stage_exchanges_open") == {"1.filtered.3": "0", "2": "0"}
    assert of("fluidity_stage_response_bytes_total") == {"1.filtered.3": "15", "2": "25"}


async def test_reload_and_drain_reach_into_branches(launch, tmp_path, origin):
    seen = asyncio.Event()
    go_on = asyncio.Event()

    @origin.on("/slow")
    async def slow(exchange):
        seen.set()
        await go_on.wait()
        await exchange.respond(200, body=b"in time")

    branches = [answering("near", {"hosts": ["*.near.example"]}), {"name": "far", "stages": [FETCH]}]
    proxy = start(launch, tmp_path, ("route", {"branches": branches}))
    async with patiently(60):
        waiting = asyncio.create_task(fetch(proxy.port, origin.url("/slow")))
        await seen.wait()
        config = tmp_path / "tree.yaml"
        config.write_text(config.read_text().replace('"body": "near"', '"body": "nearer"'))
        proxy.signal(signal.SIGHUP)


        async def answers() -> bool:
            return (await fetch(proxy.port, "http://a.near.example/")).body == b"nearer"

        await eventually(answers, 20, "the new branch answers")
        proxy.signal(signal.SIGTERM)
        await eventually(lambda: not accepts(proxy.port), 20, "it takes nothing new")
        go_on.set()
        assert (await waiting).body == b"in time"
