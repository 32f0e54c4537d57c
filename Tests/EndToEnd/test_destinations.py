"""Which addresses the server dials, decided on what a name resolves to."""

import pytest

from harness.client import Connection, fetch
from harness.fluidity import Fluidity, Tunnel, write_configuration
from harness.ports import free_port
from harness.waiting import patiently


@pytest.fixture(scope="module")
def public(tmp_path_factory, client_identity, server_identity):
    """A tunnel with the default destinations."""
    tunnel = Tunnel(tmp_path_factory.mktemp("public"), client_identity, server_identity, server={"fetch": {"destinations": "public"}})
    yield tunnel.start()
    tunnel.kill()


async def ask(tunnel, way: str, host: str, port: int):
    async with patiently(20), await Connection.open(tunnel.port) as client:
        if way == "plain":
            return await client.request("GET", f"http://{host}:{port}/")
        return await client.connect(f"{host}:{port}")


FORBIDDEN = [
    "127.0.0.1",
    "localhost",
    "127.8.9.10",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.5.4",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "224.0.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[fe80::1]",
    "[fd00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "0",
    "[::ffff:0.0.0.0]",
    "[::ffff:0:127.0.0.1]",
    "[::1.1.0.1]",
    "[::0.1.0.1]",
    "[::8.8.8.8]",
    "[64:ff9b:1::8.8.8.8]",
    "[2002:7f00:1::1]",
    "[2001:0:808:808:8000:63bf:80ff:fffe]",
    "[2606:4700::5efe:127.0.0.1]",
    "[4000::1]",
]


@pytest.mark.parametrize("way", ["plain", "connect"])
@pytest.mark.parametrize("host", FORBIDDEN)
async def test_public_by_default(public, origin, host, way):
    response = await ask(public, way, host, origin.port)
    assert response.status == 403, f"{response.status}: {response.text}"
    assert response.text.strip(), "the body says why"
    assert origin.connections == 0


# Other ways to write 127.0.0.1, which getaddrinfo understands and a check of the text wouldn't.
@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "0x7f.1", "00", "0.0"])
async def test_an_address_in_disguise(public, origin, host):
    response = await ask(public, "plain", host, origin.port)
    assert response.status == 403, response.raw
    assert origin.connections == 0


# What dialling it reaches is refused or opened, whatever it is written as.
@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "0", "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]"])
async def test_an_address_in_disguise_is_what_it_is(make_tunnel, origin, host):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    opened = make_tunnel(server={"fetch": {"destinations": ["::ffff:127.0.0.0/104"]}}).start()
    assert (await ask(opened, "plain", host, origin.port)).body == b"fine"
    other = make_tunnel(server={"fetch": {"destinations": ["0.0.0.0/8", "::/0", "10.0.0.0/8"]}}).start()
    assert (await ask(other, "plain", host, origin.port)).status == 403


async def test_the_default_is_public(launch, tmp_path, origin):
    """A configuration that says nothing of destinations."""
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), ("fetch", {})]
    launch(Fluidity("agent", write_configuration(tmp_path / "proxy.yaml", stages), port=port))
    response = await fetch(port, origin.url("/"))
    assert response.status == 403
    assert origin.connections == 0


async def test_any_opens_loopback(tunnel, origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    assert (await fetch(tunnel.port, origin.url("/"))).body == b"fine"
    assert (await fetch(tunnel.port, origin.url("/", host="localhost"))).body == b"fine"


@pytest.mark.parametrize("way", ["plain", "connect"])
@pytest.mark.parametrize("host", ["169.254.169.254", "169.254.170.2", "169.254.1.1", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"])
async def test_any_doesn_t_open_metadata_and_link_local(tunnel, host, way):
    response = await ask(tunnel, way, host, 80)
    assert response.status == 403, f"{response.status}: {response.text}"


async def test_ranges_open_what_they_name(make_tunnel, origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    tunnel = make_tunnel(server={"fetch": {"destinations": ["public", "127.0.0.1/32"]}}).start()
    assert (await ask(tunnel, "plain", "127.0.0.1", origin.port)).body == b"fine"
    assert (await ask(tunnel, "plain", "localhost", origin.port)).body == b"fine"
    assert (await ask(tunnel, "plain", "127.0.0.2", origin.port)).status == 403
    assert (await ask(tunnel, "plain", "10.0.0.1", origin.port)).status == 403


@pytest.mark.parametrize("network", ["0.0.0.0/0", "169.254.0.0/16", "169.254.169.254/31"])
async def test_no_network_opens_metadata(make_tunnel, network):
    tunnel = make_tunnel(server={"fetch": {"destinations": ["public", network]}}).start()
    assert (await ask(tunnel, "plain", "169.254.169.254", 80)).status == 403
    assert (await ask(tunnel, "connect", "169.254.169.254", 80)).status == 403


async def test_a_link_local_address_is_opened_by_its_name_alone(make_tunnel):
    """That it is dialled is enough: what there is, if anything, depends on the machine."""
    settings = {"destinations": ["public", "169.254.169.253/32"], "connect-timeout": "1s"}
    tunnel = make_tunnel(server={"fetch": settings}).start()
    assert "not allowed here" not in (await ask(tunnel, "plain", "169.254.169.253", 80)).text
    refused = await ask(tunnel, "plain", "169.254.169.254", 80)
    assert refused.status == 403 and "not allowed here" in refused.text, refused.text
