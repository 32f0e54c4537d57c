"""Configurations of the first Fluidity: each is turned into a pipeline, checked, and run."""

import json
import shutil

import pytest

from harness.client import fetch
from harness.fluidity import Fluidity, configuration
from harness.ports import free_port
from harness.processes import run

#: What an agent of the first Fluidity was told: the file, variables above it, and options of `migrate`. PORT is the proxy's, SERVER the
#: server's, WORLD the control plane's URL.
AGENTS = {
    "as it came": ("server_ip: 127.0.0.1\nserver_port: SERVER\nlocal_proxy_port: PORT\n", {}, []),
    "with its files": ("server_ip: 127.0.0.1\nserver_port: SERVER\nlocal_proxy_port: PORT\ncert_file: ./certs/client.crt\nkey_file: ./certs/client.key\nca_cert_file: ./certs/ca.crt\n", {}, []),
    "a name": ("server_ip: localhost\nserver_port: SERVER\nlocal_proxy_port: PORT\n", {}, []),
    "comments and quotes": ("# mine\nserver_ip: \"127.0.0.1\"\nserver_port: \"SERVER\"   # the port\nlocal_proxy_port: 'PORT'\nlog_level: \"info\"\n", {}, []),
    "levels in capitals": ("server_ip: 127.0.0.1\nserver_port: SERVER\nlocal_proxy_port: PORT\nlog_level: WARN\n", {"FLUIDITY_LOG_LEVEL": "INFO"}, []),
    "only variables": ("", {"FLUIDITY_SERVER_IP": "127.0.0.1", "FLUIDITY_SERVER_PORT": "SERVER", "FLUIDITY_LOCAL_PROXY_PORT": "PORT"}, []),
    "variables above it": ("server_ip: 203.0.113.9\nserver_port: 1\nlocal_proxy_port: PORT\n", {"FLUIDITY_SERVER_IP": "127.0.0.1", "FLUIDITY_SERVER_PORT": "SERVER"}, []),
    "JSON": ("{\"server_ip\": \"127.0.0.1\", \"server_port\": SERVER, \"local_proxy_port\": PORT, \"max_connections\": 100}", {}, []),
    "an address of the command line": ("server_port: SERVER\nlocal_proxy_port: PORT\nlog_level: debug\n", {}, ["--server-ip", "127.0.0.1"]),
    "an old server": ("server_ip: 127.0.0.1\nserver_port: SERVER\nlocal_proxy_port: PORT\n", {}, ["--old-server"]),
    "woken": ("server_ip: 127.0.0.1\nserver_port: SERVER\nlocal_proxy_port: PORT\nwake_endpoint: WORLD/wake\nkill_endpoint: WORLD/kill\nconnection_timeout: 90s\nconnection_retry_interval: 5s\n", {"API_KEY": "open-sesame"}, []),
    "woken by variables": ("server_ip: 127.0.0.1\nserver_port: SERVER\nlocal_proxy_port: PORT\n", {"WAKE_ENDPOINT": "WORLD/wake", "KILL_ENDPOINT": "WORLD/kill", "API_KEY": "open-sesame", "CONNECTION_TIMEOUT": "1m30s", "CONNECTION_RETRY_INTERVAL": "5"}, []),
    "keys that nobody knows": ("server_ip: 127.0.0.1\nserver_port: SERVER\nlocal_proxy_port: PORT\ncolour: blue\n", {}, []),
    "a name of the certificate": ("server_ip: 127.0.0.1\nserver_port: SERVER\nlocal_proxy_port: PORT\n", {}, ["--server-name", "localhost"]),
}  # fmt: skip
SERVERS = {
    "as it came": ("listen_addr: 127.0.0.1\nlisten_port: SERVER\n", {}, []),
    "on all addresses": ("listen_addr: 0.0.0.0\nlisten_port: SERVER\nmax_connections: 100\nlog_level: error\n", {"FLUIDITY_LOG_LEVEL": "Info"}, []),
    "with its files": ("listen_addr: 127.0.0.1\nlisten_port: SERVER\ncert_file: ./certs/server.crt\nkey_file: ./certs/server.key\nca_cert_file: ./certs/ca.crt\n", {}, []),
    "only variables": ("# all of it is in the environment\n", {"FLUIDITY_LISTEN_ADDR": "127.0.0.1", "FLUIDITY_LISTEN_PORT": "SERVER"}, []),
    "IPv6 as well": ("listen_addr: \"::\"\nlisten_port: SERVER\n", {}, []),
    "said on the command line": ("max_connections: 10\n", {"FLUIDITY_LISTEN_PORT": "SERVER"}, ["--host", "server"]),
}  # fmt: skip


def test_there_are_twenty():
    assert len(AGENTS) + len(SERVERS) == 20


@pytest.fixture
def old(tmp_path, authority):
    """A folder as the first Fluidity has one, with its certificates."""
    certificates = tmp_path / "certs"
    certificates.mkdir()
    server = authority.issue("fluidity-server", dns=("fluidity-server", "localhost"), server=True)
    for name, identity in (("server", server), ("client", authority.issue("old-client"))):
        shutil.copy(identity.certificate, certificates / f"{name}.crt")
        shutil.copy(identity.key, certificates / f"{name}.key")
    shutil.copy(authority.path, certificates / "ca.crt")
    return tmp_path


