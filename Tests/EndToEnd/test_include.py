"""`- include: FILE` in lists of stages, rules and branches: what commands and a running program make of it."""

import json
import os
import shutil
import signal

import pytest
import yaml

from harness.client import fetch
from harness.fluidity import Fluidity
from harness.memory import MiB, cost
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually

RULES = '- deny: { hosts: ["*.bad.example"] }\n- allow: { ports: [80] }\n'
BRANCHES = """- name: near
  when: { hosts: ["*.near.example"] }
  stages:
    - include: ../out.yaml
"""


@pytest.fixture
def files(tmp_path):
    port = free_port()
    texts = {
        "main.yaml": f"""pipeline:
  - accept: {{ listen: "127.0.0.1:{port}" }}
  - http
  - egress: {{ rules: [{{ include: shared/rules.yaml }}] }}
  - route:
      branches:
        - include: shared/more/branches.yaml
        - {{ name: rest, stages: [{{ respond: {{ status: 200, body: rest }} }}] }}
""",
        "shared/rules.yaml": RULES,
        "shared/more/branches.yaml": BRANCHES,
        "shared/out.yaml": '- respond: { status: 200, body: "near and far" }\n',
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path, port


async def said(binary, *arguments, status: int = 0) -> str:
    done = await run(binary, *arguments, within=30)
    assert done.status == status, done.text
    return done.text


async def test_every_command_knows_included_files(binary, files, tmp_path):
    folder, _ = files
    main = folder / "main.yaml"
    await said(binary, "check", main)
    printed = await said(binary, "print", main)
    for value, place in (
        ("respond:", f"{folder}/shared/more/../out.yaml:1"), ("name: near", f"{folder}/shared/more/branches.yaml:1"),
        ("body: \"near and far\"", f"{folder}/shared/more/../out.yaml:1"), ("- route:", f"{main}:5"),
    ):  # fmt: skip
        assert any(value in line and line.endswith(f"# {place}") for line in printed.splitlines()), printed
    again = tmp_path / "again.yaml"
    again.write_text(printed)
    assert "include" not in yaml.safe_dump(yaml.safe_load(printed))
    await said(binary, "check", again)
    drawn = await said(binary, "graph", main)
    assert "near" in drawn and "rest" in drawn and "include" not in drawn
    told = await said(binary, "explain", main, "GET", "http://a.bad.example/")
    assert "403" in told and "rules.yaml:1" in told, told
    told = await said(binary, "explain", main, "GET", "http://a.near.example/")
    assert "near" in told and "out.yaml:1" in told, told
    other = tmp_path / "other"
    shutil.copytree(folder / "shared", other / "shared")
    shutil.copy(main, other / "main.yaml")
    (other / "shared/out.yaml").write_text("- respond: { status: 404 }\n")
    changed = await said(binary, "diff", main, other / "main.yaml")
    assert "respond.status: 200 (" in changed and f"404 ({other}/shared/more/../out.yaml:1)" in changed, changed
    schema = json.loads(await said(binary, "schema"))
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema)
    assert not list(validator.iter_errors(yaml.safe_load(main.read_text())))
    for wrong in ({"include": ["a"]}, {"include": ""}, {"include": "a", "name": "b"}):
        document = yaml.safe_load(main.read_text())
        document["pipeline"][3]["route"]["branches"][0] = wrong
        assert list(validator.iter_errors(document)), wrong


