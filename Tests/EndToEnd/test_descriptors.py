"""Agent and server without file descriptors to spare, and connections to origins that nobody uses."""

import asyncio
import json
import os
import signal

import pytest

from harness.client import Connection, fetch
from harness.fluidity import find_binary, write_configuration
from harness.ports import accepts, free_port
from harness.processes import Process
from harness.waiting import eventually, patiently

#: About three times what a process needs before anybody connects.
FEW = 64


@pytest.fixture
def start(launch, tmp_path):
    """Starts a pipeline, by default with few descriptors: as the hard limit, which a process can't raise."""

    def start(command: str, stages: list, port: int, limit: str = f"{FEW}:{FEW}", **top) -> Process:
        config = write_configuration(tmp_path / f"{command}.yaml", stages, **top)
        process = launch(Process(command, ["prlimit", f"--nofile={limit}", find_binary(), command, "--config", config], tmp_path))
        process.wait_for_line("listening")
        return process

    return start


@pytest.fixture
def start_proxy(start):
    """`accept, http, fetch` with further keys for `fetch`."""

    def start_proxy(limit: str = f"{FEW}:{FEW}", **keys) -> tuple[Process, int]:
        port = free_port()
        stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), ("fetch", {"destinations": "any", **keys})]
        return start("agent", stages, port, limit), port

    return start_proxy


@pytest.fixture
def start_server(start, make_tunnel, server_identity):
    """A tunnel whose server has few descriptors."""

    def start_server():
        tunnel = make_tunnel()
        stages = [
            ("accept", {"listen": f"127.0.0.1:{tunnel.server_port}"}),
            ("mtls", server_identity.settings()),
            ("frame", {}),
            ("fetch", {"destinations": "any"}),
        ]
        server = start("server", stages, tunnel.server_port)
        tunnel.start_agent()
        return tunnel, server

    return start_server


