"""Names: who asks for what, how long that is remembered, and that nobody waits for another's name."""

import asyncio
import base64
import ipaddress
import os

import pytest
import pytest_asyncio

from harness.admin import Admin
from harness.client import Connection, fetch
from harness.fluidity import find_binary, write_configuration
from harness.hosts import own_hosts
from harness.names import A, AAAA, CNAME, REFUSED, SERVER_FAILED, NameServer, encoded, message, record
from harness.origin import FullBacklog, reset
from harness.ports import accepts, free_port
from harness.processes import Process, run
from harness.waiting import eventually, patiently


@pytest_asyncio.fixture
async def names():
    server = await NameServer().start()
    yield server
    server.stop()


class Proxy:
    def __init__(self, port: int, admin: Admin, process: Process):
        self.port, self.admin, self.process = port, admin, process

    async def count(self, name: str, **labels) -> float:
        return (await self.admin.metrics()).sum(f"fluidity_fetch_{name}", **labels)


@pytest.fixture
def make_proxy(tmp_path, launch, names):
    """`accept, http, fetch` that asks the test's name server."""

    async def make(around=lambda *command: list(command), top: dict = {}, filters: list = [], **keys) -> Proxy:
        port, admin = free_port(), Admin(free_port())
        stages = [
            ("accept", {"listen": f"127.0.0.1:{port}"}),
            ("http", {"mode": "proxy"}),
            *filters,
            ("fetch", {"destinations": "any", "resolver": names.place, **keys}),
        ]
        config = write_configuration(tmp_path / "proxy.yaml", stages, **{"admin": admin.settings, **top})
        process = launch(Process("proxy", around(find_binary(), "agent", "--config", config), tmp_path))
        await eventually(lambda: accepts(port), 15, "the proxy listens")
        return Proxy(port, admin, process)

    return make


async def test_hanging_names_hold_up_nobody(names, make_proxy, ok):
    proxy = await make_proxy(**{"connect-timeout": "10m"})
    names.say("fine.test", "127.0.0.1")
    for number in range(100):
        names.ignore(f"dead{number}.test")
    hanging = [asyncio.create_task(fetch(proxy.port, f"http://dead{number}.test/", within=600)) for number in range(100)]
    await eventually(lambda: sum(names.asked(f"dead{number}.test") for number in range(100)) >= 200, 15, "all were asked for")
    assert (await fetch(proxy.port, ok.url("/", host="fine.test"))).body == b"fine"
    assert not any(each.done() for each in hanging)
    assert names.heard("fine.test") == 2, "it was asked for once"
    assert await proxy.count("names_waiting") == 100
    for each in hanging:
        each.cancel()


async def test_hanging_names_leave_descriptors(names, make_proxy, ok):
    """With a limit of 64 `accept` leaves eight, which fewer sockets than look-ups share."""
    proxy = await make_proxy(lambda *command: ["prlimit", "--nofile=64:64", *command], **{"connect-timeout": "10m"})
    names.say("fine.test", "127.0.0.1")
    for number in range(20):
        names.ignore(f"dead{number}.test")
    hanging = [asyncio.create_task(fetch(proxy.port, f"http://dead{n}.test/", within=600)) for n in range(20)]
    await eventually(lambda: sum(names.asked(f"dead{n}.test") for n in range(20)) >= 40, 15, "all were asked for")
    assert (await fetch(proxy.port, ok.url("/", host="fine.test"))).body == b"fine"
    assert not any(each.done() for each in hanging)
    assert len({question.sender for question in names.questions}) <= 4
    for each in hanging:
        each.cancel()


