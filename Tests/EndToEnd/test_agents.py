"""`fluidity agents`, `export` and `import`: who has joined, who no longer may, and a configuration in one file."""

import asyncio
import json
import os
import signal
import subprocess

import pytest

from harness.client import fetch
from harness.ports import free_port
from harness.processes import Process, run
from harness.waiting import eventually
from test_join import Desk, wanted


@pytest.fixture
def desk(binary, tmp_path, launch):
    return Desk(binary, tmp_path, launch).start()


class Agent:
    """One that has joined, and runs."""

    def __init__(self, desk, launch, folder, config=None):
        self.port = free_port()
        self.config = config or desk.place / folder / "agent.yaml"
        self.process = Process(
            f"agent-{folder}", [desk.binary, "agent", "--config", self.config, "--set", f"pipeline.accept.listen=127.0.0.1:{self.port}"], desk.place)
        launch(self.process)

    def up(self):
        self.process.wait_for_line("tunnel is up")
        return self


async def listed(desk) -> dict:
    done = await run(desk.binary, "agents", "--json", "--config", desk.folder / "server.yaml", within=20)
    assert done.status == 0, done.text
    return {each.get("name"): each for each in json.loads(done.output)["agents"]}


async def revoke(desk, who):
    return await run(desk.binary, "agents", "--revoke", who, "--config", desk.folder / "server.yaml", within=20)


