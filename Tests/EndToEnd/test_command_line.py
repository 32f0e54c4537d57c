"""The `fluidity` command: check, stages, help, exit statuses, overrides, completions."""

import asyncio
import re
import shutil

import pytest

from harness.client import Connection, fetch
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run


@pytest.fixture
def fluidity(binary):
    async def call(*arguments, **options):
        return await run(binary, *arguments, within=20, **options)

    return call


async def test_check_of_good_files(fluidity, make_tunnel):
    tunnel = make_tunnel()
    result = await fluidity("check", tunnel.agent_config, tunnel.server_config)
    assert result.status == 0, result.text


async def test_check_of_bad_files(fluidity, tmp_path, make_tunnel):
    bad = tmp_path / "bad.yaml"
    bad.write_text('pipeline:\n  - accept: { listen: "127.0.0.1:0", idel: 5m }\n  - htpp: {}\n  - fetch: {}\n')
    result = await fluidity("check", make_tunnel().agent_config, bad)
    assert result.status == 65
    assert re.search(r"bad\.yaml:2:\d+: error: .*idel", result.text), result.text
    assert re.search(r"bad\.yaml:3:\d+: error: .*htpp", result.text), "both errors in one run"
    assert "idle" in result.text and "http" in result.text, "the nearest names are hints"
    assert "agent.yaml" not in result.text.replace(str(bad), "") or "error" not in [
        line for line in result.text.splitlines() if "agent.yaml" in line
    ]


