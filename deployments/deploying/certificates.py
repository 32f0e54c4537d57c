"""The private authority and its certificates, and the secrets on AWS that have the server's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .aws import AWS
from .terminal import DATA, Failed, Terminal

#: The secrets, each with the file that it has.
SECRETS = {"certificate": "server.pem", "key": "server-key.pem", "ca": "ca.pem"}
#: The parameters that name them.
PARAMETERS = {"certificate": "CertificateSecret", "key": "KeySecret", "ca": "AuthoritySecret"}


class Fluidity:
    """The program itself, which makes certificates and checks configurations."""

    def __init__(self, root: Path, terminal: Terminal):
        self.root = root
        self.terminal = terminal

    @property
    def path(self) -> str:
        candidates = [os.environ.get("FLUIDITY_BIN"), shutil.which("fluidity"), str(self.root / ".build/release/fluidity")]
        for candidate in candidates:
            if candidate and os.access(candidate, os.X_OK):
                return candidate
        raise Failed("there is no fluidity to make certificates and check configurations with: 'make build' makes it")

    def run(self, *arguments, environment: dict[str, str] | None = None) -> str:
        """What it printed; `Failed` with what it said where it wasn't content."""
        command = [self.path, *map(str, arguments)]
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, **(environment or {})}
        )
        if result.returncode:
            raise Failed(f"'fluidity {arguments[0]}' failed:\n{(result.stderr or result.stdout).strip()}", result.returncode)
        return result.stdout

    def change(self, *arguments):
        """Writes files; in a dry run it is only told."""
        if self.terminal.dry:
            self.terminal.would([self.path, *map(str, arguments)])
        else:
            self.run(*arguments)


class Certificates:
    """A folder with an authority and what it issued."""

    def __init__(self, folder: Path, fluidity: Fluidity):
        self.folder = folder
        self.fluidity = fluidity

    @property
    def are_there(self) -> bool:
        return (self.folder / "server.pem").exists()

    def names(self) -> list[str]:
        """The DNS names in the server's certificate."""
        shown = self.fluidity.run("cert", "show", self.folder / "server.pem")
        return [line.split(":", 1)[1].strip() for line in shown.splitlines() if line.startswith("dns:")]

    def complete(self, name: str, renew: bool):
        """Makes what is missing: the authority, a server's certificate for the name, a client's. A server's certificate for
        another name is issued anew."""
        place = self.folder
        if not (place / "ca.pem").exists():
            self.fluidity.change("cert", "init", "--out", place)
        server = ["cert", "issue", "server", "--ca", place, "--out", place, "--server", "--dns", name]
        if not self.are_there:
            self.fluidity.change(*server)
        elif renew or name not in self.names():
            if not (place / "ca-key.pem").exists():
                raise Failed(
                    f"the authority's key isn't in {place}, so no certificate for '{name}' can be issued: do it where the key is,"
                    f" and put server.pem and server-key.pem there",
                    DATA,
                )
            self.fluidity.change(*server, "--replace")
        if not (place / "client.pem").exists():
            self.fluidity.change("cert", "issue", "client", "--ca", place, "--out", place, "--client")


class Secrets:
    """Secrets of Secrets Manager whose names begin with the deployment's."""

    def __init__(self, aws: AWS, terminal: Terminal, name: str):
        self.aws = aws
        self.terminal = terminal
        self.name = name

    def describe(self, secret: str) -> dict | None:
        return self.aws.look(
            "secretsmanager", "describe-secret", "--secret-id", f"{self.name}/{secret}", missing=("ResourceNotFoundException",)
        )

    def put(self, secret: str, file: Path, key: str = "", tags: dict[str, str] | None = None) -> str:
        """Makes the secret, or a new version where its text has changed, and returns its ARN. The text isn't on any command
        line."""
        identifier = f"{self.name}/{secret}"
        found = self.describe(secret)
        if found and found.get("DeletedDate"):
            # One that was taken away stays for a week, and its name with it.
            self.aws.change("secretsmanager", "restore-secret", "--secret-id", identifier)
        if found is None:
            more = ["--kms-key-id", key] if key else []
            if tags:
                more += ["--tags", *(f"Key={each},Value={value}" for each, value in tags.items())]
            made = self.aws.change("secretsmanager", "create-secret", "--name", identifier, "--secret-string", f"file://{file}", *more)
            return made.get("ARN", f"(ARN of {identifier})")
        if not self.terminal.dry:
            had = self.aws.look("secretsmanager", "get-secret-value", "--secret-id", identifier, missing=("ResourceNotFoundException",))
            if had and had.get("SecretString") == file.read_text(encoding="utf-8"):
                return found["ARN"]
        self.aws.change("secretsmanager", "put-secret-value", "--secret-id", identifier, "--secret-string", f"file://{file}")
        return found["ARN"]

    def remove(self, secret: str):
        found = self.describe(secret)
        if found and not found.get("DeletedDate"):
            self.aws.change(
                "secretsmanager", "delete-secret", "--secret-id", f"{self.name}/{secret}", "--recovery-window-in-days", "7"
            )
