"""The JSON Schema: editors see with it what the loader sees, as far as a schema can say it."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from harness.codecs import CODECS
from harness.fluidity import ROOT
from harness.processes import run

PIPELINE = 'pipeline:\n  - accept: {{ listen: "127.0.0.1:0" }}\n  - http: {{ {http} }}\n  - fetch: {{ {fetch} }}\n'

GOOD = [
    PIPELINE.format(http="", fetch=""),
    PIPELINE.format(http="mode: proxy, keep-alive: 90s", fetch="destinations: any"),
    PIPELINE.format(http="keep-alive: 1.5m", fetch="destinations: [public, 10.0.0.0/8], connections-per-origin: 1_000"),
    PIPELINE.format(http='mode: "${env:MODE:-proxy}"', fetch='connections-per-origin: "${env:COUNT:-12}"'),
    PIPELINE.format(http="", fetch="idle: 0, ca: ~"),
    "host: server\nlog: { level: debug, format: json }\ndrain: 1m\nevent-loops: 2\n" + PIPELINE.format(http="", fetch=""),
    'pipeline:\n  - accept:\n      listen: "[::1]:0"\n  - http:\n  - fetch\n',
    'host: server\npipeline:\n  - accept: { listen: "[::1]:0" }\n  - http\n  - compress\n  - fetch\n',
]

BAD = {
    "an unknown key of the file": "pipelines: []\n" + PIPELINE.format(http="", fetch=""),
    "no pipeline": "host: agent\n",
    "an empty pipeline": "pipeline: []\n",
    "an unknown stage": 'pipeline:\n  - accept: { listen: "127.0.0.1:0" }\n  - htpp\n  - fetch\n',
    "an unknown key": PIPELINE.format(http="mod: proxy", fetch=""),
    "a missing key": "pipeline:\n  - accept: {}\n  - http\n  - fetch\n",
    "a stage that needs a key, bare": "pipeline:\n  - accept\n  - http\n  - fetch\n",
    "no such choice": PIPELINE.format(http="mode: proxi", fetch=""),
    "a duration without a unit": PIPELINE.format(http="keep-alive: 30", fetch=""),
    "a duration with no such unit": PIPELINE.format(http="keep-alive: 30q", fetch=""),
    "a number below its range": PIPELINE.format(http="", fetch="connections-per-origin: 0"),
    "a text for a number": PIPELINE.format(http="", fetch="connections-per-origin: many"),
    "a list for a scalar": PIPELINE.format(http="mode: [proxy]", fetch=""),
    "an address without a port": 'pipeline:\n  - accept: { listen: "127.0.0.1" }\n  - http\n  - fetch\n',
    "no source": "pipeline:\n  - http\n  - fetch\n",
    "a second source": 'pipeline:\n  - accept: { listen: "127.0.0.1:0" }\n  - accept: { listen: "127.0.0.1:0" }\n  - http\n  - fetch\n',
    "no sink": 'pipeline:\n  - accept: { listen: "127.0.0.1:0" }\n  - http\n',
    "two sinks": 'pipeline:\n  - accept: { listen: "127.0.0.1:0" }\n  - http\n  - fetch\n  - fetch\n',
    "two stages in one entry": 'pipeline:\n  - accept: { listen: "127.0.0.1:0" }\n    http: {}\n  - fetch\n',
    "a stage that the host can't run": "host: lambda\n" + PIPELINE.format(http="", fetch=""),
    "no such level": "log: { level: loud }\n" + PIPELINE.format(http="", fetch=""),
}


@pytest.fixture
async def validator(binary):
    result = await run(binary, "schema", within=20)
    assert result.status == 0, result.text
    schema = json.loads(result.text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_tests_know_every_codec():
    schema = json.loads((ROOT / "configs/fluidity.schema.json").read_text())
    lists = [each["enum"] for each in found(schema, "codecs") for each in each["anyOf"][0]["items"]["anyOf"] if "enum" in each]
    assert lists and all(set(each) == set(CODECS) for each in lists)


def found(node, key: str):
    """What is under a key, wherever it is."""
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == key)
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from found(each, key)


async def check(binary, tmp_path: Path, text: str):
    path = tmp_path / "sample.yaml"
    path.write_text(text)
    return await run(binary, "check", path, within=20)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda path: path.name)
async def test_the_project_s_configurations_fit(validator, path):
    validator.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("text", GOOD)
async def test_what_the_loader_takes_fits(validator, binary, tmp_path, text):
    result = await check(binary, tmp_path, text)
    assert result.status == 0, result.text
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
async def test_what_doesn_t_fit_the_loader_refuses(validator, binary, tmp_path, text):
    assert list(validator.iter_errors(yaml.safe_load(text)))
    result = await check(binary, tmp_path, text)
    assert result.status == 65, result.text


async def test_every_key_says_what_it_is_for(validator):
    def keys(schema):
        for name, value in schema.get("properties", {}).items():
            yield name, value
            yield from keys(value)

    for name, stage in validator.schema["$defs"].items():
        for key, value in keys(stage) if name.startswith("stage-") else ():
            assert value.get("description"), f"{name}: {key}"
