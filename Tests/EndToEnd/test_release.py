"""`make release`: the functions' zip, the image and what it is built from, templates, hashes."""

import hashlib
import json
import re
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from harness.fluidity import ROOT
from harness.processes import run

VERSION = re.search(r'number = "([^"]+)"', (ROOT / "Sources/Pipeline/Platform/System/ProgramVersion.swift").read_text())[1]


@pytest.fixture
def release(tmp_path):
    """Makes a release of an archive that is there; `docker` is a program that stands for it."""
    archive = tmp_path / "functions.zip"
    archive.write_bytes(b"the archive")

    async def make(docker: str | None = None):
        folder = tmp_path / "programs"
        folder.mkdir(exist_ok=True)
        # No docker but the test's own.
        if not (folder / "python3").exists():
            (folder / "python3").symlink_to(Path(sys.executable).resolve())
        if docker:
            (folder / "docker").write_text(docker)
            (folder / "docker").chmod(0o755)
        into = tmp_path / "release"
        made = await run(ROOT / "scripts/release", "--archive", archive, "--into", into, environment={"PATH": str(folder)}, within=60)
        assert made.status == 0, made.text
        return into, made.text

    return make


async def test_zip_sources_templates_and_hashes(release):
    into, said = await release()
    names = {file.name for file in into.iterdir()}
    machine = {name.removesuffix(".zip").rsplit("-", 1)[1] for name in names if name.endswith(".zip")}
    assert machine <= {"amd64", "arm64"} and len(machine) == 1
    context = f"fluidity-{VERSION}-image.tar.gz"
    assert names == {f"fluidity-{VERSION}-functions-{machine.pop()}.zip", context, "fargate.yaml", "lambda.yaml", "builder.yaml", "SHA256SUMS"}
    assert "no image was built" in said and f"- < {into / context}" in said
    for line in (into / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((into / name).read_bytes()).hexdigest() == digest
        names.discard(name)
    assert names == {"SHA256SUMS"}
    before = (into / context).read_bytes()
    again, _ = await release()
    assert (again / context).read_bytes() == before, "the same sources have the same bytes"


@pytest.mark.skipif(not shutil.which("swift"), reason="needs the package manager")
async def test_the_image_can_be_built_from_what_is_in_its_sources(release, tmp_path):
    into, _ = await release()
    folder = tmp_path / "sources"
    with tarfile.open(into / f"fluidity-{VERSION}-image.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    dockerfile = (folder / "deployments/docker/Dockerfile").read_text()
    # Stages for the functions' archive need more, and come last: nothing of them is made for the server.
    server, functions = dockerfile.split("FROM sources AS build-functions")
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.+)$", server, re.MULTILINE)]
    assert ["Package.swift", "Package.resolved"] in copied, "an image has the versions that were tested"
    for source in sum(copied, []):
        if source != "deployments/docker/agent.yaml":
            assert (folder / source).exists(), source
    # And what docker is let see has all of it.
    seen = (ROOT / "deployments/docker/Dockerfile.dockerignore").read_text().splitlines()
    for source in sum(copied + [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.+)$", functions, re.MULTILINE)], []):
        assert any(source == kept[1:] or source.startswith(kept[1:] + "/") for kept in seen if kept.startswith("!")), source
    assert (folder / "scripts/build-release").stat().st_mode & 0o100
    # Every target's files are there for the package manager.
    described = await run("swift", "package", "--package-path", folder, "dump-package", within=120)
    assert described.status == 0, described.text
    for target in json.loads(described.output)["targets"]:
        assert (folder / (target.get("path") or f"{'Tests' if target['type'] == 'test' else 'Sources'}/{target['name']}")).exists(), target["name"]


FAKE = """#!/usr/bin/env python3
import hashlib, sys
log = open("LOG", "a")
if sys.argv[1] == "build":
    print(*sys.argv[1:], hashlib.sha256(sys.stdin.buffer.read()).hexdigest(), file=log)
else:
    open(sys.argv[3], "w").write("an image")
    print(*sys.argv[1:3], sys.argv[4], file=log)
"""


async def test_where_docker_is_the_release_has_the_image(release, tmp_path):
    log = tmp_path / "docker.log"
    into, said = await release(FAKE.replace("LOG", str(log)))
    digest = hashlib.sha256((into / f"fluidity-{VERSION}-image.tar.gz").read_bytes()).hexdigest()
    tag = f"fluidity-server:{VERSION}"
    assert log.read_text().splitlines() == [
        f"build -f deployments/docker/Dockerfile --target server -t {tag} - {digest}", f"save -o {tag}",
    ]  # fmt: skip
    [image] = into.glob(f"fluidity-{VERSION}-server-*.tar")
    assert image.read_text() == "an image" and image.name in (into / "SHA256SUMS").read_text() and "no image" not in said
