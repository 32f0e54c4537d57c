"""An origin that authenticates a connection, as with NTLM and Negotiate, means the client whose connection led to it and nobody else."""

import asyncio

import pytest

from harness.client import Connection, fetch, request
from harness.codecs import CODECS
from harness.fluidity import Fluidity, write_configuration
from harness.http2 import HTTP2Client, get
from harness.origin import Origin
from harness.ports import free_port
from harness.waiting import eventually, patiently


class TrustingOrigin(Origin):
    """Whoever has said who he is owns the connection: whatever comes over it is answered as his.

    `steps` is how often a client has to answer a challenge: twice with NTLM, once with Kerberos.
    """

    def __init__(self, scheme: str = "NTLM", steps: int = 2, challenges: tuple = ()):
        super().__init__()
        self.name = scheme
        self.steps = steps
        self.challenges = challenges
        self.owners: dict = {}
        self.slow = asyncio.Event()
        self.slow.set()
        self.on("/mail")(self.mail)

    async def mail(self, exchange):
        await exchange.read_body()
        await self.slow.wait()
        said = exchange.request.get("authorization") or ""
        taken, user = self.owners.get(exchange.writer, (0, None))
        if said and user is None:
            taken += 1
            user = said.split()[-1] if taken == self.steps else None
            self.owners[exchange.writer] = (taken, user)
        if user is not None:
            return await exchange.respond(200, body=f"mail of {user}".encode())
        token = " YWJj" if taken else ""
        await exchange.respond(401, [("WWW-Authenticate", each) for each in (*self.challenges, self.name + token)])

    async def authenticate(self, client: Connection, user: str) -> str:
        for _ in range(self.steps):
            answer = await client.request("GET", self.url("/mail"), [("Authorization", f"{self.name} {user}")])
        return answer.text


@pytest.fixture
async def make_trusting():
    made = []

    async def make(*arguments) -> TrustingOrigin:
        made.append(await TrustingOrigin(*arguments).start())
        return made[-1]

    yield make
    for each in made:
        await each.stop()


@pytest.fixture(params=CODECS)
def one_loop(request, make_tunnel):
    """A tunnel with one event loop at each end, so that there is one pool."""
    frame = {"frame": {"codec": request.param}}

    def make(**fetch):
        loops = {"event-loops": 1}
        return make_tunnel(agent=frame, server={**frame, "fetch": fetch}, agent_top=loops, server_top=loops).start()

    return make


SCHEMES = [("NTLM", 2), ("Negotiate", 2), ("negotiate", 1), ("Kerberos", 1), ("X-Ours", 2)]


@pytest.mark.parametrize(("scheme", "steps"), SCHEMES)
async def test_it_is_its_clients_alone(one_loop, make_trusting, scheme, steps):
    origin = await make_trusting(scheme, steps, ("Basic realm=x",))
    tunnel = one_loop()
    async with patiently(30), await Connection.open(tunnel.port) as ann, await Connection.open(tunnel.port) as bob:
        assert await origin.authenticate(ann, "ann") == "mail of ann"
        # Of the same agent, which the server sees as one peer; and on the same connection as ever before.
        assert (await bob.request("GET", origin.url("/mail"))).status == 401
        assert (await fetch(tunnel.port, origin.url("/mail"))).status == 401
        assert await origin.authenticate(bob, "bob") == "mail of bob"
        for client, user in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
            assert (await client.request("GET", origin.url("/mail"))).text == f"mail of {user}", "the connection stays its client's"
        assert (await fetch(tunnel.port, origin.url("/mail"))).status == 401


@pytest.mark.parametrize(("scheme", "expected"), [("NTLM", ["Session-Based-Authentication"]), ("Negotiate", ["Session-Based-Authentication"]), ("Basic", [])])
async def test_clients_hear_that_their_connection_is_kept(one_loop, origin, scheme, expected):
    """RFC 4559, 6: without that, browsers don't use these schemes through a proxy."""

    @origin.on("/")
    async def refuse(exchange):
        await exchange.respond(401, [("WWW-Authenticate", f"{scheme}"), ("WWW-Authenticate", "Digest realm=x")])

    assert (await fetch(one_loop().port, origin.url("/"))).all("proxy-support") == expected


async def test_nor_through_another_agent(make_tunnel, make_trusting, authority):
    origin = await make_trusting()
    first = make_tunnel(server_top={"event-loops": 1}).start()
    other = make_tunnel(client=authority.issue("other"), agent={"connect": {"to": f"localhost:{first.server_port}"}})
    other.start_agent()
    async with patiently(30), await Connection.open(first.port) as ann:
        assert await origin.authenticate(ann, "ann") == "mail of ann"
        assert (await fetch(other.port, origin.url("/mail"))).status == 401


