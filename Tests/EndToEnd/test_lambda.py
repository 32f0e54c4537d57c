"""The functions, run by an emulator of the Lambda Runtime API, on an AWS that is on this machine."""

import asyncio
import json
import os
import shutil
import time
from pathlib import Path

import pytest
import pytest_asyncio

from harness.aws import environment, error, garbage, in_thread
from harness.fluidity import ROOT, configuration, find_binary
from harness.lambda_runtime import RuntimeAPI
from harness.processes import Process
from harness.waiting import PATIENCE, eventually

EVENTS = ROOT / "Tests/ControlStagesTests/Lambda/Fixtures/events"


def bootstrap() -> Path:
    candidates = [os.environ.get("FLUIDITY_BOOTSTRAP"), ROOT / "run/lambda/package/bootstrap", find_binary().parent / "bootstrap"]
    for candidate in candidates:
        if candidate and (found := shutil.which(str(candidate))):
            return Path(found).resolve()
    raise RuntimeError("no bootstrap: build it, or set FLUIDITY_BOOTSTRAP")


class Function(Process):
    def __init__(self, place: Path, api: RuntimeAPI, handler: str, variables: dict):
        super().__init__(
            f"function-{handler.replace('/', '-')}",
            [bootstrap()],
            place,
            {"AWS_LAMBDA_RUNTIME_API": api.address, "_HANDLER": handler, "LAMBDA_TASK_ROOT": str(ROOT), **variables},
        )


@pytest_asyncio.fixture
async def api():
    api = await RuntimeAPI().start()
    yield api
    await api.stop()


@pytest.fixture
def function(tmp_path, api, aws, launch):
    def start(handler: str, **variables) -> Function:
        api.function = launch(Function(tmp_path, api, handler, {**environment(aws.url), **variables}))
        return api.function

    return start


def desired(moto) -> int:
    return moto.client("ecs").describe_services(cluster="fluidity", services=["fluidity-server"])["services"][0]["desiredCount"]


def event(name: str) -> bytes:
    return (EVENTS / name).read_bytes()


KEY = "0123456789abcdef0123456789abcdef"

HTTP_EVENTS = [
    ("rest-v1-wake.json", "wake"), ("rest-v1-wake-query.json", "wake"), ("rest-v1-wake-base64-body.json", "wake"), ("http-v2-wake.json", "wake"),
    ("function-url-wake.json", "wake"), ("rest-v1-kill.json", "kill"), ("http-v2-kill.json", "kill"), ("function-url-kill-iam.json", "kill"),
]  # fmt: skip


@pytest.mark.parametrize("name, action", HTTP_EVENTS)
async def test_http_events_get_http_answers(function, api, moto, name, action):
    function(action, FLUIDITY_CONTROL_KEY=KEY)
    document = json.loads(event(name))
    # Where AWS let in only who may, that suffices; elsewhere the key does.
    context = document["requestContext"]
    if not (context.get("authorizer") or context.get("identity", {}).get("apiKeyId")):
        document["headers"]["x-api-key"] = KEY
    what, answer = await api.invoke(document)
    assert what == "response"
    assert answer["statusCode"] == 200 and answer["isBase64Encoded"] is False
    assert answer["headers"]["Content-Type"] == "application/json"
    body = json.loads(answer["body"])
    if action == "wake":
        assert body.keys() == {"status", "desiredCount", "runningCount", "pendingCount", "estimatedStartTime", "retryAfter"}
        assert answer["headers"]["Retry-After"] == str(body["retryAfter"])
        assert body["status"] == "waking" and body["desiredCount"] == 1
    else:
        assert body == {"status": "killed", "desiredCount": 0, "message": "Service shutdown initiated"}
    assert desired(moto) == (1 if action == "wake" else 0)


@pytest.mark.parametrize(
    "name, handler",
    [("eventbridge-rule-scheduled.json", "sleep"), ("scheduler-default-input.json", "kill"), ("scheduler-custom-input.json", "kill"),
     ("scheduler-context-input.json", "kill"), ("eventbridge-ecs-task-state-change.json", "status"), ("direct-empty.json", "status"),
     ("direct-null.json", "kill"), ("direct-wake.json", "wake")],
)  # fmt: skip
async def test_other_events_get_plain_values(function, api, name, handler):
    function(handler)
    what, answer = await api.invoke(event(name))
    assert what == "response"
    expected = {"sleep": ("action", "no_change"), "kill": ("status", "killed"), "status": ("status", "asleep"), "wake": ("status", "waking")}
    key, value = expected[handler]
    assert answer[key] == value


