"""The life of a deployment: made, changed, failed, mended, ended in the middle, taken away. After each step every value is compared
with what it was before, and only what was asked for may be another."""

import re
import shlex
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from harness.aws_command import AWSCommand
from harness.deploying import PROGRAM, Deployment, difference, name_for
from harness.fluidity import ROOT
from harness.moto import Moto
from harness.processes import run
from harness.screen import Screen
from harness.waiting import eventually

pytestmark = pytest.mark.timeout(1500)
sys.path.insert(0, str(ROOT / "deployments"))


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    moto = Moto(tmp_path_factory.mktemp("moto"))
    yield moto
    moto.stop()


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    made = AWSCommand(tmp_path_factory.mktemp("aws"))
    yield made
    made.stop()


@pytest.fixture
def deployment(account, command, tmp_path, binary, request):
    place = tmp_path / "a folder's \"name\""
    place.mkdir()
    return Deployment(account, command, place, binary, name_for(request.node.name))


async def test_a_dry_run_changes_nothing(deployment):
    result = await deployment.create("--dry-run")
    assert result.status == 0, result.text
    assert "would run: aws cloudformation create-change-set" in result.text
    assert "PRIVATE KEY" not in result.text
    assert deployment.values() == {} and deployment.stacks() == {}
    assert not (deployment.place / "certs").exists()


async def test_made_as_it_has_to_be(deployment, binary):
    """What the first call makes: rights, variables, schedules, the interface, the agent's file."""
    name = deployment.name
    result = await deployment.create()
    assert result.status == 0, result.text
    assert "add      Service (AWS::ECS::Service" in result.text and "CREATE_COMPLETE" in result.text

    # The service begins with nothing, and its task can do what it must and no more.
    assert deployment.service()["desiredCount"] == 0
    ecs = deployment.account.client("ecs")
    task = ecs.describe_task_definition(taskDefinition=deployment.service()["taskDefinition"])["taskDefinition"]
    container = task["containerDefinitions"][0]
    assert container["readonlyRootFilesystem"] is True and int(container["stopTimeout"]) == 120
    variables = {each["name"]: each["value"] for each in container["environment"]}
    assert set(variables) == {
        "FLUIDITY_CERTIFICATE", "FLUIDITY_KEY", "FLUIDITY_CA", "FLUIDITY_ADMIN_LISTEN", "FLUIDITY_PIPELINE_ACCEPT_LISTEN",
        "FLUIDITY_PIPELINE_METRICS_CLOUDWATCH_SERVICE",
    }  # fmt: skip
    manager = deployment.account.client("secretsmanager")
    arn = variables["FLUIDITY_KEY"].removeprefix("secret:")
    assert manager.get_secret_value(SecretId=arn)["SecretString"] == (deployment.place / "certs/server-key.pem").read_text()
    made = deployment.made("server")
    assert deployment.policy_of(made["TaskRole"]) == {
        "cloudwatch:PutMetricData", "secretsmanager:GetSecretValue", "ecs:UpdateTaskProtection", "ecs:GetTaskProtection",
        "ecs:DescribeServices", "ecs:TagResource",
    }  # fmt: skip
    assert deployment.policy_of(made["ExecutionRole"]) == {
        "logs:CreateLogStream", "logs:PutLogEvents", "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability",
    }  # fmt: skip

    # What each function may do, and no more. What the code calls is in docs/control-plane.md, "Permissions".
    log = {"logs:CreateLogStream", "logs:PutLogEvents"}
    remember = {"ecs:TagResource"}
    look = {"ecs:ListTasks", "ecs:DescribeTasks"}
    permissions = {
        "wake": log | remember | {"ecs:DescribeServices", "ecs:UpdateService"},
        "kill": log | remember | {"ecs:UpdateService", "ecs:ListTasks", "ecs:StopTask"},
        "sleep": log | remember | look | {"ecs:DescribeServices", "ecs:UpdateService", "cloudwatch:GetMetricData", "ecs:GetTaskProtection", "ecs:StopTask"},
        "status": log | remember | look | {"ecs:DescribeServices", "ec2:DescribeNetworkInterfaces"},
    }  # fmt: skip
    functions = deployment.account.client("lambda")
    for action, allowed in permissions.items():
        function = functions.get_function(FunctionName=f"{name}-control-{action}")["Configuration"]
        assert function["Handler"] == action and function["Runtime"] == "provided.al2023"
        variables = {key: str(value) for key, value in function["Environment"]["Variables"].items()}
        wanted = {"CLUSTER": name, "SERVICE": name, "IDLE_THRESHOLD_MINUTES": "15"} | ({"PORT": "8443"} if action == "status" else {})
        assert variables.items() >= wanted.items()
        assert deployment.policy_of(function["Role"]) == allowed, action
    gateway = deployment.account.client("apigateway")
    api = [api for api in gateway.get_rest_apis()["items"] if api["name"] == f"{name}-control"][0]
    resources = gateway.get_resources(restApiId=api["id"], embed=["methods"])["items"]
    paths = {resource["path"]: set(resource.get("resourceMethods", {})) for resource in resources if resource["path"] != "/"}
    assert paths == {"/wake": {"POST"}, "/kill": {"POST"}, "/status": {"GET"}}

    # The agent's configuration was written, with the key beside it for nobody else to read; the command that is told runs in a shell.
    key_file = deployment.place / "environment"
    assert key_file.read_text() == f"FLUIDITY_API_KEY={deployment.key}\n"
    assert key_file.stat().st_mode & 0o777 == 0o600
    agent = yaml.safe_load((deployment.place / "agent.yaml").read_text())
    assert agent["lifecycle"]["wake-endpoint"].endswith(".amazonaws.com/v1/wake") and "admin" in agent
    told = next(line.strip() for line in result.text.splitlines() if line.strip().startswith("(set -a"))
    checked = await run("sh", "-c", told.replace("fluidity agent --config", f"{binary} check"))
    assert checked.status == 0, checked.text


