"""The workflow of a release: what of it runs anywhere, run; and what it has to install, so that its first use isn't its first test."""

import re
import shutil

import pytest
import yaml

from harness.fluidity import ROOT
from harness.processes import run

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
MACHINES = ["ubuntu-24.04", "ubuntu-24.04-arm"]


def steps(job: str) -> list[dict]:
    return WORKFLOW["jobs"][job]["steps"]


def script(job: str, name: str) -> str:
    (found,) = [step["run"] for step in steps(job) if step.get("name") == name]
    return found


@pytest.mark.parametrize("job", WORKFLOW["jobs"])
async def test_every_script_is_one(job):
    for step in steps(job):
        if "run" in step:
            # What stands in a container without naming a shell is run by sh.
            done = await run("sh" if "container" in WORKFLOW["jobs"][job] else "bash", "-n", "-c", step["run"], within=20)
            assert done.status == 0, (step, done.text)


def test_what_is_built_is_installed_before():
    """In the order in which it is needed: git before the sources, libraries before the build."""
    order = [step.get("uses", step.get("run", "")) for step in steps("packages")]

    def place(words):
        return next(index for index, step in enumerate(order) if words in step)

    assert place("install -y --no-install-recommends git") < place("actions/checkout") < place("scripts/system-packages run") < place("make -C")
    assert place("actions/download-artifact") < place("cp -a . /build/fluidity"), "the versions are in what is built"
    assert (ROOT / "scripts/system-packages").exists() and re.search(r"^dist:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    matrix = WORKFLOW["jobs"]["packages"]["strategy"]["matrix"]
    assert matrix == {"machine": MACHINES, "attempt": [1, 2]}


@pytest.fixture
async def packages(tmp_path):
    """What four machines have made, and which versions they were told."""
    for machine in MACHINES:
        for attempt in (1, 2):
            folder = tmp_path / f"packages-{machine}-{attempt}"
            folder.mkdir()
            for name in (f"fluidity_1_{machine}.deb", f"fluidity-1.{machine}.rpm", f"fluidity-1-linux-{machine}.tar.zst"):
                (folder / name).write_text(f"the bytes of {name}")
            (folder / "fluidity-1.spdx.json").write_text("the parts")
            await sums(folder)
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions/Package.resolved").write_text("{}")
    return tmp_path


async def sums(folder):
    (folder / "SHA256SUMS").unlink(missing_ok=True)
    done = await run("sh", "-c", "sha256sum -- * > ../sums && mv ../sums SHA256SUMS", cwd=folder, within=20)
    assert done.status == 0, done.text


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs coreutils")
async def test_two_builds_the_same_bytes(packages):
    compare = script("release", "two builds, the same bytes")
    done = await run("bash", "-e", "-c", compare, cwd=packages, within=20)
    assert done.status == 0, done.text
    made = {file.name for file in (packages / "all").iterdir()}
    assert len(made) == 2 * 3 + 3 and {"SHA256SUMS", "Package.resolved", "fluidity-1.spdx.json"} < made, made
    checked = await run("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=packages / "all", within=20)
    assert checked.status == 0, checked.text


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs coreutils")
@pytest.mark.parametrize("told", [True, False])
async def test_two_builds_other_bytes(packages, told):
    """Whether the sums say so or not, nothing becomes a release."""
    folder = packages / "packages-ubuntu-24.04-arm-2"
    (folder / "fluidity_1_ubuntu-24.04-arm.deb").write_text("other bytes")
    if told:
        await sums(folder)
    done = await run("bash", "-e", "-c", script("release", "two builds, the same bytes"), cwd=packages, within=20)
    assert done.status != 0


async def test_a_tag_of_another_version(binary, tmp_path):
    version = (await run(binary, "--version", within=20)).output.decode().strip()
    check = script("packages", "the tag is the version").replace("/build/fluidity/.build/release/fluidity", str(binary))
    assert str(binary) in check
    for tag, status in ((f"v{version}", 0), ("v99.0.0", 1)):
        assert (await run("sh", "-e", "-c", check, environment={"GITHUB_REF_NAME": tag}, within=20)).status == status
