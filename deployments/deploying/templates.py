"""What the templates can be told.

Only the list of parameters is read, which needs no YAML library: names indented by two, their keys by four, texts on one
line or folded (`>-`) below. A test compares it with what a YAML library reads.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "cloudformation"


@dataclass
class Parameter:
    """One parameter of a template, as its file describes it."""

    name: str
    kind: str = "String"
    description: str = ""
    default: str | None = None
    pattern: str | None = None
    allowed: list[str] = field(default_factory=list)
    least: float | None = None
    most: float | None = None

    def problem(self, value: str) -> str | None:
        """What is wrong with a value, as AWS would find it minutes later."""
        if self.allowed and value not in self.allowed:
            return f"is one of {', '.join(self.allowed)}"
        if self.kind == "Number":
            try:
                number = float(value)
            except ValueError:
                return "is a number"
            if self.least is not None and number < self.least:
                return f"is at least {self.least:g}"
            if self.most is not None and number > self.most:
                return f"is at most {self.most:g}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f"has the form {self.pattern}"
        return None


class Template:
    """A template's file and its parameters, in their order."""

    def __init__(self, name: str):
        self.path = FOLDER / name
        self.parameters: dict[str, Parameter] = {}
        self._read(self.path.read_text(encoding="utf-8"))

    def _read(self, text: str):
        section = re.search(r"^Parameters:\n(.*?)^\S", text, re.S | re.M)
        lines = section[1].splitlines() if section else []
        index = 0
        current = None
        while index < len(lines):
            line = lines[index]
            index += 1
            if found := re.fullmatch(r"  (\w+):", line):
                current = self.parameters[found[1]] = Parameter(found[1])
            elif current and (found := re.fullmatch(r"    (\w+): *(.*)", line)):
                value = found[2]
                if value in (">-", ">", "|"):
                    folded = []
                    while index < len(lines) and lines[index].startswith("      "):
                        folded.append(lines[index].strip())
                        index += 1
                    value = " ".join(folded)
                elif value.startswith('"'):
                    value = json.loads(value)
                self._take(current, found[1], value)

    @staticmethod
    def _take(parameter: Parameter, key: str, text: str):
        if key == "AllowedValues":
            parameter.allowed = [each.strip().strip('"') for each in text.strip("[]").split(",")]
        elif key == "Type":
            parameter.kind = text
        elif key == "Description":
            parameter.description = text
        elif key == "Default":
            parameter.default = text
        elif key == "AllowedPattern":
            parameter.pattern = text
        elif key in ("MinValue", "MaxValue"):
            setattr(parameter, "least" if key == "MinValue" else "most", float(text))
