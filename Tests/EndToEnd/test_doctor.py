"""`fluidity doctor`: each thing that may be in the way is put there, and found."""

import asyncio
import contextlib
import json
import subprocess

import pytest
import yaml

from harness import distant
from harness.certificates import Authority
from harness.client import fetch
from harness.clock import clock_off_by
from harness.codecs import CODECS
from harness.distant import FAR, SERVER, Link
from harness.fluidity import write_configuration
from harness.kerberos import Realm
from harness.origin import FullBacklog
from harness.ports import free_port
from harness.processes import run
from harness.proxies import PASSWORD, USER, squid
from test_tls_on_the_way import answers_by_itself, inspects

NO_PROXIES = {name: "" for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")}
LIBRARY = ("NIOSSL", "BoringSSL", "OPENSSL", "sslError", ".swift", ".build", "Sources/", "Error(")


class Diagnosis:
    def __init__(self, result):
        assert result.status in (0, 1), result.text
        self.report = json.loads(result.output)
        self.status = result.status
        assert self.report["works"] == (result.status == 0)
        for word in LIBRARY:
            assert word not in result.text, result.text

    def texts(self, step: str, state: str | None = None) -> str:
        return "\n".join(each["text"] for each in self.report["findings"] if each["step"] == step and state in (None, each["state"]))

    @property
    def verdict(self) -> str:
        return self.report["verdict"]


@pytest.fixture
def doctor(binary):
    async def ask(file, *arguments, environment: dict = {}, within: float = 90) -> Diagnosis:
        return Diagnosis(await run(binary, "doctor", file, "--json", *arguments, environment={**NO_PROXIES, **environment}, within=within))

    return ask


@pytest.fixture
def company(launch, tmp_path):
    def start(allowed: int, **options):
        return launch(squid(tmp_path / f"proxy-{allowed}-{len(options)}", allowed, **options))

    return start


async def test_a_way_without_anything_in_it(doctor, make_tunnel, binary):
    tunnel = make_tunnel()
    tunnel.start_server()
    found = await doctor(tunnel.agent_config)
    assert found.status == 0 and found.verdict == "Requests get through.", found.report
    assert "takes connections" in found.texts("tcp", "good")
    assert "is for" in found.texts("certificates", "good") and "counts until 20" in found.texts("certificates", "good")
    assert "is the one that is meant and takes the protocol" in found.texts("tls", "good")
    assert "has taken this side's certificate" in found.texts("hello", "good")
    assert "a request to the server and back takes" in found.texts("path", "good") and "bytes" in found.texts("path", "good")
    assert all(each["milliseconds"] >= 0 for each in found.report["findings"] if each["step"] in ("tcp", "tls", "hello"))
    # The same for people.
    shown = await run(binary, "doctor", tunnel.agent_config, environment=NO_PROXIES)
    assert shown.status == 0 and shown.output.decode().splitlines()[-1] == "Requests get through.", shown.text
    assert "ok      tls" in shown.text


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "mux"])
async def test_other_codecs(doctor, make_tunnel, codec):
    tunnel = make_tunnel(agent={"frame": {"codec": codec}}, server={"frame": {"codec": codec}})
    tunnel.start_server()
    found = await doctor(tunnel.agent_config)
    assert found.status == 0, found.report


async def test_a_codec_that_the_server_doesnt_take(doctor, make_tunnel):
    tunnel = make_tunnel(server={"frame": {"codec": "h2"}})
    tunnel.start_server()
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "the server doesn't take the protocol" in found.texts("tls", "problem"), found.report