async def test_a_reload_reads_included_files(launch, files):
    folder, port = files
    proxy = launch(Fluidity("server", folder / "main.yaml", port=port))
    assert (await fetch(port, "http://a.near.example/")).body == b"near and far"
    assert (await fetch(port, "http://a.bad.example/")).status == 403
    (folder / "shared/out.yaml").write_text("- respond: { status: 200, body: nearer }\n")
    (folder / "shared/rules.yaml").write_text("- allow: { ports: [80] }\n")
    proxy.signal(signal.SIGHUP)

    async def is_new() -> bool:
        return (await fetch(port, "http://a.near.example/")).body == b"nearer"

    await eventually(is_new, 20, "the included file counts as it is now")
    assert (await fetch(port, "http://a.bad.example/")).body == b"rest"
    # One that can't be used any more is told with its place, and what was before goes on.
    (folder / "shared/out.yaml").write_text("- respond: { stauts: 200 }\n")
    proxy.signal(signal.SIGHUP)
    await eventually(lambda: "out.yaml:1:" in proxy.text(), 20, proxy.text)
    assert (await fetch(port, "http://a.near.example/")).body == b"nearer"


#: Beside what `check` needs for a file of three lines: the most that a single file may take, too.
ALLOWED = 48 * MiB
GOOD = 'pipeline:\n  - accept: { listen: "127.0.0.1:1" }\n  - http\n  - fetch\n'


def hostile(folder) -> dict[str, str]:
    """What is included, by what is said of it."""
    os.mkfifo(folder / "pipe.yaml")
    (folder / "folder.yaml").mkdir()
    (folder / "large.yaml").write_text("#" * 10_000_000)
    (folder / "cycle.yaml").write_text("- include: back.yaml\n")
    (folder / "back.yaml").write_text("- include: cycle.yaml\n")
    (folder / "deep.yaml").write_text("- " * 10_000)
    (folder / "bomb.yaml").write_text("- &a [a, a]\n- [*a, *a]\n")
    (folder / "pieces.yaml").write_text("- fault: { corrupt: { x: [" + "a," * 30_000 + "] } }\n")
    (folder / "one.yaml").write_text("- retry\n")
    (folder / "rules.yaml").write_text("- allow: { ports: [80] }\n")
    for level in range(40):
        (folder / f"twice{level}.yaml").write_text(f"- include: twice{level + 1}.yaml\n" * 2)
    for level in range(300):
        (folder / f"chain{level}.yaml").write_text(f"- include: chain{level + 1}.yaml\n")
    return {
        "pipe.yaml": "it is no regular file", "folder.yaml": "it is a folder", "missing.yaml": "it doesn't exist", "/dev/zero": "it is no regular file",
        "large.yaml": "more than 1MiB", "cycle.yaml": "includes itself: ", "deep.yaml": "nested more than 64 deep", "bomb.yaml": "is an anchor",
        "rules.yaml": "there is no stage 'allow'", "twice0.yaml": "includes more than 256 files", "chain0.yaml": "includes more than 256 files",
    }  # fmt: skip


async def test_hostile_files_cost_little(binary, tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD)
    for name, reason in hostile(tmp_path).items():
        main = tmp_path / "main.yaml"
        main.write_text(GOOD.replace("  - fetch", f"  - include: {name}\n  - fetch"))
        result = await run(binary, "check", main, within=20)
        assert result.status == 65 and reason in result.text, (name, result.text)
        assert ".yaml:" in result.text, (name, result.text)
        assert len(result.text) < 5_000, (name, result.text)


async def test_ten_thousand_includes(binary, tmp_path):
    (tmp_path / "one.yaml").write_text("- retry\n")
    (tmp_path / "pieces.yaml").write_text("- egress: { rules: [" + "{ deny: { ports: [1] } }," * 2_000 + "] }\n")
    good, main = tmp_path / "good.yaml", tmp_path / "main.yaml"
    good.write_text(GOOD)
    for name, count, reason in (("one.yaml", 10_000, "includes more than 256 files"), ("pieces.yaml", 250, "more than 50000 pieces")):
        main.write_text(GOOD.replace("  - fetch", f"  - include: {name}\n" * count + "  - fetch"))
        usual, refused = await cost(binary, "check", good), await cost(binary, "check", main)
        assert refused.status == 65 and reason in refused.text, refused.text[:2_000]
        assert refused.peak - usual.peak < ALLOWED and refused.seconds < 1, (name, refused.seconds, refused.peak / MiB)
