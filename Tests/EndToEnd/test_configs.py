"""The pipelines in configs/: each can be loaded with certificates in their place, and passes the tests that it has."""

import re

import pytest
import yaml

from harness.fluidity import ROOT
from harness.processes import run

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("config", [path.name for path in CONFIGS if path.name != "control.yaml"])
async def test_they_can_be_loaded(binary, place, config):
    result = await run(binary, "check", place / config, within=20)
    assert result.status == 0, result.text


@pytest.mark.parametrize("config", [path.name for path in CONFIGS if "tests" in yaml.safe_load(path.read_text())])
async def test_they_pass_their_tests(binary, place, config):
    result = await run(binary, "test", place / config, within=60)
    assert result.status == 0, result.text
    passed, count = re.search(r"^(\d+) of (\d+) passed$", result.text, re.MULTILINE).groups()
    assert passed == count == str(len(yaml.safe_load((place / config).read_text())["tests"]))


async def test_a_test_that_fails_is_named_at_its_line_with_status_1(binary, place):
    config = place / "development.yaml"
    config.write_text(config.read_text().replace("requests: 3 }", "requests: 4 }"))
    result = await run(binary, "test", config, within=60)
    assert result.status == 1, result.text
    line = next(number for number, text in enumerate(config.read_text().splitlines(), 1) if "requests: 4 }" in text)
    assert f"development.yaml:{line}:" in result.text and "3 requests reach the origin, not 4" in result.text


async def test_agent_and_server_work_together(binary, place):
    result = await run(binary, "check", place / "agent.yaml", place / "server.yaml", within=20)
    assert result.status == 0 and "work together" in result.text, result.text
    changed = await run(
        binary, "check", place / "agent.yaml", place / "server.yaml", "--set", "pipeline.mtls.name=other.example", within=20
    )
    assert changed.status == 65 and "wants a server named other.example" in changed.text, changed.text
