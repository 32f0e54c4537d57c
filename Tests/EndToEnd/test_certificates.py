"""`fluidity cert`: what it makes is good for a tunnel and for openssl."""

import json

import pytest
from cryptography import x509

from harness.admin import Admin
from harness.certificates import Identity
from harness.client import fetch
from harness.ports import free_port
from harness.processes import run


@pytest.fixture
def fluidity(binary):
    async def call(*arguments):
        return await run(binary, *arguments, within=20)

    return call


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "certificates"


async def made(fluidity, folder):
    created = await fluidity("cert", "init", "--out", folder)
    assert created.status == 0, created.text
    server = await fluidity("cert", "issue", "--ca", folder, "--server", "exit", "--dns", "localhost", "--out", folder)
    assert server.status == 0, server.text
    client = await fluidity("cert", "issue", "--ca", folder, "--client", "laptop", "--days", "7", "--out", folder)
    assert client.status == 0, client.text


async def test_a_tunnel_with_its_certificates(fluidity, folder, make_tunnel, origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    await made(fluidity, folder)

    def identity(name):
        return Identity(folder / f"{name}.pem", folder / f"{name}-key.pem", folder / "ca.pem")

    tunnel = make_tunnel(client=identity("laptop"), server_as=identity("exit")).start()
    assert (await fetch(tunnel.port, origin.url("/"))).body == b"fine"
    assert "laptop" in tunnel.server.text(), "the log names the client"


def warnings(process) -> list[str]:
    records = [json.loads(line) for line in process.text().splitlines()]
    return [record["message"] for record in records if record["level"] == "warning"]


async def test_what_expires_within_thirty_days_is_told_at_start_and_as_a_metric(make_tunnel, authority):
    """On both sides; what is good for longer isn't told."""
    admins = [Admin(free_port()), Admin(free_port())]
    soon = authority.issue("soon", days=29), authority.issue("soon-server", dns=("localhost",), server=True, days=29)
    late = authority.issue("late", days=31), authority.issue("late-server", dns=("localhost",), server=True, days=31)
    for (client, server), days in ((soon, 29), (late, 31)):
        tunnel = make_tunnel(
            client=client, server_as=server, agent_top={"admin": admins[0].settings}, server_top={"admin": admins[1].settings}
        ).start()
        for identity, process, admin in ((client, tunnel.agent, admins[0]), (server, tunnel.server, admins[1])):
            end = x509.load_pem_x509_certificate(identity.certificate.read_bytes()).not_valid_after_utc
            assert (await admin.metrics()).sum("fluidity_mtls_certificate_expiry_timestamp_seconds", stage="mtls") == end.timestamp()
            told = [line for line in warnings(process) if "expires on" in line]
            wanted = f"{identity.certificate} expires on {end:%Y-%m-%d %H:%M:%S} UTC"
            assert [line.split(";")[0] for line in told] == ([wanted] if days < 30 else []), process.text()
        for process in tunnel.processes:
            process.kill()


async def test_openssl_agrees(fluidity, folder):
    await made(fluidity, folder)
    for name, purpose in (("exit", "sslserver"), ("laptop", "sslclient")):
        verified = await run("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", folder / "ca.pem", folder / f"{name}.pem")
        assert verified.status == 0, verified.text
    text = (await run("openssl", "x509", "-in", folder / "exit.pem", "-noout", "-text")).text
    assert "DNS:localhost" in text and "prime256v1" in text
    wrong = await run("openssl", "verify", "-purpose", "sslserver", "-CAfile", folder / "ca.pem", folder / "laptop.pem")
    assert wrong.status != 0, "a client's certificate is none for a server"


async def test_keys_are_for_their_owner_only(fluidity, folder):
    await made(fluidity, folder)
    for name in ("ca-key.pem", "exit-key.pem", "laptop-key.pem"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name


async def test_a_ca_is_never_overwritten(fluidity, folder):
    await made(fluidity, folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    again = await fluidity("cert", "init", "--out", folder)
    assert again.status != 0 and again.text.strip()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


async def test_show(fluidity, folder):
    await made(fluidity, folder)
    shown = await fluidity("cert", "show", folder / "exit.pem")
    assert shown.status == 0 and "localhost" in shown.text and "exit" in shown.text, shown.text


async def test_faults_are_told_at_start(fluidity, folder, make_tunnel):
    """A missing file, a key of another certificate, a file that is none."""
    await made(fluidity, folder)
    good = Identity(folder / "laptop.pem", folder / "laptop-key.pem", folder / "ca.pem")
    (folder / "noise.pem").write_text("this is no certificate\n")
    faults = {
        "missing.pem": Identity(folder / "missing.pem", good.key, good.ca),
        "exit-key.pem": Identity(good.certificate, folder / "exit-key.pem", good.ca),
        "noise.pem": Identity(good.certificate, good.key, folder / "noise.pem"),
    }
    for name, identity in faults.items():
        result = await fluidity("agent", "--config", make_tunnel(client=identity).agent_config)
        assert result.status not in (0, None) and result.status > 0, f"{name}: {result.status}"
        assert name in result.text, f"the file {name} is named:\n{result.text}"


async def test_a_key_that_others_can_read_is_warned_of(fluidity, folder, make_tunnel):
    await made(fluidity, folder)
    (folder / "laptop-key.pem").chmod(0o644)
    identity = Identity(folder / "laptop.pem", folder / "laptop-key.pem", folder / "ca.pem")
    tunnel = make_tunnel(client=identity)
    tunnel.start_agent()
    assert "laptop-key.pem" in tunnel.agent.text()


async def test_show_takes_whatever_is_in_a_folder(fluidity, folder):
    """A shell gives it the keys as well, and something else."""
    await made(fluidity, folder)
    files = sorted(folder.glob("*.pem"))
    assert len(files) == 6
    result = await fluidity("cert", "show", *files)
    assert result.status == 0 and result.errors == b"", result.text
    assert result.text.count("private key: not shown") == 3 and result.text.count("subject:") == 3, result.text
    bad = folder / "bad.pem"
    bad.write_text("nothing")
    result = await fluidity("cert", "show", folder / "missing.pem", bad, folder / "exit.pem")
    # What is wrong with one keeps no other from being shown.
    assert result.status == 66 and "missing.pem doesn't exist" in result.text and "bad.pem" in result.text, result.text
    assert "CN=exit" in result.text, result.text


async def test_help_tells_what_renewing_does(fluidity):
    result = await fluidity("help", "cert", "issue")
    assert "uses the new one within seconds" in " ".join(result.text.split()), result.text