async def test_what_aws_does_is_shown_on_a_terminal(deployment):
    screen = Screen(*PROGRAM, *deployment.where, *deployment.built, "--yes", environment=deployment.environment)
    try:
        await eventually(lambda: screen.look() and screen.child.poll() is not None, 600, lambda: screen.rows)
        screen.look()
        assert screen.child.returncode == 0 and screen.row == "", screen.rows
        assert any(re.fullmatch(r"Stack \S+-server: CREATE_COMPLETE, \d+ resources? done \(\d+ s\) …", each) for each in screen.statuses), screen.statuses
        assert not [row for row in screen.rows if "…" in row or "\x1b" in row], screen.rows
        assert any(row.startswith("   CREATE_COMPLETE ") for row in screen.rows), screen.rows
    finally:
        screen.close()


async def test_a_change_is_what_was_asked_for_and_nothing_else(deployment):
    await made(deployment, "--allowed-network", "198.51.100.0/24", "--kill-schedule", "off", "--cpu", "512", "--memory", "1024", "--tag", "team=net")
    before = deployment.values()
    assert before["server AllowedNetwork"] == "198.51.100.0/24" and before["control KillScheduleState"] == "DISABLED"
    # Somebody uses it.
    deployment.account.client("ecs").update_service(cluster=deployment.name, service=deployment.name, desiredCount=1)
    before["desired count"] = "1"

    async def changed(*options) -> dict:
        nonlocal before
        result = await deployment.change(*options)
        assert result.status == 0, result.text
        after = deployment.values()
        changes, before = difference(before, after), after
        return {name: values[1] for name, values in changes.items()}

    assert await changed("--idle-minutes", "30") == {"control IdleThresholdMinutes": "30"}
    assert await changed("--idle-minutes", "30") == {}
    assert await changed("--log-days", "30") == {"control LogDays": "30", "server LogDays": "30"}
    assert await changed("--port", "9443") == {"control Port": "9443", "server Port": "9443"}
    assert await changed("--kill-schedule", "cron(0 1 * * ? *)", "--time-zone", "Europe/Berlin") == {
        "control KillSchedule": "cron(0 1 * * ? *)", "control KillScheduleState": "ENABLED", "control TimeZone": "Europe/Berlin",
    }  # fmt: skip
    assert await changed("--image", "registry.test/fluidity-server:2") == {"server Image": "registry.test/fluidity-server:2"}
    # Back to nothing where there was something.
    assert await changed("--alarm-topic", "arn:aws:sns:eu-west-1:123456789012:a") == {
        "control AlarmTopic": "arn:aws:sns:eu-west-1:123456789012:a", "server AlarmTopic": "arn:aws:sns:eu-west-1:123456789012:a",
    }  # fmt: skip
    assert await changed("--alarm-topic", "") == {"control AlarmTopic": "", "server AlarmTopic": ""}
    shown = await deployment("show")
    assert "--allowed-network            198.51.100.0/24  (chosen)" in shown.text and "--tag                        team=net" in shown.text
    assert deployment.values() == before
    status = await deployment("status")
    assert "tasks: 1 desired" in status.text and "/v1/wake" in status.text, status.text

    # The whole of it again, as after `git pull`: templates, functions, certificates. What was chosen stays.
    result = await run(*PROGRAM, *deployment.where, "--upgrade", "--archive", deployment.archive, "--yes", within=600, environment=deployment.environment)  # fmt: skip
    assert result.status == 0, result.text
    assert "the image registry.test/fluidity-server:2 stays" in result.text
    assert difference(before, deployment.values()) == {}


