"""Proof 9: kill -9 of the server in the middle of 100 transfers."""

import asyncio
import datetime
import json

from harness import wire
from harness.client import Connection, fetch
from harness.waiting import eventually, patiently
from harness.wire import Broken

TRANSFERS = 100
# No PING is missed within a test: only the loss of the connection can end anything.
UNLIMITED = {"frame": {"ping-interval": "10m", "ping-timeout": "10m"}}


async def endless(exchange):
    await exchange.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
    while True:
        await exchange.send(wire.chunk(b"x" * 10_000))
        await asyncio.sleep(0.05)


async def broken(client: Connection, response):
    """Reads on until the error comes. A body that ends as if it were whole is a failure."""
    try:
        if response is None:
            await client.ended(within=60)
        else:
            async for _ in client.body(response):
                pass
            raise AssertionError("the transfer ended as if it were complete")
    except Broken:
        pass


def ended(agent) -> list[dict]:
    return [line for line in map(json.loads, agent.text().splitlines()) if line["message"] == "exchange"]


def seconds_until_all_had_ended(agent) -> float:
    """From when the agent noticed the loss, by its own clock, which a busy machine's client doesn't delay."""
    lost = [line for line in map(json.loads, agent.text().splitlines()) if line["message"] == "tunnel is down"]
    times = [datetime.datetime.fromisoformat(line["time"]) for line in [*lost, *ended(agent)]]
    return (max(times) - min(times)).total_seconds()


async def start(tunnel, origin, way: str):
    """A transfer whose head has arrived; through CONNECT only the end of the connection will count."""
    client = await Connection.open(tunnel.port)
    if way == "connect":
        assert (await client.connect(origin.authority)).status == 200
        await client.send(wire.head("GET /endless HTTP/1.1", [("Host", origin.authority)]))
    else:
        await client.send(wire.head(f"GET {origin.url('/endless')} HTTP/1.1", [("Host", origin.authority)]))
    response = await client.head()
    assert response.status == 200
    return client, None if way == "connect" else response


async def test_kill_9_of_the_server(make_tunnel, origin):
    origin.on("/endless")(endless)

    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    tunnel = make_tunnel(agent=UNLIMITED).start()
    ways = ["plain", "connect"]
    async with patiently(60):
        running = await asyncio.gather(*(start(tunnel, origin, ways[number % 2]) for number in range(TRANSFERS)))
    assert ended(tunnel.agent) == []
    tunnel.server.kill()
    async with patiently(60):
        await asyncio.gather(*(broken(client, response) for client, response in running))
    assert tunnel.agent.alive
    lines = await eventually(lambda: len(found := ended(tunnel.agent)) == TRANSFERS and found, 10, "each end is in the log")
    assert all("failure" in line for line in lines), lines
    assert seconds_until_all_had_ended(tunnel.agent) < 1

    tunnel.start_server()

    async def works():
        response = await fetch(tunnel.port, origin.url("/"), within=30)
        return response.status == 200 and response.body == b"fine"

    await eventually(works, 25, "the agent works with the new server")


async def test_uploads_end_too(make_tunnel, origin):
    arrived = []

    @origin.on("/upload")
    async def upload(exchange):
        async for data in exchange.body():
            arrived.append(len(data))

    tunnel = make_tunnel(agent=UNLIMITED).start()
    async with patiently(30), await Connection.open(tunnel.port) as client:
        fields = [("Host", origin.authority), ("Transfer-Encoding", "chunked")]
        await client.send(wire.head(f"POST {origin.url('/upload')} HTTP/1.1", fields) + wire.chunk(b"x"))
        await eventually(lambda: arrived, 10, "the upload has begun")
        tunnel.server.kill()
        rest = await client.ended()
        assert not rest.startswith(b"HTTP/1.1 2"), rest
