"""Values and configurations made by chance from the program's own JSON Schema. A seed makes the same ones each time, for the same schema."""

import json
import random
import re
import subprocess
from functools import cache
from pathlib import Path

from .fluidity import find_binary

# What fits, and what looks as if it did, by how the schema calls the kind of a value.
KINDS = {
    "A duration": (["2s", "90s", "1.5m", "1h", "2500ms", "0", "10ms", "5s", "8d"], ["5", "5q", "-1s", "9999d", "1.2345s", "", "s"]),
    "A size": (["64KiB", "1MiB", "1.5MiB", "65536", "3MB", "16MiB", "4KiB"], ["64KB", "-1", "1.5", "9999TiB", "KiB", 1.5]),
    "A rate": (["200/s", "10/m", "1_000/h", "3/d"], ["200", "5/w", "/s"]),
    "Bytes in a time": (["10MiB/s", "1MB/m"], ["10MiB", "5/w", "x/s"]),
    "An address and a port": (["127.0.0.1:0", "[::1]:0"], ["127.0.0.1", "$HOST:0", "*:0", "a..b:0", "127.0.0.1:99999", "0", "[::1:0"]),
    "A host and a port": (["localhost:1"], ["localhost", "localhost:0", "localhost:65536", "a..b:1", "$HOST:1", "http://a:1", "-a:1", "a:1/b"]),
    "A field's name": (["X-One", "X_Two"], ["x y", "Content-Length", ""]),
    "A network": (["10.0.0.0/8", "127.0.0.1", "fd00::/8", "::1"], ["10.1.2.3/8", "10.0.0.0/33", "any", "127", "a.example"]),
    "'public', 'any'": (["public", "any", ["public", "10.0.0.0/8"], ["127.0.0.1"]], ["all", ["10.1.2.3/8"], [[]], ["any"]]),
    "A port such": ([443, "8000-9000"], [0, "9-1", "http", 65536]),
    "A pattern such as cn": (["cn:builder-*", "dns:*.example.com"], ["nobody", ":a"]),
    "A pattern such": (["*.example.com", "localhost", "127.0.0.*"], [""]),
    "A URL": (["https://api.example/wake", "http://127.0.0.1:1/"], ["api.example", "ftp://a/", "https://u:p@a/", "https://a..b/", "https://"]),
    "A host, a name": (["a.example", ".example.com", "10.0.0.0/8"], ["10.1.2.3/8", "a*b", ""]),
    "One of the kernel's": (["cubic", "reno"], ["no such", ""]),
    "True or false": ([True, False], ["yes", 1]),
}
KEYS = {
    "methods": (["GET", "POST"], ["get", "G T", ""]),
    "statuses": ([502, 503, 504], [200, 99, 600]),
    "types": (["text/*", "application/json"], ["*", "text"]),
    "key": (["0123456789abcdef0123456789abcdef"], ["short", ""]),
    "path": (["/proxy.pac"], ["proxy.pac", ""]),
    "address": (["127.0.0.1:8443", "[::1]:8443"], ["localhost:8443", "0.0.0.0:8443", "127.0.0.1"]),
}
TEXTS = ["a", "Some-Name", "example.com", "x y"], [[], {}]
#: What would need something of the machine, or of somebody else.
LEFT_OUT = {"via", "via-user", "via-password", "congestion-control", "cloudwatch", "certificate", "ca", "keys-url", "jwt", "basic", "users"}
HOSTILE = 0.012


def amount(text: str) -> float | None:
    """A duration in seconds, a size in bytes or a number."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "B": 1, "kB": 1e3, "KiB": 2**10, "MB": 1e6, "MiB": 2**20, "GB": 1e9, "GiB": 2**30, "TiB": 2**40}
    found = re.fullmatch(r"([0-9_.]+) ?([A-Za-z]*)", str(text))
    return float(found[1].replace("_", "")) * units.get(found[2], 1) if found else None


def kind_and_range(given: dict) -> tuple[str, tuple | None]:
    """What a key's description ends with: the kind of its value, and the least and the greatest one."""
    kind = given.get("description", "").split("\n\n")[-1].removesuffix(".")
    found = re.search(r", (\S+?)\.\.\.(\S*)$", kind)
    return kind, (found[1], found[2]) if found else None


