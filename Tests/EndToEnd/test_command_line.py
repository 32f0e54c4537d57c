"""The `fluidity` command: check, stages, help, exit statuses, overrides."""

import re

import pytest

from harness.client import fetch
from harness.fluidity import write_configuration
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
    version = await fluidity("--version")
    assert version.status == 0 and re.search(r"\d+\.\d+", version.text)
    wrong = await fluidity("agnet")
    assert wrong.status == 64, wrong.text


@pytest.mark.parametrize("command", ["agent", "server"])
async def test_started_twice_on_one_port(fluidity, make_tunnel, command):
    tunnel = make_tunnel().start()
    config, port = (tunnel.agent_config, tunnel.port) if command == "agent" else (tunnel.server_config, tunnel.server_port)
    result = await fluidity(command, "--config", config)
    assert result.status == 69, result.text
    telling = [line for line in result.text.splitlines() if str(port) in line and "in use" in line]
    assert len(telling) == 1, f"one clear line, not:\n{result.text}"
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