async def test_the_name_of_the_server_is_also_the_certificate_s(deployment, binary):
    await made(deployment)
    before = deployment.values()
    result = await run(*PROGRAM, *deployment.where, "--server-name", "tunnel.example", "--yes", within=300, environment=deployment.environment)
    assert result.status == 0, result.text
    changes = difference(before, deployment.values())
    assert set(changes) == {"agent", "control ServerName", f"secret {deployment.name}/certificate", f"secret {deployment.name}/key"}
    shown = await run(binary, "cert", "show", deployment.place / "certs/server.pem")
    assert "tunnel.example" in shown.text
    assert "name: tunnel.example" in deployment.values()["agent"]


async def test_a_change_set_is_shown_and_may_be_refused(deployment):
    await made(deployment)
    before = deployment.values()
    refused = await deployment("deploy", "--idle-minutes", "30")
    assert refused.status == 64 and "IdleThresholdMinutes: 15 -> 30" in refused.text and "--yes" in refused.text, refused.text
    # On a terminal it is asked.
    asked = await run("script", "-qec", f"{shlex.join(map(str, PROGRAM))} --name {deployment.name} --idle-minutes 30", "/dev/null", stdin=b"n\n", within=300, environment=deployment.environment)  # fmt: skip
    assert asked.status == 1 and "Change the stack" in asked.text and "nothing after it was changed" in asked.text, asked.text
    assert difference(before, deployment.values()) == {}


async def test_a_first_creation_that_fails_is_made_good(deployment):
    """ROLLBACK_COMPLETE: nothing can be changed in such a stack, and what was told counts all the same."""
    fails(deployment, "server")
    result = await deployment.create("--idle-minutes", "20", "--allowed-network", "198.51.100.0/24")
    assert result.status == 69 and "the subnets are of another network" in result.text, result.text
    assert deployment.stacks()["server"]["StackStatus"] == "ROLLBACK_COMPLETE"
    result = await deployment.create("--idle-minutes", "20")
    assert result.status == 0 and "taken away and made anew" in result.text, result.text
    values = deployment.values()
    assert values["server status"] == values["control status"] == "CREATE_COMPLETE"
    assert values["server AllowedNetwork"] == "198.51.100.0/24" and values["control IdleThresholdMinutes"] == "20"

    # The control plane's stack as well, and `delete` with one that failed.
    assert (await deployment("delete", "--yes")).status == 0
    fails(deployment, "control")
    assert (await deployment.create()).status == 69
    result = await deployment("delete", "--yes")
    assert result.status == 0 and deployment.stacks() == {}, result.text


async def test_an_update_that_fails_changes_nothing(deployment):
    await made(deployment)
    before = deployment.values()
    fails(deployment, "control")
    result = await deployment.change("--idle-minutes", "30")
    assert result.status == 69 and "it is as it was before" in result.text, result.text
    before["control status"] = "CREATE_ROLLBACK_COMPLETE"
    assert difference(before, deployment.values()) == {}
    # While somebody else's change goes on, it is waited for.
    (deployment.account.place / f"{deployment.name}-control.busy").write_text("***")
    result = await deployment.change("--idle-minutes", "40")
    assert result.status == 0 and "UPDATE_IN_PROGRESS, which is waited for" in result.text, result.text
    assert deployment.values()["control IdleThresholdMinutes"] == "40"


