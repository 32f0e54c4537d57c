"""Profiles: values above the file's own, chosen on the command line or by a variable."""

import re

import pytest

from harness.processes import run

FILE = """
drain: 5s
pipeline:
  - accept: { listen: "127.0.0.1:8080" }
  - http
  - route: { branches: [{ name: all, stages: [retry: { attempts: 2 }, fetch] }] }
profiles:
  home:
  office:
    drain: 9s
    pipeline.route.branches.all.stages.retry.attempts: 4
    pipeline.http.pac: { direct: [localhost] }
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "laptop.yaml"
    file.write_text(FILE)
    return file


def value(text: str, key: str) -> tuple[str, str]:
    """A value, and the comment on where it comes from."""
    return re.search(rf"^ *{key}: (\S+) +# (.+)$", text, re.MULTILINE).groups()


@pytest.mark.parametrize("arguments, environment", [(("--profile", "office"), {}), ((), {"FLUIDITY_PROFILE": "office"}), (("--profile", "office"), {"FLUIDITY_PROFILE": "home"})])
async def test_a_profile_counts_above_the_file(binary, config, arguments, environment):
    printed = (await run(binary, "print", config, *arguments, environment=environment)).text
    assert value(printed, "drain") == ("9s", f"{config}:10")
    assert value(printed, "attempts") == ("4", f"{config}:11")
    assert value(printed, "direct")[0] == "[localhost]"


async def test_without_one_the_file_counts_and_above_it_the_rest(binary, config):
    for arguments in ((), ("--profile", "home")):
        printed = (await run(binary, "print", config, *arguments)).text
        assert value(printed, "drain")[0] == "5s" and value(printed, "attempts")[0] == "2"
    printed = (await run(binary, "print", config, "--profile", "office", "--set", "drain=1s", environment={"FLUIDITY_PIPELINE_ROUTE_BRANCHES_ALL_STAGES_RETRY_ATTEMPTS": "7"})).text
    assert value(printed, "drain") == ("1s", "--set drain")
    assert value(printed, "attempts") == ("7", "FLUIDITY_PIPELINE_ROUTE_BRANCHES_ALL_STAGES_RETRY_ATTEMPTS")


async def test_one_that_isnt_there_is_named(binary, config):
    for arguments, environment, origin in ((("--profile", "ofice"), {}, "--profile"), ((), {"FLUIDITY_PROFILE": "ofice"}, "FLUIDITY_PROFILE")):
        result = await run(binary, "check", config, *arguments, environment=environment)
        assert result.status == 65 and f"{origin}: error: the file has no profile 'ofice'" in result.text and "office" in result.text, result.text


async def test_check_looks_at_all_of_them(binary, config):
    assert (await run(binary, "check", config)).status == 0
    for wrong, message in (("pipeline.http.pack: { a: b }", "'http' has no key 'pack'"), ("pipeline.fetch.timeout: 1s", "the pipeline has no stage 'fetch'"), ("drain: soon", "'drain' wants a duration")):
        config.write_text(FILE.replace("drain: 9s", wrong))
        result = await run(binary, "check", config)
        assert result.status == 65 and f"{config}:10:" in result.text and message in result.text, result.text