async def test_nor_where_others_wait_for_a_connection(one_loop, make_trusting):
    """With one connection for all, whoever waits gets one of his own, and not the one that becomes free."""
    origin = await make_trusting()
    tunnel = one_loop(**{"connections-per-origin": 1})
    async with patiently(30), await Connection.open(tunnel.port) as ann:
        assert await origin.authenticate(ann, "ann") == "mail of ann"
        # It is idle, and gives its place to another client's.
        assert (await fetch(tunnel.port, origin.url("/mail"))).status == 401
        assert await origin.authenticate(ann, "ann") == "mail of ann"
        origin.slow.clear()
        before = len(origin.requests)
        mail = asyncio.create_task(ann.request("GET", origin.url("/mail")))
        await eventually(lambda: len(origin.requests) > before, 10, "her request is at the origin")
        waiting = [asyncio.create_task(fetch(tunnel.port, origin.url("/mail"))) for _ in range(4)]
        # When this is answered, by an origin of its own, the four were dealt with.
        assert (await fetch(tunnel.port, origin.url("/other", host="localhost"))).status == 404
        origin.slow.set()
        assert (await mail).text == "mail of ann"
        assert [answer.status for answer in await asyncio.gather(*waiting)] == [401] * 4


async def test_what_proves_a_request_leaves_the_connection_to_all(one_loop, ok):
    tunnel = one_loop()
    for scheme in ("Basic eDp5", "Bearer abc", "Digest username=x", "AWS4-HMAC-SHA256 Credential=x"):
        assert (await fetch(tunnel.port, ok.url("/"), fields=[("Authorization", scheme)])).status == 200
    assert ok.connections == 1


@pytest.mark.parametrize("filters", [{"retry": {}}, {"compress": {}}, {"circuit-breaker": {}}])
async def test_stages_between_change_nothing(make_tunnel, make_trusting, filters):
    origin = await make_trusting()
    loops = {"event-loops": 1}
    tunnel = make_tunnel(server_filters=list(filters.items()), agent_top=loops, server_top=loops).start()
    async with patiently(30), await Connection.open(tunnel.port) as ann:
        assert await origin.authenticate(ann, "ann") == "mail of ann"
        assert (await fetch(tunnel.port, origin.url("/mail"))).status == 401
        assert (await ann.request("GET", origin.url("/mail"))).text == "mail of ann"


async def test_pipelined_requests_use_their_own_connection(launch, tmp_path, make_trusting):
    origin = await make_trusting()
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), ("fetch", {"destinations": "any"})]
    config = write_configuration(tmp_path / "proxy.yaml", stages, **{"event-loops": 1})
    launch(Fluidity("agent", config, port=port))
    async with patiently(30), await Connection.open(port) as ann:
        assert await origin.authenticate(ann, "ann") == "mail of ann"
        await ann.send(4 * request("GET", origin.url("/mail")))
        assert [(await ann.response()).text for _ in range(4)] == ["mail of ann"] * 4


async def test_who_says_nothing_of_its_clients_has_a_connection_once(make_tunnel, make_trusting, client_identity):
    """A proxy in front of the server, or an agent of an earlier version, may speak for many."""
    origin = await make_trusting("NTLM", 1)
    tunnel = make_tunnel(server={"frame": {"codec": "h2"}}, server_top={"event-loops": 1})
    tunnel.start_server()
    async with patiently(30), await HTTP2Client.open(tunnel.server_port, client_identity) as client:
        ann = await (await client.request(get(origin.url("/mail"), "GET", ("authorization", "NTLM ann")))).done()
        assert ann.status == 200
        assert (await (await client.request(get(origin.url("/mail")))).done()).status == 401
    assert origin.connections == 2


async def test_a_client_cannot_name_itself(make_tunnel, make_trusting):
    """With HTTP/2 a field says whose connection a request belongs to. It is the agent's, whatever a client writes."""
    origin = await make_trusting()
    frame = {"frame": {"codec": "h2"}}
    loops = {"event-loops": 1}
    tunnel = make_tunnel(agent=frame, server=frame, agent_top=loops, server_top=loops).start()
    async with patiently(30), await Connection.open(tunnel.port) as ann:
        assert await origin.authenticate(ann, "ann") == "mail of ann"
        for name in range(64):
            answer = await fetch(tunnel.port, origin.url("/mail"), fields=[("Fluidity-Client", f"{name:x}")])
            assert answer.status == 401
    assert not any(request.get("fluidity-client") for request in origin.requests)


async def test_bytes_behind_an_answer_are_nobodys(one_loop, origin):
    """What an origin sends behind an answer doesn't become the next client's."""

    @origin.on("/more/*")
    async def more(exchange):
        # At the end of what is read in one piece, too.
        size = int(exchange.request.target.rpartition("/")[2])
        head = b"HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: 3\r\n\r\n"
        padding = b"x" * (size - len(head) - 1)
        await exchange.send(head % padding + b"own" + b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nanother")

    @origin.on("/plain")
    async def plain(exchange):
        await exchange.respond(200, body=b"plain")

    tunnel = one_loop(**{"connections-per-origin": 1})
    async with patiently(30):
        # Heads of up to 16 KiB pass every codec.
        for size in (100, 2048, 4096, 8192):
            paths = (f"/more/{size}", "/plain", f"/more/{size}", "/plain")
            asking = [asyncio.create_task(fetch(tunnel.port, origin.url(path))) for path in paths]
            assert [answer.text for answer in await asyncio.gather(*asking)] == ["own", "plain", "own", "plain"]
