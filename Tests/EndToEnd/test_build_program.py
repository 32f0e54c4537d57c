"""`fluidity build`: a program with the stages of several packages. It is built beside the project, so that only what is new is compiled."""

import os
import shutil
import subprocess

import pytest

from harness.fluidity import ROOT
from harness.processes import run

NEEDS_SWIFT = pytest.mark.skipif(not shutil.which("swift"), reason="needs the compiler")


async def new_stage(binary, name: str, place, fluidity=ROOT):
    made = await run(binary, "stage", "new", name, "--fluidity", fluidity, "--into", place, within=20)
    assert made.status == 0, made.text
    return place


def repository(place):
    """Makes a repository of a folder."""
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "A stage"]):
        subprocess.run(["git", *words], cwd=place, check=True)
    return f"file://{place}"


def description(place, text: str):
    file = place / "stages.yaml"
    file.write_text(text)
    return file


@pytest.mark.timeout(900)
@NEEDS_SWIFT
async def test_a_program_with_the_stages_of_a_folder_and_of_a_repository(binary, tmp_path):
    await new_stage(binary, "request-mark", tmp_path / "request-mark")
    # It names Fluidity by a repository; the program's own description says that it is a folder.
    stamp = repository(await new_stage(binary, "stamp", tmp_path / "git/stamp", f"file://{tmp_path}/{ROOT.name}.git"))
    lines = [
        "program: our-tunnel", f"fluidity: {{ at: {ROOT} }}", "packages:", "  - at: request-mark", "    stages:", "      - RequestMark",
        f"  - {{ at: \"{stamp}\", branch: main, stages: [Stamp.StampFactory] }}",
    ]  # fmt: skip
    file = description(tmp_path, "\n".join(lines) + "\n")
    options = ("--debug", "--", "--scratch-path", ROOT / ".build")
    built = await run(binary, "build", file, *options, within=800)
    assert built.status == 0, built.text
    program = ROOT / ".build/debug/our-tunnel"
    assert f"{program}: built" in built.text
    listed = await run(program, "stages", within=20)
    assert listed.status == 0 and all(name in listed.text for name in ("request-mark", "stamp", "frame"))
    passed = await run(program, "test", tmp_path / "request-mark/request-mark.yaml", within=20)
    assert passed.status == 0 and "1 of 1 passed" in passed.text, passed.text
    # What the compiler misses is said of the line that names it.
    lines[5] = "      - RequestMark.QuotaFactory"
    description(tmp_path, "\n".join(lines) + "\n")
    missed = await run(binary, "build", file, *options, within=400)
    assert missed.status == 65 and f"{file}:6:" in missed.text and "QuotaFactory" in missed.text, missed.text
    assert missed.text.rstrip().endswith("the program can't be built; what Swift said of it stands above")


GOOD = "program: tunnel\nfluidity: { at: FLUIDITY }\npackages:\n  - { at: mark, stages: [Mark] }\n"
WRONG = [
    ("", 1, "needs the key 'program'"),
    (GOOD.replace("program", "name"), 1, "has no key 'name'"),
    (GOOD.replace("tunnel", "My_Tunnel"), 1, "'program' wants a name in kebab-case such as my-tunnel"),
    (GOOD.replace("tunnel", "fluidity"), 1, "Fluidity has a program of this name"),
    (GOOD.replace("at: mark", "at: nowhere"), 4, "there is no Swift package in"),
    (GOOD.replace("at: mark", "at: mark, version: 1.2.0"), 4, "a folder has no 'version': it is taken as it is"),
    (GOOD.replace("at: mark", 'at: "https://git.example/mark.git"'), 4, "it isn't said which version of the repository is taken"),
    (GOOD.replace("at: mark", 'at: "https://git.example/mark.git", version: 1.2'), 4, "it has three numbers"),
    (GOOD.replace("at: mark", 'at: "git@git.example:team/mark.git", version: 1.2.0, branch: main'), 4, "'branch' stands beside 'version'"),
    (GOOD.replace("[Mark]", "[]"), 4, "no stage of the package is named"),
    (GOOD.replace("[Mark]", "[Mark, Mark.MarkFactory]"), 4, "'Mark' is named twice"),
    (GOOD.replace("[Mark]", '["Mark(); exit(1)"]'), 4, "wants a module such as RequestMark"),
    (GOOD + "  - { at: mark, stages: [Other] }\n", 5, "there are two packages 'mark'"),
    (GOOD.split("packages")[0] + "packages: []\n", 3, "there is no package"),
    (GOOD + "\tx", 5, ""),
]  # fmt: skip


@pytest.mark.parametrize("text, line, words", WRONG)
async def test_what_is_wrong_with_a_description_is_said_with_its_line(binary, tmp_path, text, line, words):
    (tmp_path / "mark").mkdir()
    (tmp_path / "mark/Package.swift").write_text("")
    file = description(tmp_path, text.replace("FLUIDITY", str(ROOT)))
    refused = await run(binary, "build", file, within=20)
    assert refused.status == 65 and f"{file}:{line}:" in refused.text and words in refused.text, refused.text
    assert not (tmp_path / "tunnel").exists()


async def test_what_is_written_stays_and_nobody_elses_is_touched(binary, tmp_path):
    (tmp_path / "mark").mkdir()
    (tmp_path / "mark/Package.swift").write_text("")
    text = GOOD.replace("FLUIDITY", str(ROOT)) + '  - { at: "https://git.example/a/quota.git", version: "=1.2.0", stages: [Quota, Quota.PerDay] }\n'
    file = description(tmp_path, text)
    written = await run(binary, "build", file, "--write-only", within=20)
    assert written.status == 0, written.text
    main = tmp_path / "tunnel/Sources/TunnelProgram/Main.swift"
    manifest = (tmp_path / "tunnel/Package.swift").read_text()
    assert '.package(url: "https://git.example/a/quota.git", exact: "1.2.0")' in manifest
    assert manifest.count('.product(name: "Quota", package: "quota")') == 1
    assert all(f"stages.register({each}())" in main.read_text() for each in ("Mark.MarkFactory", "Quota.QuotaFactory", "Quota.PerDay"))
    # The versions that Fluidity itself was tested with.
    assert (tmp_path / "tunnel/Package.resolved").read_bytes() == (ROOT / "Package.resolved").read_bytes()
    os.utime(main, (1, 1))
    assert (await run(binary, "build", file, "--write-only", within=20)).status == 0
    assert main.stat().st_mtime == 1, "what hasn't changed isn't compiled again"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/Package.swift").write_text("precious")
    taken = await run(binary, "build", file, "--into", tmp_path / "mine", within=20)
    assert taken.status == 73 and "--into names another" in taken.text and (tmp_path / "mine/Package.swift").read_text() == "precious"
    missing = await run(binary, "build", file, within=20, environment={"PATH": str(tmp_path)})
    assert missing.status == 69 and "there is no 'swift' here" in missing.text, missing.text
    absent = await run(binary, "build", tmp_path / "other.yaml", within=20)
    assert absent.status == 65 and "can't be read: it doesn't exist" in absent.text
