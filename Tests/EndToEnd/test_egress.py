"""Where exchanges may go, by rule: on the agent by what the client wrote, on the server also by the address that is dialled."""

import pytest

from harness.client import Connection, fetch
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import patiently


@pytest.fixture
def hello(origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.read_body()
        await exchange.respond(200, body=b"hello")

    return origin


def line_of(path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def filters(where: str, *rules, **keys) -> dict:
    return {f"{where}_filters": [("egress", {"rules": list(rules), **keys})]}


async def ask(tunnel, url: str, method: str = "GET", **options):
    return await fetch(tunnel.port, url, method, **options)


async def connect(tunnel, authority: str):
    async with patiently(20), await Connection.open(tunnel.port) as client:
        return await client.connect(authority)


@pytest.mark.parametrize("where", ["agent", "server"])
async def test_the_first_rule_that_fits_decides(make_tunnel, hello, where):
    rules = [
        {"deny": {"hosts": ["denied.example", "*.denied.example"]}},
        {"allow": {"methods": ["GET", "CONNECT"], "ports": [hello.port]}},
        {"allow": {"hosts": ["localhost"], "methods": ["POST"]}},
    ]
    tunnel = make_tunnel(**filters(where, *rules)).start()
    assert (await ask(tunnel, hello.url("/"))).status == 200
    assert (await ask(tunnel, hello.url("/", host="localhost"), "POST", body=b"x")).status == 200
    assert (await connect(tunnel, hello.authority)).status == 200
    seen = len(hello.requests)
    config = tunnel.agent_config if where == "agent" else tunnel.server_config
    number = line_of(config, "denied.example")
    for host in ("denied.example", "A.Denied.Example", "denied.example."):
        refused = await ask(tunnel, f"http://{host}/")
        assert refused.status == 403 and f"the egress rule at {config.name}:{number} denies it" in refused.text, refused.text
    for refused in (await ask(tunnel, hello.url("/"), "POST", body=b"x"), await ask(tunnel, "http://127.0.0.1:1/"), await connect(tunnel, "127.0.0.1:1")):
        assert refused.status == 403 and "no egress rule allows it" in refused.text
    assert len(hello.requests) == seen


async def test_addresses_that_names_lead_to(make_tunnel, hello):
    """`localhost` and the other ways to write 127.0.0.1 are what they are dialled as."""
    tunnel = make_tunnel(**filters("server", {"deny": {"networks": ["127.0.0.0/8", "::1"]}}, otherwise="allow")).start()
    for host in (
        "localhost", "127.0.0.1", "127.0.0.2", "127.1", "2130706433", "0x7f000001", "017700000001", "127.0.0.1.", "[::ffff:127.0.0.1]", "[::1]",
        "LOCALHOST", "0.0.0.0", "0", "0x0", "0.0", "[::]", "[::ffff:0.0.0.0]", "[::ffff:0:0]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]", "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fd00::5efe:127.0.0.1]", "[64:ff9b::]",
    ):  # fmt: skip
        refused = await ask(tunnel, f"http://{host}:{hello.port}/")
        assert refused.status in (400, 403), f"{host}: {refused.raw}"
        if refused.status == 403:
            assert "egress rule at " in refused.text
        assert (await connect(tunnel, f"{host}:{hello.port}")).status in (400, 403), host
    assert hello.connections == 0

    allowed = make_tunnel(**filters("server", {"allow": {"hosts": ["localhost"], "networks": ["127.0.0.0/8", "::1"]}})).start()
    assert (await ask(allowed, hello.url("/", host="localhost"))).status == 200
    assert (await ask(allowed, hello.url("/"))).status == 403, "the name counts as well"


async def test_what_a_network_allows_is_what_is_reached(make_tunnel, hello):
    """0.0.0.0 is dialled as 127.0.0.1, in whatever networks it is itself."""
    narrow = make_tunnel(**filters("server", {"allow": {"networks": ["0.0.0.0/8", "::/128"]}})).start()
    wide = make_tunnel(**filters("server", {"allow": {"networks": ["::ffff:127.0.0.0/104"]}})).start()
    for host in ("0.0.0.0", "0", "[::ffff:0.0.0.0]"):
        assert (await ask(narrow, f"http://{host}:{hello.port}/")).status == 403, host
        assert (await ask(wide, f"http://{host}:{hello.port}/")).status == 200, host
    assert (await ask(wide, hello.url("/"))).status == 200
    assert (await ask(wide, f"http://[::1]:{hello.port}/")).status == 403


async def test_on_the_agent_too_a_number_is_an_address(make_tunnel, hello):
    tunnel = make_tunnel(**filters("agent", {"deny": {"networks": ["127.0.0.0/8"]}}, otherwise="allow")).start()
    for host in ("127.0.0.1", "127.1", "2130706433", "0", "[::ffff:7f00:1]"):
        refused = await ask(tunnel, f"http://{host}:{hello.port}/")
        assert refused.status == 403 and "egress rule at " in refused.text, host
        assert (await connect(tunnel, f"{host}:{hello.port}")).status == 403, host
    assert hello.connections == 0


async def test_a_connection_in_the_pool_serves_nobody_whom_its_address_is_closed_to(launch, tmp_path, hello):
    """Two users share the pool to one origin. The rule of one of them denies its address."""
    port = free_port()
    keys = [{"name": name, "key": name * 16} for name in ("ann", "bob")]
    stages = [
        ("accept", {"listen": f"127.0.0.1:{port}"}),
        ("http", {"mode": "proxy"}),
        ("auth", {"methods": [{"api-key": {"header": "X-Key", "keys": keys}}]}),
        ("egress", {"rules": [{"deny": {"identities": ["bob"], "networks": ["127.0.0.0/8"]}}], "otherwise": "allow"}),
        ("fetch", {"destinations": "any"}),
    ]
    launch(Fluidity("server", write_configuration(tmp_path / "pool.yaml", stages, **{"event-loops": 1}), port=port))
    url = hello.url("/", host="localhost")
    for _ in range(3):
        assert (await fetch(port, url, fields=[("X-Key", "ann" * 16)])).status == 200
        assert (await fetch(port, url, fields=[("X-Key", "bob" * 16)])).status == 403
    assert hello.connections == 1, "the one connection is used again by whom it is open to"


async def test_check_says_where_networks_have_no_address(binary, make_tunnel):
    tunnel = make_tunnel(**filters("agent", {"deny": {"networks": ["10.0.0.0/8"]}}, otherwise="allow"))
    result = await run(binary, "check", tunnel.agent_config)
    assert result.status == 0
    assert "warning: 'networks' decides only for hosts that are written as addresses here" in result.text
    tunnel.start()
    assert (await ask(tunnel, "http://10.1.2.3/")).status == 403


@pytest.mark.parametrize("rules, message", [
    ([{"alow": {}}], "did you mean 'allow'?"), ([{"deny": {"networks": ["10.0.0.0/64"]}}], "wants a network"),
    ([{"deny": {"ports": ["http"]}}], "wants a port"), (["allow", 7], "it is one of allow, deny"),
])  # fmt: skip
async def test_check_refuses(binary, make_tunnel, rules, message):
    tunnel = make_tunnel(**filters("server", *rules))
    result = await run(binary, "check", tunnel.server_config)
    assert result.status == 65 and message in result.text, result.text
