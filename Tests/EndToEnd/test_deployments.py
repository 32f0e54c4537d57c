"""What `deployments/` holds: the stacks are created on a made-up AWS account by the script that users run, and the
configurations in images and clusters are ones that the binary takes."""

import json
import os
import re
import shutil
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from harness.moto import Moto
from harness.processes import run

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = ROOT / "deployments"
TEMPLATES = sorted((DEPLOYMENTS / "cloudformation").glob("*.yaml"))
TOOLS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    moto = Moto(tmp_path_factory.mktemp("moto"))
    yield moto
    moto.stop()


class Deployment:
    """The script, with everything that it needs at hand."""

    def __init__(self, account, place: Path, binary: Path, name: str):
        self.account = account
        self.place = place
        self.name = name
        self.key = f"key-of-{name}".ljust(24, "0")
        archive = place / "functions.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("bootstrap", "a program")
        self.options = ["--name", name, "--image", "registry.test/fluidity-server:1", "--archive", archive]
        self.options += ["--certificates", place / "certs", "--agent", place / "agent.yaml"]
        self.environment = {
            **account.environment,
            "FLUIDITY_BIN": str(binary),
            "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
        }
        # moto's CloudFormation knows no API keys: the one that the stack would make is there already.
        account.client("apigateway").create_api_key(name=f"{name}-control-agents", value=self.key)

    async def __call__(self, action: str, *options):
        return await run(
            DEPLOYMENTS / "deploy", action, *self.options, *options, within=180, environment=self.environment
        )

    def stacks(self) -> list[str]:
        stacks = self.account.client("cloudformation").describe_stacks()["Stacks"]
        return sorted(stack["StackName"] for stack in stacks if stack["StackName"].startswith(self.name))

    def service(self) -> dict:
        return self.account.client("ecs").describe_services(cluster=self.name, services=[self.name])["services"][0]


@pytest.fixture
def deployment(account, tmp_path, binary, request):
    name = "t" + re.sub(r"[^a-z]", "", request.node.name.lower())[-16:]
    return Deployment(account, tmp_path, binary, name)


async def test_templates_are_clean():
    assert TEMPLATES
    result = await run(TOOLS / "cfn-lint", *TEMPLATES, within=120)
    assert result.status == 0, result.text


async def test_a_dry_run_changes_nothing(deployment):
    result = await deployment("deploy", "--dry-run")
    assert result.status == 0, result.text
    assert "would run: aws cloudformation create-stack" in result.text
    assert "PRIVATE KEY" not in result.text
    assert deployment.stacks() == []
    assert not (deployment.place / "certs").exists() and not (deployment.place / "agent.yaml").exists()
    secrets = deployment.account.client("secretsmanager").list_secrets()["SecretList"]
    assert not [secret for secret in secrets if secret["Name"].startswith(deployment.name)]


