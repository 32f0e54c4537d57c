"""What `fluidity check` passes starts and works, or `check` warned of it; what it refuses doesn't start, for the same reason."""


import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from harness.certificates import Authority
from harness.client import fetch
from harness.fluidity import write_configuration
from harness.ports import free_port
from harness.processes import run

KEYS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.fixture
def check(binary):
    async def check(*files, command="check"):
        return await run(binary, command, *files, within=20)

    return check


@pytest.mark.parametrize("role", ["server", "client", "authority"])
@pytest.mark.parametrize("kind", KEYS)
async def test_keys_of_every_kind(tmp_path, make_tunnel, check, ok, kind, role):
    authority = Authority(tmp_path / "authority", key=KEYS[kind]() if role == "authority" else None)
    server = authority.issue("server", dns=("localhost",), server=True, key=KEYS[kind]() if role == "server" else None)
    client = authority.issue("client", key=KEYS[kind]() if role == "client" else None)
    tunnel = make_tunnel(client=client, server_as=server)
    result = await check(tunnel.agent_config, tunnel.server_config)
    assert result.status == 0 and "warning" not in result.text, result.text
    tunnel.start()
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"


async def test_what_is_kept_for_lost_connections(check, make_tunnel):
    tunnel = make_tunnel(agent={"frame": {"resume": {"enabled": True, "store": "1MiB"}}}, server={"frame": {"resume": {"enabled": False}}})
    result = await check(tunnel.agent_config, tunnel.server_config)
    assert result.status == 0, result.text
    assert "'frame' keeps at most 1MiB of a session that the other end has not acknowledged, and 256MiB of all" in result.text
    assert result.text.count("keeps at most") == 1


async def refused_alike(check, binary, words: str, kind: str, config):
    """Neither `check` nor a start takes it, and both say the same."""
    result = await check(config)
    assert result.status == 65 and words in result.text, result.text
    started = await run(binary, kind, "--config", config, within=20)
    assert started.status == 65 and words in started.text, started.text


async def test_a_subordinate_authority_alone(tmp_path, binary, check, make_tunnel, ok):
    """The library verifies up to an authority that nobody has authorised."""
    root = Authority(tmp_path / "root", "Root", path_length=1)
    sub = Authority(tmp_path / "sub", "Sub", issuer=root)
    server, client = sub.issue("server", dns=("localhost",), server=True), sub.issue("client")
    tunnel = make_tunnel(client=client, server_as=server)
    words = "has a subordinate authority, CN=Sub, without the authority that it comes from: add the certificate of CN=Root"
    await refused_alike(check, binary, words, "server", tunnel.server_config)
    await refused_alike(check, binary, words, "agent", tunnel.agent_config)
    sub.path.write_bytes(sub.path.read_bytes() + root.path.read_bytes())
    result = await check(tunnel.agent_config, tunnel.server_config)
    assert result.status == 0, result.text
    tunnel.start()
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "127.1"])
async def test_an_address_without_a_name(binary, check, make_tunnel, host):
    tunnel = make_tunnel(agent={"connect": {"to": f"{host}:{free_port()}"}, "mtls": {"name": None}})
    await refused_alike(check, binary, "so 'name' must say which name the server's certificate has", "agent", tunnel.agent_config)


def proxy(place, listen, admin=None):
    stages = [("accept", {"listen": listen}), ("http", {}), ("fetch", {"destinations": "any"})]
    return write_configuration(place, stages, **({"admin": {"listen": admin}} if admin else {}))


@pytest.mark.parametrize("listen, admin", [
    ("127.0.0.1:{}", "127.0.0.1:{}"), ("127.0.0.1:{}", "0.0.0.0:{}"), ("[::]:{}", "127.0.0.1:{}"), ("127.0.0.1:{}", "localhost:{}"),
    ("127.1:{}", "127.0.0.1:{}"), ("[::ffff:127.0.0.1]:{}", "127.0.0.1:{}"), ("unix:{place}/x", "unix:{place}/./x"),
])  # fmt: skip
async def test_two_listeners_in_one_place(tmp_path, binary, check, listen, admin):
    port = free_port()
    config = proxy(tmp_path / "proxy.yaml", listen.format(port, place=tmp_path), admin.format(port, place=tmp_path))
    await refused_alike(check, binary, "'admin' listens on ", "server", config)


async def test_listeners_of_several_files(tmp_path, binary, check, make_tunnel):
    port = free_port()
    tunnel = make_tunnel(
        agent_top={"admin": {"listen": f"127.0.0.1:{port}"}}, server_top={"admin": {"listen": f"0.0.0.0:{port}"}})
    result = await check(tunnel.agent_config, tunnel.server_config)
    # They may be for two machines.
    assert result.status == 0 and "warning: 'admin' listens on " in result.text and "work together" in result.text, result.text
    both = ["--agent-config", tunnel.agent_config, "--server-config", tunnel.server_config]
    started = await run(binary, "up", *both, within=20)
    assert started.status == 65 and "error: 'admin' listens on " in started.text, started.text


@pytest.mark.parametrize("listen, words", [
    ("a..b:0", "this is no host name"), ("$HOST:0", "${env:NAME}"), ("*:0", "0.0.0.0"), ("256.1.1.1:0", "neither an address nor a host name"),
])  # fmt: skip
async def test_hosts_that_are_none(tmp_path, binary, check, listen, words):
    await refused_alike(check, binary, words, "server", proxy(tmp_path / "proxy.yaml", listen))


async def test_a_name_to_listen_on_has_a_warning(tmp_path, check, launch):
    port = free_port()
    config = proxy(tmp_path / "proxy.yaml", f"localhost:{port}")
    result = await check(config)
    assert result.status == 0 and f"write 127.0.0.1:{port}, or [::1]:{port} for IPv6" in result.text, result.text


async def test_a_network_that_is_another(tmp_path, binary, check):
    stages = [("accept", {"listen": "127.0.0.1:0"}), ("http", {}), ("fetch", {"destinations": ["10.1.2.3/8"]})]
    config = write_configuration(tmp_path / "proxy.yaml", stages)
    await refused_alike(check, binary, "write 10.0.0.0/8, or 10.1.2.3 for the one address", "server", config)