async def test_each_of_several_servers(doctor, make_tunnel):
    """Each is looked at by its own name, and what is said names it; one that works is enough."""
    first, second, dead = make_tunnel(), make_tunnel(), free_port()
    for tunnel in (first, second):
        tunnel.start_server()
    places = [f"127.0.0.1:{port}" for port in (dead, first.server_port, second.server_port)]
    to = [{"at": place, "name": "localhost"} for place in places]
    agent = make_tunnel(agent={"mtls": {"name": "elsewhere.example"}, "connect": {"to": to}})
    found = await doctor(agent.agent_config)
    assert found.status == 0 and "look at the warnings" in found.verdict, found.report
    by = {place: {(each["step"], each["state"]) for each in found.report["findings"] if each.get("way") == place} for place in places}
    assert by[places[0]] == {("tcp", "problem")}, found.report
    for place in places[1:]:
        assert {("tcp", "good"), ("tls", "good"), ("hello", "good"), ("path", "good")} <= by[place], found.report
    for tunnel in (first, second):
        for process in tunnel.processes:
            process.kill()
    found = await doctor(agent.agent_config)
    assert found.status == 1 and [each["way"] for each in found.report["findings"] if each["state"] == "problem"][:3] == places, found.report


async def test_a_configuration_that_cant_be_read(doctor, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("pipeline:\n  - accept: { listn: 1 }\n")
    found = await doctor(bad)
    assert found.status == 1 and "listn" in found.texts("configuration", "problem")
    assert "mend that first" in found.verdict


async def test_a_file_without_a_tunnel(doctor, make_tunnel):
    found = await doctor(write_configuration(make_tunnel().place / "plain.yaml", [("accept", {"listen": "127.0.0.1:0"}), ("http", {}), ("fetch", {})]))
    assert found.status == 1 and "it has no tunnel" in found.texts("configuration", "problem")


# What is wrong on this side


async def test_an_expired_certificate(doctor, make_tunnel, authority):
    tunnel = make_tunnel(client=authority.issue("doctor-expired", days=-1, since=-20))
    tunnel.start_server()
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "expired on 20" in found.texts("certificates", "problem"), found.report
    assert "takes connections" in found.texts("tcp", "good"), "the way is looked at all the same"


async def test_a_certificate_that_the_server_refuses(doctor, make_tunnel, tmp_path, authority):
    other = Authority(tmp_path / "other", "Another CA")
    tunnel = make_tunnel(client=other.issue("stranger").trusting(other.path))
    tunnel.rewrite_agent(mtls={"ca": str(other.path)})
    tunnel.start_server()
    # Its own files go together; the server's certificate is of another authority.
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "which is no authority in 'ca'" in found.texts("tls", "problem"), found.report
    both = tmp_path / "both.pem"
    both.write_text(other.path.read_text() + authority.path.read_text())
    tunnel.rewrite_agent(mtls={"ca": str(both)})
    found = await doctor(tunnel.agent_config)
    assert "is the one that is meant" in found.texts("tls", "good"), found.report
    assert found.status == 1 and "refuses the certificate of this side" in found.texts("hello", "problem"), found.report


async def test_a_clock_that_is_far_behind(doctor, make_tunnel, tmp_path):
    tunnel = make_tunnel()
    tunnel.start_server()
    found = await doctor(tunnel.agent_config, environment=clock_off_by(-300 * 86_400, tmp_path))
    assert found.status == 1 and "it is behind" in found.texts("clock", "problem"), found.report
    assert "isn't valid before" in found.texts("certificates", "problem"), found.report


async def test_a_clock_that_differs_from_the_proxys(doctor, make_tunnel, company, tmp_path):
    tunnel = make_tunnel()
    tunnel.start_server()
    tunnel.rewrite_agent(connect={"via": company(tunnel.server_port).url()})
    found = await doctor(tunnel.agent_config, environment=clock_off_by(2_400, tmp_path))
    assert "minutes ahead of the one of the proxy" in found.texts("clock", "problem"), found.report
    # What follows from it isn't what is told.
    tunnel.server.kill()
    found = await doctor(tunnel.agent_config, environment=clock_off_by(2_400, tmp_path))
    assert "It ends at clock: " in found.verdict, found.report


# Names and ports


async def test_a_name_that_doesnt_exist(doctor, make_tunnel):
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"to": "server.invalid:8443"})
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "server.invalid" in found.texts("names", "problem")


