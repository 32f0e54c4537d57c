"""The functions' archive, and the bucket that it is put in."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from pathlib import Path

from .aws import AWS, Refused
from .images import PLATFORMS, engine
from .terminal import Failed, Terminal


class Bucket:
    """A private bucket for what is deployed."""

    def __init__(self, aws: AWS, name: str):
        self.aws = aws
        self.prefix = name
        self.name = f"{name}-code-{aws.account}-{aws.region}".lower()

    @property
    def is_there(self) -> bool:
        return self.aws.look("s3api", "head-bucket", "--bucket", self.name, missing=("404", "NoSuchBucket")) is not None

    def make(self):
        """Makes it where it isn't there, and sees to it that nobody else can read it."""
        if not self.is_there:
            self.aws.change("s3", "mb", f"s3://{self.name}")
        # A call before may have been ended between the two.
        missing = ("NoSuchPublicAccessBlockConfiguration", "NoSuchBucket", "404")
        found = self.aws.look("s3api", "get-public-access-block", "--bucket", self.name, missing=missing)
        if not found or not all(found["PublicAccessBlockConfiguration"].values()):
            self.aws.change(
                "s3api", "put-public-access-block", "--bucket", self.name, "--public-access-block-configuration",
                "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
            )  # fmt: skip

    def put(self, archive: Path) -> str:
        """The archive's key, which is the hash of its content: one that is there isn't put again."""
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()[:16] if archive.exists() else "new"
        key = f"{self.prefix}/{digest}.zip"
        try:
            found = self.aws.look("s3api", "head-object", "--bucket", self.name, "--key", key, missing=("404", "NoSuchKey", "NoSuchBucket"))
        except Refused:
            found = None
        if found is None:
            self.aws.change("s3", "cp", "--only-show-errors", str(archive), f"s3://{self.name}/{key}")
        return key

    def remove(self):
        if self.is_there:
            self.aws.change("s3", "rb", "--force", f"s3://{self.name}")


def build(root: Path, terminal: Terminal, architecture: str) -> Path:
    """The archive of this folder: made here where this machine is as the functions', in a container otherwise."""
    archive = root / "run/lambda/fluidity-lambda.zip"
    if platform.system() == "Linux" and is_native(architecture):
        command = ["make", "-C", str(root), "lambda"]
    else:
        command = [
            engine(), "build", "--platform", PLATFORMS[architecture], "-f", str(root / "deployments/docker/Dockerfile"),
            "--target", "functions", "--output", f"type=local,dest={archive.parent}", str(root),
        ]  # fmt: skip
    if terminal.dry:
        terminal.would(command)
    elif subprocess.run(command, stdin=subprocess.DEVNULL).returncode:
        raise Failed(f"'{' '.join(command[:2])}' failed; what it said stands above. --archive takes one that is built already")
    return archive


def is_native(architecture: str) -> bool:
    """Whether this machine runs what is built for the architecture."""
    return (platform.machine() in ("arm64", "aarch64")) == (architecture == "ARM64")


def own_architecture() -> str:
    """What a first deployment from this machine is built for: what is built here without emulation."""
    return "ARM64" if platform.machine() in ("arm64", "aarch64") else "X86_64"
