"""SIGHUP: the next generation of a pipeline starts, takes what is new, and the one before finishes what it has open."""

import asyncio
import signal
import socket
import ssl
import struct

import pytest

from harness import mux, wire
from harness.admin import Admin
from harness.client import Connection, fetch
from harness.codecs import CODECS
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.waiting import eventually, patiently


@pytest.fixture
def replying(tmp_path, launch):
    """A pipeline that answers by itself, and a way to give it another configuration."""

    class Replying:
        def __init__(self):
            self.port = free_port()
            self.admin = Admin(free_port())
            self.config = tmp_path / "server.yaml"
            self.write("one")
            self.process = launch(Fluidity("server", self.config, port=self.port))

        def write(self, body, listen=None, **top):
            stages = [("accept", {"listen": listen or f"127.0.0.1:{self.port}"}), ("http", {"mode": "origin"}), ("respond", {"body": body})]
            write_configuration(self.config, stages, **{"admin": self.admin.settings, **top})

        def change(self, top, body="one"):
            self.write(body, **top)

        async def ask(self, connection=None):
            request = wire.head("GET / HTTP/1.1", [("Host", "replying.example")])
            if connection is not None:
                await connection.send(request)
                return (await connection.response()).body.decode()
            async with await Connection.open(self.port) as connection:
                return await self.ask(connection)

        def hangup(self):
            self.process.signal(signal.SIGHUP)

        async def says(self, words):
            await eventually(lambda: words in self.process.text(), 15, lambda: f"{words}; it said:\n{self.process.tail()}")

    return Replying()


async def test_the_next_generation_answers(replying):
    assert await replying.ask() == "one"
    replying.write("two")
    replying.hangup()
    await replying.says("the new configuration is in use")
    assert await replying.ask() == "two"
    assert await replying.admin.ready()
    await replying.says("the generation before has ended")
    # What the generation before has counted isn't forgotten.
    metrics = await replying.admin.metrics()
    assert metrics.sum("fluidity_exchanges_begun_total") == metrics.sum("fluidity_exchanges_ended_total") == 2
    replying.process.signal(signal.SIGTERM)
    assert await replying.process.ended(within=10) == 0


async def test_no_connection_is_refused_meanwhile(replying):
    answers = []
    done = asyncio.Event()

    async def keep_asking():
        while not done.is_set():
            answers.append(await replying.ask())

    asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
    for number in range(5):
        replying.write(f"number {number}")
        replying.hangup()
        await eventually(lambda number=number: answers and answers[-1] == f"number {number}" or any(each.done() for each in asking), 15, "the next one answers")
        for each in asking:
            if each.done():
                each.result()
    done.set()
    await asyncio.gather(*asking)
    assert set(answers) >= {f"number {number}" for number in range(5)}


