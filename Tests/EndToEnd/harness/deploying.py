"""Deployments on a made-up AWS account, by the program that users run."""

import os
import re
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import yaml

from .aws_command import AWSCommand
from .fluidity import ROOT
from .moto import Moto
from .processes import Finished, run

#: By this Python: what stands for another may put its own folder, with an `aws` in it, before ours.
PROGRAM = [sys.executable, ROOT / "deployments/deploy"]


class Deployment:
    """`deployments/deploy` with everything that it needs at hand, and what its deployment is on AWS."""

    def __init__(self, account: Moto, command: AWSCommand, place: Path, binary: Path, name: str):
        self.account, self.command, self.place, self.name = account, command, place, name
        self.key = f"key-of-{name}".ljust(24, "0")
        self.archive = place / "functions.zip"
        with zipfile.ZipFile(self.archive, "w") as file:
            file.writestr("bootstrap", "a program")
        self.where = ["--name", name, "--certificates", place / "certs", "--agent", place / "agent.yaml"]
        #: What a first call says, so that nothing has to be built.
        self.built = ["--image", "registry.test/fluidity-server:1", "--archive", self.archive]
        self.environment = {
            **account.environment,
            "FLUIDITY_BIN": str(binary),
            "FLUIDITY_DEPLOY_PAUSE": "0.1",
            "PATH": f"{command.folder}{os.pathsep}{os.environ['PATH']}",
        }
        # moto's CloudFormation knows neither API keys nor usage plans: those that the stack would make are there already.
        account.client("apigateway").create_api_key(name=f"{name}-control-agents", value=self.key)
        account.client("apigateway").create_usage_plan(name=f"{name}-control-agents")

    async def __call__(self, action: str, *options) -> Finished:
        """Any call, with the deployment's name."""
        return await run(*PROGRAM, action, "--name", self.name, *options, within=300, environment=self.environment)

    async def create(self, *options) -> Finished:
        return await run(*PROGRAM, *self.where, *self.built, "--yes", *options, within=600, environment=self.environment)

    async def change(self, *options) -> Finished:
        """A call with settings alone."""
        return await self("deploy", "--yes", *options)

    # What there is

    def stacks(self) -> dict[str, dict]:
        found = self.account.client("cloudformation").describe_stacks()["Stacks"]
        return {each["StackName"].removeprefix(f"{self.name}-"): each for each in found if each["StackName"].startswith(f"{self.name}-")}

    def values(self) -> dict[str, str]:
        """Every value that a user can have chosen, and what the deployment is made of."""
        values = {}
        for name, stack in sorted(self.stacks().items()):
            values[f"{name} status"] = stack["StackStatus"].replace("UPDATE", "CREATE")
            for each in stack.get("Parameters", []):
                values[f"{name} {each['ParameterKey']}"] = each["ParameterValue"]
            for each in stack.get("Tags", []):
                values[f"{name} tag {each['Key']}"] = each["Value"]
            body = self.account.client("cloudformation").get_template(StackName=stack["StackName"])["TemplateBody"]
            values[f"{name} template"] = str(hash(str(body)))
        manager = self.account.client("secretsmanager")
        for secret in manager.list_secrets()["SecretList"]:
            if secret["Name"].startswith(f"{self.name}/") and "DeletedDate" not in secret:
                values[f"secret {secret['Name']}"] = manager.get_secret_value(SecretId=secret["ARN"])["VersionId"]
        ssm = self.account.client("ssm")
        for parameter in ssm.describe_parameters()["Parameters"]:
            if parameter["Name"].startswith(f"/{self.name}/"):
                values[f"parameter {parameter['Name']}"] = str(parameter["Version"])
        if "server" in self.stacks() and values["server status"] == "CREATE_COMPLETE":
            values["desired count"] = str(self.service()["desiredCount"])
        if (self.place / "agent.yaml").exists():
            values["agent"] = (self.place / "agent.yaml").read_text()
        # Which way it is set when the stack is made, and which at every change; it isn't the user's.
        values.pop("server KeepDesiredCount", None)
        return values

    def service(self) -> dict:
        return self.account.client("ecs").describe_services(cluster=self.name, services=[self.name])["services"][0]

    def made(self, stack: str) -> dict[str, str]:
        """The names of what a stack made. moto lists those that it doesn't make, too, without a name."""
        found = self.account.client("cloudformation").describe_stack_resources(StackName=f"{self.name}-{stack}")["StackResources"]
        return {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in found if "LogicalResourceId" in each}

    def policy_of(self, role: str) -> set[str]:
        """Every action that a role's own policies allow."""
        iam = self.account.client("iam")
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


def difference(before: dict, after: dict) -> dict:
    """What isn't as it was: (before, after) by its name."""
    names = before.keys() | after.keys()
    return {name: (before.get(name), after.get(name)) for name in sorted(names) if before.get(name) != after.get(name)}


def name_for(test: str) -> str:
    return "t" + re.sub(r"[^a-z]", "", test.lower())[-16:]
