"""What the schema takes and `check` doesn't, and the other way round, found by values that are made by chance: each value of a key is judged
by both. What only `check` can know is listed here; nothing else may differ."""

import re

import jsonschema
import pytest
import yaml

from harness.fluidity import configuration
from harness.generated import Generator, schema
from harness.processes import run

#: What one value's form doesn't tell: what several values are to each other, what a text means, what is on the machine.
BEYOND = [
    r"needs the key|needs either|goes with|is of no use|is longer than|is shorter|is more than|is less than|has no keys|has no tokens|names nobody",
    r"has visible ASCII characters|no fault is named|nothing is retried|limits nothing|changes nothing|nobody could|must be a path|is no status|is a word in capitals|is no type of",
    r"doesn't exist|is a folder|is for the end|one at least|each protocol once|ends before|belongs to one connection|bits beyond|is no host name",
    r"there are only whole bytes|wants a network|wants 'public'|wants a host, a name|wants a pattern|never finds one here|is for (agents|servers)|needs '(wake|kill)-endpoint'|is for proxies",
    r"is an IP address and a port|nobody can be reached at",
    r"neither 'auto' nor a number from 1|at most, not a list",
]
STAGES = ["accept", "http", "socks", "detect", "frame", "connect", "fetch", "access-log", "respond", "compress", "circuit-breaker", "retry", "fault", "auth", "egress", "headers", "rate-limit", "metrics"]  # fmt: skip
#: The keys beside the pipeline.
BESIDE = "the file"
FILES = 72


def around(stage: tuple[str, dict]) -> list[tuple[str, dict]]:
    """A list in which a stage stands at its place."""
    before = [("accept", {"listen": "127.0.0.1:0"}), ("http", {})]
    name = stage[0]
    if name == "accept":
        return [stage, before[1], ("fetch", {})]
    if name in ("http", "socks", "detect"):
        return [before[0], stage, ("fetch", {})]
    if name == "connect":
        return [*before, ("frame", {}), stage]
    if name == "frame":
        return [*before, stage, ("connect", {"to": "localhost:1"})]
    return [*before, stage] if name in ("fetch", "respond") else [*before, stage, ("fetch", {})]


@pytest.mark.parametrize("stage", [*STAGES, BESIDE])
async def test_the_schema_and_check_agree(tmp_path, binary, stage):
    judge = jsonschema.Draft202012Validator(schema())
    generator = Generator(len(stage), tmp_path, hostile=0.12)
    # Of the many keys of 'auth' one is wrong nearly always.
    paths = [tmp_path / f"{number}.yaml" for number in range(FILES * 4 if stage == "auth" else FILES)]
    for path in paths:
        if stage == BESIDE:
            keys = {key: value for key, value in schema()["properties"].items() if key not in ("pipeline", "tests", "host")}
            path.write_text(configuration(around(("fetch", {})), **generator.mapping({"properties": keys})))
        else:
            path.write_text(configuration(around(generator.stage(stage))))
    result = await run(binary, "check", *paths, within=60)
    told: dict[str, list[str]] = {}
    for line in result.text.splitlines():
        if found := re.match(r"(\S+\.yaml)(?::\d+:\d+)?: (?:error: )(.*)", line):
            told.setdefault(found[1], []).append(found[2])
    counts = {True: 0, False: 0}
    for path in paths:
        given = yaml.safe_load(path.read_text())
        refused_by_schema = [error.message for error in judge.iter_errors(given)]
        errors = told.get(str(path), [])
        counts[bool(errors)] += 1
        if refused_by_schema:
            assert errors, f"check takes what the schema refuses:\n{path.read_text()}\n{refused_by_schema[0][:600]}"
        else:
            unsaid = [error for error in errors if not any(re.search(each, error) for each in BEYOND)]
            assert not unsaid, f"the schema takes what check refuses:\n{path.read_text()}\n{unsaid[0]}"
    assert counts[True] and counts[False], counts