@pytest.mark.parametrize("variables", [{}, {"FLUIDITY_CONTROL_KEY": KEY}])
@pytest.mark.parametrize("name, action", [("function-url-wake.json", "wake"), ("http-v2-wake.json", "wake"), ("http-v2-kill.json", "kill")])
async def test_an_open_address_starts_and_stops_nothing(function, api, moto, name, action, variables):
    """A function URL without IAM, an HTTP API without an authorizer: whoever knows the address can ask."""
    before = 0 if action == "wake" else 1
    moto.client("ecs").update_service(cluster="fluidity", service="fluidity-server", desiredCount=before)
    running = function(action, **variables)
    for given in (None, "", "EXAMPLEKEYEXAMPLEKEYEXAMPLEKEY12"):
        document = json.loads(event(name))
        if given is not None:
            document["headers"]["x-api-key"] = given
        what, answer = await api.invoke(document)
        assert (what, answer["statusCode"]) == ("response", 403)
        assert json.loads(answer["body"])["code"] == "forbidden"
    assert desired(moto) == before
    assert KEY not in running.text() and running.alive


async def test_the_pipeline_of_the_ordinary_server(function, api, moto, tmp_path):
    """What stands before `ecs-service` in configs/control.yaml stands there in a function, too."""
    folder = tmp_path / "configs/lambda"
    folder.mkdir(parents=True)
    stages = [
        ("lambda", {"access": "everybody"}),
        ("auth", {"methods": [{"api-key": {"header": "X-Api-Key", "keys": [{"name": "agent", "key": KEY}]}}]}),
        ("rate-limit", {"by": "identity", "requests": "1/h", "burst": 2}),
        ("ecs-service", {"action": "by-path", "cluster": "fluidity", "service": "fluidity-server"}),
    ]
    (folder / "all.yaml").write_text(configuration(stages, host="lambda"))
    running = function("all", LAMBDA_TASK_ROOT=str(tmp_path))

    async def ask(key: str | None) -> int:
        document = json.loads(event("function-url-wake.json"))
        if key is not None:
            document["headers"]["x-api-key"] = key
        what, answer = await api.invoke(document)
        assert what == "response"
        return answer["statusCode"]

    assert await ask(None) in (401, 403) and await ask(KEY[:-1] + "0") in (401, 403)
    assert desired(moto) == 0
    assert await ask(KEY) == 200 and desired(moto) == 1
    assert await ask(KEY) == 200
    assert await ask(KEY) == 429
    assert running.alive


async def test_every_filter_works_in_a_function(function, api, aws, tmp_path):
    folder = tmp_path / "configs/lambda"
    folder.mkdir(parents=True)
    log = tmp_path / "access.log"
    stages = [
        ("lambda", {"access": "everybody"}), ("access-log", {"to": str(log)}), ("headers", {"response": {"set": {"X-Who": "{identity}"}}}),
        ("auth", {"methods": [{"api-key": {"header": "X-Api-Key", "keys": [{"name": "agent", "key": KEY}]}}], "failure-delay": "10ms"}),
        ("rate-limit", {"by": "identity", "requests": "1/h", "burst": 6, "download": "1MiB/s"}),
        ("egress", {"rules": [{"deny": {"methods": ["PUT"]}}, {"allow": {}}]}), ("compress", {}), ("fault", {"latency": {"delay": "1ms"}}),
        ("circuit-breaker", {"minimum": 4, "rate": 0.7, "pause": "1h"}), ("retry", {"attempts": 2, "delay": "1ms"}),
        ("ecs-service", {"action": "by-path", "cluster": "fluidity", "service": "fluidity-server"}),
    ]  # fmt: skip
    (folder / "all.yaml").write_text(configuration(stages, host="lambda"))
    running = function("all", LAMBDA_TASK_ROOT=str(tmp_path))

    async def ask(method: str, path: str, key: str = KEY) -> dict:
        document = json.loads(event("function-url-wake.json"))
        document["headers"]["x-api-key"] = key
        document["rawPath"], document["requestContext"]["http"] = path, {**document["requestContext"]["http"], "method": method, "path": path}
        what, answer = await api.invoke(document)
        assert what == "response"
        return answer

    assert (await ask("POST", "/wake", KEY[:-1] + "0"))["statusCode"] == 403 and aws.seen == []
    served = await ask("GET", "/status")
    assert served["statusCode"] == 200 and served["headers"]["X-Who"] == "agent"
    assert (await ask("PUT", "/wake"))["statusCode"] == 403
    aws.faults["DescribeServices"] = [error(400, "AccessDeniedException")] * 5
    # Each GET is tried twice, a POST once; then the circuit is open.
    for method, expected, left in (("GET", 502, 3), ("GET", 502, 1), ("POST", 502, 0), ("GET", 503, 0), ("GET", 429, 0)):
        answer = await ask(method, "/status")
        assert (answer["statusCode"], len(aws.faults["DescribeServices"])) == (expected, left), answer
    await eventually(lambda: len(log.read_text().splitlines()) == 8, 15, "a line for each request")
    assert [json.loads(line)["exchange"]["status"] for line in log.read_text().splitlines()] == [403, 200, 403, 502, 502, 502, 503, 429]
    assert running.alive