async def test_ports_that_are_closed_or_dropped(doctor, make_tunnel):
    tunnel = make_tunnel()
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "takes none: the connection was refused" in found.texts("tcp", "problem")
    full = FullBacklog()
    try:
        tunnel.rewrite_agent(connect={"to": f"127.0.0.1:{full.port}", "timeout": "2s"})
        found = await doctor(tunnel.agent_config)
    finally:
        full.close()
    assert found.status == 1 and "doesn't answer: what is sent there is dropped on the way" in found.texts("tcp", "problem")


async def test_both_families(doctor, make_tunnel):
    """`localhost` is 127.0.0.1 and ::1; the server listens on one of them."""
    tunnel = make_tunnel()
    tunnel.start_server()
    found = await doctor(tunnel.agent_config)
    if "::1" in found.texts("names"):
        assert "::1" in found.texts("tcp")
    assert found.status == 0 and "127.0.0.1 port" in found.texts("tcp", "good")


# Proxies


async def test_a_proxy_for_everybody(doctor, make_tunnel, company):
    tunnel = make_tunnel()
    tunnel.start_server()
    tunnel.rewrite_agent(connect={"via": company(tunnel.server_port).url()})
    found = await doctor(tunnel.agent_config)
    assert found.status == 0 and "for everybody" in found.texts("proxy", "good"), found.report


async def test_a_proxy_that_wants_to_know_who_asks(doctor, make_tunnel, company):
    tunnel = make_tunnel()
    tunnel.start_server()
    proxy = company(tunnel.server_port, digest=True, password=True)
    tunnel.rewrite_agent(connect={"via": proxy.url(), "via-user": USER, "via-password": PASSWORD})
    found = await doctor(tunnel.agent_config)
    assert found.status == 0, found.report
    assert "wants to know who asks, by Digest, Basic" in found.texts("proxy") or "by Basic, Digest" in found.texts("proxy"), found.texts("proxy")
    tunnel.rewrite_agent(connect={"via": proxy.url(), "via-user": USER, "via-password": "wrong"})
    tunnel.server.kill()
    tunnel.start_server()
    found = await doctor(tunnel.agent_config)
    assert "refuses the user or the password (407)" in found.texts("proxy", "problem"), found.report
    assert PASSWORD not in json.dumps(found.report)


async def test_a_proxy_that_forbids_the_port(doctor, make_tunnel, company):
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"via": company(443).url()})
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "doesn't allow connections to localhost" in found.texts("proxy", "problem")


async def test_a_proxy_behind_tls(doctor, make_tunnel, company, authority):
    tunnel = make_tunnel()
    tunnel.start_server()
    proxy = company(tunnel.server_port, tls=authority.issue("doctor-proxy", dns=("localhost",), server=True))
    tunnel.rewrite_agent(connect={"via": proxy.url(), "via-ca": str(authority.path)})
    assert (await doctor(tunnel.agent_config)).status == 0


async def test_kerberos_that_nobody_has_allowed_yet(doctor, make_tunnel, company, tmp_path, binary, ok):
    """It finds out that the user's ticket would do, and writes the configuration that uses it. That works."""
    realm = Realm(tmp_path / "realm")
    try:
        tunnel = make_tunnel(environment=realm.tickets("anna"))
        tunnel.start_server()
        proxy = company(tunnel.server_port, realm=realm)
        # Directly there is no way: the name leads to the server only for the proxy.
        tunnel.rewrite_agent(connect={"via": f"http://localhost:{proxy.port}"})
        better = tunnel.place / "better.yaml"
        found = await doctor(tunnel.agent_config, "--write", better, environment=tunnel.environment)
        assert found.status == 1 and "add 'negotiate' to it" in found.texts("proxy", "problem"), found.report
        assert "with 'via-auth: negotiate' in 'connect'" in found.verdict, found.verdict
        written = yaml.safe_load(better.read_text())
        assert written == yaml.safe_load(found.report["configuration"])
        assert [keys for stage in written["pipeline"] for name, keys in stage.items() if name == "connect"][0]["via-auth"] == "negotiate"
        tunnel.agent_config = better
        tunnel.start_agent()
        assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    finally:
        realm.kill()