async def test_passwords_are_verified_while_names_hang(names, make_proxy, ok, binary, tmp_path):
    users = tmp_path / "users.txt"
    for user in ("alice", "bob"):
        assert (await run(binary, "passwd", users, user, stdin=b"open sesame\n")).status == 0

    def credentials(user: str) -> list:
        return [("Proxy-Authorization", "Basic " + base64.b64encode(f"{user}:open sesame".encode()).decode())]

    auth = ("auth", {"methods": [{"basic": {"users": str(users)}}]})
    proxy = await make_proxy(filters=[auth], **{"connect-timeout": "10m"})
    for number in range(50):
        names.ignore(f"dead{number}.test")
    # Hers is remembered from here.
    assert (await fetch(proxy.port, ok.url("/"), fields=credentials("alice"))).body == b"fine"
    alice = [asyncio.create_task(fetch(proxy.port, f"http://dead{n}.test/", fields=credentials("alice"), within=600)) for n in range(50)]
    await eventually(lambda: sum(names.asked(f"dead{n}.test") for n in range(50)) >= 100, 15, "all were asked for")
    # With a name that needs nobody's answer.
    assert (await fetch(proxy.port, ok.url("/"), fields=credentials("bob"))).body == b"fine"
    assert not any(each.done() for each in alice)
    for each in alice:
        each.cancel()


async def test_one_client_doesnt_take_all_look_ups(names, make_proxy, ok):
    """1,024 names for one client; beyond that it is refused, and others are served."""
    count, share = 1_100, 1_024
    proxy = await make_proxy(**{"connect-timeout": "10m"})
    names.say("fine.test", "127.0.0.1")
    clients = [await Connection.open(proxy.port) for _ in range(count)]
    refused = []

    async def ask(client: Connection, number: int):
        response = await client.request("GET", f"http://dead{number}.test/")
        if response.status == 503:
            assert "too many names are being looked up" in response.text
            refused.append(number)

    for number in range(count):
        names.ignore(f"dead{number}.test")
    asking = [asyncio.create_task(ask(client, number)) for number, client in enumerate(clients)]
    try:
        await eventually(lambda: len(refused) >= count - share, 20, lambda: f"the rest is refused: {len(refused)}")
        async with patiently(20), await Connection.open(proxy.port, local_addr=("127.0.0.9", 0)) as other:
            assert (await other.request("GET", ok.url("/", host="fine.test"))).status == 200
    finally:
        for each in asking:
            each.cancel()
        for client in clients:
            client.abort()


@pytest.mark.parametrize("way", ["plain", "connect"])
async def test_connecting_has_its_time_with_the_name(names, make_proxy, way):
    proxy = await make_proxy(**{"connect-timeout": "1s"})
    names.ignore("dead.test")
    # Once more it is no other: nothing is remembered of a name that there was no time for.
    for _ in range(2):
        async with patiently(20), await Connection.open(proxy.port) as client:
            request = client.request("GET", "http://dead.test/") if way == "plain" else client.connect("dead.test:80")
            response = await request
        assert response.status == 504
        assert response.sentence == "the name 'dead.test' can't be resolved: no name server answered in 1 s"
    assert await proxy.count("name_failures_total", reason="deadline") == 2


async def test_a_name_is_asked_for_once(names, make_proxy, make_tcp):
    async def greet(reader, writer):
        writer.write(b"hello")
        await reader.read()

    names.say("many.test", "127.0.0.1", ttl=600)
    there = await make_tcp(greet)
    proxy = await make_proxy()

    async def tunnel():
        async with await Connection.open(proxy.port) as client:
            assert (await client.connect(f"Many.Test:{there.port}")).status == 200
            assert await client.reader.readexactly(5) == b"hello"

    async with patiently(60):
        for _ in range(10):
            await asyncio.gather(*(tunnel() for _ in range(100)))
    assert names.heard("many.test") == 2
    asked, known = await proxy.count("names_asked_total"), await proxy.count("names_known_total")
    assert asked + known == 1_000 and known >= 900


async def test_what_doesnt_exist_is_asked_for_once_as_well(names, make_proxy, ok):
    proxy = await make_proxy()
    answers = await asyncio.gather(*(fetch(proxy.port, ok.url("/", host="nobody.test")) for _ in range(50)))
    assert {answer.status for answer in answers} == {502}
    assert answers[0].sentence == "the name 'nobody.test' doesn't exist"
    assert names.asked("nobody.test", A) == 1
    # For a short time.
    names.say("nobody.test", "127.0.0.1")

    async def exists() -> bool:
        return (await fetch(proxy.port, ok.url("/", host="nobody.test"))).status == 200

    await eventually(exists, 20, "it exists")


