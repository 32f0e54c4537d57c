"""Every filter before `ecs-service` and `respond`: pipelines that answer by themselves, run by `fluidity control`."""

import asyncio
import json
import re

import pytest
from test_auth import BEARER, TOKEN, Issuer, basic, jwt

from harness import wire
from harness.admin import Admin
from harness.aws import Slow, environment, error, in_thread
from harness.client import Connection
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import curl, run
from harness.waiting import eventually, patiently
from harness.wire import Broken

KEY = "fedcba9876543210fedcba9876543219"
SERVICE = ("ecs-service", {"action": "by-path", "cluster": "fluidity", "service": "fluidity-server"})
denied = error(400, "AccessDeniedException")


class Handler:
    """A running `fluidity control`."""

    def __init__(self, process: Fluidity, port: int, admin: Admin):
        self.process, self.port, self.admin = process, port, admin

    async def ask(self, path: str = "/status", method: str = "GET", fields=(), body: bytes | None = None):
        async with patiently(30), await Connection.open(self.port) as client:
            length = [] if body is None else [("Content-Length", str(len(body)))]
            head = [("Host", "control.example"), *fields, *length]
            await client.send(wire.head(f"{method} {path} HTTP/1.1", head) + (body or b""))
            return await client.response(method)


@pytest.fixture
def handler(launch, tmp_path, aws):
    def start(*filters, end=SERVICE, http={}, before=()) -> Handler:
        port, admin = free_port(), Admin(free_port())
        stages = [("accept", {"listen": f"127.0.0.1:{port}"}), *before, ("http", {"mode": "origin", **http}), *filters, end]
        config = write_configuration(tmp_path / "control.yaml", stages, admin=admin.settings, **{"event-loops": 1})
        return Handler(launch(Fluidity("control", config, port=port, environment=environment(aws.url))), port, admin)

    return start


def status(answer) -> str:
    return json.loads(answer.body)["status"]


# `auth`


async def refuses(handler: Handler, aws, good: list, bad: list):
    """Whoever proves it is served. Others aren't, whatever is wrong, and AWS isn't asked for them."""
    answers = []
    for fields in bad:
        answer = await handler.ask("/wake", "POST", fields, b"")
        assert answer.status == 401, fields
        # Wrong ones are answered late, when the whole request is there and the connection can be used on.
        said = [field for field in answer.fields if field[0] not in ("Connection", "Date")], answer.body
        # But for the exchange's own name.
        answers.append(re.sub(r"exchange [0-9a-f]{16}", "exchange", repr(said)))
    assert all(answer == answers[0] for answer in answers), answers
    assert aws.seen == []
    for fields in good:
        answer = await handler.ask(fields=fields)
        assert answer.status == 200 and status(answer) == "asleep", fields
    metrics = await handler.admin.metrics()
    assert metrics.sum("fluidity_auth_refused_total") == len(bad) and metrics.sum("fluidity_auth_accepted_total") == len(good)


async def test_passwords(handler, aws, binary, tmp_path):
    users = tmp_path / "users.txt"
    assert (await run(binary, "passwd", users, "ann", stdin=b"open sesame\n")).status == 0
    running = handler(("auth", {"methods": [{"basic": {"users": str(users)}}], "failure-delay": "10ms"}))
    good = [[("Authorization", basic("ann", "open sesame"))]] * 2
    values = (basic("ann", "wrong"), basic("nobody", "open sesame"), basic("ann", ""), "Basic !!!", "Basic", "Basic " + "A" * 8000, "Digest x")
    await refuses(running, aws, good, [[], *([("Authorization", value)] for value in values), [("Proxy-Authorization", good[0][0][1])]])
    assert (await running.ask()).get("www-authenticate") == 'Basic realm="fluidity", charset="UTF-8"'


