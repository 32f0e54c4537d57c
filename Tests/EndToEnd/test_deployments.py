"""What `deployments/` holds: templates that are clean and fit what the program does, configurations in images and clusters that the
binary takes. `test_deploying.py` has the life of a deployment."""

import hashlib
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


async def test_templates_are_clean():
    assert TEMPLATES
    result = await run(TOOLS / "cfn-lint", *TEMPLATES, within=120)
    assert result.status == 0, result.text


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
    assert set(alarms) == {"ErrorsAlarm", "LongRunningAlarm", "CertificateAlarm"}
    # What the server's log says of its certificate is counted.
    certificate = alarms.pop("CertificateAlarm")
    [counted] = resources("fargate.yaml", "Logs::MetricFilter").values()
    assert counted["MetricTransformations"][0]["MetricName"] == certificate["MetricName"]
    said = "".join(path.read_text() for path in (ROOT / "Sources/Stages/TunnelStages/Handshakes").glob("*.swift"))
    for words in re.findall(r'= "\*?([^"*]+)\*?"', counted["FilterPattern"]):
        assert words in said, words
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

    # Who is told: the topic that is named, or one that the address makes.
    [budget] = resources("fargate.yaml", "Budgets::Budget").values()
    subscribers = [each for note in budget["NotificationsWithSubscribers"] for each in note["Subscribers"]]
    assert {each["Address"] for each in subscribers} == {"AlarmEmail"}

    [policy] = resources("fargate.yaml", "ApplicationAutoScaling::ScalingPolicy").values()
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["CustomizedMetricSpecification"]["MetricName"] in sent
    # Down it goes by the sleep function alone.
    assert tracking["DisableScaleIn"] is True


def certificates(authority) -> dict:
    """The environment that an image's configuration wants, PEM in place of paths for the key."""
    server = authority.issue("image-server", dns=("fluidity-server",), server=True)
    return {
        "FLUIDITY_CERTIFICATE": Path(server.certificate).read_text(),
        "FLUIDITY_KEY": Path(server.key).read_text(),
        "FLUIDITY_CA": authority.path.read_text(),
    }


def test_the_server_writes_one_tag():
    """The functions keep what they decide by in other tags of the same service."""
    [role] = [each for each in resources("fargate.yaml", "IAM::Role").values() if any(policy["PolicyName"] == "protection" for policy in each.get("Policies", []))]
    statements = [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]
    [tags] = [each for each in statements if "ecs:TagResource" in each["Action"]]
    assert tags["Action"] == "ecs:TagResource"
    assert tags["Condition"] == {"ForAllValues:StringEquals": {"aws:TagKeys": ["fluidity:in-use"]}, "Null": {"aws:TagKeys": "false"}}


def test_a_change_of_the_interface_goes_live():
    """A deployment of API Gateway is a picture of its methods: another method needs another one, under another name."""
    text = (DEPLOYMENTS / "cloudformation/lambda.yaml").read_text()
    pictured = text[text.index("  Api:\n") : text.index("  # A deployment is a picture")]
    digits = hashlib.sha256(pictured.encode()).hexdigest()[:8]
    deployments = yaml.load(text, Template)["Resources"]
    names = {name: each for name, each in deployments.items() if each["Type"] == "AWS::ApiGateway::Deployment"}
    assert {name[-8:] for name in names} == {digits}, f"end the names of the deployments with {digits}"
    # One for each thing that the interface can be, each with every method that it then has.
    assert {each["Condition"] for each in names.values()} == {"KeysForBoth", "KeysAndRight", "KeysAlone", "IamForBoth", "IamAlone"}
    methods = {name for name, each in deployments.items() if each["Type"] == "AWS::ApiGateway::Method"}
    for name, each in names.items():
        assert set(each["DependsOn"]) - {"Throttled"} == methods - ({"KillMethod"} if each["Condition"].endswith("Alone") else set())


def test_schedules_have_a_time_zone_and_say_why():
    timers = resources("lambda.yaml", "Scheduler::Schedule")
    assert set(timers) == {"SleepTimer", "KillTimer"}
    for timer in timers.values():
        assert timer["ScheduleExpressionTimezone"] == "TimeZone"
    assert json.loads(timers["KillTimer"]["Target"]["Input"]) == {"action": "kill", "reason": "nightly"}
    assert json.loads(timers["SleepTimer"]["Target"]["Input"]) == {"action": "sleep"}


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
    for kind, unit in [("user", "agent"), ("system", "agent"), ("system", "server"), ("system", "control")]:
        text = (DEPLOYMENTS / f"systemd/{kind}/fluidity-{unit}.service").read_text().replace("@PROGRAM@", str(binary))
        file = tmp_path / kind / f"fluidity-{unit}.service"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
        result = await run("systemd-analyze", f"--{kind}", "verify", "--man=no", file, environment=environment)
        assert (result.status, result.text) == (0, ""), unit
        if kind == "system":
            exposure = await run("systemd-analyze", "security", "--offline=true", "--threshold=40", file, environment=environment)
            assert exposure.status == 0, exposure.text


def test_compose_keeps_the_agent_from_the_origin():
    compose = yaml.safe_load((DEPLOYMENTS / "compose/compose.yaml").read_text())
    services = compose["services"]
    assert not set(services["agent"]["networks"]) & set(services["origin"]["networks"])
    for name in ("agent", "server"):
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
        assert (DEPLOYMENTS / "compose" / services[name]["build"]["context"] / services[name]["build"]["dockerfile"]).exists()
    assert json.dumps(services["agent"]["ports"]) == '["127.0.0.1:8080:8080"]'
