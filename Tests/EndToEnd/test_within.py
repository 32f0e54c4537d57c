"""`fluidity run`, `env` and `ssh-proxy`: other programs go through the agent. And where configurations are found."""

import asyncio
import shutil
import signal

import pytest

from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually


@pytest.fixture
async def fine(origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    return origin.url("/")


async def curl_through(binary, tunnel, url, *options, within=30):
    script = f"curl -sS --noproxy '' {url}"
    return await run(binary, "run", "--config", tunnel.agent_config, *options, "--", "sh", "-c", script, within=within)


async def test_with_the_agent_that_runs(binary, make_tunnel, fine):
    tunnel = make_tunnel().start()
    done = await curl_through(binary, tunnel, fine)
    assert (done.status, done.output) == (0, b"fine"), done.text
    assert tunnel.agent.alive
    await eventually(lambda: fine.split("/")[2] in tunnel.agent.text(), 10, "the running agent has carried it")


async def test_with_an_agent_of_its_own(binary, make_tunnel, fine):
    tunnel = make_tunnel()
    tunnel.start_server()
    done = await curl_through(binary, tunnel, fine)
    assert (done.status, done.output) == (0, b"fine"), done.text
    # It has ended with the command.
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", tunnel.port)


@pytest.mark.parametrize("command,status", [(["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -TERM $$"], 128 + signal.SIGTERM), (["no-such-program"], 127), (["/"], 126)])
async def test_the_status_is_the_command_s(binary, make_tunnel, command, status):
    tunnel = make_tunnel().start()
    done = await run(binary, "run", "--config", tunnel.agent_config, "--", *command, within=20)
    assert done.status == status, done.text


async def test_an_agent_that_cannot_start(binary, make_tunnel):
    tunnel = make_tunnel()
    done = await run(binary, "run", "--config", tunnel.agent_config, "--set", "pipeline.mtls.key=/nowhere", "--", "true", within=30)
    assert done.status in (65, 69) and "/nowhere" in done.text, done.text


async def test_variables(binary, make_tunnel, tmp_path):
    tunnel = make_tunnel()
    shown = await run(binary, "env", "--config", tunnel.agent_config, within=20)
    variables = await run("sh", "-c", shown.output.decode() + "\nenv", within=20)
    lines = variables.output.decode().splitlines()
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"):
        assert f"{name}=http://127.0.0.1:{tunnel.port}" in lines, variables.text
    assert any(line.startswith("no_proxy=") and "localhost" in line for line in lines)
    assert f"-Dhttps.proxyPort={tunnel.port}" in variables.text and "ssh-proxy" in variables.text
    unset = await run(binary, "env", "--unset", "--config", tunnel.agent_config, within=20)
    after = await run("sh", "-c", shown.output.decode() + "\n" + unset.output.decode() + "\nenv", within=20)
    assert "proxy" not in after.text, after.text


async def test_a_way_for_ssh(binary, make_tunnel, make_tcp):
    async def host(reader, writer):
        writer.write(b"SSH-2.0-here\r\n")
        while data := await reader.read(65536):
            writer.write(data[::-1])
        writer.write(b"bye")
        writer.close()

    port = (await make_tcp(host)).port
    tunnel = make_tunnel().start()
    done = await run(binary, "ssh-proxy", "--config", tunnel.agent_config, "127.0.0.1", port, within=20, stdin=b"0123456789")
    assert (done.status, done.output) == (0, b"SSH-2.0-here\r\n9876543210bye"), done.text


async def test_a_host_that_ssh_cannot_reach(binary, make_tunnel):
    tunnel = make_tunnel().start()
    done = await run(binary, "ssh-proxy", "--config", tunnel.agent_config, "127.0.0.1", free_port(), within=20)
    assert done.status == 69 and "can't be reached (502)" in done.text, done.text
    tunnel.agent.kill()
    gone = await run(binary, "ssh-proxy", "--config", tunnel.agent_config, "127.0.0.1", 22, within=20)
    assert gone.status == 69 and "no agent runs" in gone.text, gone.text


async def test_where_configurations_are_found(binary, make_tunnel, tmp_path):
    tunnel = make_tunnel()
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": ""}
    none = await run(binary, "env", within=20, environment=home)
    assert none.status == 65 and f"{tmp_path}/.config/fluidity/agent.yaml" in none.text and "fluidity join" in none.text, none.text
    named = await run(binary, "env", within=20, environment={**home, "FLUIDITY_CONFIG": str(tunnel.agent_config)})
    assert named.status == 0 and str(tunnel.port) in named.text, named.text
    own = tmp_path / ".config/fluidity/agent.yaml"
    own.parent.mkdir(parents=True)
    shutil.copy(tunnel.agent_config, own)
    found = await run(binary, "env", within=20, environment=home)
    assert found.status == 0 and str(own) in found.text, found.text
    elsewhere = tmp_path / "xdg/fluidity/agent.yaml"
    elsewhere.parent.mkdir(parents=True)
    shutil.copy(tunnel.agent_config, elsewhere)
    other = await run(binary, "env", within=20, environment={**home, "XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert other.status == 0 and str(elsewhere) in other.text, other.text
