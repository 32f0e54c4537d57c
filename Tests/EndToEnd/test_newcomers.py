"""What somebody meets who uses `fluidity` for the first time: `init`, and what is typed wrong."""

import shutil

import pytest

from harness.client import fetch
from harness.fluidity import ROOT
from harness.ports import free_port
from harness.processes import Process, run


@pytest.fixture
def fluidity(binary):
    async def call(*arguments, **options):
        return await run(binary, *arguments, within=20, **options)

    return call


async def test_a_proxy_in_two_commands(fluidity, binary, tmp_path, launch, origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    file, port = tmp_path / "new/proxy.yaml", free_port()
    done = await fluidity("init", "proxy", "--out", file)
    assert done.status == 0 and f"fluidity agent --config {file}" in done.text, done.text
    assert file.stat().st_mode & 0o777 == 0o600
    checked = await fluidity("check", file)
    assert checked.status == 0 and "warning" not in checked.text, checked.text
    process = Process("init-proxy", [binary, "agent", "--config", file, "--set", f"pipeline.accept.listen=127.0.0.1:{port}", "--set", "pipeline.fetch.destinations=any"], tmp_path)
    launch(process)
    process.wait_for_line("listening")
    assert (await fetch(port, origin.url("/"))).body == b"fine"
    again = await fluidity("init", "proxy", "--out", file)
    assert again.status == 69 and "exists already" in again.text and "--out" in again.text, again.text


async def test_an_agent_and_a_server(fluidity, tmp_path):
    """What is written works with the certificates that it says how to make."""
    for kind in ("agent", "server"):
        assert (await fluidity("init", kind, "--out", tmp_path / f"{kind}.yaml")).status == 0
    unready = await fluidity("check", tmp_path / "agent.yaml")
    assert unready.status == 65 and "certs/laptop.pem" in unready.text, unready.text
    certs = tmp_path / "certs"
    for arguments in (["init"], ["issue", "server", "--ca", certs, "--server", "--dns", "tunnel.example.org"], ["issue", "laptop", "--ca", certs, "--client"]):
        made = await fluidity("cert", *arguments, "--out", certs)
        assert made.status == 0, made.text
    checked = await fluidity("check", tmp_path / "agent.yaml", tmp_path / "server.yaml")
    assert checked.status == 0 and "work together" in checked.text and "warning" not in checked.text, checked.text


async def test_a_control_plane(fluidity, tmp_path):
    assert (await fluidity("init", "control", "--out", tmp_path / "control.yaml")).status == 0
    checked = await fluidity("check", tmp_path / "control.yaml", environment={"FLUIDITY_CONTROL_KEY": "k" * 32, "AWS_REGION": "eu-central-1"})
    assert checked.status == 0, checked.text


async def test_init_s_usual_place(fluidity, tmp_path):
    printed = await fluidity("init", "--out", "-")
    assert printed.status == 0 and b"host: agent" in printed.output and not printed.errors
    wrong = await fluidity("init", "clinet")
    assert wrong.status == 64 and "agent" in wrong.text and "control" in wrong.text, wrong.text


@pytest.mark.parametrize("words,meant", [
    (["agnet"], "agent"), (["sever"], "server"), (["jion"], "join"), (["cert", "isue"], "issue"), (["stage", "nwe"], "new"), (["help", "agnet"], "agent"), (["impotr"], "import")])
async def test_a_command_that_is_not_there(fluidity, words, meant):
    done = await fluidity(*words)
    assert done.status == 64 and f"'{meant}'" in done.text, done.text


async def test_a_stage_of_nothing(fluidity, tmp_path):
    """`--fluidity` names a place that has no Fluidity: nothing is written that couldn't be built."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "Package.swift").write_text('let package = Package(name: "other")\n')
    for place, words in ((tmp_path / "nowhere", "no Package.swift"), (tmp_path, "no Package.swift"), (other, "isn't Fluidity")):
        done = await fluidity("stage", "new", "mark", "--fluidity", place, "--into", tmp_path / "mark")
        assert done.status == 64 and words in done.text and "--fluidity" in done.text, done.text
        assert not (tmp_path / "mark").exists()
    assert (await fluidity("stage", "new", "mark", "--fluidity", ROOT, "--into", tmp_path / "mark")).status == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_completions_as_the_readme_has_them(binary, tmp_path, shell):
    """In a home with nothing in it."""
    (line,) = [line for line in (ROOT / "README.md").read_text().splitlines() if f"--generate-completion-script {shell}" in line]
    command = line.split("          (")[0].strip().replace("fluidity --", f"{binary} --", 1)
    done = await run(shutil.which("sh"), "-c", command, within=20, environment={"HOME": str(tmp_path)})
    assert done.status == 0, done.text
    assert [path for path in tmp_path.rglob("*fluidity*") if path.is_file() and path.stat().st_size > 1000], list(tmp_path.rglob("*"))
