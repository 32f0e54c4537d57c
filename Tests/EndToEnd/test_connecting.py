"""How an agent keeps its connections to the server."""

from harness.admin import Admin
from harness.client import fetch
from harness.fluidity import find_binary
from harness.hosts import own_hosts
from harness.ports import free_port
from harness.processes import Process
from harness.waiting import eventually


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