async def test_ended_after_each_step_it_goes_on(deployment):
    """Killed after every call that changes something, one after the other, until there is nothing left to be killed at."""
    steps = await ended_at_each_step(deployment, lambda: deployment.create("--idle-minutes", "20"))
    assert {step.split()[1] for step in steps} - {"delete-change-set"} == {
        "create-secret", "mb", "put-public-access-block", "cp", "create-change-set", "execute-change-set", "delete-stack",
    }, steps  # fmt: skip
    values = deployment.values()
    assert values["server status"] == values["control status"] == "CREATE_COMPLETE"
    assert values["control IdleThresholdMinutes"] == "20" and values["server Image"] == "registry.test/fluidity-server:1"
    assert len(deployment.stacks()) == 2
    assert len([name for name in values if name.startswith("secret ")]) == 3

    # The same on the way back.
    steps = await ended_at_each_step(deployment, lambda: deployment("delete", "--yes"))
    assert {step.split()[1] for step in steps} == {"update-service", "delete-stack", "delete-secret", "rb"}, steps
    assert deployment.stacks() == {}
    assert not [name for name in deployment.values() if name.startswith("secret ")]


async def test_taken_away_and_made_again(deployment):
    await made(deployment)
    added = await deployment("keys", "add", "anna")
    assert added.status == 0 and "FLUIDITY_API_KEY=" in added.text, added.text
    assert (await deployment("keys", "add", "anna")).output == added.output, "twice is once"
    listed = await deployment("keys", "list")
    assert "anna" in listed.text
    result = await deployment("delete", "--yes")
    assert result.status == 0, result.text
    assert deployment.stacks() == {}
    keys = deployment.account.client("apigateway").get_api_keys(nameQuery=f"{deployment.name}-control-agents-")["items"]
    assert keys == []
    # Secrets that are taken away stay for a week, and keep nobody from deploying again.
    manager = deployment.account.client("secretsmanager")
    assert "DeletedDate" in manager.describe_secret(SecretId=f"{deployment.name}/key")
    await made(deployment)
    assert "DeletedDate" not in manager.describe_secret(SecretId=f"{deployment.name}/key")


@pytest.mark.parametrize(
    "options, words",
    [
        (["--idle-minutes", "2"], "at least 5"),
        (["--name", "9 lives"], "--name is a letter"),
        (["--nonsense", "1"], "no option --nonsense"),
        (["--region"], "wants a value"),
        (["--cpu", "300"], "--cpu is one of 256, 512"),
        (["--allowed-network", "everywhere"], "--allowed-network has the form"),
        (["--tag", "team"], "KEY=VALUE"),
        (["undo"], "no option"),
        (["--image", "a", "--package", "b"], "give one"),
    ],
)
async def test_wrong_usage(deployment, options, words):
    result = await deployment("deploy", *options)
    assert result.status == 64 and words in result.text, result.text
    assert deployment.stacks() == {}


async def test_without_credentials_it_says_so(deployment):
    deployment.environment |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    result = await deployment("deploy", "--image", "a")
    assert result.status == 69 and "aws sts get-caller-identity" in result.text, result.text


async def test_without_docker_nothing_is_changed(deployment):
    """The secrets aren't made before it is known that the image can be."""
    deployment.environment["PATH"] = f"{deployment.command.folder}:{Path(sys.executable).parent}"
    result = await run(*PROGRAM, *deployment.where, "--yes", within=300, environment=deployment.environment)
    assert result.status == 69 and "--builder codebuild" in result.text, result.text
    assert deployment.values() == {} and not (deployment.place / "certs").exists()


async def ended_at_each_step(deployment, call) -> list[str]:
    """Calls again and again until it comes to its end, and returns the steps at which it was killed."""
    deployment.command.fatal.touch()
    for _ in range(40):
        result = await call()
        if result.status == 0:
            break
        assert result.status == -9, result.text
    assert result.status == 0
    steps = deployment.command.fatal.read_text().splitlines()
    deployment.command.fatal.unlink()
    return steps


def fails(deployment, stack: str):
    (deployment.account.place / f"{deployment.name}-{stack}.fails").touch()


async def made(deployment, *options):
    result = await deployment.create(*options)
    assert result.status == 0, result.text


# What an image is made of


@pytest.fixture
def docker(deployment):
    """What stands for docker: it keeps what it was told, and the folder that it was to build in."""
    log = deployment.place / "docker.log"
    program = deployment.command.folder / "docker"
    program.write_text(f"""#!/bin/sh
printf '%s\\n' "$*" >> {shlex.quote(str(log))}
if [ "$1" = build ]; then for last; do :; done; rm -rf {shlex.quote(str(deployment.place / "context"))}; cp -R "$last" {shlex.quote(str(deployment.place / "context"))}; fi
if [ "$1" = login ]; then cat > /dev/null; fi
""")
    program.chmod(0o755)
    yield log
    program.unlink()