async def test_a_name_without_an_address(names, make_proxy, ok):
    names.say("empty.test")
    response = await fetch((await make_proxy()).port, ok.url("/", host="empty.test"))
    assert response.status == 502 and response.sentence == "the name 'empty.test' has no address"


@pytest.mark.parametrize("code", [SERVER_FAILED, REFUSED])
async def test_name_servers_that_fail(names, make_proxy, ok, code):
    names.say("failing.test", code=code)
    response = await fetch((await make_proxy()).port, ok.url("/", host="failing.test"))
    assert response.status == 502 and "failing.test" in response.text and "fail, refuse" in response.text


async def test_what_is_known_is_used_while_it_is_asked_for_anew(names, make_proxy, ok):
    proxy = await make_proxy(**{"connect-timeout": "10m", "idle": "0"})
    names.say("moving.test", "127.0.0.1", ttl=1)
    assert (await fetch(proxy.port, ok.url("/", host="moving.test"))).status == 200
    names.ignore("moving.test")

    async def is_asked_anew() -> bool:
        assert (await fetch(proxy.port, ok.url("/", host="moving.test"))).status == 200
        return names.asked("moving.test", A) > 1

    await eventually(is_asked_anew, 20, "the name is asked for anew")
    assert await proxy.count("names_asked_total") == 1, "only the first has waited"


async def test_a_host_that_has_moved(names, make_proxy, ok):
    """Nobody takes connections at the address that is known, whose time is over: the new one is waited for."""
    proxy = await make_proxy(**{"idle": "0"})
    names.say("moving.test", "127.0.0.88", ttl=1)
    url = ok.url("/", host="moving.test")
    assert (await fetch(proxy.port, url)).status == 502
    names.say("moving.test", "127.0.0.1", ttl=600)
    # The time of the answer, which nothing tells the end of.
    await asyncio.sleep(1.1)
    assert (await fetch(proxy.port, url)).status == 200


async def test_who_leaves_isnt_waited_for(names, make_proxy, ok):
    proxy = await make_proxy(**{"connect-timeout": "10m", "connections-per-origin": 1}, top={"event-loops": 1})
    names.ignore("dead.test")
    clients = [await Connection.open(proxy.port) for _ in range(3)]
    for client in clients:
        await client.send(f"CONNECT dead.test:{ok.port} HTTP/1.1\r\nHost: dead.test\r\n\r\n".encode())
    await eventually(lambda: names.asked("dead.test") == 2, 10, "the name is asked for")

    async def waiting() -> float:
        return await proxy.count("names_waiting")

    async def three_wait() -> bool:
        return await waiting() == 3

    await eventually(three_wait, 10, "all three wait")
    for client in clients:
        reset(client.writer)

    async def nobody_waits() -> bool:
        return await waiting() == 0

    await eventually(nobody_waits, 10, "nobody waits")
    # The next one's question is another: what nobody waited for was cancelled.
    names.say("dead.test", "127.0.0.1")
    assert (await fetch(proxy.port, ok.url("/", host="dead.test"))).status == 200
    assert names.asked("dead.test", A) == 2


async def test_a_place_in_the_pool_is_free_when_its_client_has_left(names, make_proxy, ok):
    proxy = await make_proxy(**{"connect-timeout": "10m", "connections-per-origin": 1}, top={"event-loops": 1})
    names.ignore("slow.test")
    async with await Connection.open(proxy.port) as client:
        await client.send(f"GET {ok.url('/', host='slow.test')} HTTP/1.1\r\nHost: slow.test\r\n\r\n".encode())
        await eventually(lambda: names.asked("slow.test") == 2, 10, "the name is asked for")
        second = asyncio.create_task(fetch(proxy.port, ok.url("/", host="slow.test"), within=60))

        async def waits() -> bool:
            return await proxy.count("exchanges_waiting") == 1

        await eventually(waits, 10, "the second waits for the place")
        names.say("slow.test", "127.0.0.1")
        reset(client.writer)
    assert (await second).status == 200