async def test_what_is_open_finishes_where_it_began(make_tunnel, origin):
    rest = asyncio.Event()

    @origin.on("/download")
    async def download(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", "200000")]) + b"x" * 100_000)
        await rest.wait()
        await exchange.send(b"y" * 100_000)

    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    tunnel = make_tunnel().start()
    for process, stages, config in [
        (tunnel.server, tunnel._server_stages, tunnel.server_config),
        (tunnel.agent, tunnel._agent_stages, tunnel.agent_config),
    ]:
        rest.clear()
        async with patiently(60), await Connection.open(tunnel.port) as client:
            await client.send(wire.head(f"GET {origin.url('/download')} HTTP/1.1", [("Host", origin.authority)]))
            response = await client.head()
            body = client.body(response)
            received = await anext(body)
            changed = [(name, {**keys, "max-connections": 77} if name == "accept" else keys) for name, keys in stages]
            write_configuration(config, changed)
            process.signal(signal.SIGHUP)
            await eventually(lambda process=process: "the new configuration is in use" in process.text(), 15, "the next one is used")
            assert (await fetch(tunnel.port, origin.url("/"))).body == b"fine"
            assert "the generation before has ended" not in process.text()
            rest.set()
            received += b"".join([data async for data in body])
            assert received == b"x" * 100_000 + b"y" * 100_000
        await eventually(lambda process=process: "the generation before has ended" in process.text(), 30, "the one before ends")
        assert tunnel.alive


@pytest.mark.parametrize(
    "text, words",
    [
        ("pipeline: [", "can't be read"),
        ("host: server\npipeline:\n  - accept: { listen: 127.0.0.1:1 }\n  - fetch\n", "can't be read"),
    ],
)
async def test_a_bad_file_changes_nothing(replying, text, words):
    replying.config.write_text(text)
    replying.hangup()
    await replying.says(words)
    assert await replying.ask() == "one"
    assert await replying.admin.ready()
    replying.write("two")
    replying.hangup()
    await replying.says("the new configuration is in use")
    assert await replying.ask() == "two"


async def test_one_that_cannot_start_changes_nothing(replying):
    blocker = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    replying.write("two", listen=f"127.0.0.1:{blocker.sockets[0].getsockname()[1]}")
    replying.hangup()
    await replying.says("the new configuration can't be used")
    blocker.close()
    assert await replying.ask() == "one"
    assert await replying.admin.ready()


async def test_the_same_again_starts_nothing(replying):
    replying.write("one")
    replying.hangup()
    await replying.says("the configuration is as before")
    assert "in use" not in replying.process.text()


@pytest.mark.parametrize("top", [{"log": {"level": "debug", "format": "json"}}, {"event-loops": 3}, {"admin": {"listen": "127.0.0.1:0"}}], ids=lambda top: next(iter(top)))
async def test_what_needs_a_restart_is_named(replying, top):
    """As often as it is asked: until then what was changed isn't as before."""
    key = next(iter(top))
    for time in (1, 2):
        replying.change(top)
        replying.hangup()
        await eventually(lambda time=time: replying.process.text().count("needs a restart") == time, 15, "the warning")
        assert f"\"changed\":\"'{key}'\"" in replying.process.text(), replying.process.tail()
        await eventually(lambda time=time: replying.process.text().count("the pipeline is as before") == time, 15, "the notice")
    assert "the configuration is as before" not in replying.process.text()
    # A pipeline that is another is taken, and the rest is told again.
    replying.change(top, body="two")
    replying.hangup()
    await replying.says("the new configuration is in use")
    assert await replying.ask() == "two"
    replying.hangup()
    await eventually(lambda: replying.process.text().count("needs a restart") == 4, 15, "the warning")
    replying.change({}, body="two")
    replying.hangup()
    await replying.says("the configuration is as before")


async def test_another_address(replying):
    old, new = replying.port, free_port()
    replying.write("two", listen=f"127.0.0.1:{new}")
    replying.hangup()
    await replying.says("the generation before has ended")
    replying.port = new
    assert await replying.ask() == "two"
    with pytest.raises(OSError):
        await Connection.open(old)


async def test_the_end_comes_in_the_middle(replying):
    connection = await Connection.open(replying.port)
    await connection.send(b"GET / HTTP/1.1\r\n")
    replying.write("two", drain="2s")
    replying.hangup()
    await replying.says("the new configuration is in use")
    replying.process.signal(signal.SIGTERM)
    assert await replying.process.ended(within=10) == 0
    connection.abort()


@pytest.mark.parametrize("codec", CODECS)
async def test_no_request_is_lost_when_a_server_reloads_under_load(make_tunnel, origin, codec):
    """What crosses the server's goodbye is begun by it, or sent again with its body, and nothing is asked twice."""
    seen = set()

    @origin.on("/echo")
    async def echo(exchange):
        body = await exchange.read_body()
        assert body not in seen, "a request was sent twice"
        seen.add(body)
        await exchange.respond(200, body=body)

    frame = {"frame": {"codec": codec}}
    tunnel = make_tunnel(agent=frame, server=frame).start()
    done = asyncio.Event()
    answered, failed = 0, []

    async def keep_asking(who: int):
        nonlocal answered
        number = 0
        async with await Connection.open(tunnel.port) as client:
            while not done.is_set():
                number += 1
                body = f"{who}/{number} ".encode() * (1 if number % 2 else 300)
                response = await client.request("POST", origin.url("/echo"), body=body)
                if response.status == 200 and response.body == body:
                    answered += 1
                else:
                    failed.append((response.status, response.body))

    async with patiently(180):
        asking = [asyncio.create_task(keep_asking(who)) for who in range(12)]
        for number in range(12):
            changed = [(name, {**keys, "idle": f"{61 + number}s"} if name == "fetch" else keys) for name, keys in tunnel._server_stages]
            write_configuration(tunnel.server_config, changed)
            tunnel.server.signal(signal.SIGHUP)
            before = answered
            in_use = lambda: tunnel.server.text().count("the new configuration is in use") > number and answered > before + 100
            await eventually(lambda: in_use() or any(each.done() for each in asking), 30, "the next generation is used")
        done.set()
        await asyncio.gather(*asking)
    assert not failed, (answered, failed[:3])


async def test_who_is_late_at_a_server_s_farewell(make_tunnel, client_identity):
    """What an agent that is slow sends to a server that has done with it isn't answered with a reset: that would overtake GOAWAY, and the
    agent couldn't know that its request was never begun."""
    closed, waits = 7, 8  # TCP_CLOSE, TCP_CLOSE_WAIT
    tunnel = make_tunnel()
    tunnel.start_server()
    context = ssl.create_default_context(cafile=str(client_identity.ca))
    context.load_cert_chain(client_identity.certificate, client_identity.key)
    context.set_alpn_protocols(["fluidity/1"])

    def dial() -> ssl.SSLSocket:
        agent = context.wrap_socket(socket.create_connection(("127.0.0.1", tunnel.server_port)), server_hostname="localhost")
        agent.settimeout(20)
        agent.sendall(mux.hello())
        assert agent.recv(1000)[3] == mux.HELLO
        return agent

    agent = await asyncio.to_thread(dial)
    information = lambda: agent.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
    state = lambda: information()[0]
    unacknowledged = lambda: struct.unpack_from("I", information(), 24)[0]
    with agent:
        changed = [(name, {**keys, "idle": "61s"} if name == "fetch" else keys) for name, keys in tunnel._server_stages]
        write_configuration(tunnel.server_config, changed)
        tunnel.server.signal(signal.SIGHUP)
        await eventually(lambda: state() == waits, 20, "the server has said all that it has to say")
        head = mux.get_head("127.0.0.1:1", "/")
        for stream in (1, 3):
            await asyncio.to_thread(agent.sendall, mux.frame(mux.OPEN | mux.END, stream, len(head).to_bytes(4, "big") + head))
            await eventually(lambda: state() == closed or unacknowledged() == 0, 10, "the server's system has it")
            assert state() == waits, "it was answered with a reset"
        rest = b""
        while data := await asyncio.to_thread(agent.recv, 1000):
            rest += data
        assert mux.GOAWAY in [kind for kind, _ in mux_frames(rest)]


def mux_frames(data: bytes) -> list[tuple[int, bytes]]:
    frames = []
    while data:
        end = 8 + int.from_bytes(data[:3], "big")
        frames.append((data[3], data[8:end]))
        data = data[end:]
    return frames
