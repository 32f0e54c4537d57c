"""Several servers behind one name: a session goes on at the one that has it, because that one says where it is."""

import asyncio
import itertools
import ssl

import pytest
import pytest_asyncio

from harness.certificates import Authority
from harness.client import Connection, fetch
from harness.cutting import Cutter
from harness.origin import Server
from harness.ports import free_port
from harness.waiting import eventually, patiently

RESUMES = {"ping-interval": "500ms", "ping-timeout": "1s"}
#: What is said when the address that a server gave for itself led nowhere.
IN_VAIN = "isn't reached at the address that it gave for itself"


class Name(Cutter):
    """What a name with several servers behind it does: each connection goes to the next of them."""

    def __init__(self, *targets: int):
        super().__init__(targets[0], after=0, ways=("reset",), most=0)
        self.targets = itertools.cycle(targets)
        self.taken = 0

    async def serve(self, reader, writer):
        self.target = next(self.targets)
        self.taken += 1
        await super().serve(reader, writer)


class Stranger(Server):
    """Listens where a server has said that it is, and isn't it."""

    def __init__(self, identity=None):
        super().__init__()
        #: Without one, it says nothing at all.
        self.identity = identity
        #: What it was told behind the handshake.
        self.received = b""

    async def serve(self, reader, writer):
        if self.identity:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.identity.certificate, self.identity.key)
            context.set_alpn_protocols(["fluidity/1"])
            try:
                await writer.start_tls(context)
            except (ssl.SSLError, ConnectionError):
                return
        try:
            while data := await reader.read(1 << 16):
                # Without an identity it is the beginning of a handshake.
                self.received += data if self.identity else b""
        except (ssl.SSLError, ConnectionError):
            pass


@pytest_asyncio.fixture
async def serve(make_tunnel):
    """Servers behind one name, and an agent that knows only that: `serve(addresses)`, of each server what it says of itself, if anything."""
    names = []

    async def start(*addresses, **agent_top):
        tunnels = [make_tunnel(agent={"frame": {**RESUMES, "resume": {"enabled": True}}}, agent_top={"event-loops": 1, **agent_top}) for _ in addresses]
        for tunnel, address in zip(tunnels, addresses):
            own = f"127.0.0.1:{tunnel.server_port}" if address is True else address
            tunnel.rewrite_server(frame={**RESUMES, "resume": {"enabled": True, **({"address": own} if own else {})}})
            tunnel.start_server()
        name = await Name(*(tunnel.server_port for tunnel in tunnels)).start()
        names.append(name)
        tunnels[0].rewrite_agent(connect={"to": f"localhost:{name.port}"})
        tunnels[0].start_agent()
        await eventually(lambda: name.taken == 1, 10, "the agent is connected")
        return tunnels, name

    yield start
    for each in names:
        await each.stop()


async def converse(client: Connection, word: bytes):
    await client.send(word)
    assert await asyncio.wait_for(client.reader.readexactly(len(word)), 60) == word


def said(tunnel, words: str) -> int:
    return tunnel.agent.text().count(words)


async def says(tunnel, words: str, times: int = 1):
    """What is written to the log may come later than what it is about."""
    await eventually(lambda: said(tunnel, words) >= times, 20, f"the agent says {words!r}")
    assert said(tunnel, words) == times


async def test_a_session_goes_on_where_it_is(serve, echo, ok):
    """The name would have led to the other server, three times in four."""
    tunnels, name = await serve(True, True, True, True)
    async with patiently(60), await Connection.open(tunnels[0].port) as client:
        assert (await client.connect(echo.authority)).status == 200
        await converse(client, b"before")
        assert name.cut_all() == 1
        await converse(client, b"after")
        assert (await fetch(tunnels[0].port, ok.url("/"))).status == 200
    await says(tunnels[0], "the session goes on")
    assert said(tunnels[0], IN_VAIN) == 0
    assert name.taken == 1, "the name was used again"