async def test_the_file_of_hosts_comes_first(names, make_proxy, ok, tmp_path):
    hosts = await own_hosts(tmp_path)
    hosts.say({"filed.test": ["127.0.0.1"]})
    names.say("filed.test", "127.0.0.88")
    proxy = await make_proxy(hosts.around)
    assert (await fetch(proxy.port, ok.url("/", host="filed.test"))).status == 200
    # What is changed there counts.
    hosts.say({"other.test": ["127.0.0.1"]})
    assert (await fetch(proxy.port, ok.url("/", host="other.test"))).status == 200
    assert names.questions == []


async def test_this_machine_and_what_never_exists_are_asked_of_nobody(names, make_proxy, ok):
    proxy = await make_proxy()
    for host in ("localhost", "some.localhost"):
        assert (await fetch(proxy.port, ok.url("/", host=host))).status == 200
    assert (await fetch(proxy.port, ok.url("/", host="some.invalid"))).status == 502
    assert names.questions == []


async def test_the_search_list(names, make_proxy, ok, tmp_path):
    """resolv.conf(5) counts, and when it is changed while the program runs."""
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\nsearch none.test corp.test\noptions ndots:2\n")

    def around(*command) -> list:
        return ["unshare", "--mount", "--map-root-user", "sh", "-c", 'mount --bind "$0" "$(realpath /etc/resolv.conf)" && exec "$@"', file, *command]

    if (await run(*around("true"))).status != 0:
        pytest.skip("no namespace of its own here")
    names.say("wiki.corp.test", "127.0.0.1")
    names.say("wiki.home.test", "127.0.0.1")
    proxy = await make_proxy(around)
    assert (await fetch(proxy.port, ok.url("/", host="wiki"))).status == 200
    assert [q.name for q in names.questions if q.type == A] == ["wiki.none.test", "wiki.corp.test"]
    # A dot at its end: the name is complete.
    assert (await fetch(proxy.port, ok.url("/", host="wiki."))).status == 502
    file.write_text("nameserver 127.0.0.1\nsearch home.test\n")
    names.say("other.home.test", "127.0.0.1")
    assert (await fetch(proxy.port, ok.url("/", host="other"))).status == 200


async def test_one_family_that_is_never_answered(names, make_proxy, ok):
    """RFC 8305, 3: IPv4's answer isn't held back until the question for IPv6 has been given up."""
    names.say("half.test", "127.0.0.1", silent=(AAAA,))
    proxy = await make_proxy(**{"connect-timeout": "10m"})
    assert (await fetch(proxy.port, ok.url("/", host="half.test"))).status == 200
    assert names.heard("half.test", AAAA) == 1, "it wasn't asked for again before"


async def test_a_dead_name_server_is_waited_for_once(names, make_proxy, ok):
    dead = await NameServer().start()
    try:
        for number in range(20):
            names.say(f"n{number}.test", "127.0.0.1")
            dead.ignore(f"n{number}.test")
        proxy = await make_proxy(resolver=[dead.place, names.place])
        for number in range(20):
            assert (await fetch(proxy.port, ok.url("/", host=f"n{number}.test"))).status == 200
        assert sum(dead.asked(f"n{number}.test", A) for number in range(20)) <= 2, "the one that answers was asked first"
    finally:
        dead.stop()


async def test_a_dead_address_is_waited_for_once(names, make_proxy, ok):
    silent = FullBacklog("127.0.0.77", ok.port)
    names.say("both.test", "127.0.0.77", "127.0.0.1", ttl=600)
    try:
        proxy = await make_proxy(**{"connect-timeout": "10m", "idle": "0"})
        # A quarter of a second for each would be fifty.
        async with asyncio.timeout(40):
            for _ in range(200):
                assert (await fetch(proxy.port, ok.url("/", host="both.test"))).status == 200
    finally:
        silent.close()