@pytest.fixture
async def fine(origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    return origin.url("/")


async def state_of(desk, name) -> str:
    return (await listed(desk)).get(name, {}).get("state", "nobody")


async def test_who_has_joined(desk, launch):
    nobody = await run(desk.binary, "agents", "--config", desk.folder / "server.yaml", within=20)
    assert nobody.status == 0 and "nobody has joined" in nobody.text, nobody.text
    joined = await desk.join(await desk.invite("laptop", "--uri", "spiffe://example.org/laptop"), "laptop")
    assert joined.status == 0, joined.text
    (entry,) = (await listed(desk)).values()
    assert (entry["name"], entry["state"], entry["uri"]) == ("laptop", "joined", "spiffe://example.org/laptop")
    certificate = desk.place / "laptop/certs/laptop.pem"
    key = subprocess.run(
        f"openssl x509 -in {certificate} -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum", shell=True, capture_output=True, text=True, check=True)
    assert entry["key"] == key.stdout.split()[0]
    Agent(desk, launch, "laptop").up()
    for _ in range(100):
        if await state_of(desk, "laptop") == "active":
            break
        await asyncio.sleep(0.1)
    entry = (await listed(desk))["laptop"]
    assert entry["state"] == "active" and entry["from"].startswith("127.0.0.1:"), entry
    table = await run(desk.binary, "agents", "--config", desk.folder / "server.yaml", within=20)
    assert "laptop" in table.text and "now" in table.text and entry["key"][:16] in table.text, table.text


async def test_the_revoked_lose_what_is_open(desk, launch, fine):
    """The other one is not disturbed, and the server goes on as it is."""
    agents = {}
    for name in ("laptop", "desk"):
        assert (await desk.join(await desk.invite(name), name)).status == 0
        agents[name] = Agent(desk, launch, name).up()
        assert (await fetch(agents[name].port, fine)).body == b"fine"
    open_line = await desk.invite("laptop")
    revoked = await revoke(desk, "laptop")
    assert revoked.status == 0 and "revoked" in revoked.text and "withdrew 1 invitation" in revoked.text, revoked.text
    await eventually(lambda: "the certificate was revoked" in desk.process.text(), 10, "the server ends its connection")
    await eventually(lambda: "was revoked" in desk.process.text().split("its connection ends")[-1], 20, "and refuses the next")
    assert (await fetch(agents["laptop"].port, fine)).status in (502, 503, 504)
    assert (await fetch(agents["desk"].port, fine)).body == b"fine"
    assert "tunnel" not in agents["desk"].process.text().split("tunnel is up", 1)[1]
    assert await state_of(desk, "laptop") == "revoked"
    # The line that was still open is worth nothing; a new one is, for a new key.
    assert (await desk.join(open_line, "again")).status == 69
    same = await desk.join(await desk.invite("laptop"), "laptop-2")
    assert same.status == 0, same.text
    Agent(desk, launch, "laptop-2").up()
    # It stays so when the server starts anew.
    await desk.stop()
    desk.start()
    late = Agent(desk, launch, "laptop")
    await eventually(lambda: "was revoked" in desk.process.text(), 20, "the server refuses it again")
    assert "tunnel is up" not in late.process.text()


async def test_a_revoked_key_does_not_join_again(desk, tmp_path):
    line = await desk.invite()
    assert (await desk.join(line, "laptop")).status == 0
    assert (await revoke(desk, "laptop")).status == 0
    (tmp_path / "laptop/agent.yaml").unlink()
    for each in (line, await desk.invite()):
        again = await desk.join(each, "laptop")
        assert again.status == 69 and "key was revoked" in again.text, again.text


async def test_who_cannot_be_revoked(desk):
    for who in ("nobody", "../../etc/passwd", "a\nb", "", "0123456", "f" * 63):
        done = await revoke(desk, who)
        assert done.status == 69 and "fluidity agents" in done.text, (who, done.text)
    # A key that was never here can be.
    assert (await revoke(desk, "f" * 64)).status == 0
    assert list((desk.folder / "agents").iterdir()) == [desk.folder / f"agents/{'f' * 64}.revoked"]


async def test_files_of_others_in_the_folder(desk):
    folder = desk.folder / "agents"
    folder.mkdir(exist_ok=True)
    (folder / ("a" * 64)).write_bytes(os.urandom(100_000))
    (folder / ("b" * 64)).symlink_to("/dev/zero")
    os.mkfifo(folder / ("c" * 64))
    (folder / "seen").mkdir(exist_ok=True)
    (folder / "seen" / ("d" * 64)).write_text("name: \x1b[31mred\nat: soon\nend: 99999999999999999999999\n")
    (folder / "note.txt").write_text("mine")
    done = await run(desk.binary, "agents", "--config", desk.folder / "server.yaml", within=20)
    assert done.status == 0 and "\x1b" not in done.text, done.text
    assert (await desk.join(await desk.invite(), "laptop")).status == 0
    assert "laptop" in await listed(desk)


async def test_a_configuration_without_a_roster(desk):
    config = desk.folder / "server.yaml"
    config.write_text("\n".join(line.replace(", agents: agents", "") for line in config.read_text().splitlines() if line.strip() != "agents: agents"))
    done = await run(desk.binary, "agents", "--config", config, within=20)
    assert done.status == 65 and "agents: agents" in done.text, done.text


async def test_agents_is_for_servers(desk, tmp_path):
    assert (await desk.join(await desk.invite(), "laptop")).status == 0
    config = tmp_path / "laptop/agent.yaml"
    config.write_text(config.read_text().replace("ca: certs/ca.pem", "ca: certs/ca.pem\n      agents: agents"))
    done = await run(desk.binary, "check", config, within=20)
    assert done.status == 65 and "is for a server's" in done.text, done.text


async def test_one_file(desk, launch, fine, tmp_path):
    """From the shell's `>` and into a file, which only its owner can read."""
    config = desk.folder / "server.yaml"
    redirected = tmp_path / "redirected.yaml"
    with open(redirected, "wb") as output:
        child = await asyncio.create_subprocess_exec(desk.binary, "export", "phone", "--config", config, stdout=output, stderr=asyncio.subprocess.PIPE)
        _, errors = await asyncio.wait_for(child.communicate(), 20)
    assert child.returncode == 0, errors
    written = tmp_path / "written.yaml"
    done = await run(desk.binary, "export", "tablet", "--config", config, "--out", written, within=20)
    assert done.status == 0, done.text
    for file in (redirected, written):
        assert file.stat().st_mode & 0o777 == 0o600, file
        assert (await fetch(Agent(desk, launch, file.stem, file).up().port, fine)).body == b"fine"
    taken = await run(desk.binary, "export", "tablet", "--config", config, "--out", written, within=20)
    assert taken.status == 69 and "exists already" in taken.text, taken.text
    assert set(await listed(desk)) == {"phone", "tablet"}
    assert (await revoke(desk, "tablet")).status == 0
    await eventually(lambda: "the certificate was revoked" in desk.process.text(), 10, "it can be revoked by its name")


async def test_import(desk, binary, launch, fine, tmp_path):
    file = tmp_path / "laptop.yaml"
    port = free_port()
    made = await run(binary, "export", "laptop", "--config", desk.folder / "server.yaml", "--out", file, "--listen", f"127.0.0.1:{port}", within=20)
    assert made.status == 0, made.text
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    out = ("--out", tmp_path / "xdg/fluidity")
    done = await run(binary, "import", file, *out, within=20, environment=home)
    assert done.status == 0 and "delete it" in done.text and f"127.0.0.1:{port}" in done.text, done.text
    placed = tmp_path / "xdg/fluidity/agent.yaml"
    assert placed.stat().st_mode & 0o777 == 0o600
    agent = Process("imported", [binary, "agent"], tmp_path, home)
    launch(agent)
    agent.wait_for_line("tunnel is up")
    assert (await fetch(port, fine)).body == b"fine"
    agent.signal(signal.SIGTERM)
    assert await agent.ended(within=20) == 0
    again = await run(binary, "import", file, *out, within=20, environment=home)
    assert again.status == 69 and "has joined" in again.text, again.text


@pytest.mark.parametrize("what", ["needs-files", "needs-another", "damaged", "empty", "server", "missing", "options"])
async def test_files_that_are_not_imported(desk, binary, tmp_path, what):
    file = tmp_path / "laptop.yaml"
    assert (await run(binary, "export", "laptop", "--config", desk.folder / "server.yaml", "--out", file, within=20)).status == 0
    text, options, status, words = file.read_text(), [], 65, ""
    if what == "needs-files":
        assert (await desk.join(await desk.invite(), "other")).status == 0
        file, words = tmp_path / "other/agent.yaml", "fluidity export"
    elif what == "needs-another":
        (tmp_path / "proxy.pem").write_bytes((desk.folder / "certs/ca.pem").read_bytes())
        file.write_text(text.replace("wait: 10s", 'wait: 10s, via: "https://proxy.example:3128", via-ca: proxy.pem'))
        words = "proxy.pem"
    elif what == "damaged":
        file.write_text(text.replace("BEGIN CERTIFICATE-----\n", "BEGIN CERTIFICATE-----\nAAAA", 1))
    elif what == "empty":
        file.write_text("")
    elif what == "server":
        file, words = desk.folder / "server.yaml", "host"
    elif what == "missing":
        file, status, words = tmp_path / "nowhere.yaml", 64, "there is no file"
    else:
        options, status, words = ["--listen", "127.0.0.1:1"], 64, "--listen"
    done = await run(binary, "import", file, "--out", tmp_path / "new", *options, within=20)
    assert done.status == status and words in done.text, done.text
    assert not (tmp_path / "new/agent.yaml").exists()


async def test_a_grant_is_written_down_or_not_made(desk):
    """Whom nobody could revoke isn't let in."""
    code = desk.code(await desk.invite())
    folder = desk.folder / "agents"
    for path in folder.iterdir() if folder.exists() else []:
        path.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    answer = await asyncio.to_thread(desk.ask, code, wanted())
    assert answer.startswith("refused ") and "can't write down" in answer, answer


async def test_what_cannot_be_read_is_not_empty(desk):
    folder = desk.folder / "agents"
    for path in folder.iterdir() if folder.exists() else []:
        path.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    for options in ([], ["--revoke", "laptop"]):
        done = await run(desk.binary, "agents", *options, "--config", desk.folder / "server.yaml", within=20)
        assert done.status == 69 and "can't be read" in done.text and "as root" in done.text, done.text


async def test_two_rosters(desk):
    """Revoking goes into both; `check` says that they are two."""
    config = desk.folder / "server.yaml"
    config.write_text(config.read_text().replace("agents: agents }", "agents: others }"))
    checked = await run(desk.binary, "check", config, within=20)
    assert checked.status == 0 and "two folders" in checked.text, checked.text
    assert (await desk.join(await desk.invite(), "laptop")).status == 0
    assert (await revoke(desk, "laptop")).status == 0
    revoked = [[path.name for path in (desk.folder / name).glob("*.revoked")] for name in ("agents", "others")]
    assert len(revoked[0]) == 1 and revoked[0] == revoked[1], revoked
    assert await state_of(desk, "laptop") == "revoked"
    config.write_text(config.read_text().replace(", agents: others", ""))
    checked = await run(desk.binary, "check", config, within=20)
    assert "still comes in" in checked.text, checked.text
    alone = await revoke(desk, "f" * 64)
    assert alone.status == 0 and "their own folder" in alone.text, alone.text


async def test_a_lost_roster(desk):
    """Nobody is revoked then, and the log says that it was made anew; one that is lost while the server runs lifts nothing."""
    assert "wasn't there and was made" not in desk.process.text()
    assert (await revoke(desk, "f" * 64)).status == 0
    # Whoever restores a folder by and by sees what comes back.
    await asyncio.sleep(1.5)
    (desk.folder / f"agents/{'f' * 64}.revoked").unlink()
    await eventually(lambda: "no longer are" in desk.process.text(), 10, "the server says that revocations are gone")
    await desk.stop()
    for path in (desk.folder / "agents").iterdir():
        path.unlink()
    (desk.folder / "agents").rmdir()
    process = Process("bereft", [desk.binary, "server", "--config", desk.folder / "server.yaml"], desk.place)
    desk.launch(process)
    process.wait_for_line("wasn't there and was made")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
async def test_a_key_into_the_file_of_another(desk, tmp_path):
    file = tmp_path / "theirs.yaml"
    file.touch()
    os.chown(file, 65534, 65534)
    with open(file, "wb") as output:
        child = await asyncio.create_subprocess_exec(
            desk.binary, "export", "phone", "--config", desk.folder / "server.yaml", stdout=output, stderr=asyncio.subprocess.PIPE)
        _, errors = await asyncio.wait_for(child.communicate(), 20)
    assert child.returncode == 69 and b"--out" in errors and file.read_bytes() == b"", errors
    assert "phone" not in await listed(desk), "nothing was issued"