def processor_time(process: Process) -> float:
    """What a process has used so far, in seconds."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shortages(process: Process) -> int:
    """How often a process has warned of too few descriptors."""
    lines = [json.loads(line) for line in process.text().splitlines() if line.startswith("{")]
    return len([line for line in lines if line["level"] == "warning" and "file descriptors" in line["message"]])


async def echo(reader, writer):
    while data := await reader.read(100):
        writer.write(data)


class Crowd:
    """Connections that say nothing."""

    def __init__(self, port: int):
        self.port = port
        self.members: list[Connection] = []

    async def gather(self, count: int):
        self.members += await asyncio.gather(*[Connection.open(self.port) for _ in range(count)])

    def leave(self):
        for each in self.members:
            each.abort()


async def rests(process: Process, port: int):
    """A process that has no descriptor for a crowd waits for one, says so once, and goes on when the crowd has left."""
    crowd = Crowd(port)
    try:
        await crowd.gather(150)
        await eventually(lambda: shortages(process) == 1, 10, lambda: f"a warning; it said:\n{process.tail()}")
        before = processor_time(process)
        await asyncio.sleep(2)
        # One that tries again and again uses a core for as long as the crowd is there.
        assert processor_time(process) - before < 1
        assert shortages(process) == 1
    finally:
        crowd.leave()


async def test_an_agent_waits_for_descriptors(start_proxy, ok, make_tcp):
    process, port = start_proxy()
    target = await make_tcp(echo)
    async with patiently(60), await Connection.open(port) as early:
        assert (await early.connect(target.authority)).status == 200
        await rests(process, port)
        await early.send(b"still here")
        assert await early.reader.readexactly(10) == b"still here"
        assert (await fetch(port, ok.url("/"))).status == 200
    assert process.alive


async def test_a_server_waits_for_descriptors(start_server, ok):
    tunnel, server = start_server()
    assert (await fetch(tunnel.port, ok.url("/"))).status == 200
    crowd = asyncio.create_task(rests(server, tunnel.server_port))
    while not crowd.done():
        # What is connected is served meanwhile: accepting leaves descriptors for that.
        assert (await fetch(tunnel.port, ok.url("/"))).status == 200
        await asyncio.sleep(0.05)
    await crowd


async def test_a_client_between_two_requests_gives_way(start_proxy, ok):
    process, port = start_proxy()
    # Each keeps its connection open: those that come last get in because others are closed.
    clients: list[Connection] = []
    async with patiently(60):
        for _ in range(2 * FEW):
            clients.append(await Connection.open(port))
            assert (await clients[-1].request("GET", ok.url("/"))).status == 200
    for client in clients:
        client.abort()


async def test_a_burst_waits_for_descriptors(start_proxy, ok):
    process, port = start_proxy()
    async with patiently(60):
        answers = await asyncio.gather(*[fetch(port, ok.url("/")) for _ in range(4 * FEW)])
    assert [answer.status for answer in answers] == [200] * (4 * FEW)


async def test_unused_connections_to_origins_give_way(start_proxy, make_origin):
    process, port = start_proxy()
    origins = [await make_origin() for _ in range(2 * FEW)]
    async with patiently(60), await Connection.open(port) as client:
        for each in origins:
            assert (await client.request("GET", each.url("/"))).status == 404
    assert sum(each.open for each in origins) < FEW


async def test_a_new_tunnel_takes_the_place_of_unused_connections(start_proxy, make_origin, make_tcp):
    process, port = start_proxy()
    origins = [await make_origin() for _ in range(FEW)]
    target = await make_tcp(echo)
    async with patiently(60), await Connection.open(port) as client:
        for each in origins:
            assert (await client.request("GET", each.url("/"))).status == 404
        tunnels = [await Connection.open(port) for _ in range(8)]
        for tunnel in tunnels:
            assert (await tunnel.connect(target.authority)).status == 200
            tunnel.abort()


async def test_without_any_left_the_answer_is_503(start_server, make_tcp):
    tunnel, _ = start_server()
    port = tunnel.port

    async def hold(reader, writer):
        await reader.read()

    target = await make_tcp(hold)
    async with patiently(60):
        tunnels = []
        while True:
            tunnel = await Connection.open(port)
            tunnels.append(tunnel)
            answer = await tunnel.connect(target.authority)
            if answer.status != 200:
                break
            assert len(tunnels) < FEW
        assert answer.status == 503 and answer.get("retry-after")
        for each in tunnels:
            each.abort()
        await eventually(lambda: target.open == 0, 10, "the tunnels have ended")
        assert (await (await Connection.open(port)).connect(target.authority)).status == 200


async def test_the_soft_limit_is_raised(start_proxy):
    process, port = start_proxy(limit=f"{FEW}:1024")
    with open(f"/proc/{process.pid}/limits") as limits:
        line = next(line for line in limits if line.startswith("Max open files"))
    assert line.split()[3:5] == ["1024", "1024"]


async def test_unused_connections_are_bounded_together(start_proxy, make_origin):
    process, port = start_proxy(limit="1024:1024", **{"idle-connections": 4})
    origins = [await make_origin() for _ in range(10)]
    async with patiently(30), await Connection.open(port) as client:
        for _ in range(2):
            for each in origins:
                assert (await client.request("GET", each.url("/"))).status == 404
        await eventually(lambda: sum(each.open for each in origins) <= 4, 10, "no more than four are kept")
        # The one used last is there still.
        before = origins[-1].connections
        assert (await client.request("GET", origins[-1].url("/"))).status == 404
        assert origins[-1].connections == before


async def test_a_generation_takes_its_unused_connections_with_it(start_proxy, ok, tmp_path):
    process, port = start_proxy(limit="1024:1024", idle="1h")
    assert (await fetch(port, ok.url("/"))).status == 200
    assert ok.open == 1
    config = tmp_path / "agent.yaml"
    config.write_text(config.read_text().replace('"1h"', '"2h"'))
    process.signal(signal.SIGHUP)
    process.wait_for_line("the generation before has ended")
    await eventually(lambda: ok.open == 0, 10, "its connection is closed")
    assert accepts(port)
