"""What agents need: their configuration, and keys, one for each person if that is wanted."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from .aws import AWS
from .terminal import USAGE, Failed, Terminal


class Keys:
    """API keys of the control plane: the stack's own, and those that were added, each with its person's name."""

    def __init__(self, aws: AWS, terminal: Terminal, control: str):
        self.aws = aws
        self.terminal = terminal
        self.control = control

    def _find(self, name: str) -> dict | None:
        items = self.aws.ask("apigateway", "get-api-keys", "--name-query", name, "--include-values").get("items", [])
        return next((each for each in items if each["name"] == name), None)

    def shared(self) -> str:
        """The value of the key that came with the stack."""
        found = self._find(f"{self.control}-agents")
        if not found:
            raise Failed(f"there is no API key '{self.control}-agents'")
        return found["value"]

    def list(self):
        prefix = f"{self.control}-agents"
        items = self.aws.ask("apigateway", "get-api-keys", "--name-query", prefix).get("items", [])
        for each in sorted(items, key=lambda each: each["name"]):
            state = "" if each.get("enabled", True) else ", switched off"
            self.terminal.tell(f"{each['name'].removeprefix(prefix).lstrip('-') or '(everybody)'}: {each['id']}{state}")

    def _plan(self) -> str:
        """The id of the stack's usage plan, without which a key opens nothing."""
        plans = self.aws.ask("apigateway", "get-usage-plans").get("items", [])
        found = [each["id"] for each in plans if each["name"] == f"{self.control}-agents"]
        if not found:
            raise Failed(f"there is no usage plan '{self.control}-agents': is the control plane deployed, and are keys what it goes by?")
        return found[0]

    def add(self, person: str):
        """Makes a key with the person's name, and puts it into the usage plan. Twice is once."""
        name = self._name(person)
        plan = self._plan()
        found = self._find(name)
        identifier = found["id"] if found else self.aws.change("apigateway", "create-api-key", "--name", name, "--enabled").get("id", "(id)")
        members = self.aws.ask("apigateway", "get-usage-plan-keys", "--usage-plan-id", plan).get("items", [])
        if identifier not in [each["id"] for each in members]:
            self.aws.change("apigateway", "create-usage-plan-key", "--usage-plan-id", plan, "--key-id", identifier, "--key-type", "API_KEY")
        if not self.terminal.dry:
            self.terminal.tell(f"{person}: FLUIDITY_API_KEY={self._find(name)['value']}")

    def delete(self, person: str):
        found = self._find(self._name(person))
        if not found:
            raise Failed(f"there is no key of '{person}'; 'keys list' shows those that there are")
        self.aws.change("apigateway", "delete-api-key", "--api-key", found["id"])

    def _name(self, person: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", person):
            raise Failed(f"a name is up to 64 letters, digits and . _ @ -, not '{person}'", USAGE)
        return f"{self.control}-agents-{person}"

    def remove_added(self):
        """Those that no stack takes away."""
        prefix = f"{self.control}-agents-"
        for each in self.aws.ask("apigateway", "get-api-keys", "--name-query", prefix).get("items", []):
            if each["name"].startswith(prefix):
                self.aws.change("apigateway", "delete-api-key", "--api-key", each["id"])


def write(terminal: Terminal, file: Path, name: str, lifecycle: str, key: str | None, certificates: Path, server_name: str):
    """Writes an agent's configuration, and beside it its key in `environment`, for nobody else to read."""
    environment = file.parent / "environment"
    if terminal.dry:
        terminal.tell(f"would write: {file}" + (f" and {environment}" if key else ""))
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    if key:
        descriptor = os.open(environment, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as output:
            os.fchmod(output.fileno(), 0o600)
            output.write(f"FLUIDITY_API_KEY={key}\n")
    place = certificates.resolve()
    text = f"""\
# Written by deployments/deploy for the server '{name}'. It is run with
#   {start(file, bool(key))}
host: agent
admin: {{ listen: "127.0.0.1:9901" }}
{lifecycle.rstrip()}
pipeline:
  - accept: {{ listen: "127.0.0.1:8080" }}
  - http: {{ mode: proxy }}
  - frame: {{ codec: mux }}
  - mtls:
      certificate: {_quoted(place / "client.pem")}
      key: {_quoted(place / "client-key.pem")}
      ca: {_quoted(place / "ca.pem")}
      name: {server_name}
  - connect: {{ to: discover }}
"""
    # A file that somebody has edited is moved aside, not overwritten.
    if file.exists() and file.read_text(encoding="utf-8") != text:
        kept = file.with_suffix(".before.yaml")
        os.replace(file, kept)
        terminal.tell(f"{file} was another; it is {kept.name} now")
    file.write_text(text, encoding="utf-8")


def start(file: Path, has_key: bool) -> str:
    """The command for a shell, whatever is in the paths."""
    run = f"fluidity agent --config {shlex.quote(str(file))}"
    return f"(set -a; . {shlex.quote(str(file.parent / 'environment'))}; {run})" if has_key else run


def _quoted(path: Path) -> str:
    """A path as YAML's text, in which nothing is replaced."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${") + '"'
