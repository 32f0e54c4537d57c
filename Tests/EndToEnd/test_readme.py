"""What README.md says: its configurations load, its commands and options exist, its places are there."""

import re

import pytest
import yaml

from harness.fluidity import ROOT
from harness.processes import run

README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.M | re.S)[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    found = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in found[2:]]


AGENT, SERVER = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", section("Configuration"), re.S))
TABLE = [(wish, configuration) for wish, configuration in rows(section("Configuration"))]
# A wish that takes a whole file is one of configs/, which test_configs.py checks and runs.
FILES = [re.search(r"\]\((configs/[^)]+)\)", configuration) for _, configuration in TABLE]
WISHES = [row for row, file in zip(TABLE, FILES) if not file]


def changed(configuration: str) -> tuple[str, dict]:
    """Whose file it is about, and that file with it in its place."""
    name, base = ("server", SERVER) if "on the server" in configuration else ("agent", AGENT)
    code = re.search(r"`([^`]+)`", configuration)[1].replace("to: …", 'to: "localhost:8443"')
    ((key, value),) = yaml.safe_load(code).items()
    stages = {stage: keys for entry in base["pipeline"] for stage, keys in entry.items()}
    replaced = re.search(r"in place of `(\w+)`", configuration)
    if replaced:
        stages = {key if stage == replaced[1] else stage: value if stage == replaced[1] else keys for stage, keys in stages.items()}
    elif key in stages:
        # `codecs` stands in the place of `codec`.
        stages[key] = {**({} if key == "frame" else stages[key]), **value}
    else:
        assert "via" == key, f"no stage '{key}' in the {name}'s list"
        stages["connect"] = {**stages["connect"], key: value}
    return name, {**base, "pipeline": [{stage: keys} for stage, keys in stages.items()]}


@pytest.mark.parametrize("file, name", [(AGENT, "agent"), (SERVER, "server")], ids=["agent", "server"])
async def test_its_configurations_load(binary, place, file, name):
    config = place / "readme.yaml"
    config.write_text(yaml.safe_dump(file))
    result = await run(binary, "check", config)
    assert result.status == 0, result.text
    # They are the shipped ones, shortened.
    shipped = yaml.safe_load((place / f"{name}.yaml").read_text())
    assert file["pipeline"] == shipped["pipeline"]


def test_the_table_of_wishes_is_read():
    assert len(WISHES) >= 9
    assert len(TABLE) - len(WISHES) >= 3


@pytest.mark.parametrize("file", [file[1] for file in FILES if file])
def test_files_for_wishes_are_there(file):
    assert (ROOT / file).is_file()


@pytest.mark.parametrize("wish, configuration", WISHES, ids=[wish for wish, _ in WISHES])
async def test_what_can_be_wished_loads(binary, place, wish, configuration):
    config = place / "readme.yaml"
    config.write_text(yaml.safe_dump(changed(configuration)[1]))
    result = await run(binary, "check", config, environment={"HTTPS_PROXY": "", "https_proxy": ""})
    assert result.status == 0, f"{config.read_text()}\n{result.text}"
    assert "warning" not in result.text, result.text


async def test_an_ordinary_forward_proxy(binary, tmp_path):
    stages = re.search(r"`([\w, ]+)` is an ordinary forward proxy", section("Configuration"))[1].split(", ")
    config = tmp_path / "proxy.yaml"
    config.write_text(yaml.safe_dump({"pipeline": [{"accept": {"listen": "127.0.0.1:8080"}}, *stages[1:]]}))
    result = await run(binary, "check", config)
    assert stages[0] == "accept" and result.status == 0, result.text


COMMANDS = [command.strip("`") for command, _ in rows(section("Command line"))]


@pytest.mark.parametrize("command", COMMANDS)
async def test_its_commands_and_options_exist(binary, command):
    path = re.match(r"fluidity ((?:[a-z][a-z-]* )*[a-z][a-z-]*)", command)[1].split()
    shown = await run(binary, *path, "--help")
    assert shown.status == 0, shown.text
    # A subcommand that doesn't exist would get the help of the one above.
    assert f"USAGE: fluidity {' '.join(path)}" in shown.text, shown.text
    for option in re.findall(r"--[a-z-]+", command):
        assert option in shown.text, f"{option}: {shown.text}"


async def test_every_command_is_in_the_table(binary):
    shown = (await run(binary, "--help")).text
    names = re.findall(r"^  ([a-z][a-z-]*)(?:,| )", shown[shown.index("SUBCOMMANDS:") :], re.M)
    named = {command.split()[1] for command in COMMANDS}
    assert set(names) - {"help"} == named


@pytest.mark.parametrize("command", ["agent", "server", "check"])
async def test_settings_are_taken(binary, command):
    shown = await run(binary, command, "--help")
    assert "--set" in shown.text and "--log-level" in shown.text


async def test_a_file_that_can_t_be_made_is_73(binary, tmp_path):
    (tmp_path / "file").write_text("")
    result = await run(binary, "cert", "init", "--out", tmp_path / "file" / "folder")
    assert result.status == 73, result.text


def test_its_places_are_there():
    for places, _ in rows(section("Where things are")):
        found = re.findall(r"\]\(([^)]+)\)", places) or re.findall(r"`([^`]+)`", places)
        assert found, places
        for place in found:
            assert (ROOT / place).exists(), place