@cache
def schema() -> dict:
    return json.loads(subprocess.run([find_binary(), "schema"], check=True, capture_output=True).stdout)


class Generator:
    """Values for the keys of stages."""

    def __init__(self, seed: int, folder: Path, hostile: float = HOSTILE):
        self.chance = random.Random(seed)
        self.folder = folder
        self.hostile = hostile

    def stage(self, name: str, **fixed) -> tuple[str, dict]:
        """A stage with some of its keys; those that are `fixed` have their value."""
        keys = self.mapping(schema()["$defs"][f"stage-{name}"], without=fixed)
        return name, {**keys, **fixed}

    def mapping(self, schema: dict, without=()) -> dict:
        chosen = {}
        for key, value in schema.get("properties", {}).items():
            if key in without or key in LEFT_OUT:
                continue
            if key in schema.get("required", []) or self.chance.random() < 0.25:
                chosen[key] = self.value(value, key)
        if self.strikes():
            chosen[self.chance.choice(["lisen", "idel", "x"])] = 1
        return chosen

    def strikes(self) -> bool:
        return self.chance.random() < self.hostile

    def pick(self, fits_and_not: tuple[list, list]):
        fits, doesn_t = fits_and_not
        return self.chance.choice(doesn_t if self.strikes() else fits)

    def value(self, given: dict, key: str):
        kind, limits = kind_and_range(given)
        given = self.resolved(given)
        if key in KEYS and "a mapping" not in kind and "one of" not in kind:
            one = self.pick(KEYS[key])
            return [one] if "list" in kind else one
        if kind.startswith("A list, each entry "):
            entry = kind.removeprefix("A list, each entry ")
            if (known := self.known(entry[0].upper() + entry[1:], None)) is not None:
                return [known]
        elif (known := self.known(kind, limits)) is not None:
            return known
        if "anyOf" in given:
            real = [each for each in map(self.resolved, given["anyOf"]) if "{(env|file)" not in each.get("pattern", "") and each.get("type") != "null"]
            numbers = [each for each in real if each.get("type") in ("integer", "number")]
            return self.value(self.chance.choice(numbers or real), key)
        if "enum" in given:
            return "xyzzy" if self.strikes() else self.chance.choice(given["enum"])
        form = given.get("type")
        form = form[0] if isinstance(form, list) else form
        if form in ("integer", "number"):
            return self.number(given)
        if form == "array":
            return [self.value(given.get("items", {}), "") for _ in range(self.chance.choice([1, 1, 2, 3] + [0] * self.strikes()))]
        if form == "object":
            return self.object(given)
        if given.get("pattern") == ".":
            return str(self.folder / ("missing/x" if self.strikes() else "one.log"))
        return self.pick(TEXTS)

    def known(self, kind: str, limits: tuple | None):
        fitting = next((values for name, values in KINDS.items() if kind.startswith(name)), None)
        if fitting is None:
            return None
        fits, doesn_t = fitting
        if limits and amount(limits[0]) is not None:
            least, greatest = amount(limits[0]), amount(limits[1]) if limits[1] else float("inf")
            inside = [each for each in fits if least <= (amount(each) or 0) <= greatest] + [each for each in limits if each]
            doesn_t = doesn_t + [each for each in fits if not least <= (amount(each) or 0) <= greatest]
            fits = inside
        return self.pick((fits, doesn_t))

    def object(self, given: dict) -> dict:
        if given.get("maxProperties") == 1:
            name = self.chance.choice([each for each in given["properties"] if each not in LEFT_OUT])
            return {name: self.mapping(self.resolved(given["properties"][name]))}
        if isinstance(given.get("additionalProperties"), dict):
            return {self.chance.choice(["X-One", "X-Two"]): self.value(given["additionalProperties"], "table")}
        return self.mapping(given)

    def number(self, given: dict):
        least, greatest = given.get("minimum", 1), given.get("maximum", 1000)
        if self.strikes():
            return self.chance.choice([least - 1, greatest + 1, "many", -5])
        return self.chance.choice([least, greatest, self.chance.randint(int(least), max(int(least), min(int(greatest), 4096)))])

    def resolved(self, given: dict) -> dict:
        while "$ref" in given:
            given = schema()["$defs"][given["$ref"].removeprefix("#/$defs/")]
        return given