async def test_an_image_is_named_after_its_content(deployment, docker):
    result = await run(*PROGRAM, *deployment.where, "--archive", deployment.archive, "--yes", within=300, environment=deployment.environment)
    assert result.status == 0, result.text
    image = deployment.values()["server Image"]
    assert image.startswith(f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{deployment.name}-server:")
    said = docker.read_text()
    assert f"-t {image}" in said and f"push {image}" in said and "--platform linux/" in said
    context = deployment.place / "context"
    assert (context / "deployments/docker/Dockerfile").exists() and (context / "Sources").is_dir()
    assert not (context / ".git").exists() and not (context / "run").exists()
    deployment.account.client("ecr").put_image(repositoryName=f"{deployment.name}-server", imageManifest="{}", imageManifestMediaType="application/vnd.oci.image.manifest.v1+json", imageTag=image.rsplit(":")[-1])
    # The same again builds nothing.
    docker.write_text("")
    result = await run(*PROGRAM, *deployment.where, "--upgrade", "--archive", deployment.archive, "--yes", within=300, environment=deployment.environment)
    assert result.status == 0 and "is there already" in result.text, result.text
    assert docker.read_text() == ""


def test_the_tag_changes_with_each_byte(tmp_path):
    from deploying.content import Content

    def tag() -> str:
        content = Content()
        content.add(tmp_path, ("Sources", "Package.swift"))
        return content.tag

    (tmp_path / "Sources").mkdir()
    (tmp_path / "Package.swift").write_text("a")
    (tmp_path / "Sources/a.swift").write_text("a")
    tags = [tag()]
    (tmp_path / "Sources/a.swift").write_text("b")
    tags.append(tag())
    (tmp_path / "Sources/a.swift").chmod(0o755)
    tags.append(tag())
    (tmp_path / "Sources/a.swift").rename(tmp_path / "Sources/b.swift")
    tags.append(tag())
    assert len(set(tags)) == 4
    # What builds leave there is none of it.
    (tmp_path / "Sources/.build").mkdir()
    (tmp_path / "Sources/.build/x").write_text("x")
    assert tag() == tags[-1]


async def test_a_package_with_a_stage_of_one_s_own(deployment, docker, binary, tmp_path):
    package = tmp_path / "request mark"
    made = await run(binary, "stage", "new", "request-mark", "--fluidity", ROOT, "--into", package, within=20)
    assert made.status == 0, made.text
    result = await run(*PROGRAM, *deployment.where, "--archive", deployment.archive, "--package", package, "--yes", within=300, environment=deployment.environment)  # fmt: skip
    assert result.status == 0, result.text
    image = deployment.values()["server Image"]
    assert "-server:package-" in image
    context = deployment.place / "context"
    assert (context / "package/Sources/RequestMark/RequestMarkStage.swift").exists() and (context / "fluidity/scripts/build-release").exists()
    said = docker.read_text()
    assert "-f" in said and "package/deployment/Dockerfile" in said and "PRODUCT=request-mark-tunnel" in said and f"FLUIDITY={ROOT}" in said
    # Without --package it stays: the stage's pipeline would be no good without its stage.
    result = await run(*PROGRAM, *deployment.where, "--upgrade", "--archive", deployment.archive, "--yes", within=300, environment=deployment.environment)
    assert result.status == 0 and f"the image {image} stays" in result.text, result.text
    (package / "deployment/package.json").unlink()
    result = await deployment("deploy", "--package", package)
    assert result.status == 65 and "'fluidity stage new' writes one" in result.text, result.text


async def test_an_image_is_built_on_aws(deployment):
    """Without docker. moto's CloudFormation knows no CodeBuild, so the project that the stack would make is there already; its builds
    succeed at the third look."""
    name = deployment.name
    deployment.account.client("codebuild").create_project(
        name=f"{name}-builder", source={"type": "S3", "location": f"{name}/none.zip"}, artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_LARGE"},
        serviceRole="arn:aws:iam::123456789012:role/service-role/builder",
    )  # fmt: skip
    deployment.environment["PATH"] = f"{deployment.command.folder}:{Path(sys.executable).parent}"
    result = await run(*PROGRAM, *deployment.where, "--archive", deployment.archive, "--builder", "codebuild", "--yes", within=300, environment=deployment.environment)  # fmt: skip
    assert result.status == 0 and "CodeBuild: " in result.text, result.text
    assert set(deployment.stacks()) == {"server", "control", "builder"}
    image = deployment.values()["server Image"]
    started = next(call for call in deployment.command.calls() if call.startswith("codebuild start-build") and name in call)
    assert f"name=IMAGE,value={image}" in started and "name=DOCKERFILE,value=deployments/docker/Dockerfile" in started
    bucket = f"{name}-code-123456789012-eu-west-1"
    s3 = deployment.account.client("s3")
    [key] = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="sources/")["Contents"]]
    archive = deployment.place / "sources.zip"
    s3.download_file(bucket, key, str(archive))
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
    assert "deployments/docker/Dockerfile" in names and "scripts/build-release" in names
    assert (await deployment("delete", "--yes")).status == 0 and deployment.stacks() == {}