# A hundred calls of the AWS command line, a second each.
@pytest.mark.timeout(600)
async def test_first_deployment_update_and_removal(deployment, binary):
    name = deployment.name
    result = await deployment("deploy")
    assert result.status == 0, result.text
    assert deployment.stacks() == [f"{name}-control", f"{name}-server"]

    # The service begins with nothing, and its task can do what it must and no more.
    service = deployment.service()
    assert service["desiredCount"] == 0
    ecs = deployment.account.client("ecs")
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    container = task["containerDefinitions"][0]
    assert container["readonlyRootFilesystem"] is True and int(container["stopTimeout"]) == 120
    secrets = {secret["name"]: secret["valueFrom"] for secret in container["secrets"]}
    assert set(secrets) == {"FLUIDITY_CERTIFICATE", "FLUIDITY_KEY", "FLUIDITY_CA"}
    manager = deployment.account.client("secretsmanager")
    key = manager.get_secret_value(SecretId=secrets["FLUIDITY_KEY"])["SecretString"]
    assert key == (deployment.place / "certs/server-key.pem").read_text()

    stack = deployment.account.client("cloudformation").describe_stack_resources(StackName=f"{name}-server")["StackResources"]
    # moto lists those that it doesn't make, too, without a name.
    made = {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in stack if "LogicalResourceId" in each}
    assert policy_of(deployment.account, made["TaskRole"]) == {"cloudwatch:PutMetricData"}
    assert policy_of(deployment.account, made["ExecutionRole"]) == {
        "secretsmanager:GetSecretValue", "logs:CreateLogStream", "logs:PutLogEvents", "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability",
    }  # fmt: skip

    # What each function may do, and no more. What the code calls is in docs/control-plane.md, "Permissions".
    log = {"logs:CreateLogStream", "logs:PutLogEvents"}
    change = {"ecs:DescribeServices", "ecs:UpdateService"}
    remember = {"ecs:TagResource"}
    look = {"ecs:ListTasks", "ecs:DescribeTasks"}
    permissions = {
        "wake": log | change | remember,
        "kill": log | change,
        "sleep": log | change | remember | look | {"cloudwatch:GetMetricData"},
        "status": log | remember | look | {"ecs:DescribeServices", "ec2:DescribeNetworkInterfaces"},
    }
    functions = deployment.account.client("lambda")
    for action in ("wake", "sleep", "kill", "status"):
        function = functions.get_function(FunctionName=f"{name}-control-{action}")["Configuration"]
        assert function["Handler"] == action and function["Runtime"] == "provided.al2023"
        variables = {key: str(value) for key, value in function["Environment"]["Variables"].items()}
        assert variables == {"CLUSTER": name, "SERVICE": name, "IDLE_THRESHOLD_MINUTES": "15"}
        assert policy_of(deployment.account, function["Role"]) == permissions[action], action

    events = deployment.account.client("events")
    rules = {rule["Name"]: rule for rule in events.list_rules(NamePrefix=f"{name}-control")["Rules"]}
    assert rules[f"{name}-control-sleep"]["ScheduleExpression"] == "rate(5 minutes)"
    assert rules[f"{name}-control-kill"]["ScheduleExpression"] == "cron(0 23 * * ? *)"
    gateway = deployment.account.client("apigateway")
    api = [api for api in gateway.get_rest_apis()["items"] if api["name"] == f"{name}-control"][0]
    resources = gateway.get_resources(restApiId=api["id"], embed=["methods"])["items"]
    paths = {resource["path"]: set(resource.get("resourceMethods", {})) for resource in resources if resource["path"] != "/"}
    assert paths == {"/wake": {"POST"}, "/kill": {"POST"}, "/status": {"GET"}}

    # The agent's configuration was written, with the key beside it for nobody else to read.
    key_file = deployment.place / "environment"
    assert key_file.read_text() == f"FLUIDITY_API_KEY={deployment.key}\n"
    assert key_file.stat().st_mode & 0o777 == 0o600
    agent = yaml.safe_load((deployment.place / "agent.yaml").read_text())
    assert agent["lifecycle"]["wake-endpoint"].endswith(".amazonaws.com/v1/wake")
    result = await run(
        binary, "check", deployment.place / "agent.yaml", environment={"FLUIDITY_API_KEY": deployment.key}
    )
    assert result.status == 0, result.text

    # An update leaves a running server alone.
    ecs.update_service(cluster=name, service=name, desiredCount=1)
    result = await deployment("deploy", "--idle-minutes", "20")
    assert result.status == 0, result.text
    assert deployment.service()["desiredCount"] == 1
    function = functions.get_function(FunctionName=f"{name}-control-sleep")["Configuration"]
    assert str(function["Environment"]["Variables"]["IDLE_THRESHOLD_MINUTES"]) == "20"
    result = await deployment("status")
    assert "tasks: 1 desired" in result.text and "/v1/wake" in result.text, result.text

    result = await deployment("delete", "--yes")
    assert result.status == 0, result.text
    assert deployment.stacks() == []
    # Secrets that are taken away stay for a week, and keep nobody from deploying again.
    assert "DeletedDate" in manager.describe_secret(SecretId=f"{name}/key")
    result = await deployment("deploy")
    assert result.status == 0, result.text
    assert "DeletedDate" not in manager.describe_secret(SecretId=f"{name}/key")
    assert deployment.stacks() == [f"{name}-control", f"{name}-server"]


