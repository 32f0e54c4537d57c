"""A server whose pipeline and certificates are kept on AWS: what is changed there arrives while it runs, and what can't work or can't be
read leaves it as it is."""

import socket
import ssl

import pytest

from harness.aws import AWSProxy, error
from harness.client import fetch
from harness.fluidity import Fluidity, configuration, find_binary
from harness.moto import Moto
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually

NAME = "/fluidity/server.yaml"
WITHIN = 30


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    moto = Moto(tmp_path_factory.mktemp("moto"))
    yield moto
    moto.stop()


@pytest.fixture
def aws(account):
    proxy = AWSProxy(account.url)
    yield proxy
    proxy.stop()


@pytest.fixture
def surroundings(account, aws):
    return {**account.environment, "AWS_ENDPOINT_URL": aws.url, "FLUIDITY_REFRESH": "200ms"}


def put(account, stages: list, **top):
    text = configuration(stages, host="server", **{"drain": "20s", **top})
    account.client("ssm").put_parameter(Name=NAME, Value=text, Type="SecureString", Overwrite=True)


def answering(port: int, body: str) -> list:
    return [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "origin"}), ("respond", {"body": body})]


async def body_of(port: int) -> bytes:
    return (await fetch(port, "http://127.0.0.1/")).body


def server(place, launch, environment, port: int, path: str = f"ssm:{NAME}") -> Fluidity:
    """`write_configuration` has no say here: the file isn't on this machine."""
    place.mkdir(exist_ok=True)

    class Remote(Fluidity):
        def __init__(self):
            self.port = port
            super(Fluidity, self).__init__("server", [find_binary(), "server", "--config", path], place, environment)
            self.ready()

    return launch(Remote())


async def test_an_edited_pipeline_reaches_a_server_that_runs(account, surroundings, tmp_path, launch):
    port = free_port()
    put(account, answering(port, "one"))
    running = server(tmp_path / "s", launch, surroundings, port)
    assert await body_of(port) == b"one"
    put(account, answering(port, "two"))

    async def changed():
        return await body_of(port) == b"two"

    await eventually(changed, WITHIN, lambda: f"the new pipeline answers; the server said:\n{running.tail()}")

    # One that can't work changes nothing, and is told.
    account.client("ssm").put_parameter(Name=NAME, Value="pipeline: [nonsense]", Type="SecureString", Overwrite=True)
    running.wait_for_line("the configuration can't be read; the one before stays in use", WITHIN)
    assert "there is no stage 'nonsense'" in running.text()
    assert await body_of(port) == b"two"
    put(account, answering(port, "three"))

    async def mended():
        return await body_of(port) == b"three"

    await eventually(mended, WITHIN, "the mended pipeline answers")


async def test_aws_that_cannot_be_asked_any_more(account, aws, surroundings, tmp_path, launch):
    port = free_port()
    put(account, answering(port, "one"))
    running = server(tmp_path / "s", launch, surroundings, port)
    aws.faults["GetParameter"] = [error(400, "AccessDeniedException")] * 5
    running.wait_for_line("what is kept on AWS can't be read; what was read before stays in use", WITHIN)
    assert await body_of(port) == b"one"
    running.wait_for_line("what is kept on AWS can be read again", WITHIN)
    assert running.text().count("what is kept on AWS can't be read") == 1
    assert running.alive


async def test_what_is_not_there_at_the_start(account, surroundings):
    result = await run(find_binary(), "server", "--config", "ssm:/nothing/there", environment=surroundings)
    assert result.status == 69 and "'ssm:/nothing/there' can't be read" in result.text, result.text
    result = await run(find_binary(), "server", "--config", f"ssm:{NAME}", environment={**surroundings, "FLUIDITY_REFRESH": "often"})
    assert result.status == 65 and "FLUIDITY_REFRESH is a duration" in result.text, result.text


def serial(port: int, authority, client) -> int:
    """Of the certificate that the server shows now."""
    from cryptography import x509

    context = ssl.create_default_context(cafile=str(authority.path))
    context.load_cert_chain(client.certificate, client.key)
    with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True)).serial_number


async def test_a_renewed_certificate_is_shown_without_a_restart(account, surroundings, authority, client_identity, tmp_path, launch):
    """The image's own configuration, as it runs on ECS: the variables say where the PEM texts are kept."""
    manager = account.client("secretsmanager")
    arns = {}

    def keep(name: str, text: str):
        if name in arns:
            manager.put_secret_value(SecretId=arns[name], SecretString=text)
        else:
            arns[name] = manager.create_secret(Name=f"{tmp_path.name}/{name}", SecretString=text)["ARN"]

    def issue(number: int):
        identity = authority.issue(f"remote-{number}-{tmp_path.name}", dns=("localhost",), server=True)
        keep("certificate", identity.certificate.read_text())
        keep("key", identity.key.read_text())

    issue(1)
    keep("ca", authority.path.read_text())
    port = free_port()
    put(account, [
        ("accept", {"listen": f"127.0.0.1:{port}"}),
        ("mtls", {"certificate": "${env:FLUIDITY_CERTIFICATE}", "key": "${env:FLUIDITY_KEY}", "ca": "${env:FLUIDITY_CA}"}),
        ("frame", {"codec": "mux"}),
        ("fetch", {"destinations": "any"}),
    ])  # fmt: skip
    variables = {f"FLUIDITY_{name.upper()}": f"secret:{arn}" for name, arn in arns.items()}
    running = server(tmp_path / "s", launch, surroundings | variables, port)
    first = serial(port, authority, client_identity)
    issue(2)
    await eventually(lambda: serial(port, authority, client_identity) != first, WITHIN, lambda: f"the new certificate is shown; the server said:\n{running.tail()}")  # fmt: skip
    assert "PRIVATE KEY" not in running.text()