# The pipeline


async def test_a_pipeline_is_checked_kept_and_read_by_the_task(deployment, tmp_path):
    await made(deployment)
    before = deployment.values()
    file = tmp_path / "server.yaml"
    file.write_text((ROOT / "deployments/docker/server.yaml").read_text().replace("200/s", "50/s"))
    result = await deployment.change("--config", file)
    assert result.status == 0, result.text
    name = f"/{deployment.name}/server.yaml"
    assert set(difference(before, deployment.values())) == {"server ConfigParameter", f"parameter {name}"}
    kept = deployment.account.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert kept["Value"] == file.read_text() and kept["Type"] == "SecureString"
    # The newest revision: moto leaves the service at the one that it was made with.
    task = deployment.account.client("ecs").describe_task_definition(taskDefinition=deployment.name)["taskDefinition"]
    assert task["containerDefinitions"][0]["command"] == ["server", "--config", f"ssm:{name}"]

    # Another text is another version of the parameter, and nothing else; the same text is nothing at all.
    before = deployment.values()
    assert (await deployment.change("--config", file)).status == 0
    assert difference(before, deployment.values()) == {}
    file.write_text(file.read_text().replace("50/s", "60/s"))
    assert (await deployment.change("--config", file)).status == 0
    assert difference(before, deployment.values()) == {f"parameter {name}": ("1", "2")}

    # What can't work isn't put there.
    before = deployment.values()
    for text, words in [
        ("pipeline: [nonsense]", "there is no stage 'nonsense'"),
        (file.read_text().replace("  - metrics: {}\n", ""), "lacks the stage 'metrics'"),
        (file.read_text().replace("${env:FLUIDITY_KEY}", "../key.pem"), "The task has no files of this machine"),
    ]:
        wrong = tmp_path / "wrong.yaml"
        wrong.write_text(text)
        result = await deployment.change("--config", wrong)
        assert result.status == 65 and words in result.text, result.text
    assert difference(before, deployment.values()) == {}

    # A long one is a secret.
    file.write_text(file.read_text() + "# " + "x" * 9_000 + "\n")
    assert (await deployment.change("--config", file)).status == 0
    after = deployment.values()
    assert after["server ConfigParameter"] == "" and after["server ConfigSecret"].startswith("arn:aws:secretsmanager:")
    assert (await deployment("delete", "--yes")).status == 0
    assert not [each for each in deployment.values() if "server.yaml" in each]


# What the program knows of the templates


def test_options_are_the_templates_parameters():
    """The reader that needs no YAML library finds what a library finds."""
    from deploying.options import CONTROL, OWN, SERVER, flag_help, option_of
    from deploying.templates import FOLDER, Template

    class Plain(yaml.SafeLoader):
        pass

    Plain.add_multi_constructor("!", lambda loader, tag, node: None)
    told = flag_help()
    for name in (SERVER, CONTROL):
        wanted = yaml.load((FOLDER / name).read_text(), Plain)["Parameters"]
        found = Template(name).parameters
        assert list(found) == list(wanted)
        for key, keys in wanted.items():
            parameter = found[key]
            assert parameter.kind == keys["Type"] and parameter.description == keys["Description"]
            assert parameter.default == (None if "Default" not in keys else str(keys["Default"]).replace("False", "off"))
            assert parameter.pattern == keys.get("AllowedPattern")
            assert parameter.allowed == [str(each) for each in keys.get("AllowedValues", [])]
            assert (parameter.least, parameter.most) == (keys.get("MinValue"), keys.get("MaxValue"))
            assert key in OWN or f"{option_of(key)} " in told
