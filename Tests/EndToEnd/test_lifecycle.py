"""The whole life of a server that exists only while it is needed, on one machine: moto is AWS, the control plane runs as an
ordinary server, a scheduler starts and stops the real server's process as ECS would."""

import asyncio
import json
import signal
import time

import pytest
import pytest_asyncio

from harness.aws import AWSProxy, Moto, Slow, environment, error, garbage, in_thread
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import curl
from harness.scheduler import Scheduler
from harness.waiting import eventually

NAVIGATION = ("-H", "Accept: text/html,application/xhtml+xml", "-H", "Sec-Fetch-Mode: navigate")


class World:
    """AWS, the control plane, the scheduler, and an agent that a test starts."""

    def __init__(self, place, client_identity, server_identity, moto: Moto):
        self.place, self.client_identity, self.server_identity, self.moto = place, client_identity, server_identity, moto
        self.proxy = AWSProxy(moto.url)
        self.server_port, self.agent_port = free_port(), free_port()
        moto.client("ecs").update_service(cluster="fluidity", service="fluidity-server", desiredCount=0)
        self.scheduler = Scheduler(moto, self.proxy, self._launch)
        self.control = self._start_control()
        self.agent: Fluidity | None = None
        self.kept = [self.control]

    def _launch(self, number: int, host: str) -> Fluidity:
        config = write_configuration(
            self.place / f"server-{number}.yaml",
            [
                ("accept", {"listen": f"{host}:{self.server_port}"}),
                ("mtls", self.server_identity.settings()),
                ("frame", {}),
                ("metrics", {"cloudwatch": {"service": "fluidity-server", "interval": "1s", "resolution": "1s"}}),
                ("fetch", {"destinations": "any"}),
            ],
            **{"event-loops": 1, "drain": "5s"},
        )
        return Fluidity("server", config, port=None, environment=environment(self.proxy.url), name=f"server-{number}")

    def _start_control(self) -> Fluidity:
        port = free_port()
        config = write_configuration(
            self.place / "control.yaml",
            [
                ("accept", {"listen": f"127.0.0.1:{port}"}),
                ("http", {"mode": "origin"}),
                ("ecs-service", {"action": "by-path", "port": self.server_port, "idle-threshold": "3s", "grace": "1s", "cooldown": "1s",
                                 "metrics-period": "1s", "metrics-delay": "30s"}),
            ],
            **{"event-loops": 1},
        )  # fmt: skip
        return Fluidity("control", config, port=port, environment=environment(self.proxy.url), name="control")

    def endpoint(self, action: str) -> str:
        return f"http://127.0.0.1:{self.control.port}/{action}"

    def start_agent(self, to: str = "discover", **lifecycle) -> Fluidity:
        settings = {
            "wake-endpoint": self.endpoint("wake"), "kill-endpoint": self.endpoint("kill"), "status-endpoint": self.endpoint("status"),
            "api-key": "sesame", "connection-timeout": "60s", "connection-retry-interval": "1s", **lifecycle,
        }  # fmt: skip
        config = write_configuration(
            self.place / "agent.yaml",
            [
                ("accept", {"listen": f"127.0.0.1:{self.agent_port}"}),
                ("http", {"mode": "proxy"}),
                ("frame", {}),
                ("mtls", {**self.client_identity.settings(), "name": "localhost"}),
                ("connect", {"to": to, "wait": "5s"}),
            ],
            lifecycle=settings,
            **{"event-loops": 1, "drain": "5s"},
        )
        self.agent = Fluidity("agent", config, port=self.agent_port)
        self.kept.append(self.agent)
        return self.agent

    @property
    def proxy_url(self) -> str:
        return f"http://127.0.0.1:{self.agent_port}"

    async def get(self, url: str, *more, within: float = 90):
        return await curl("-x", self.proxy_url, "-i", url, *more, within=within)

    async def sleep_check(self) -> dict:
        return json.loads((await curl("-X", "POST", self.endpoint("sleep"))).output)

    def metrics(self, name: str) -> list[float]:
        now = time.time()
        answer = self.moto.client("cloudwatch").get_metric_statistics(
            Namespace="Fluidity", MetricName=name, Dimensions=[{"Name": "Service", "Value": "fluidity-server"}],
            StartTime=now - 600, EndTime=now + 60, Period=1, Statistics=["Maximum"],
        )  # fmt: skip
        return [point["Maximum"] for point in sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])]

    def stop(self):
        for process in self.kept:
            process.kill()
        self.scheduler.stop()
        self.proxy.stop()


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    moto = Moto(tmp_path_factory.mktemp("moto"))
    moto.make_service()
    yield moto
    moto.kill()


@pytest.fixture
def world(tmp_path, client_identity, server_identity, moto):
    world = World(tmp_path, client_identity, server_identity, moto)
    yield world
    world.stop()


@pytest_asyncio.fixture
async def page(make_origin):
    origin = await make_origin()

    @origin.on("/hello")
    async def hello(exchange):
        await exchange.respond(200, [("Content-Type", "text/plain")], b"hello")

    return origin


async def test_the_whole_life(world, page, record_property):
    """Agent starts, server is woken, traffic, metrics, idle, sleep, the next request wakes it elsewhere, agent stops, server stops."""
    url = page.url("/hello")
    began = time.monotonic()
    agent = world.start_agent(**{"on-stop": "kill"})
    first = await world.get(url)
    assert first.status == 0 and first.output.endswith(b"hello"), first.text
    record_property("wake to first byte, seconds", round(time.monotonic() - began, 2))
    assert world.scheduler.number == 1

    await eventually(lambda: in_thread(world.metrics, "ActiveConnections"), 30, "metrics reach CloudWatch")
    assert max(world.metrics("ActiveConnections")) >= 1
    assert max(world.metrics("LastActivityEpochSeconds")) > time.time() - 120

    async def slept():
        return (await world.sleep_check())["action"] == "scaled_down"

    await eventually(slept, 60, "the idle server is put to sleep")
    await eventually(lambda: not world.scheduler.running, 30, "the server ends")
    assert world.scheduler.desired == 0

    again = await world.get(url)
    assert again.status == 0 and again.output.endswith(b"hello"), again.text
    assert world.scheduler.number == 2 and world.scheduler.host.endswith(".12")

    agent.signal(signal.SIGTERM)
    assert await agent.ended(30) == 0
    await eventually(lambda: world.scheduler.desired == 0 and not world.scheduler.running, 30, "the server is killed")
    assert world.scheduler.problem is None
