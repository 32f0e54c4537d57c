"""`explain` says what a running pair then does: for pairs of configuration and request that are made by chance, each stage's verdict at both ends,
the line that decided, and what the client gets."""

import json
import os
import random

import pytest

from harness.client import Connection, fetch
from harness.fluidity import Tunnel, find_binary, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually, patiently

# How many requests in all; `make explain` asks for more.
EXCHANGES = int(os.environ.get("FLUIDITY_TEST_EXPLAIN", "240"))
REQUESTS = 24
PAIRS = max(1, EXCHANGES // REQUESTS)

HOSTS = ["127.0.0.1", "localhost", "a.localhost", "b.a.localhost", "[::ffff:127.0.0.1]"]
PATTERNS = ["*", "localhost", "*.localhost", "a.localhost", "127.0.0.1", "*.example", "b.*"]
METHODS = ["GET", "POST", "DELETE", "CONNECT"]
LOOPBACK = ["127.0.0.0/8", "::1"]


def conditions(chance: random.Random, port: int, *, networks: bool) -> dict:
    made = {}
    if chance.random() < 0.6:
        made["hosts"] = chance.sample(PATTERNS, chance.randint(1, 2))
    if chance.random() < 0.3:
        made["methods"] = chance.sample(METHODS, chance.randint(1, 2))
    if chance.random() < 0.3:
        made["ports"] = [chance.choice([port, 1, "1-65535"])]
    if chance.random() < 0.2:
        made["kinds"] = [chance.choice(["plain", "tunnel"])]
    if networks and chance.random() < 0.4:
        made["networks"] = chance.choice([LOOPBACK, ["10.0.0.0/8"]])
    if chance.random() < 0.15:
        made["hours"] = chance.choice([["00:00-23:59"], ["08:00-18:30", "22:00-06:00"]])
    return made


def egress(chance: random.Random, port: int, *, networks: bool) -> dict:
    rules = [{chance.choice(["allow", "deny"]): conditions(chance, port, networks=networks)} for _ in range(chance.randint(1, 4))]
    keys = {"rules": rules, "otherwise": chance.choice(["allow", "allow", "deny"])}
    return {**keys, "mode": "observe"} if chance.random() < 0.25 else keys


def filters(chance: random.Random, port: int, *, networks: bool) -> list:
    made = []
    if chance.random() < 0.5:
        made.append(("headers", {"request": {"set": {"X-Made": "{identity}"}, "remove": ["X-Gone"]}}))
    if chance.random() < 0.3:
        made.append(("headers", {"response": {"set": {"X-Answered": "yes"}}}))
    if chance.random() < 0.8:
        made.append(("egress", egress(chance, port, networks=networks)))
    if chance.random() < 0.3:
        made.append(("rate-limit", {"by": "global", "requests": "1000000/s", "concurrent": 1000}))
    if chance.random() < 0.3:
        made.append(("circuit-breaker", {"mode": chance.choice(["enforce", "observe"])}))
    if chance.random() < 0.3:
        made.append(("retry", {"attempts": 2}))
    chance.shuffle(made)
    return made


def routed(chance: random.Random, port: int, ending: list) -> list:
    """A list of stages with branches, of which one ends as the list would have."""
    branches = [{"name": "first", "when": conditions(chance, port, networks=False), "stages": [{"respond": {"status": chance.choice([204, 404, 503])}}]}]
    if chance.random() < 0.5:
        branches.insert(chance.randint(0, 1), {"name": "second", "when": conditions(chance, port, networks=False), "stages": [{"headers": {"request": {"set": {"X-Branch": "second"}}}}, {"respond": {"status": 200, "body": "here"}}]})
    rest = {"name": "rest", "stages": [{name: keys} for name, keys in ending]}
    if chance.random() < 0.5:
        rest["when"] = conditions(chance, port, networks=False)
    route = {"branches": [*branches, rest]}
    if chance.random() < 0.3:
        route["mode"] = "observe"
    return [("route", route)]


def write(chance: random.Random, tunnel: Tunnel, place, port: int):
    """The two configurations, each with an access log in front of all other filters."""
    log = {"verdicts": True, "privacy": "host"}
    agent = [stage for stage in tunnel._agent_stages if stage[0] in ("frame", "mtls", "connect")]
    server = [("fetch", {"destinations": chance.choice(["any", "any", "public", LOOPBACK])})]
    if chance.random() < 0.3:
        agent = routed(chance, port, agent)
    if chance.random() < 0.3:
        server = routed(chance, port, server)
    before = {"agent": tunnel._agent_stages[:2], "server": tunnel._server_stages[:3]}
    write_configuration(tunnel.agent_config, [*before["agent"], ("access-log", {**log, "to": str(place / "agent.log")}), *filters(chance, port, networks=False), *agent])
    write_configuration(tunnel.server_config, [*before["server"], ("access-log", {**log, "to": str(place / "server.log")}), *filters(chance, port, networks=True), *server])


def request(chance: random.Random, port: int, number: int) -> tuple[str, str, list]:
    host = chance.choice(HOSTS)
    method = chance.choice(METHODS)
    authority = f"{host}:{chance.choice([port, port, port, 1])}"
    fields = [("X-Gone", "1")] if chance.random() < 0.5 else []
    return (method, authority, fields) if method == "CONNECT" else (method, f"http://{authority}/x/{number}", fields)


async def explain(tunnel: Tunnel, method: str, url: str, fields: list) -> dict:
    arguments = [str(tunnel.agent_config), str(tunnel.server_config), method, url, "--json", "--client-name", "client", "--resolve", "127.0.0.1"]
    for name, value in fields:
        arguments += ["--header", f"{name}: {value}"]
    done = await run(find_binary(), "explain", *arguments)
    assert done.status == 0, done.errors
    return json.loads(done.output)


async def ask(tunnel: Tunnel, method: str, url: str, fields: list) -> int:
    async with patiently(30), await Connection.open(tunnel.port) as client:
        if method == "CONNECT":
            return (await client.connect(url)).status
        return (await client.request(method, url, fields, b"x" if method == "POST" else None)).status


def said(verdicts: list, only: int | None = None) -> list:
    """What is compared. Of an exchange whose origin isn't there, only how it came to the end: `only` so many verdicts, and nothing of responses."""
    made = [(each["stage"], each["place"], "passed" if only is not None and each["verdict"] == "changed" else each["verdict"], each.get("rule")) for each in verdicts]
    return made if only is None else made[:only]


def agree(told: list, done: list, goes_nowhere: bool) -> bool:
    only = len(told) - 1 if goes_nowhere else None
    return said(told, only) == said(done, only)


def logged(path) -> dict:
    """Verdicts by the exchange's id, in the order of the log."""
    if not path.exists():
        return {}
    lines = [json.loads(line)["exchange"] for line in path.read_text().splitlines()]
    return {line["id"]: line for line in lines}


@pytest.mark.parametrize("seed", range(PAIRS))
async def test_explain_says_what_a_pair_does(make_tunnel, origin, tmp_path, seed):
    @origin.on("/x/*")
    async def ok(exchange):
        await exchange.read_body()
        await exchange.respond(200)

    chance = random.Random(20_261_201 + seed)
    tunnel = make_tunnel()
    write(chance, tunnel, tmp_path, origin.port)
    tunnel.start()
    seen: set[str] = set()
    for number in range(REQUESTS):
        method, url, fields = request(chance, origin.port, number)
        told = await explain(tunnel, method, url, fields)
        status = await ask(tunnel, method, url, fields)

        def new():
            entries = logged(tmp_path / "agent.log")
            fresh = [id for id in entries if id not in seen]
            return (fresh[0], entries[fresh[0]]) if fresh else None

        id, line = await eventually(new, 20, "a line in the agent's log")
        seen.add(id)
        what = f"{method} {url} {fields}: {json.dumps(told)} but {json.dumps(line)}, in {tmp_path}"
        goes_nowhere = told["reaches-origin"] and not url.replace("http://", "").split("/")[0].endswith(f":{origin.port}") or "[" in url and told["reaches-origin"]
        if not goes_nowhere:
            assert status == told["status"], what
        assert agree(told["ends"][0]["verdicts"], line["verdicts"], goes_nowhere), what
        assert told["ends"][0].get("route") == line.get("route"), what
        if len(told["ends"]) == 2:
            far = await eventually(lambda: logged(tmp_path / "server.log").get(id), 20, f"a line of {id} in the server's log")
            assert agree(told["ends"][1]["verdicts"], far["verdicts"], goes_nowhere), what + json.dumps(far)
            assert told["ends"][1].get("route") == far.get("route"), what
        else:
            assert id not in logged(tmp_path / "server.log"), what


async def test_what_explain_says(tmp_path):
    agent, server = tmp_path / "agent.yaml", tmp_path / "server.yaml"
    tls = {"certificate": "c.pem", "key": "k.pem", "ca": "ca.pem"}
    write_configuration(agent, [("accept", {"listen": "127.0.0.1:8080"}), ("http", {"mode": "proxy"}), ("headers", {"request": {"set": {"X-A": "1"}}}), ("frame", {}), ("mtls", tls), ("connect", {"to": "localhost:8443"})])
    write_configuration(server, [("accept", {"listen": "127.0.0.1:8443"}), ("mtls", tls), ("frame", {}), ("egress", {"rules": [{"deny": {"hours": ["22:00-23:00"]}}, {"deny": {"networks": ["10.0.0.0/8"]}}, {"allow": {"identities": ["laptop"]}}]}), ("fetch", {})])

    async def explained(*arguments, status: int = 0) -> str:
        done = await run(find_binary(), "explain", agent, server, *arguments)
        assert done.status == status, done.text
        return done.text

    line = next(number for number, text in enumerate(server.read_text().splitlines(), 1) if "egress" in text)
    allowed = await explained("GET", "http://example.com/", "--client-name", "laptop", "--at", "2026-12-24T12:00", "--resolve", "93.184.215.14")
    assert "It would be sent to its origin." in allowed and f"rule server.yaml:{line}" in allowed and "request: +X-A" in allowed, allowed
    unknown = await explained("GET", "http://example.com/", "--client-name", "laptop", "--at", "2026-12-24T12:00")
    assert "--resolve" in unknown
    for arguments in (["--client-name", "laptop", "--at", "2026-12-24T22:30"], ["--client-name", "other", "--at", "2026-12-24T12:00", "--resolve", "93.184.215.14"], ["--client-name", "laptop", "--at", "2026-12-24T12:00", "--resolve", "10.1.2.3"], ["--client-name", "laptop", "--at", "2026-12-24T12:00", "--resolve", "127.0.0.1"]):
        refused = await explained("GET", "http://example.com/", *arguments)
        assert "The client gets 403 Forbidden" in refused and "refused" in refused, refused
    assert "not allowed here" in await explained("CONNECT", "127.0.0.1:22", "--client-name", "laptop", "--at", "2026-12-24T12:00")
    for wrong in (["GET"], ["GET", "example.com"], ["GET", "http://a/", "--at", "now"], ["GET", "http://a/", "--resolve", "a"], ["GET", "http://a/", "--header", "x"]):
        assert "Traceback" not in await explained(*wrong, status=64)


async def test_live_asks_the_programs_that_run(make_tunnel, admins, origin):
    @origin.on("/ok")
    async def ok(exchange):
        await exchange.respond(200, body=b"hello")

    filters = [("rate-limit", {"by": "identity", "requests": "5/h", "burst": 5, "concurrent": 9}), ("circuit-breaker", {"minimum": 1})]
    tunnel = make_tunnel(server_filters=filters, agent_top={"admin": admins[0].settings}, server_top={"admin": admins[1].settings}).start()
    closed = free_port()

    async def explained(url: str, *more: str) -> dict:
        done = await run(find_binary(), "explain", tunnel.agent_config, tunnel.server_config, "GET", url, "--live", "--json", "--client-name", "client", *more)
        assert done.status == 0, done.text
        return json.loads(done.text)

    def stage(told: dict, end: int, name: str) -> dict:
        return next(stage for stage in told["ends"][end]["live"]["stages"] if stage["name"] == name)

    assert (await fetch(tunnel.port, origin.url("/ok"))).status == 200
    assert (await fetch(tunnel.port, f"http://127.0.0.1:{closed}/")).status == 502
    told = await explained(origin.url("/ok"))
    assert stage(told, 1, "rate-limit")["state"] == {"requests left": "3 of 5", "open at once": "0 of 9"}
    assert stage(told, 1, "circuit-breaker")["state"] == {"circuit": "closed"} and "refusal" not in stage(told, 1, "circuit-breaker")
    assert [len(end["live"]["sessions"]) for end in told["ends"]] >= [1, 1] and stage(told, 0, "connect")["state"]["connections up"]
    assert told["ends"][1]["live"]["generation"] == 1 and told["ends"][1]["live"]["sessions"][0]["codec"] == "mux"
    broken = await explained(f"http://127.0.0.1:{closed}/")
    assert "has failed too often" in stage(broken, 1, "circuit-breaker")["refusal"]
    assert stage(await explained(origin.url("/ok"), "--client-name", "another"), 1, "rate-limit")["state"]["requests left"] == "5 of 5"
    # Asking costs nothing of a limit.
    assert stage(await explained(origin.url("/ok")), 1, "rate-limit")["state"]["requests left"] == "3 of 5"
    for _ in range(3):
        await fetch(tunnel.port, origin.url("/ok"))
    refused = stage(await explained(origin.url("/ok")), 1, "rate-limit")
    assert refused["state"]["requests left"] == "0 of 5" and "too many requests" in refused["refusal"]
    assert (await fetch(tunnel.port, origin.url("/ok"))).status == 429

    text = (await run(find_binary(), "explain", tunnel.server_config, "GET", origin.url("/secret-path"), "--live", "--client-name", "client")).text
    assert "now, in the running program:" in text and "refuses: too many requests" in text and "another configuration" not in text
    tunnel.server_config.write_text(tunnel.server_config.read_text() + "# changed\n")
    changed = (await run(find_binary(), "explain", tunnel.server_config, "GET", origin.url("/"), "--live")).text
    assert "it runs another configuration" in changed
    tunnel.server.kill()
    gone = await run(find_binary(), "explain", tunnel.server_config, "GET", origin.url("/"), "--live")
    assert gone.status == 69 and "now: can't be asked: nothing answers at" in gone.text and "run it on that machine" in gone.text
    assert "It would be sent to its origin" in gone.text, "the explanation stays"
    half = await explained(origin.url("/"))
    assert "live" in half["ends"][0] and "nothing answers at" in half["ends"][1]["problem"] and "live" not in half["ends"][1]