def policy_of(account, role: str) -> set[str]:
    """Every action that a role's own policies allow."""
    iam = account.client("iam")
    role = role.rsplit("/", 1)[-1]
    actions: set[str] = set()
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        if isinstance(document, str):
            document = yaml.safe_load(unquote(document))
        for statement in document["Statement"]:
            action = statement["Action"]
            actions |= set(action if isinstance(action, list) else [action])
    return actions


class Template(yaml.SafeLoader):
    """A template's text: what functions would put in stays as it is written."""


Template.add_multi_constructor("!", lambda loader, tag, node: getattr(loader, f"construct_{node.id}")(node))


def resources(name: str, kind: str) -> dict[str, dict]:
    """The properties of a template's resources of one kind."""
    template = yaml.load((DEPLOYMENTS / "cloudformation" / name).read_text(), Template)
    return {key: each["Properties"] for key, each in template["Resources"].items() if each["Type"] == f"AWS::{kind}"}


def test_alarms_dashboard_and_scaling_go_by_metrics_that_there_are():
    """moto makes none of them, so the templates themselves are looked at."""
    source = (ROOT / "Sources/Stages/ControlStages/Metrics/CloudWatchReporter.swift").read_text()
    sent = set(re.findall(r'datum\("(\w+)"', source))
    assert len(sent) == 5
    alarms = resources("fargate.yaml", "CloudWatch::Alarm")
    assert set(alarms) == {"ErrorsAlarm", "LongRunningAlarm"}
    for alarm in alarms.values():
        assert alarm["Namespace"] == "Fluidity" and alarm["MetricName"] in sent
        assert alarm["Dimensions"] == [{"Name": "Service", "Value": "ServiceName"}]
    functions = set(resources("lambda.yaml", "Lambda::Function"))
    [alarm] = resources("lambda.yaml", "CloudWatch::Alarm").values()
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "SleepFunction"}]

    [dashboard] = resources("lambda.yaml", "CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    shown = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    assert {metric[1] for metric in shown if metric[0] == "Fluidity"} <= sent
    assert {metric[3].strip("${}") for metric in shown if metric[0] == "AWS/Lambda"} <= functions

    [policy] = resources("fargate.yaml", "ApplicationAutoScaling::ScalingPolicy").values()
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["CustomizedMetricSpecification"]["MetricName"] in sent
    # Down it goes by the sleep function alone.
    assert tracking["DisableScaleIn"] is True


@pytest.mark.parametrize(
    "options, words",
    [
        (["--idle-minutes", "2"], "at least 5"),
        (["--name", "9 lives"], "--name is a letter"),
        (["--nonsense", "1"], "no option --nonsense"),
        (["--region"], "wants a value"),
    ],
)
async def test_wrong_usage(deployment, options, words):
    result = await deployment("deploy", *options)
    assert result.status == 64 and words in result.text, result.text
    assert deployment.stacks() == []


async def test_without_credentials_it_says_so(deployment):
    deployment.environment |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    result = await deployment("deploy")
    assert result.status == 69 and "aws sts get-caller-identity" in result.text, result.text


def certificates(authority) -> dict:
    """The environment that an image's configuration wants, PEM in place of paths for the key."""
    server = authority.issue("image-server", dns=("fluidity-server",), server=True)
    return {
        "FLUIDITY_CERTIFICATE": Path(server.certificate).read_text(),
        "FLUIDITY_KEY": Path(server.key).read_text(),
        "FLUIDITY_CA": authority.path.read_text(),
    }


async def test_the_images_configurations(binary, authority):
    environment = certificates(authority) | {"FLUIDITY_PIPELINE_METRICS_CLOUDWATCH_SERVICE": "fluidity"}
    result = await run(binary, "check", DEPLOYMENTS / "docker/server.yaml", environment=environment)
    assert result.status == 0, result.text
    client = authority.issue("image-agent")
    environment |= {
        "FLUIDITY_CERTIFICATE": str(client.certificate),
        "FLUIDITY_KEY": str(client.key),
        "FLUIDITY_SERVER": "server:8443",
    }
    result = await run(binary, "check", DEPLOYMENTS / "docker/agent.yaml", environment=environment)
    assert result.status == 0, result.text
    # A key that isn't there is named, one that is broken isn't shown.
    environment["FLUIDITY_KEY"] = "MHcCAQEEIBROKEN\nBROKEN"
    result = await run(binary, "check", DEPLOYMENTS / "docker/agent.yaml", environment=environment)
    assert result.status == 65 and "neither a path nor PEM text" in result.text, result.text
    assert "BROKEN" not in result.text


async def test_kubernetes_objects_fit_together(binary, authority, tmp_path):
    objects = {one["kind"]: one for one in yaml.safe_load_all((DEPLOYMENTS / "kubernetes/server.yaml").read_text())}
    assert {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"} <= set(objects)
    pod = objects["Deployment"]["spec"]["template"]
    container = pod["spec"]["containers"][0]
    labels = pod["metadata"]["labels"]
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert objects[kind]["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert objects["Service"]["spec"]["ports"][0]["targetPort"] in ports
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert container["securityContext"]["readOnlyRootFilesystem"] and pod["spec"]["securityContext"]["runAsNonRoot"]

    text = objects["ConfigMap"]["data"]["server.yaml"]
    configuration = yaml.safe_load(text)
    drain = int(re.fullmatch(r"(\d+)s", configuration["drain"])[1])
    assert drain < pod["spec"]["terminationGracePeriodSeconds"]
    listen = configuration["pipeline"][0]["accept"]["listen"]
    assert int(listen.rsplit(":", 1)[1]) == ports["tunnel"]
    assert int(configuration["admin"]["listen"].rsplit(":", 1)[1]) == ports["admin"]
    # The files of the secret, under the names that the configuration gives them.
    server = authority.issue("pod", dns=("fluidity-server",), server=True)
    shutil.copy(server.certificate, tmp_path / "certificate.pem")
    shutil.copy(server.key, tmp_path / "key.pem")
    shutil.copy(authority.path, tmp_path / "ca.pem")
    file = tmp_path / "server.yaml"
    file.write_text(text.replace("/certs/", f"{tmp_path}/"))
    result = await run(binary, "check", file)
    assert result.status == 0, result.text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd to ask")
async def test_systemd_takes_the_unit(binary, tmp_path):
    """Unknown keys and values are only warned of, so nothing may be said at all."""
    program = tmp_path / ".local/bin/fluidity"
    program.parent.mkdir(parents=True)
    program.symlink_to(binary)
    unit = DEPLOYMENTS / "systemd/fluidity-agent.service"
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    result = await run("systemd-analyze", "--user", "verify", "--man=no", unit, environment=environment)
    assert (result.status, result.text) == (0, "")


def test_compose_keeps_the_agent_from_the_origin():
    compose = yaml.safe_load((DEPLOYMENTS / "compose/compose.yaml").read_text())
    services = compose["services"]
    assert not set(services["agent"]["networks"]) & set(services["origin"]["networks"])
    for name in ("agent", "server"):
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
        assert (DEPLOYMENTS / "compose" / services[name]["build"]["context"] / services[name]["build"]["dockerfile"]).exists()
    assert json.dumps(services["agent"]["ports"]) == '["127.0.0.1:8080:8080"]'