async def test_kill_stops_what_wake_started(function, api, moto):
    moto.client("ecs").update_service(cluster="fluidity", service="fluidity-server", desiredCount=1)
    function("kill")
    what, answer = await api.invoke(event("rest-v1-kill.json"))
    assert json.loads(answer["body"])["message"] == "Service shutdown initiated"
    assert desired(moto) == 0


async def test_kill_needs_nothing_but_its_one_call(function, api, aws, moto):
    """The nightly guard of costs: what can't be asked, tagged or listed doesn't keep it from its work."""
    moto.client("ecs").update_service(cluster="fluidity", service="fluidity-server", desiredCount=1)
    for operation in ("DescribeServices", "TagResource", "ListTasks", "StopTask"):
        aws.faults[operation] = [error(400, "AccessDeniedException")] * 9
    function("kill")
    what, answer = await api.invoke(event("eventbridge-rule-scheduled.json"))
    assert (what, answer) == ("response", {"status": "killed", "desiredCount": 0, "message": "Service shutdown initiated"})
    assert desired(moto) == 0 and aws.seen[0] == "UpdateService"


@pytest.mark.parametrize(
    "given, reason",
    [({"source": "nightly"}, "nightly"), ({"action": "kill", "reason": "month's end"}, "month s end"),
     ({"schedule": "arn", "reason": "nightly"}, "nightly"), ({}, "on request")],
)  # fmt: skip
async def test_the_reason_of_a_scheduled_kill_is_known_afterwards(function, api, moto, given, reason):
    moto.client("ecs").update_service(cluster="fluidity", service="fluidity-server", desiredCount=1)
    killing = function("kill")
    what, answer = await api.invoke(given)
    assert what == "response" and answer["status"] == "killed"
    assert given.get("reason", given.get("source", "on request")) in killing.text()
    killing.kill()
    function("status")
    what, answer = await api.invoke(event("direct-empty.json"))
    assert answer["status"] == "asleep" and answer["reason"] == f"kill: {reason}"


async def test_bad_events_and_requests_leave_the_function_alive(function, api):
    running = function("wake")
    what, answer = await api.invoke(event("direct-not-json.txt"))
    assert (what, answer["errorType"], answer["header"]) == ("error", "bad_event", "bad_event")
    good = json.loads(event("rest-v1-wake.json"))
    cases = [
        ({**good, "isBase64Encoded": True, "body": "%%%"}, 400, "bad_event"),
        ({**good, "path": "no path"}, 400, "bad_event"),
        ({**good, "path": "/elsewhere"}, 404, "not_found"),
        ({**good, "httpMethod": "GET"}, 405, "method_not_allowed"),
        ({**good, "httpMethod": "DELETE"}, 405, "method_not_allowed"),
        ({**good, "body": "x" * 70_000}, 413, "too_large"),
        ({**good, "body": "x" * 5_000_000}, 413, "too_large"),
    ]
    for bad, status, code in cases:
        what, answer = await api.invoke(bad)
        assert what == "response" and answer["statusCode"] == status, bad.get("path")
        assert json.loads(answer["body"])["code"] == code
    what, answer = await api.invoke(good)
    assert answer["statusCode"] == 200
    assert running.alive and api.connections == 1