async def migrate(binary, old, case, places: dict):
    """Migrates a case, checks what came out, and returns the new file and what was said."""

    def put(text: str) -> str:
        for word, value in places.items():
            text = text.replace(word, str(value))
        return text

    text, variables, options = case
    (old / "old.yaml").write_text(put(text))
    variables = {name: put(value) for name, value in variables.items()}
    new = old / "new.yaml"
    said = await run(binary, "migrate", "old.yaml", "--out", "new.yaml", *options, environment=variables, cwd=old)
    assert said.status == 0, said.text
    # The variables of the command that wrote the file aren't needed for it, but for the key that isn't written down.
    kept = {name: value for name, value in variables.items() if name in ("API_KEY", "FLUIDITY_LOG_LEVEL")}
    checked = await run(binary, "check", new, environment=kept)
    assert checked.status == 0 and checked.output.decode().strip() == f"{new}: ok", checked.text
    assert "open-sesame" not in new.read_text()
    return new, said.text, kept


def partner(old, host: str, port: int, server: int):
    """The other end, of today."""
    names = {"certificate": "certs/{0}.crt", "key": "certs/{0}.key", "ca": "certs/ca.crt"}
    file = old / f"{host}.yaml"
    if host == "server":
        mtls = {key: value.format("server") for key, value in names.items()}
        stages = [("accept", {"listen": f"127.0.0.1:{server}"}), ("mtls", mtls), ("frame", {"codecs": ["mux", "json"]}), ("fetch", {"destinations": "any"})]  # fmt: skip
    else:
        mtls = {key: value.format("client") for key, value in names.items()} | {"name": "localhost"}
        stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {}), ("frame", {}), ("mtls", mtls), ("connect", {"to": f"127.0.0.1:{server}"})]  # fmt: skip
    file.write_text(configuration(stages, host=host))
    return Fluidity(host, file, port=server if host == "server" else port, name=f"partner-{host}")


@pytest.mark.parametrize("name", AGENTS)
async def test_agents(binary, old, origin, make_origin, launch, name):
    origin.on("/")(answer)
    calls = []
    world = await make_origin()

    @world.on("/wake")
    async def wake(exchange):
        calls.append(exchange.request.get("x-api-key"))
        await exchange.respond(200, body=json.dumps({"status": "already_running", "estimatedStartTime": "1 second"}).encode())

    port, server = free_port(), free_port()
    places = {"PORT": port, "SERVER": server, "WORLD": world.url("")}
    file, said, kept = await migrate(binary, old, AGENTS[name], places)
    launch(partner(old, "server", port, server))
    launch(Fluidity("agent", file, port=port, environment=kept, name="migrated-agent"))
    assert (await fetch(port, origin.url("/"))).body == b"fine"
    assert calls == (["open-sesame"] if name.startswith("woken") else [])
    if name.startswith("woken"):
        assert "'on-stop: kill' is the old way" in said
    assert ("'colour' is no key" in said) == (name == "keys that nobody knows")


@pytest.mark.parametrize("name", SERVERS)
async def test_servers(binary, old, origin, launch, name):
    origin.on("/")(answer)
    port, server = free_port(), free_port()
    file, said, kept = await migrate(binary, old, SERVERS[name], {"SERVER": server})
    assert "public addresses only" in said
    launch(Fluidity("server", file, port=server, environment=kept, arguments=("--set", "pipeline.fetch.destinations=any"), name="migrated-server"))  # fmt: skip
    launch(partner(old, "agent", port, server))
    assert (await fetch(port, origin.url("/"))).body == b"fine"


async def answer(exchange):
    await exchange.respond(200, body=b"fine")


async def test_what_cannot_be_migrated(binary, tmp_path):
    file = tmp_path / "old.yaml"
    file.write_text("server_ip: 127.0.0.1\nserver_port: many\n")
    result = await run(binary, "migrate", file, "--out", tmp_path / "new.yaml")
    assert result.status == 65 and f"{file}:2:14: error: 'server_port' must be a whole number" in result.text, result.text
    assert not (tmp_path / "new.yaml").exists()
    file.write_text("server_ip: 127.0.0.1\n")
    (tmp_path / "new.yaml").write_text("mine")
    result = await run(binary, "migrate", file, "--out", tmp_path / "new.yaml")
    assert result.status == 73 and (tmp_path / "new.yaml").read_text() == "mine", result.text


async def test_variables_of_a_file_and_paths_of_another_folder(binary, old):
    """The new file stands elsewhere: the certificates' paths lead to where they are."""
    (old / "old.yaml").write_text("server_ip: 203.0.113.1\n")
    (old / "agent.env").write_text("# set by hand\nexport FLUIDITY_SERVER_IP='127.0.0.1'\nFLUIDITY_SERVER_PORT=9443\n")
    new = old / "else where"
    new.mkdir()
    said = await run(binary, "migrate", "old.yaml", "--environment", "agent.env", "--out", new / "new.yaml", cwd=old)
    assert said.status == 0, said.text
    checked = await run(binary, "check", new / "new.yaml")
    assert checked.status == 0, checked.text
    assert 'to: "127.0.0.1:9443"' in (new / "new.yaml").read_text()


async def test_an_old_key_gets_a_hint(binary, tmp_path):
    file = tmp_path / "agent.yaml"
    file.write_text("server_ip: 203.0.113.1\nlocal_proxy_port: 8080\n")
    result = await run(binary, "check", file)
    assert result.status == 65 and "'fluidity migrate FILE' writes such a file anew" in result.text, result.text


async def test_the_server_s_address_as_the_first_fluidity_takes_it(make_tunnel, origin):
    origin.on("/")(answer)
    tunnel = make_tunnel()
    text = tunnel.agent_config.read_text()
    tunnel.agent_config.write_text(text.replace(f"localhost:{tunnel.server_port}", f"192.0.2.1:{tunnel.server_port}"))
    tunnel.start_server()
    tunnel.start_agent("--server-ip", "127.0.0.1", "--save")
    assert (await fetch(tunnel.port, origin.url("/"))).body == b"fine"
    assert f"127.0.0.1:{tunnel.server_port}" in tunnel.agent_config.read_text()
