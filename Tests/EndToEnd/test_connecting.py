"""How an agent keeps its connections to the server."""

import asyncio
import time

import pytest

from harness.admin import Admin
from harness.certificates import Authority
from harness.client import fetch
from harness.fluidity import find_binary
from harness.hosts import own_hosts
from harness.ports import free_port
from harness.processes import Process
from harness.waiting import eventually, patiently


async def test_one_connection_for_each_event_loop(make_tunnel):
    """From the agent's start, before anybody asks for anything."""
    admins = Admin(free_port()), Admin(free_port())
    tunnel = make_tunnel(
        agent_top={"event-loops": 3, "admin": admins[0].settings}, server_top={"event-loops": 2, "admin": admins[1].settings}
    ).start()

    async def sessions() -> tuple[float, float]:
        here, there = [await admin.metrics() for admin in admins]
        return here.sum("fluidity_connect_connections_up"), there.sum("fluidity_frame_sessions_open")

    async def are_up() -> bool:
        return await sessions() == (3, 3)

    await eventually(are_up, 15, "three connections are up")
    metrics = await admins[0].metrics()
    assert metrics.sum("fluidity_connect_dials_total") == 3 and metrics.sum("fluidity_exchanges_begun_total") == 0
    # One that is lost is made anew, and no other.
    tunnel.server.kill()
    tunnel.start_server()
    await eventually(are_up, 30, "three connections are up again")
    assert (await admins[0].metrics()).sum("fluidity_connect_reconnects_total") == 3


async def test_the_name_is_resolved_anew_for_each_attempt(make_tunnel, launch, origin, tmp_path):
    """The server moves to another address while the agent runs."""

    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    hosts = await own_hosts(tmp_path)
    name = "server.moving.example"
    # Nobody listens there.
    hosts.say({name: ["127.0.0.99"]})
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"to": f"{name}:{tunnel.server_port}", "wait": "10m"})
    tunnel.start_server()
    agent = launch(Process("agent", hosts.around(find_binary(), "agent", "--config", tunnel.agent_config), tmp_path))
    agent.wait_for_line("tunnel is down")
    assert "tunnel is up" not in agent.text()
    hosts.say({name: ["127.0.0.1"]})
    agent.wait_for_line("tunnel is up", within=40)
    assert (await fetch(tunnel.port, origin.url("/"))).body == b"fine"


async def test_a_request_has_the_server_dialled_at_once(make_tunnel, ok):
    """By its eighth attempt the agent waits for more than six seconds until the next, and twice as long as the request may wait."""
    admin = Admin(free_port())
    tunnel = make_tunnel(agent={"connect": {"wait": "3s"}}, agent_top={"event-loops": 1, "admin": admin.settings})
    await asyncio.to_thread(tunnel.start_agent)

    async def eight():
        return (await admin.metrics()).sum("fluidity_connect_dials_total") == 8

    await eventually(eight, 20, "eight attempts")
    await asyncio.to_thread(tunnel.start_server)
    assert (await fetch(tunnel.port, ok.url("/"))).status == 200


@pytest.mark.parametrize("what", ["refused", "closed"])
async def test_a_storm_of_requests_is_none_of_attempts(make_tunnel, make_tcp, ok, what):
    """Every 100 ms at most, however many want the server."""
    admin = Admin(free_port())

    async def close(reader, writer):
        writer.close()

    listener = await make_tcp(close)
    place = free_port() if what == "refused" else listener.port
    tunnel = make_tunnel(
        agent={"connect": {"wait": "0s", "to": f"localhost:{place}"}}, agent_top={"event-loops": 1, "admin": admin.settings}
    )
    began = time.monotonic()
    await asyncio.to_thread(tunnel.start_agent)

    async def dials():
        return (await admin.metrics()).sum("fluidity_connect_dials_total")

    async def often():
        return await dials() >= 30

    async def storm():
        while not done.is_set():
            assert (await fetch(tunnel.port, ok.url("/"))).status == 503

    done = asyncio.Event()
    async with patiently(30), asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(storm())
        await eventually(often, 10, "thirty attempts, for which the usual waits take minutes")
        seen, elapsed = await dials(), time.monotonic() - began
        done.set()
    assert seen <= 10 * elapsed + 1
    if what == "closed":
        assert listener.connections <= 10 * (time.monotonic() - began) + 1


async def test_a_certificate_that_is_refused_is_not_shown_more_often(make_tunnel, ok, tmp_path):
    """Only a change mends it: requests are no reason to try again."""
    admin = Admin(free_port())
    stranger = Authority(tmp_path / "others").issue("client")
    tunnel = make_tunnel(client=stranger, agent={"connect": {"wait": "0s"}}, agent_top={"event-loops": 1, "admin": admin.settings})
    await asyncio.to_thread(tunnel.start)
    async with patiently(30):
        began = time.monotonic()
        while time.monotonic() < began + 2:
            assert (await fetch(tunnel.port, ok.url("/"))).status == 503
        # The usual waits have room for seven in two seconds, and for few more however long it took; requests would have made twenty.
        assert (await admin.metrics()).sum("fluidity_connect_dials_total") <= 10