async def test_failing_aws(function, api, aws):
    running = function("wake")
    for fault, status, code in [
        (error(400, "AccessDeniedException"), 502, "aws_denied"),
        (error(400, "ThrottlingException"), 503, "aws_throttled"),
        (error(500, "ServerException"), 502, "aws_failed"),
        (garbage, 502, "aws_invalid"),
        (error(400, "ClusterNotFoundException"), 404, "service_not_found"),
    ]:
        aws.faults["DescribeServices"] = [fault] * 5
        what, answer = await api.invoke(event("rest-v1-wake.json"))
        assert what == "response" and answer["statusCode"] == status
        assert json.loads(answer["body"])["code"] == code
        assert "arn:" not in answer["body"]
    aws.faults["DescribeServices"] = [error(400, "ThrottlingException"), garbage]
    what, answer = await api.invoke(event("rest-v1-wake.json"))
    assert answer["statusCode"] == 200
    aws.faults["DescribeServices"] = [error(400, "AccessDeniedException")]
    what, answer = await api.invoke(event("direct-wake.json"))
    assert (what, answer["errorType"]) == ("error", "aws_denied")
    assert running.alive


async def test_the_deadline_is_kept(function, api, aws):
    from harness.aws import Slow

    slow = Slow()
    aws.faults["DescribeServices"] = [slow]
    running = function("wake")
    what, answer = await api.invoke(event("rest-v1-wake.json"), deadline=2)
    slow.let.set()
    assert what == "response" and answer["statusCode"] == 504
    assert json.loads(answer["body"])["code"] == "timeout"
    what, answer = await api.invoke(event("rest-v1-wake.json"))
    assert answer["statusCode"] == 200
    assert running.alive


async def test_a_kept_connection_that_has_ended_in_the_meantime(function, api):
    running = function("wake")
    await api.invoke(event("direct-wake.json"))
    # Behind the answer to the report, and as after a thaw while `next` waits.
    for _ in range(3):
        api.close_after_answer = 1
        what, _ = await api.invoke(event("direct-wake.json"))
        assert what == "response"
    await eventually(lambda: api._writers, 10, "the function asks for the next invocation")
    api.close_idle_connections()
    what, _ = await api.invoke(event("direct-wake.json"))
    assert what == "response"
    assert running.alive


async def test_a_500_from_next_ends_the_function(function, api):
    api.next_status = 500
    running = function("wake")
    assert await running.ended(10) != 0


@pytest.mark.parametrize(
    "handler, variables, words",
    [("nothing", {}, "can't be read"), ("../wake", {}, "no pipeline"), ("wake", {"CLUSTER": ""}, "CLUSTER"), ("", {}, "handler")],
)
async def test_a_function_that_cannot_start_says_why(function, api, handler, variables, words):
    running = function(handler, **variables)
    assert await running.ended(10) == 65
    assert api.init_error is not None and words in api.init_error["errorMessage"]
    assert api.init_error["header"] == api.init_error["errorType"]


async def test_a_variable_names_the_pipeline_too(function, api):
    function("function.handler", FLUIDITY_PIPELINE="status")
    what, answer = await api.invoke(event("direct-empty.json"))
    assert answer["status"] == "asleep" and answer["ready"] is False


async def test_nothing_secret_is_logged(function, api, aws):
    aws.faults["DescribeServices"] = [error(403, "SignatureDoesNotMatch")] * 3
    running = function("wake", FLUIDITY_LOG_LEVEL="trace")
    await api.invoke(event("rest-v1-wake.json"))
    assert "wJalrXUtnFEMI" not in running.text() and "EXAMPLEKEY" not in running.text()


async def test_start_to_first_next(function, api, record_property):
    times = []
    for _ in range(5):
        api.first_next = None
        api.asked.clear()
        began = time.monotonic()
        running = function("wake")
        await asyncio.wait_for(api.asked.wait(), 30 * PATIENCE)
        times.append(api.first_next - began)
        memory = next(line for line in Path(f"/proc/{running.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
        running.kill()
    record_property("start to first next, milliseconds", [round(each * 1000) for each in sorted(times)])
    record_property("memory", memory.split(":")[1].strip())
    record_property("size of the binary, MB", round(bootstrap().stat().st_size / 1e6, 1))