async def test_the_environments_proxy_would_do(doctor, make_tunnel, company, tmp_path):
    tunnel = make_tunnel()
    tunnel.start_server()
    proxy = company(tunnel.server_port)
    tunnel.rewrite_agent(connect={"via": f"http://127.0.0.1:{free_port()}"})
    found = await doctor(tunnel.agent_config, environment={"HTTPS_PROXY": proxy.url()})
    assert found.status == 1 and "which 'via' doesn't go by" in found.texts("environment")
    assert "with 'via: environment' in 'connect'" in found.verdict, found.verdict


async def test_a_script_of_the_network(doctor, make_tunnel, company, tmp_path):
    tunnel = make_tunnel()
    tunnel.start_server()
    script = tmp_path / "proxy.pac"
    script.write_text(f"function FindProxyForURL(u, h) {{ return 'PROXY 127.0.0.1:{company(tunnel.server_port).port}'; }}")
    tunnel.rewrite_agent(connect={"via": {"pac": str(script)}})
    found = await doctor(tunnel.agent_config)
    assert found.status == 0 and "for everybody" in found.texts("proxy", "good"), found.report
    script.write_text("function FindProxyForURL(")
    found = await doctor(tunnel.agent_config)
    assert "the proxy auto-configuration can't be evaluated" in found.texts("proxy", "problem"), found.report


# Networks that open TLS, or answer by themselves


@pytest.fixture(scope="module")
def inspector(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("inspector"), "Inspection CA")


async def test_a_network_that_opens_tls(doctor, make_tunnel, make_tcp, inspector):
    end = inspects(inspector.issue("localhost", dns=("localhost",), server=True))
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"to": f"localhost:{(await make_tcp(end)).port}"})
    found = await doctor(tunnel.agent_config)
    text = found.texts("tls", "problem")
    assert found.status == 1 and "CN=Inspection CA" in text and "'websocket'" in text, found.report


async def test_a_captive_portal(doctor, make_tunnel, make_tcp):
    portal = await make_tcp(answers_by_itself)
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"to": f"127.0.0.1:{portal.port}"})
    found = await doctor(tunnel.agent_config)
    assert found.status == 1, found.report
    assert "it leads to http://portal.example/, a captive portal's page probably" in found.texts("tls", "problem"), found.report


async def test_a_server_that_isnt_one(doctor, make_tunnel, make_tcp):
    async def greets(reader, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()

    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"to": f"127.0.0.1:{(await make_tcp(greets)).port}"})
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "doesn't speak TLS" in found.texts("tls", "problem"), found.report


# What needs time


async def test_a_network_that_forgets_idle_connections(doctor, make_tunnel, make_tcp):
    tunnel = make_tunnel()
    tunnel.start_server()

    async def forgets(reader, writer):
        there, here = await asyncio.open_connection("127.0.0.1", tunnel.server_port)

        async def pump(source, sink):
            with contextlib.suppress(TimeoutError, OSError):
                while data := await asyncio.wait_for(source.read(1 << 16), 1.5):
                    sink.write(data)

        await asyncio.wait([asyncio.create_task(pump(reader, here)), asyncio.create_task(pump(there, writer))], return_when=asyncio.FIRST_COMPLETED)
        writer.transport.abort()

    place = await make_tcp(forgets)
    tunnel.rewrite_agent(connect={"to": f"127.0.0.1:{place.port}"})
    found = await doctor(tunnel.agent_config, "--idle", "6")
    assert found.status == 0 and "an idle connection was ended after" in found.texts("idle", "warning"), found.report
    tunnel.rewrite_agent(connect={"to": f"127.0.0.1:{tunnel.server_port}"})
    found = await doctor(tunnel.agent_config, "--idle", "2")
    assert "still carries requests" in found.texts("idle", "good"), found.report