async def test_a_refused_address_isnt_waited_for(names, make_proxy, ok):
    """Nobody listens on the IPv6 address, or this machine has none: IPv4 is next at once."""
    names.say("six.test", "::1", "127.0.0.1", ttl=600)
    proxy = await make_proxy(**{"idle": "0"})
    for _ in range(3):
        assert (await fetch(proxy.port, ok.url("/", host="six.test"))).status == 200


async def test_many_addresses_come_over_tcp(names, make_proxy, ok):
    dead = [str(ipaddress.ip_address("127.1.0.1") + number) for number in range(40)]
    names.say("wide.test", "127.0.0.1", *dead, truncated=True)
    proxy = await make_proxy()
    assert (await fetch(proxy.port, ok.url("/", host="wide.test"))).status == 200
    assert any(question.over_tcp for question in names.questions)


async def test_aliases_and_the_shortest_ttl(names, make_proxy, ok):
    names.say("www.test", "127.0.0.1", aliases=["a.cdn.test", "b.cdn.test"])
    proxy = await make_proxy()
    assert (await fetch(proxy.port, ok.url("/", host="www.test"))).status == 200


def _forged(question):
    """An answer that names another host's address, with another number."""
    return [message(question, [record(question.name, A, 60, bytes([127, 0, 0, 88]))], id=question.id ^ 1)]


def _other_question(question):
    other = record("other.test", A, 60, bytes([127, 0, 0, 88]))
    return [message(question, [other])]


def _loop(question):
    return [message(question, [record(question.name, CNAME, 60, encoded("b.test")), record("b.test", CNAME, 60, encoded(question.name))])]


def _pointer_to_itself(question):
    return [message(question, [b"\xc0" + bytes([12 + len(question.raw)]) + b"\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"])]


HOSTILE = {
    "random bytes": lambda question: [os.urandom(200)],
    "nothing at all": lambda question: [b""],
    "a number alone": lambda question: [question.id.to_bytes(2, "big")],
    "another number": _forged,
    "another name": _other_question,
    "aliases in a circle": _loop,
    "a name that points to itself": _pointer_to_itself,
    "fewer records than it says": lambda question: [message(question, [], count=9)],
    "a record that ends too early": lambda question: [message(question, [record(question.name, A, 60, b"\x7f\0")])],
    "very many records": lambda question: [message(question, [record(question.name, question.type, 60, os.urandom(4))] * 900)],
    "random records": lambda question: [message(question, [os.urandom(60)], count=3)],
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_answers_do_no_harm(names, make_proxy, ok, kind):
    proxy = await make_proxy(**{"connect-timeout": "2s"})
    names.script("hostile.test", HOSTILE[kind])
    names.say("fine.test", "127.0.0.1")
    status = (await fetch(proxy.port, f"http://hostile.test:{ok.port}/")).status
    assert status in (502, 504)
    assert (await fetch(proxy.port, ok.url("/", host="fine.test"))).status == 200
    assert proxy.process.alive
    assert await proxy.count("names_waiting") == 0


async def test_what_is_dialled_is_what_was_judged(names, make_proxy, ok):
    """A name that leads inside is refused for its address, whatever is remembered of it."""
    names.say("inside.test", "127.0.0.1", "10.1.2.3")
    proxy = await make_proxy(destinations="public")
    for _ in range(2):
        assert (await fetch(proxy.port, ok.url("/", host="inside.test"))).status == 403
    assert ok.connections == 0


async def test_the_agent_finds_its_server_by_the_same_means(names, make_tunnel, ok):
    names.say("server.test", "127.0.0.1", ttl=600)
    tunnel = make_tunnel(agent_top={"event-loops": 3})
    tunnel.rewrite_agent(connect={"to": f"server.test:{tunnel.server_port}", "resolver": [names.place]})
    tunnel.start()
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    assert names.asked("server.test", A) == 1


async def test_a_server_whose_name_doesnt_exist(names, make_tunnel):
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"to": f"nobody.test:{tunnel.server_port}", "resolver": names.place, "wait": "1s"})
    tunnel.start_agent()
    response = await fetch(tunnel.port, "http://example.com/")
    assert response.status == 503 and "the name 'nobody.test' doesn't exist" in response.text