async def test_tokens_and_keys(handler, aws, tmp_path):
    keys = {"api-key": {"header": "X-Api-Key", "keys": [{"name": "old", "key": KEY}, {"name": "new", "key": KEY[::-1]}]}}
    running = handler(("auth", {"methods": [BEARER, keys], "failure-delay": "10ms"}))
    good = [("Authorization", f"Bearer {TOKEN}")], [("X-Api-Key", KEY)], [("x-api-key", KEY[::-1])], [("X-Api-Key", KEY), ("Authorization", "Bearer x")]
    bad = [], [("Authorization", f"Bearer {TOKEN[:-1]}")], [("Authorization", f"Bearer {KEY}")], [("X-Api-Key", TOKEN)], [("X-Api-Key", "")], [("X-Api-Key", KEY + " x")]
    await refuses(running, aws, list(good), list(bad))


async def test_signed_tokens(handler, aws, tmp_path):
    issuer, other = Issuer("one"), Issuer("one")
    (tmp_path / "keys.json").write_text(json.dumps(issuer.keys()))
    running = handler(("auth", {"methods": [jwt(keys=str(tmp_path / "keys.json"))], "failure-delay": "10ms"}))
    right = issuer.token()
    bad = [issuer.token(exp=1), issuer.token(aud="other"), issuer.token(iss="https://other.example"), other.token(), right[:-4], right.split(".")[0], "a.b.c", ""]
    await refuses(running, aws, [[("Authorization", f"Bearer {right}")]], [[], *([("Authorization", f"Bearer {token}")] for token in bad)])


async def test_certificates(handler, aws, authority, server_identity):
    identities = [authority.issue(name) for name in ("control-agent", "control-other")]
    methods = [{"client-certificate": {"allow": ["cn:control-agent"]}}]
    running = handler(("auth", {"methods": methods, "failure-delay": "10ms"}), before=[("mtls", server_identity.settings())])
    url = f"https://localhost:{running.port}"
    for identity, method, path, expected in ((identities[1], "POST", "/wake", "403"), (identities[0], "GET", "/status", "200")):
        arguments = ["--cacert", authority.path, "--cert", identity.certificate, "--key", identity.key]
        done = await curl(*arguments, "-X", method, "-o", "/dev/null", "-w", "%{http_code}", url + path)
        assert done.output.decode() == expected, done.text
        assert bool(aws.seen) == (expected == "200")


# The others, each with what it does and what it is given that it mustn't take.


async def test_rate_limits(handler, aws):
    keys = {"api-key": {"header": "X-Api-Key", "keys": [{"name": "a", "key": KEY}, {"name": "b", "key": TOKEN}]}}
    running = handler(("auth", {"methods": [keys]}), ("rate-limit", {"by": "identity", "requests": "1/h", "burst": 2}))
    for _ in range(2):
        assert (await running.ask(fields=[("X-Api-Key", KEY)])).status == 200
    asked = len(aws.seen)
    refused = await running.ask("/wake", "POST", [("X-Api-Key", KEY)], b"")
    assert refused.status == 429 and int(refused.get("retry-after")) > 0 and refused.get("ratelimit") and len(aws.seen) == asked
    assert (await running.ask(fields=[("X-Api-Key", TOKEN)])).status == 200
    assert (await running.admin.metrics()).sum("fluidity_rate_limit_refused_total") == 1


async def test_a_limit_of_what_is_open_and_of_bytes(handler, aws):
    running = handler(("rate-limit", {"by": "client", "concurrent": 1, "download": "1MiB/s", "byte-burst": "1KiB"}))
    slow = Slow()
    aws.faults["DescribeServices"] = [slow]
    first = asyncio.create_task(running.ask())
    assert await in_thread(slow.asked.wait, 30)
    assert (await running.ask()).status == 429
    slow.let.set()
    assert (await first).status == 200 and (await running.ask()).status == 200


async def test_fields(handler):
    changes = {
        "request": {"set": {"Host-Seen": "{host}"}, "remove": ["Cookie"]},
        "response": {"set": {"X-Request": "{request-id}"}, "remove": ["Cache-Control"], "rename": {"Allow": "X-Allow"}},
    }
    running = handler(("headers", changes))
    ids = set()
    for path, method, expected in (("/status", "GET", 200), ("/elsewhere", "GET", 404), ("/wake", "GET", 405), ("/status", "HEAD", 200)):
        answer = await running.ask(path, method)
        assert answer.status == expected and answer.get("cache-control") is None
        assert answer.get("x-allow") == ("POST" if expected == 405 else None) and answer.get("allow") is None
        ids.add(answer.get("x-request"))
    too_large = await running.ask("/wake", "POST", [("Content-Length", "70000")])
    assert too_large.status == 413 and too_large.get("x-request")
    assert len(ids) == 4 and all(len(each) == 16 for each in ids)


