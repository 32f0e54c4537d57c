"""The server's image: built where docker or podman is, or on AWS, and pushed to ECR under the hash of its content."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .aws import AWS
from .content import Content
from .stacks import PAUSE
from .terminal import Failed, Terminal

#: The names of architectures: the templates', and docker's.
PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
#: The longest that a build on AWS may take.
PATIENCE = 2 * 3600


def engine() -> str:
    """docker or podman, whichever there is."""
    found = shutil.which("docker") or shutil.which("podman")
    if not found:
        raise Failed(
            "docker or podman is needed to build the image. Without them: --builder codebuild builds it on AWS, and --image names one"
            " that is in a registry already"
        )
    return found


class Repository:
    """The deployment's repository in ECR."""

    def __init__(self, aws: AWS, terminal: Terminal, name: str):
        self.aws = aws
        self.terminal = terminal
        self.name = f"{name}-server"
        self.registry = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com"

    def image(self, content: Content, architecture: str) -> str:
        """An image is for one architecture, and its tag says which."""
        return f"{self.registry}/{self.name}:{content.tag}-{architecture.lower().replace('_', '-')}"

    def make(self, tags: dict[str, str]):
        """Makes it where it isn't there."""
        found = self.aws.look(
            "ecr", "describe-repositories", "--repository-names", self.name, missing=("RepositoryNotFoundException",)
        )
        if found is None:
            more = ["--tags", *(f"Key={each},Value={value}" for each, value in tags.items())] if tags else []
            self.aws.change(
                "ecr", "create-repository", "--repository-name", self.name, "--image-scanning-configuration", "scanOnPush=true",
                "--image-tag-mutability", "IMMUTABLE", *more,
            )  # fmt: skip

    def has(self, image: str) -> bool:
        tag = image.rsplit(":", 1)[1]
        missing = ("ImageNotFoundException", "RepositoryNotFoundException")
        return bool(
            self.aws.look("ecr", "describe-images", "--repository-name", self.name, "--image-ids", f"imageTag={tag}", missing=missing)
        )

    def build_here(self, content: Content, image: str, architecture: str):
        """Builds the image with docker or podman, for the task's architecture whatever this machine's is, and pushes it."""
        program = engine()
        with tempfile.TemporaryDirectory(prefix="fluidity-image-") as folder:
            if not self.terminal.dry:
                content.lay(Path(folder))
            command = [program, "build", "--platform", PLATFORMS[architecture], "-f", f"{folder}/{content.dockerfile}"]
            command += ["--target", "server", "-t", image]
            for key, value in content.arguments.items():
                command += ["--build-arg", f"{key}={value}"]
            self._run([*command, folder])
        login = [program, "login", "--username", "AWS", "--password-stdin", self.registry]
        if self.terminal.dry:
            self.terminal.would(login)
        else:
            password = subprocess.run(
                ["aws", "ecr", "get-login-password", "--region", self.aws.region], stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
            if password.returncode:
                raise Failed(f"ECR gives no password: {password.stderr.strip()}")
            if subprocess.run(login, input=password.stdout, text=True).returncode:
                raise Failed(f"the registry {self.registry} doesn't let us in")
        self._run([program, "push", image])

    def _run(self, command: list[str]):
        if self.terminal.dry:
            return self.terminal.would(command)
        if subprocess.run(command, stdin=subprocess.DEVNULL).returncode:
            raise Failed(f"'{' '.join(command[:2])}' failed; what it said stands above")

    def build_on_aws(self, content: Content, image: str, architecture: str, bucket: str, project: str):
        """Has CodeBuild do the same with the content as a zip, and waits for it."""
        key = f"sources/{content.tag}.zip"
        with tempfile.TemporaryDirectory(prefix="fluidity-image-") as folder:
            archive = Path(folder) / "sources.zip"
            if not self.terminal.dry:
                content.pack(archive)
            self.aws.change("s3", "cp", "--only-show-errors", str(archive), f"s3://{bucket}/{key}")
        arguments = " ".join(f"--build-arg {name}={value}" for name, value in content.arguments.items())
        variables = {"IMAGE": image, "DOCKERFILE": content.dockerfile, "ARGUMENTS": arguments, "REGISTRY": self.registry}
        started = self.aws.change(
            "codebuild", "start-build", "--project-name", project, "--source-type-override", "S3",
            "--source-location-override", f"{bucket}/{key}", "--environment-variables-override",
            *(f"name={name},value={_shorthand(value)},type=PLAINTEXT" for name, value in variables.items()),
        )  # fmt: skip
        if self.terminal.dry:
            return
        with self.terminal.waiting("CodeBuild: AWS begins"):
            self._built(started["build"]["id"])

    def _built(self, identifier: str):
        """Waits until CodeBuild is through."""
        deadline = time.monotonic() + PATIENCE
        phase = None
        while time.monotonic() < deadline:
            build = self.aws.ask("codebuild", "batch-get-builds", "--ids", identifier)["builds"][0]
            if build.get("currentPhase") != phase:
                phase = build.get("currentPhase")
                self.terminal.tell(f"CodeBuild: {phase}")
                self.terminal.status(f"CodeBuild: {phase}")
            if build["buildStatus"] == "SUCCEEDED":
                return
            if build["buildStatus"] != "IN_PROGRESS":
                where = build.get("logs", {}).get("deepLink", f"the build {identifier}")
                raise Failed(f"CodeBuild couldn't build the image ({build['buildStatus']}): {where} says why")
            time.sleep(PAUSE)
        raise Failed(f"CodeBuild's build {identifier} takes too long; call this again later")


def _shorthand(value: str) -> str:
    """A value in the command line's own notation, where a comma would end it."""
    return '"' + value.replace('"', '\\"') + '"' if "," in value else value