async def test_a_session_is_over_where_nobody_says_where_it_is(serve, echo, ok):
    """What the test before is about: the name leads to the other server, which doesn't know the session."""
    tunnels, name = await serve(None, None)
    async with patiently(60), await Connection.open(tunnels[0].port) as client:
        assert (await client.connect(echo.authority)).status == 200
        await converse(client, b"before")
        assert name.cut_all() == 1
        await client.ended(within=30)
    assert (await fetch(tunnels[0].port, ok.url("/"))).status == 200
    await says(tunnels[0], "doesn't know it any more")
    assert said(tunnels[0], "the session goes on") == 0
    assert name.taken == 2


async def test_a_server_that_is_gone_is_replaced_by_another(serve, echo, ok):
    """Its place answers nobody: the name is used at once, and what was open ends with a reason."""
    tunnels, name = await serve(True, True)
    async with patiently(60), await Connection.open(tunnels[0].port) as client:
        assert (await client.connect(echo.authority)).status == 200
        await converse(client, b"before")
        tunnels[0].server.kill()
        began = asyncio.get_running_loop().time()
        await client.ended(within=30)
        assert (await fetch(tunnels[0].port, ok.url("/"))).status == 200
        assert asyncio.get_running_loop().time() - began < 10
    await says(tunnels[0], IN_VAIN)
    await says(tunnels[0], "doesn't know it any more")


async def who_listens(kind: str, authority, tmp_path) -> Stranger | None:
    """Where a server says wrongly that it is."""
    match kind:
        case "nobody":
            return None
        case "silence":
            stranger = Stranger()
        case "another name":
            stranger = Stranger(authority.issue("elsewhere", dns=("elsewhere.test",), server=True))
        case "another authority":
            stranger = Stranger(Authority(tmp_path / "other", "another").issue("server", dns=("localhost",), server=True))
        case "a client":
            stranger = Stranger(authority.issue("only-a-client", dns=("localhost",)))
    return await stranger.start()


@pytest.mark.parametrize("kind", ["nobody", "silence", "another name", "another authority", "a client"])
async def test_an_address_that_leads_elsewhere_costs_one_attempt(serve, echo, authority, tmp_path, kind):
    """And nobody there is told anything: the certificate has to have the name of the usual place."""
    stranger = await who_listens(kind, authority, tmp_path)
    tunnels, name = await serve(f"127.0.0.1:{stranger.port if stranger else free_port()}")
    async with patiently(60), await Connection.open(tunnels[0].port) as client:
        assert (await client.connect(echo.authority)).status == 200
        await converse(client, b"before")
        for times in (1, 2):
            assert name.cut_all() == 1
            await converse(client, b"after")
            await says(tunnels[0], IN_VAIN, times)
            await says(tunnels[0], "the session goes on", times)
            assert name.taken == 1 + times
    if stranger:
        await stranger.stop()
        assert stranger.connections == 2 and stranger.received == b"", stranger.received


@pytest.mark.parametrize("address", ["169.254.169.254:80", "10.1.2.3:8443", "[fe80::1]:8443", "224.0.0.1:8443", "[64:ff9b::a9fe:a9fe]:80", "admin"])
async def test_an_address_that_nobody_has_business_at_is_not_dialled(serve, echo, admins, address):
    """What is private, a link's or a cloud's, and the agent's own admin listener."""
    agent, _ = admins
    tunnels, name = await serve(f"127.0.0.1:{agent.port}" if address == "admin" else address, admin=agent.settings)
    async with patiently(60), await Connection.open(tunnels[0].port) as client:
        assert (await client.connect(echo.authority)).status == 200
        await converse(client, b"before")
        assert name.cut_all() == 1
        await converse(client, b"after")
    await says(tunnels[0], "the session goes on")
    assert said(tunnels[0], IN_VAIN) == 0
    assert name.taken == 2
