"""`fluidity health`, the health check of containers: asks the admin listener of a running process."""

import os
import shutil

import pytest
from harness.fluidity import Fluidity, Tunnel, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually


@pytest.fixture
def tunnel(tmp_path, client_identity, server_identity, request):
    socket = tmp_path / "admin.sock"
    made = Tunnel(
        tmp_path,
        client_identity,
        server_identity,
        agent_top={"admin": {"listen": f"127.0.0.1:{free_port()}"}},
        server_top={"admin": {"listen": f"unix:{socket}"}},
    )
    yield made
    made.kill()


async def test_ready_and_not_ready(tunnel, binary):
    tunnel.start_agent()
    health = [binary, "health", "--config", tunnel.agent_config]
    result = await run(*health)
    assert result.status == 1 and b"tunnel" in result.errors and result.output == b"", result.text
    result = await run(*health, "--live")
    assert result.status == 0 and result.output == b"alive\n", result.text

    tunnel.start_server()

    async def is_ready():
        return (await run(*health)).status == 0

    await eventually(is_ready, 20, "the agent is ready once the server is there")
    result = await run(binary, "health", "--config", tunnel.server_config)
    assert result.status == 0 and result.output == b"ready\n", result.text


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs the superuser, to cover /proc")
async def test_without_proc(tunnel, binary):
    """Where /proc isn't mounted, Swift's runtime has no words of the command line: the help would be printed, and all be healthy."""
    bare = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    health = [*bare, binary, "health", "--config", tunnel.server_config]
    result = await run(*health)
    assert result.status == 69 and b"nothing answers at" in result.errors, result.text
    tunnel.start_server()
    result = await run(*health)
    assert result.status == 0 and result.output == b"ready\n", result.text


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "0", "[::]", "[0:0::0]", "[::ffff:0.0.0.0]"])
async def test_a_listener_on_every_address(tmp_path, launch, binary, everywhere):
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{free_port()}"}), ("http", {}), ("respond", {"status": 200})]
    config = write_configuration(tmp_path / "everywhere.yaml", stages, admin={"listen": f"{everywhere}:{port}"})
    launch(Fluidity("server", config, port=None))
    result = await run(binary, "health", "--config", config)
    assert result.status == 0 and result.output == b"ready\n", result.text


async def test_nobody_there(tunnel, binary):
    for config in (tunnel.agent_config, tunnel.server_config):
        result = await run(binary, "health", "--config", config)
        assert result.status == 69 and b"nothing answers at" in result.errors, result.text


@pytest.mark.parametrize("way, words", [
    ("nobody", "nothing answers at 127.0.0.1:{}: the connection was refused; does it run, with this configuration?"),
    ("silent", "nothing answers at 127.0.0.1:{}: it doesn't answer in time"), ("closes", "nothing answers at 127.0.0.1:{}: "),
    ("other", "what answers at 127.0.0.1:{} is no admin listener that may be asked by this name: it answers 404"),
    ("no HTTP", "nothing answers at 127.0.0.1:{}: "),
])  # fmt: skip
async def test_somebody_else_there(tmp_path, binary, make_tcp, way, words):
    """In words, without those of the library that asks."""
    answers = {"other": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "closes": b""}

    async def serve(reader, writer):
        await reader.read(1)
        if way == "silent":
            await reader.read()
        writer.write(answers.get(way, b""))
        await writer.drain()
        writer.close()

    port = free_port() if way == "nobody" else (await make_tcp(serve)).port
    stages = [("accept", {"listen": "127.0.0.1:0"}), ("http", {}), ("respond", {"status": 200})]
    config = write_configuration(tmp_path / "health.yaml", stages, admin={"listen": f"127.0.0.1:{port}"})
    result = await run(binary, "health", "--config", config)
    assert result.status == 69 and words.format(port) in result.text, result.text
    assert not any(word in result.text for word in ("NIO", "HTTPClient", "errno", "Error(", ".swift", "descriptor")), result.text


async def test_a_port_that_nobody_knows(tmp_path, binary):
    stages = [("accept", {"listen": "127.0.0.1:0"}), ("http", {}), ("respond", {"status": 200})]
    config = write_configuration(tmp_path / "health.yaml", stages, admin={"listen": "127.0.0.1:0"})
    result = await run(binary, "health", "--config", config)
    assert result.status == 65 and "a port that the system chooses" in result.text, result.text


async def test_nobody_to_ask(tmp_path, client_identity, server_identity, binary):
    plain = Tunnel(tmp_path, client_identity, server_identity)
    result = await run(binary, "health", "--config", plain.agent_config)
    assert result.status == 65 and b"has no 'admin'" in result.errors, result.text
