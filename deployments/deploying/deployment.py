"""One deployment: its two stacks, and everything around them, in the order in which each needs the other.

Every step looks first at what is there, so that a call that was ended anywhere is gone on with by calling it again.
"""

from __future__ import annotations

import re
from pathlib import Path

from . import agents, configuration, content, functions, images
from .aws import AWS
from .certificates import PARAMETERS, SECRETS, Certificates, Fluidity, Secrets
from .options import CONTROL, SERVER, Request
from .stacks import Stack, StackState
from .templates import Template
from .terminal import USAGE, Failed, Terminal

#: What can only be chosen when the service is made: AWS would have to replace it, and its name is taken.
CHOSEN_ONCE = {"Spot": "--spot"}


class Deployment:
    """What a request is about."""

    def __init__(self, request: Request, aws: AWS, terminal: Terminal, root: Path):
        self.request = request
        self.aws = aws
        self.terminal = terminal
        self.root = root
        self.name = request.name
        self.server = Stack(aws, terminal, f"{self.name}-server", Template(SERVER))
        self.control = Stack(aws, terminal, f"{self.name}-control", Template(CONTROL))
        self.builder = Stack(aws, terminal, f"{self.name}-builder", Template("builder.yaml"))
        self.fluidity = Fluidity(root, terminal)
        self.certificates = Certificates(request.certificates or root / f"run/{self.name}/certs", self.fluidity)
        self.agent = request.agent or root / f"run/{self.name}/agent.yaml"
        self.keys = agents.Keys(aws, terminal, self.control.name)
        self.secrets = Secrets(aws, terminal, self.name)

    # Deploying

    def deploy(self):
        request = self.request
        # What can be found out here comes before anything is changed.
        if request.config:
            configuration.check(request.config, self.fluidity, self.certificates)
        made_of = content.of_package(request.package, self.root) if request.package else content.of_this(self.root)
        self.terminal.say(f"account {self.aws.account} in {self.aws.region}, names begin with {self.name}")
        self._check_choices(self.server.read())
        builds = self._builds(self.server.read())
        if builds and request.builder == "local" and not self.terminal.dry:
            images.engine()
        server, control = self.server.settle(), self.control.settle()
        whole = request.upgrade or not request.has_settings
        told_server, told_control = dict(request.server), dict(request.control)
        architecture = told_server.get("Architecture") or self._value(server, "Architecture") or functions.own_architecture()
        if not server:
            told_server.update(ServiceName=self.name, Architecture=architecture, **self._network(told_server))
        if not control:
            told_control.update(Name=self.control.name, ClusterName=self.name, ServiceName=self.name)
            told_control["Architecture"] = architecture.lower()

        self._certificates(server, control, told_server, told_control, whole)
        tags, key = request.tags, told_server.get("KmsKey") or self._value(server, "KmsKey")
        if request.config:
            told_server.update(configuration.put(self.aws, self.terminal, self.name, request.config, key, tags))
        if request.image:
            told_server["Image"] = request.image
        elif builds:
            told_server["Image"] = self._image(made_of, architecture, server is not None)

        told_server["KeepDesiredCount"] = "true" if server else "false"
        if told_server.keys() != {"KeepDesiredCount"} or whole or tags:
            self._bring(self.server, server, told_server, whole)
        if whole or not control or request.archive or "AlarmEmail" in told_server:
            self._alarms(told_control)
        if whole or not control:
            self._access_log(control, told_control)
        if whole or not control or request.archive:
            told_control.update(self._functions(told_control, architecture))
        if told_control or whole or tags:
            self._bring(self.control, control, told_control, whole)
        if whole or not control or request.agent or "ServerName" in told_control:
            self._agent(told_control)

    def _check_choices(self, state: StackState | None):
        for name, option in CHOSEN_ONCE.items():
            told = self.request.server.get(name)
            if state and state.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") and told not in (None, state.parameters.get(name, "false")):
                raise Failed(f"{option} is chosen when the server's stack is made: CloudFormation would replace the service by one of the same name, which it can't. Delete and deploy with it, or deploy another with --name", USAGE)

    def _value(self, state: StackState | None, name: str) -> str:
        """A value that counts already: of the stack, or of an attempt to make it."""
        return (state.parameters if state else self.server.remembered).get(name, "")

    def _network(self, told: dict[str, str]) -> dict[str, str]:
        """The default network, where none is named."""
        known = {**self.server.remembered, **told}
        vpc, subnets = known.get("VpcId"), known.get("SubnetIds")
        if not vpc:
            found = self.aws.ask("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true")["Vpcs"]
            if not found:
                raise Failed("there is no default network in this region; name one with --vpc and --subnets")
            vpc = found[0]["VpcId"]
        if not subnets:
            found = self.aws.ask("ec2", "describe-subnets", "--filters", f"Name=vpc-id,Values={vpc}")["Subnets"]
            if not found:
                raise Failed(f"the network {vpc} has no subnets; name some with --subnets")
            subnets = ",".join(sorted(each["SubnetId"] for each in found))
        return {"VpcId": vpc, "SubnetIds": subnets}

    def _certificates(self, server, control, told_server: dict, told_control: dict, whole: bool):
        """The certificates, and their secrets. Those of a deployment that was made elsewhere stay as they are."""
        request = self.request
        if all(parameter in told_server for parameter in PARAMETERS.values()):
            return
        name = told_control.get("ServerName") or (control.parameters if control else self.control.remembered).get("ServerName")
        name = name or self.control.template.parameters["ServerName"].default
        asked = request.certificates or request.renew or "ServerName" in told_control
        if server and not whole and not asked:
            return
        if server and not self.certificates.are_there and not asked:
            self.terminal.say(f"no certificates in {self.certificates.folder}: those of the deployment stay")
            return
        self.terminal.say(f"certificates in {self.certificates.folder}")
        self.certificates.complete(name, request.renew)
        key = told_server.get("KmsKey") or self._value(server, "KmsKey")
        for secret, file in SECRETS.items():
            told_server[PARAMETERS[secret]] = self.secrets.put(secret, self.certificates.folder / file, key, request.tags)

    def _builds(self, state: StackState | None) -> bool:
        """Whether an image is built: one that somebody named, or that is of a package, isn't replaced unless that is asked for."""
        request = self.request
        if request.image:
            return False
        current = state.parameters.get("Image", "") if state else ""
        # A stack that was only begun may not know of one.
        if request.package or not current:
            return True
        if not request.upgrade and request.has_settings:
            return False
        ours = re.search(rf"/{re.escape(self.name)}-server:(?!package-)", current)
        if not ours:
            self.terminal.say(f"the image {current} stays; --image or --package DIR names another")
        return bool(ours)

    def _image(self, made_of: content.Content, architecture: str, exists: bool) -> str:
        repository = images.Repository(self.aws, self.terminal, self.name)
        image = repository.image(made_of, architecture)
        if self.request.package:
            image = image.replace(":", ":package-", 1)
        if repository.has(image):
            self.terminal.say(f"the image {image} is there already")
            return image
        self.terminal.say(f"image {image}")
        repository.make(self.request.tags)
        if self.request.builder == "local":
            repository.build_here(made_of, image, architecture)
        else:
            bucket = functions.Bucket(self.aws, self.name)
            bucket.make()
            values = {"Name": f"{self.name}-builder", "Bucket": bucket.name, "Repository": repository.name, "Architecture": architecture}
            self._bring(self.builder, self.builder.settle(), values, True)
            repository.build_on_aws(made_of, image, architecture, bucket.name, f"{self.name}-builder")
        return image

    def _alarms(self, told: dict[str, str]):
        """Alarms of the control plane go where the server's go."""
        if "AlarmTopic" in told:
            return
        state = self.server.read()
        if state and state.outputs.get("AlarmTopic"):
            told["AlarmTopic"] = state.outputs["AlarmTopic"]

    def _access_log(self, control: StackState | None, told: dict[str, str]):
        """Who calls is logged, unless somebody chose otherwise. The role for it is the account's: one that is there is used."""
        if "AccessLog" in told or "AccessLog" in (control.parameters if control else self.control.remembered):
            return
        role = self.aws.ask("apigateway", "get-account").get("cloudwatchRoleArn")
        told["AccessLog"] = "on" if role else "with-role"

    def _functions(self, told: dict[str, str], architecture: str) -> dict[str, str]:
        if "CodeBucket" in told and "CodeKey" in told:
            return {}
        self.terminal.say("functions")
        archive = self.request.archive or functions.build(self.root, self.terminal, architecture)
        if not self.terminal.dry and not archive.exists():
            raise Failed(f"there is no archive {archive}")
        bucket = functions.Bucket(self.aws, self.name)
        bucket.make()
        return {"CodeBucket": bucket.name, "CodeKey": bucket.put(archive)}

    def _bring(self, stack: Stack, state: StackState | None, told: dict[str, str], whole: bool):
        if not stack.bring(state, told, upgrade=whole or state is None, tags=self.request.tags):
            raise Failed(f"the stack {stack.name} stays as it is, and nothing after it was changed", 1)

    def _agent(self, told: dict[str, str]):
        self.terminal.say("the agent's configuration")
        if self.terminal.dry:
            agents.write(self.terminal, self.agent, self.name, "", "key", self.certificates.folder, "")
            return
        state = self.control.read()
        if state is None or not (self.certificates.folder / "client.pem").exists():
            self.terminal.tell(f"{self.certificates.folder} has no certificate of an agent, so none is written")
            return
        needs_key = state.parameters.get("Authentication", "key") == "key"
        key = self.keys.shared() if needs_key else None
        server_name = state.parameters.get("ServerName", "fluidity-server")
        agents.write(
            self.terminal, self.agent, self.name, state.outputs["AgentConfiguration"], key, self.certificates.folder, server_name
        )
        print(f"\nDone. Start the agent, which wakes the server:\n\n  {agents.start(self.agent, bool(key))}\n")

    # Deleting

    def delete(self):
        what = f"'{self.server.name}', '{self.control.name}', their secrets, images and archives in account {self.aws.account}"
        if not self.terminal.dry and not self.terminal.agree(f"Take away {what}?"):
            raise Failed("nothing was taken away", 1)
        self.keys.remove_added()
        for stack in (self.control, self.server, self.builder):
            if stack.read() is None:
                continue
            self.terminal.say(f"stack {stack.name}")
            if stack is self.server:
                missing = ("ClusterNotFoundException", "ServiceNotFoundException", "ServiceNotActiveException")
                service = ("--cluster", self.name, "--services", self.name)
                found = self.aws.look("ecs", "describe-services", *service, missing=missing)
                if any(each["status"] == "ACTIVE" for each in (found or {}).get("services", [])):
                    self.aws.change("ecs", "update-service", "--cluster", self.name, "--service", self.name, "--desired-count", "0")
            stack.remove()
        self.terminal.say("secrets, images, archives")
        for secret in SECRETS:
            self.secrets.remove(secret)
        configuration.remove(self.aws, self.terminal, self.name)
        repository = f"{self.name}-server"
        missing = ("RepositoryNotFoundException",)
        if self.aws.look("ecr", "describe-repositories", "--repository-names", repository, missing=missing) is not None:
            self.aws.change("ecr", "delete-repository", "--repository-name", repository, "--force")
        functions.Bucket(self.aws, self.name).remove()
        self._logs()
        print(f"The certificates in {self.certificates.folder} are left; the secrets are gone for good in 7 days.")

    def _logs(self):
        groups = []
        for prefix in (f"{self.server.name}-", f"{self.control.name}-"):
            found = self.aws.ask("logs", "describe-log-groups", "--log-group-name-prefix", prefix)
            groups += [each["logGroupName"] for each in found.get("logGroups", [])]
        if groups and not self.request.logs:
            self.terminal.say(f"{len(groups)} logs are kept for their time; 'delete --logs' takes them away")
        for group in groups if self.request.logs else []:
            self.aws.change("logs", "delete-log-group", "--log-group-name", group)