async def test_check_of_a_wrong_order(fluidity, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text('pipeline:\n  - accept: { listen: "127.0.0.1:0" }\n  - fetch: {}\n')
    result = await fluidity("check", bad)
    assert result.status == 65
    assert re.search(r"bad\.yaml:3:\d+: error: ", result.text) and "http" in result.text, result.text


async def test_a_missing_file_and_a_bad_one_don_t_run(fluidity, tmp_path):
    missing = await fluidity("agent", "--config", tmp_path / "missing.yaml")
    assert missing.status != 0 and "missing.yaml" in missing.text
    bad = tmp_path / "bad.yaml"
    bad.write_text("pipeline: [")
    result = await fluidity("agent", "--config", bad)
    assert result.status == 65 and "bad.yaml:" in result.text, result.text


async def test_stages(fluidity):
    result = await fluidity("stages")
    assert result.status == 0
    for stage in ("accept", "http", "mtls", "frame", "connect", "fetch"):
        assert re.search(rf"^\W*{stage}\b", result.text, re.MULTILINE), f"no {stage}:\n{result.text}"
    for medium in ("inbound", "exchange", "outbound"):
        assert medium in result.text.lower()


async def test_help_and_version(fluidity):
    helped = await fluidity("--help")
    assert helped.status == 0 and "agent" in helped.text and "server" in helped.text
    # The commands stand in groups by what somebody is about.
    groups = re.findall(r"^([A-Z]+) SUBCOMMANDS:\n((?:  .*\n)+)", helped.text, re.MULTILINE)
    assert [name for name, _ in groups] == ["RUN", "CHECK", "JOIN", "SEE", "OPERATE", "EXTEND"]
    commands = {name: re.findall(r"^  ([a-z-]+)", text, re.MULTILINE) for name, text in groups}
    assert commands["RUN"] == ["agent", "server", "control", "up", "run", "env", "ssh-proxy"]
    assert commands["CHECK"] == ["check", "doctor", "test", "explain", "diff", "egress", "print", "graph"]
    assert "evaluate-proxy-script" not in helped.text
    assert commands["JOIN"] == ["init", "invite", "join", "agents", "export", "cert", "passwd"] and commands["OPERATE"] == ["reload", "simulate", "migrate"]
    version = await fluidity("--version")
    assert version.status == 0 and re.search(r"\d+\.\d+", version.text)


@pytest.mark.parametrize("command", ["agent", "server"])
async def test_started_twice_on_one_port(fluidity, make_tunnel, command):
    tunnel = make_tunnel().start()
    config, port = (tunnel.agent_config, tunnel.port) if command == "agent" else (tunnel.server_config, tunnel.server_port)
    result = await fluidity(command, "--config", config)
    assert result.status == 69, result.text
    (line,) = result.text.splitlines()
    assert str(port) in line and "in use" in line, line
    assert tunnel.alive


async def test_a_listener_that_is_not_allowed(fluidity, tmp_path):
    stages = [("accept", {"listen": "192.0.2.200:80"}), ("http", {"mode": "proxy"}), ("fetch", {})]
    result = await fluidity("agent", "--config", write_configuration(tmp_path / "proxy.yaml", stages))
    assert result.status == 69 and "192.0.2.200" in result.text, result.text


async def test_the_server_s_address_by_argument(make_tunnel, origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    tunnel = make_tunnel(agent={"connect": {"to": f"localhost:{free_port()}"}})
    tunnel.start_server()
    tunnel.start_agent("--server", f"localhost:{tunnel.server_port}")
    assert (await fetch(tunnel.port, origin.url("/"))).body == b"fine"


@pytest.fixture
def misled(make_tunnel, origin):
    """A tunnel whose agent's file has the wrong server in it."""

    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    tunnel = make_tunnel(agent={"connect": {"to": f"localhost:{free_port()}", "wait": "10m"}})
    tunnel.start_server()
    return tunnel


async def test_save_writes_the_server_to_the_file(misled, origin):
    wanted = f"localhost:{misled.server_port}"
    before = "# who reads this?\n" + misled.agent_config.read_text() + "# the end\n"
    misled.agent_config.write_text(before)
    misled.start_agent("--server", wanted, "--save")
    assert (await fetch(misled.port, origin.url("/"))).body == b"fine"
    after = misled.agent_config.read_text()
    changed = [(old, new) for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    assert len(changed) == 1 and wanted in changed[0][1], f"comments and everything else stay: {changed}"
    # What was saved is enough the next time.
    misled.agent.kill()
    misled.start_agent()
    assert (await fetch(misled.port, origin.url("/"))).body == b"fine"


async def test_save_keeps_who_may_read_the_file_and_where_it_is(misled, origin, tmp_path):
    """A file with secrets in it, at the end of a link."""
    file = tmp_path / "elsewhere.yaml"
    misled.agent_config.rename(file)
    file.chmod(0o640)
    misled.agent_config.symlink_to(file)
    misled.start_agent("--server", f"localhost:{misled.server_port}", "--save")
    assert misled.agent_config.is_symlink()
    assert f"localhost:{misled.server_port}" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640


async def test_save_changes_the_included_file_that_has_the_server(misled, origin):
    lines = misled.agent_config.read_text().splitlines(keepends=True)
    (connect,) = [line for line in lines if line.startswith("  - connect:")]
    included = misled.agent_config.parent / "parts" / "exit.yaml"
    included.parent.mkdir()
    included.write_text("# where it goes\n" + connect[2:])
    misled.agent_config.write_text("".join("  - include: parts/exit.yaml\n" if line == connect else line for line in lines))
    before = misled.agent_config.read_text()
    wanted = f"localhost:{misled.server_port}"
    misled.start_agent("--server", wanted, "--save")
    assert (await fetch(misled.port, origin.url("/"))).body == b"fine"
    assert misled.agent_config.read_text() == before
    comment, changed = included.read_text().splitlines()
    assert comment == "# where it goes" and wanted in changed


async def test_save_goes_with_a_server(fluidity, make_tunnel):
    result = await fluidity("agent", "--config", make_tunnel().agent_config, "--save")
    assert result.status == 64 and "--save goes with --server" in result.text, result.text


async def test_without_save_the_file_stays(misled, origin):
    before = misled.agent_config.read_text()
    misled.start_agent("--server", f"localhost:{misled.server_port}")
    assert (await fetch(misled.port, origin.url("/"))).body == b"fine"
    assert misled.agent_config.read_text() == before


async def test_a_setting_by_argument(misled, origin):
    misled.start_agent("--set", f"pipeline.connect.to=localhost:{misled.server_port}")
    assert (await fetch(misled.port, origin.url("/"))).body == b"fine"


async def test_a_setting_by_environment(misled, origin):
    misled.environment = {"FLUIDITY_PIPELINE_CONNECT_TO": f"localhost:{misled.server_port}"}
    misled.start_agent()
    assert (await fetch(misled.port, origin.url("/"))).body == b"fine"


async def test_arguments_come_before_the_environment_and_that_before_the_file(misled, origin):
    misled.environment = {"FLUIDITY_PIPELINE_CONNECT_TO": f"localhost:{free_port()}"}
    misled.start_agent("--set", f"pipeline.connect.to=localhost:{misled.server_port}")
    assert (await fetch(misled.port, origin.url("/"))).body == b"fine"


TEXTS = ["", " ", "~", "null", "true", "[closed]", '{"status":"ok"}', '"quoted"', "'quoted'", "#comment", "a: b", "- x", "*alias", "&anchor", "!tag", "%", "`", " a ", "two\nlines", "${env:A}"]


@pytest.mark.parametrize("way", ["environment", "argument"])
@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_counts_as_it_is(launch, tmp_path, text, way):
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "origin"}), ("respond", {"body": "of the file"})]
    config = write_configuration(tmp_path / "text.yaml", stages)
    if way == "environment":
        launch(Fluidity("server", config, port=port, environment={"FLUIDITY_PIPELINE_RESPOND_BODY": text}))
    else:
        launch(Fluidity("server", config, port=port, arguments=("--set", f"pipeline.respond.body={text}")))
    async with await Connection.open(port) as client:
        assert (await client.request("GET", f"http://127.0.0.1:{port}/")).body == text.encode()