async def test_how_much_passes(doctor, make_tunnel, origin):
    @origin.on("/much")
    async def much(exchange):
        if exchange.request.method == "POST":
            async for _ in exchange.body():
                pass
        await exchange.respond(200, body=bytes(8 << 20))

    tunnel = make_tunnel()
    tunnel.start_server()
    found = await doctor(tunnel.agent_config, "--throughput", origin.url("/much"))
    text = found.texts("throughput", "good")
    assert found.status == 0 and "down: " in text and "up: " in text and text.count("Mbit/s") == 2, found.report


@pytest.mark.parametrize("arguments", [["--throughput", "https://example.com/"], ["--throughput", "x"], ["--idle", "0"]])
async def test_wrong_usage(binary, make_tunnel, arguments):
    result = await run(binary, "doctor", make_tunnel().agent_config, *arguments)
    assert result.status == 64, result.text


# The control plane


async def test_the_control_plane(doctor, make_tunnel, origin):
    tunnel = make_tunnel()
    tunnel.start_server()

    @origin.on("/status")
    async def status(exchange):
        if exchange.request.get("x-api-key") != "right":
            return await exchange.respond(403)
        await exchange.respond(200, body=json.dumps({"status": "ready", "ready": True, "address": f"localhost:{tunnel.server_port}"}).encode())

    def write(key: str, **connect):
        tunnel.rewrite_agent(connect=connect)
        lifecycle = {"wake-endpoint": origin.url("/wake"), "status-endpoint": origin.url("/status"), "api-key": key}
        return write_configuration(tunnel.place / f"{key}.yaml", tunnel._agent_stages, lifecycle=lifecycle)

    found = await doctor(write("right"))
    assert found.status == 0 and "takes the key, and says that the server is ready" in found.texts("control", "good"), found.report
    found = await doctor(write("wrong"))
    assert "refuses the API key (403)" in found.texts("control", "problem"), found.report
    assert found.status == 0, "the server itself is there"
    # Where it is, only the control plane says.
    found = await doctor(write("right", to="discover"))
    assert found.status == 0 and "takes connections" in found.texts("tcp", "good"), found.report
    found = await doctor(write("wrong", to="discover"))
    assert found.status == 1 and "only the status endpoint can say" in found.texts("names"), found.report


# A network of its own


@pytest.mark.skipif(not distant.is_possible(), reason="network namespaces need root and /dev/net/tun")
@pytest.mark.parametrize("trouble", ["nothing", "a dropped port", "large packets"])
async def test_in_a_network_of_its_own(tmp_path, binary, authority, client_identity, trouble):
    options = {"nothing": {}, "a dropped port": {"closed": SERVER}, "large packets": {"largest": 1000}}[trouble]
    server_identity = authority.issue("doctor-far", dns=("localhost",), server=True)
    server = write_configuration(tmp_path / "server.yaml", [("accept", {"listen": f"{FAR}:{SERVER}"}), ("mtls", server_identity.settings()), ("frame", {}), ("fetch", {"destinations": "any"})])
    agent = write_configuration(tmp_path / "agent.yaml", [
        ("accept", {"listen": "127.0.0.1:8101"}), ("http", {}), ("frame", {}), ("mtls", {**client_identity.settings(), "name": "localhost"}),
        ("connect", {"to": f"{FAR}:{SERVER}", "timeout": "4s"}),
    ])  # fmt: skip
    with Link(tmp_path, **options) as link:
        link.run(1, binary, "server", "--config", server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if trouble != "a dropped port":
            link.wait(1, FAR, SERVER)
        process = link.run(0, binary, "doctor", agent, "--json", stdout=subprocess.PIPE, text=True)
        text, _ = await asyncio.to_thread(process.communicate, timeout=120)
    report = json.loads(text)
    found = {(each["step"], each["state"]): each["text"] for each in report["findings"]}
    if trouble == "nothing":
        assert report["works"] and found["path", "good"], report
    elif trouble == "a dropped port":
        assert not report["works"] and "dropped on the way" in found["tcp", "problem"], report
    else:
        assert not report["works"] and "drops large packets and says nothing (MTU)" in found["path", "problem"], report
