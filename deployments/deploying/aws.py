"""AWS by its command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

from .terminal import Failed, Terminal

_ERROR = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation[^:]*: (.*)", re.S)


class Refused(Exception):
    """AWS said no: its name for that, and its words."""

    def __init__(self, code: str, message: str, command: list[str]):
        super().__init__(f"{' '.join(command[:2])}: {message or code}")
        self.code = code
        self.message = message


class AWS:
    """Runs `aws`, and reads what it answers."""

    def __init__(self, terminal: Terminal, region: str | None):
        if not shutil.which("aws"):
            raise Failed("the AWS command line isn't installed: https://docs.aws.amazon.com/cli/")
        self.terminal = terminal
        self._environment = {**os.environ, "AWS_PAGER": ""}
        self.region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or self._configured()
        self._environment.update(AWS_REGION=self.region, AWS_DEFAULT_REGION=self.region)
        self._account: str | None = None

    def _configured(self) -> str:
        result = subprocess.run(["aws", "configure", "get", "region"], capture_output=True, text=True, env=self._environment)
        if not result.stdout.strip():
            raise Failed("no region: name one with --region", 64)
        return result.stdout.strip()

    @property
    def account(self) -> str:
        """The account's number, which is also the proof that there are credentials."""
        if self._account is None:
            try:
                self._account = self.ask("sts", "get-caller-identity")["Account"]
            except (Refused, Failed) as error:
                raise Failed(
                    f"AWS doesn't know these credentials, or can't be reached: 'aws sts get-caller-identity' says more ({error})"
                ) from None
        return self._account

    def ask(self, *arguments: str) -> dict:
        """A question: its answer's document. Nothing is changed by it."""
        return self._run(list(arguments))

    def look(self, *arguments: str, missing: tuple[str, ...]) -> dict | None:
        """The same, where what is asked for may not be there: nil for AWS's names for that."""
        try:
            return self._run(list(arguments))
        except Refused as refusal:
            if refusal.code in missing:
                return None
            raise

    def change(self, *arguments: str) -> dict:
        """Changes something; in a dry run it is only told."""
        if self.terminal.dry:
            self.terminal.would(["aws", *arguments])
            return {}
        return self._run(list(arguments))

    def _run(self, arguments: list[str]) -> dict:
        command = ["aws", *arguments, "--output", "json"]
        # No descriptor of the terminal: a password that it asked for would be waited for without a word.
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self._environment, encoding="utf-8"
        )
        if result.returncode == 0:
            return self._document(result.stdout)
        if found := _ERROR.search(result.stderr):
            raise Refused(found[1], " ".join(found[3].split()), arguments)
        raise Failed(f"'{' '.join(command[:3])}' failed: {' '.join(result.stderr.split())[-600:]}")

    @staticmethod
    def _document(text: str) -> dict:
        # What copies files says nothing, or something for people.
        if not text.lstrip().startswith(("{", "[")):
            return {}
        return json.loads(text)
