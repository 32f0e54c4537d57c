"""Requests that the program signs, checked by what AWS's own library would have signed, and by a moto that checks signatures."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import pytest

from harness.aws import AWSProxy, Moto, environment
from harness.fluidity import ROOT, Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.signing import Signed


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    """Checks signatures, once an administrator has made a key that may do everything."""
    moto = Moto(tmp_path_factory.mktemp("moto"), {"INITIAL_NO_AUTH_ACTION_COUNT": "4"})
    iam = moto.client("iam")
    iam.create_user(UserName="fluidity")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="fluidity", PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="fluidity")["AccessKey"]
    moto.key = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    moto.boto = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    # The fourth call without a check; from here on, signatures count.
    iam.list_users()
    ecs = moto.client("ecs", **moto.boto)
    ecs.create_cluster(clusterName="fluidity")
    ecs.register_task_definition(family="fluidity", containerDefinitions=[{"name": "server", "image": "fluidity", "memory": 512}])
    ecs.create_service(cluster="fluidity", serviceName="fluidity-server", taskDefinition="fluidity", desiredCount=0)
    yield moto
    moto.kill()


@pytest.fixture
def control(tmp_path, launch):
    def start(variables: dict) -> Fluidity:
        port = free_port()
        config = write_configuration(
            tmp_path / f"control-{port}.yaml",
            [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "origin"}), ("ecs-service", {"action": "by-path"})],
        )
        return launch(Fluidity("control", config, port=port, environment=variables))

    return start


def post(port: int, action: str, method: str = "POST"):
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}/{action}", method=method), timeout=60) as response:
            return response.status, json.loads(response.read())
    except Exception as error:  # noqa: BLE001 - an HTTP error is an answer as well
        return error.code, json.loads(error.read())


def test_signatures_are_accepted(moto, control):
    running = control({**environment(moto.url), **moto.key})
    assert post(running.port, "wake") [1]["status"] == "waking"
    assert post(running.port, "status", "GET")[1]["desiredCount"] == 1
    assert post(running.port, "sleep")[1]["action"] == "no_change"
    assert post(running.port, "kill")[1]["status"] == "killed"


def test_a_wrong_key_is_refused(moto, control):
    running = control({**environment(moto.url), **moto.key, "AWS_SECRET_ACCESS_KEY": "wrong"})
    status, answer = post(running.port, "wake")
    assert status == 502 and answer["code"] == "aws_denied"


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjEXAMPLE//tok=="])
def test_every_live_request_has_the_signature_that_botocore_makes(control, token):
    """botocore signs each request again that arrives, at the same time and with the same key."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            requests.append((self.command, self.path, dict(self.headers.items()), body))
            service = {"serviceName": "s", "serviceArn": "arn:aws:ecs:us-east-1:1:service/c/s", "status": "ACTIVE", "desiredCount": 1, "runningCount": 1, "pendingCount": 0}
            task = {"taskArn": "arn:task/a", "lastStatus": "RUNNING", "createdAt": 1, "startedAt": 2,
                    "attachments": [{"type": "eni", "details": [{"name": "networkInterfaceId", "value": "eni-1"}]}]}  # fmt: skip
            answer = {"services": [service], "service": service, "taskArns": ["arn:task/a"], "tasks": [task], "MetricDataResults": []}
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    variables = environment(f"http://127.0.0.1:{server.server_address[1]}")
    if token:
        variables["AWS_SESSION_TOKEN"] = token
    running = control(variables)
    for action in ("wake", "sleep", "kill", "status"):
        post(running.port, action)
    server.shutdown()
    operations = {headers.get("X-Amz-Target", "EC2").split(".")[-1] for _, _, headers, _ in requests}
    assert operations >= {"DescribeServices", "UpdateService", "TagResource", "ListTasks", "DescribeTasks", "GetMetricData", "EC2"}
    for method, path, headers, body in requests:
        request = Signed(method, path, headers.items(), body)
        signature, canonical = request.expected(variables["AWS_SECRET_ACCESS_KEY"])
        assert request.authorization.endswith(f"Signature={signature}"), canonical
        assert request.access_key == variables["AWS_ACCESS_KEY_ID"] and request.token == token


async def test_the_configurations_that_come_with_it(binary):
    files = [ROOT / "configs/control.yaml", *sorted((ROOT / "configs/lambda").glob("*.yaml"))]
    assert len(files) == 5
    checked = await run(binary, "check", *files, environment={"CLUSTER": "c", "SERVICE": "s", "FLUIDITY_CONTROL_KEY": "0123456789abcdef0123456789abcdef"})
    assert checked.status == 0, checked.text
    refused = await run(binary, "check", *files[1:], environment={"CLUSTER": ""})
    assert refused.status == 65 and "SERVICE" in refused.text