async def test_rules(handler, aws):
    rules = [{"deny": {"methods": ["POST"]}}, {"allow": {"hosts": ["control.*"]}}]
    running = handler(("egress", {"rules": rules}))
    assert (await running.ask()).status == 200
    refused = await running.ask("/wake", "POST", body=b"")
    assert refused.status == 403 and b"the egress rule at control.yaml:" in refused.body
    for host in ("other.example", "control.example.attacker.example:1", "xcontrol.example"):
        async with patiently(30), await Connection.open(running.port) as client:
            await client.send(wire.head("GET /status HTTP/1.1", [("Host", host)]))
            answer = await client.response()
        assert answer.status == (200 if host.startswith("control.") else 403), host
    assert aws.seen.count("DescribeServices") == 2 and "UpdateService" not in aws.seen
    assert (await running.admin.metrics()).sum("fluidity_egress_denied_total") == 3


async def test_a_circuit_opens_and_closes(handler, aws):
    running = handler(("circuit-breaker", {"minimum": 2, "rate": 1, "pause": "200ms"}))
    # What is wrong with a request says nothing of the service.
    for _ in range(3):
        assert (await running.ask("/elsewhere")).status == 404
    running = handler(("circuit-breaker", {"minimum": 2, "rate": 1, "pause": "200ms"}))
    aws.faults["DescribeServices"] = [denied] * 2
    for _ in range(2):
        assert (await running.ask()).status == 502
    # Open from here until the pause is over; then it is tried again.
    statuses = []

    async def served():
        answer = await running.ask()
        statuses.append(answer.status)
        return answer.status == 200 or (answer.status == 503 and int(answer.get("retry-after")) > 0 and None)

    await eventually(served, 30, "the circuit closes")
    metrics = await running.admin.metrics()
    assert metrics.sum("fluidity_circuit_opened_total") == 1
    assert metrics.sum("fluidity_circuit_refused_total") == statuses.count(503)


async def test_an_open_circuit_spares_the_service(handler, aws):
    running = handler(("circuit-breaker", {"minimum": 2, "rate": 1, "pause": "1h"}))
    aws.faults["DescribeServices"] = [denied] * 2
    for _ in range(2):
        assert (await running.ask("/wake", "POST", body=b"")).status == 502
    asked = len(aws.seen)
    answer = await running.ask("/wake", "POST", body=b"")
    assert answer.status == 503 and int(answer.get("retry-after")) > 3000 and len(aws.seen) == asked


async def test_requests_are_sent_again(handler, aws):
    running = handler(("retry", {"attempts": 3, "delay": "1ms"}))
    aws.faults["DescribeServices"] = [denied, denied]
    assert (await running.ask()).status == 200
    aws.faults["DescribeServices"] = [denied] * 4
    assert (await running.ask()).status == 502 and len(aws.faults["DescribeServices"]) == 1
    # A POST isn't idempotent, and a refusal isn't to be tried again.
    assert (await running.ask("/wake", "POST", body=b"")).status == 502
    asked = len(aws.seen)
    assert (await running.ask("/elsewhere")).status == 404 and len(aws.seen) == asked
    metrics = await running.admin.metrics()
    assert metrics.sum("fluidity_retry_attempts_total") == 4 and metrics.sum("fluidity_retry_exhausted_total") == 1


@pytest.mark.parametrize("end", [SERVICE, ("respond", {"body": "0123456789" * 4})], ids=["ecs-service", "respond"])
async def test_faults(handler, aws, end):
    running = handler(("fault", {"hosts": ["control.example"], "abort": {"status": 418}}), end=end)
    assert (await running.ask("/wake", "POST", body=b"")).status == 418 and aws.seen == []
    running.process.kill()
    whole = (await handler(("fault", {"hosts": ["other.example"], "abort": {}}), end=end).ask()).body
    assert len(whole) >= 40
    with pytest.raises(Broken):
        await handler(("fault", {"truncate": {"after": "10"}}), end=end).ask()
    changed = await handler(("fault", {"corrupt": {}, "latency": {"delay": "10ms"}, "throttle": {"rate": "1KiB"}}), end=end).ask()
    assert len(changed.body) == len(whole) and sum(a != b for a, b in zip(changed.body, whole)) == 1


