"""Fixtures: one tunnel that most tests share, others to order, and origins that live as long as their test."""

import resource
import shutil
from pathlib import Path

import pytest
import pytest_asyncio

from harness.admin import Admin
from harness.aws import AWSProxy, Moto
from harness.certificates import Authority
from harness.codecs import CODECS
from harness.fluidity import ROOT, Tunnel, find_binary
from harness.nginx import Nginx
from harness.origin import Connections, FullBacklog, Origin
from harness.ports import free_port
from harness.processes import Process, run

_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_hard, _hard))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the ends of the logs of the processes that it could have used."""
    report = yield
    if report.failed:
        for process in Process.started[-4:]:
            report.sections.append((f"log of {process.name} ({process.output.name})", process.tail()))
    return report


def pytest_terminal_summary(terminalreporter):
    """The figures that tests have recorded, at the end of the run."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if report.when == "call":
            for name, value in report.user_properties:
                terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left():
    yield
    for process in Process.started:
        process.kill()


@pytest.fixture(scope="session")
def binary() -> Path:
    return find_binary()


@pytest_asyncio.fixture
async def place(binary, tmp_path):
    """A copy of configs/ beside development certificates."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    certificates = tmp_path / "run/certs"
    for arguments in (
        ("init", "--out", certificates),
        ("issue", "server", "--ca", certificates, "--out", certificates, "--server", "--dns", "localhost"),
        ("issue", "client", "--ca", certificates, "--out", certificates, "--client"),
    ):
        made = await run(binary, "cert", *arguments, within=20)
        assert made.status == 0, made.text
    return tmp_path / "configs"


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_identity(authority):
    return authority.issue("server", dns=("localhost",), server=True)


@pytest.fixture(scope="session")
def client_identity(authority):
    return authority.issue("client")


@pytest.fixture(scope="session")
def shared(tmp_path_factory, client_identity, server_identity) -> dict:
    """Holds the shared tunnel, so that one which a test has broken is replaced for the next."""
    holder = {"make": lambda: Tunnel(tmp_path_factory.mktemp("shared"), client_identity, server_identity).start()}
    yield holder
    if "tunnel" in holder:
        holder["tunnel"].kill()


@pytest.fixture(scope="module", params=CODECS)
def codec(request) -> str:
    """Each of the protocols between agent and server in turn."""
    return request.param


@pytest.fixture(scope="module")
def carried(codec, tmp_path_factory, client_identity, server_identity):
    """Makes what `shared` has to be for the tests of a file, so that each codec carries their tunnel."""
    holder = {}

    def make(*, server: dict = {}, **settings) -> dict:
        frame = {"frame": {"codec": codec}}
        holder["make"] = lambda: Tunnel(
            tmp_path_factory.mktemp(codec), client_identity, server_identity, agent=frame, server={**frame, **server}, **settings
        ).start()
        return holder

    yield make
    if "tunnel" in holder:
        holder["tunnel"].kill()


@pytest.fixture
def tunnel(shared) -> Tunnel:
    """An agent and a server with the usual settings. Both must outlive the test."""
    if "tunnel" not in shared or not shared["tunnel"].alive:
        shared["tunnel"] = shared["make"]()
    yield shared["tunnel"]
    dead = [f"{each.name} ended with status {each.status}:\n{each.tail()}" for each in shared["tunnel"].processes if not each.alive]
    assert not dead, "\n".join(dead)


@pytest.fixture
def make_tunnel(tmp_path, client_identity, server_identity):
    """Makes a tunnel with other settings, not yet started."""
    made = []

    def make(*, client=client_identity, server_as=server_identity, **settings) -> Tunnel:
        made.append(Tunnel(tmp_path / f"tunnel{len(made)}", client, server_as, **settings))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def admins() -> tuple[Admin, Admin]:
    """An agent's admin listener and a server's, which have a port each."""
    return Admin(free_port()), Admin(free_port())


@pytest.fixture
def launch():
    """Keeps processes that a test starts by itself, and ends them with it."""
    kept = []

    def keep(process: Process) -> Process:
        kept.append(process)
        return process

    yield keep
    for each in kept:
        each.kill()


@pytest_asyncio.fixture
async def make_origin():
    """Starts an origin, over TLS if it gets an `ssl` context."""
    made = []

    async def make(**options) -> Origin:
        origin = await Origin().start(**options)
        if "ssl" in options:
            origin.scheme = "https"
        made.append(origin)
        return origin

    yield make
    for each in made:
        await each.stop()


@pytest_asyncio.fixture
async def origin(make_origin) -> Origin:
    return await make_origin()


@pytest_asyncio.fixture
async def make_tcp():
    """Starts a TCP server from a function of (reader, writer)."""
    made = []

    async def make(handler) -> Connections:
        made.append(await Connections(handler).start())
        return made[-1]

    yield make
    for each in made:
        await each.stop()


@pytest.fixture(scope="session")
def nginx(tmp_path_factory) -> Nginx:
    server = Nginx(tmp_path_factory.mktemp("nginx"))
    yield server
    server.kill()


@pytest.fixture
def silent():
    """Where connecting takes for ever."""
    backlog = FullBacklog()
    yield f"127.0.0.1:{backlog.port}"
    backlog.close()


@pytest.fixture
def ok(origin) -> Origin:
    """An origin that answers `/` with `fine`."""

    @origin.on("/")
    async def answer(exchange):
        await exchange.respond(200, body=b"fine")

    return origin


@pytest.fixture(scope="module")
def moto(tmp_path_factory) -> Moto:
    """AWS on this machine, with the service `fluidity-server` in the cluster `fluidity`."""
    moto = Moto(tmp_path_factory.mktemp("moto"))
    moto.make_service()
    yield moto
    moto.kill()


@pytest.fixture
def aws(moto) -> AWSProxy:
    """The way to it, on which calls can be watched and disturbed. No task of the service is wanted."""
    moto.client("ecs").update_service(cluster="fluidity", service="fluidity-server", desiredCount=0)
    proxy = AWSProxy(moto.url)
    yield proxy
    proxy.stop()


@pytest.fixture
async def echo(make_tcp):
    """A server on TCP that gives back what it gets."""

    async def answer(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    return await make_tcp(answer)