@pytest.mark.parametrize("environment, key", [({"NEW": "n" * 20}, "n" * 20), ({"OLD": "o" * 20}, "o" * 20), ({"NEW": "", "OLD": "o" * 20}, "o" * 20), ({}, "d" * 20)])
async def test_a_default_within_a_default(launch, tmp_path, environment, key):
    port = free_port()
    keys = [{"name": "robot", "key": "${env:NEW:-${env:OLD:-" + "d" * 20 + "}}"}]
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "origin"}), ("auth", {"methods": [{"api-key": {"header": "X-Key", "keys": keys}}], "failure-delay": "0s"}), ("respond", {"body": "in"})]
    launch(Fluidity("server", write_configuration(tmp_path / "default.yaml", stages), port=port, environment=environment))
    for offered in ("n" * 20, "o" * 20, "d" * 20, "${env:OLD}", key + "}"):
        async with await Connection.open(port) as client:
            assert (await client.request("GET", f"http://127.0.0.1:{port}/", [("X-Key", offered)])).status == (200 if offered == key else 403), offered


@pytest.mark.parametrize("arguments", [["--set", "pipeline.connect.tto=a:1"], ["--set", "pipeline.conect.to=a:1"], ["--set", "nonsense"]])
async def test_settings_that_can_t_be(fluidity, make_tunnel, arguments):
    result = await fluidity("agent", "--config", make_tunnel().agent_config, *arguments)
    assert result.status in (64, 65), result.text
    assert arguments[1].partition("=")[0].rpartition(".")[2] in result.text, result.text


async def test_an_agent_on_a_taken_port_dials_nobody(fluidity, make_tunnel, make_tcp):
    async def hold(reader, writer):
        await reader.read()

    server = await make_tcp(hold)
    tunnel = make_tunnel(agent={"connect": {"to": server.authority}})
    taken = await asyncio.start_server(hold, "127.0.0.1", tunnel.port)
    async with taken:
        result = await fluidity("agent", "--config", tunnel.agent_config)
    assert result.status == 69, result.text
    assert server.connections == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_completions(fluidity, shell):
    result = await fluidity("--generate-completion-script", shell)
    assert result.status == 0, result.text
    for word in ("agent", "server", "check", "stages", "cert", "--config" if shell != "fish" else "config"):
        assert word in result.text


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
async def test_bash_completes(fluidity, binary, tmp_path):
    script = tmp_path / "fluidity.bash"
    script.write_bytes((await fluidity("--generate-completion-script", "bash")).output)
    ask = f"""
        source {script}
        PATH={binary.parent}:$PATH
        complete -p {binary.name} | grep -o -- '-F [^ ]*' | cut -d' ' -f2 > {tmp_path}/function
        COMP_WORDS=({binary.name} ag) COMP_CWORD=1 COMP_LINE='{binary.name} ag' COMP_POINT=${{#COMP_LINE}}
        $(cat {tmp_path}/function) {binary.name} ag {binary.name}
        echo "${{COMPREPLY[@]}}"
    """
    result = await run("bash", "-c", ask, within=20)
    assert result.output.decode().split() == ["agent", "agents"], result.text


@pytest.mark.parametrize("arguments, hint", [
    (("agnet",), "there is no command 'agnet'; did you mean 'agent'?"), (("help", "sever"), "did you mean 'server'?"),
    (("cert", "isue"), "there is no command 'isue'; did you mean 'issue'?"), (("stages", "ftch"), "there is no stage 'ftch'; did you mean 'fetch'?"),
    (("xyzzy",), "the commands are agent, server, "), (("stages", "xyzzy"), "'fluidity stages' lists them"),
], ids=range(6))  # fmt: skip
async def test_what_was_meant(fluidity, arguments, hint):
    result = await fluidity(*arguments)
    assert result.status == 64 and hint in result.text, result.text


async def test_a_proxy_with_a_user_is_printed_as_one(fluidity, make_tunnel, tmp_path):
    tunnel = make_tunnel(agent={"connect": {"via": "http://somebody:hunter2@proxy.example:3128"}})
    result = await fluidity("print", tunnel.agent_config)
    assert "http://[redacted]@proxy.example:3128" in result.text and "hunter2" not in result.text and "somebody" not in result.text
    # What is printed is a configuration again.
    printed = tmp_path / "printed.yaml"
    printed.write_bytes(result.output)
    again = await fluidity("print", printed)
    assert "http://[redacted]@proxy.example:3128" in again.text, again.text


async def test_tests_leave_no_lines_in_an_access_log(fluidity, tmp_path):
    log = tmp_path / "access.log"
    log.write_text("a line of somebody's\n")
    tests = [{"name": "one", "request": {"url": "http://a.example/"}, "expect": {"status": 200}}]
    stages = [("accept", {"listen": "127.0.0.1:0"}), ("http", {}), ("access-log", {"to": str(log)}), ("fetch", {})]
    result = await fluidity("test", write_configuration(tmp_path / "logged.yaml", stages, tests=tests))
    assert result.status == 0 and "1 of 1 passed" in result.text, result.text
    assert log.read_text() == "a line of somebody's\n"