async def test_compress_leaves_answers_alone(handler, binary, tmp_path):
    running = handler(("compress", {"minimum": "0"}), end=("respond", {"body": "words " * 1000}))
    answer = await running.ask(fields=[("Accept-Encoding", "deflate, gzip")])
    assert answer.body == b"words " * 1000 and answer.get("content-encoding") is None and answer.get("content-length") == "6000"
    checked = await run(binary, "check", tmp_path / "control.yaml")
    assert checked.status == 0 and "'compress' does nothing here" in checked.text


async def test_a_line_for_each_request(handler, aws, tmp_path):
    log = tmp_path / "access.log"
    keys = {"api-key": {"header": "X-Api-Key", "keys": [{"name": "agent", "key": KEY}]}}
    running = handler(("access-log", {"to": str(log), "privacy": "path"}), ("auth", {"methods": [keys], "failure-delay": "10ms"}))
    aws.faults["DescribeServices"] = [denied]
    expected = []
    for path, fields, status in (("/status", [("X-Api-Key", KEY)], 502), ("/status?q=1", [("X-Api-Key", KEY)], 200), ("/x\"\\", [("X-Api-Key", KEY)], 404), ("/wake", [("X-Api-Key", TOKEN)], 403)):
        assert (await running.ask(path, fields=fields)).status == status, path
        expected.append((path.split("?")[0], status, "agent" if status != 403 else "127.0.0.1"))
    await eventually(lambda: log.exists() and len(log.read_text().splitlines()) == 4, 15, "four lines")
    lines = [json.loads(line)["exchange"] for line in log.read_text().splitlines()]
    assert [(each["path"], each["status"]) for each in lines] == [each[:2] for each in expected]
    assert [each["client"] for each in lines[:3]] == ["agent"] * 3 and KEY not in log.read_text() and TOKEN not in log.read_text()


async def test_metrics(handler, aws):
    """Each stage is counted, and what is counted is reported."""
    running = handler(("metrics", {"cloudwatch": {"service": "control", "interval": "1s", "resolution": "1s"}}), ("headers", {"response": {"set": {"X-A": "b"}}}))
    aws.faults["DescribeServices"] = [denied]
    for path, status in (("/status", 502), ("/status", 200), ("/elsewhere", 404)):
        assert (await running.ask(path)).status == status
    metrics = await running.admin.metrics()
    for stage in ("metrics", "headers", "ecs-service"):
        assert metrics.sum("fluidity_stage_exchanges_in_total", stage=stage) == 3, metrics.text
    await eventually(lambda: "PutMetricData" in aws.seen, 30, "CloudWatch gets a report")
    assert running.process.alive


async def test_all_of_them_at_once(handler, tmp_path):
    keys = {"api-key": {"header": "X-Api-Key", "keys": [{"name": "agent", "key": KEY}]}}
    running = handler(
        ("access-log", {"to": str(tmp_path / "access.log")}), ("headers", {"response": {"set": {"X-Seen": "{identity}"}}}), ("auth", {"methods": [keys]}),
        ("rate-limit", {"by": "identity", "requests": "1000/s", "download": "1GiB/s"}), ("egress", {"rules": [{"allow": {"hosts": ["control.example"]}}]}),
        ("metrics", {}), ("circuit-breaker", {}), ("retry", {}), ("compress", {}), ("fault", {"latency": {"delay": "1ms"}}),
    )  # fmt: skip
    answer = await running.ask(fields=[("X-Api-Key", KEY)])
    assert answer.status == 200 and status(answer) == "asleep" and answer.get("x-seen") == "agent"
    answer = await running.ask("/wake", "POST", [("X-Api-Key", KEY)], b"x" * 70_000)
    assert answer.status == 413 and answer.get("x-seen") == "agent"
