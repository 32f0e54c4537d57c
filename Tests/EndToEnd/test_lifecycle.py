"""The whole life of a server that exists only while it is needed, on one machine: moto is AWS, the control plane runs as an
ordinary server, a scheduler starts and stops the real server's process as ECS would."""

import asyncio
import json
import signal
import time

import pytest
import pytest_asyncio

from harness.admin import Admin
from harness.aws import AWSProxy, Moto, Slow, environment, error, garbage, in_thread
from harness.codecs import SAYING_GOODBYE
from harness.fluidity import Fluidity, find_binary, write_configuration
from harness.ports import accepts, free_port
from harness.processes import Process, curl
from harness.scheduler import Always, Scheduler
from harness.signing import SigningGateway
from harness.waiting import PATIENCE, eventually

KEY = "open-sesame-0123456789abcdef"
NAVIGATION = ("-H", "Accept: text/html,application/xhtml+xml", "-H", "Sec-Fetch-Mode: navigate")


class World:
    """AWS, the control plane, the scheduler, and an agent that a test starts."""

    def __init__(self, place, client_identity, server_identity, moto: Moto):
        self.place, self.client_identity, self.server_identity, self.moto = place, client_identity, server_identity, moto
        self.proxy = AWSProxy(moto.url)
        self.server_port, self.agent_port = free_port(), free_port()
        self.admin = Admin(free_port())
        #: How often the server reports when nothing happens.
        self.interval = "1s"
        self.codecs = ["mux"]
        #: How a task of ECS is protected while it is in use; None where there is no ECS agent.
        self.protection: dict | None = None
        # Apart from what earlier tests left in CloudWatch.
        self.metrics_service = f"server-{self.server_port}"
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
                ("frame", {"codecs": self.codecs}),
                ("metrics", {
                    "cloudwatch": {"service": self.metrics_service, "interval": self.interval, "resolution": "1s"},
                    **({"task-protection": self.protection} if self.protection is not None else {}),
                }),
                ("fetch", {"destinations": "any"}),
            ],
            admin=self.admin.settings,
            **{"event-loops": 1, "drain": "5s"},
        )
        more = self.scheduler.agent.environment if self.protection is not None else {}
        return Fluidity("server", config, port=None, environment=environment(self.proxy.url, **more), name=f"server-{number}")

    def _start_control(self) -> Fluidity:
        port = free_port()
        config = write_configuration(
            self.place / "control.yaml",
            [
                ("accept", {"listen": f"127.0.0.1:{port}"}),
                ("http", {"mode": "origin"}),
                ("auth", {"methods": [{"api-key": {"header": "X-Api-Key", "keys": [{"name": "agent", "key": KEY}]}}]}),
                ("rate-limit", {"by": "client", "requests": "50/s", "burst": 100}),
                ("ecs-service", {"action": "by-path", "port": self.server_port, "idle-threshold": "3s", "grace": "1s", "cooldown": "1s",
                                 "metrics-period": "1s", "metrics-delay": "30s", "metrics-service": self.metrics_service}),
            ],
            **{"event-loops": 1},
        )  # fmt: skip
        return Fluidity("control", config, port=port, environment=environment(self.proxy.url), name="control")

    def endpoint(self, action: str) -> str:
        return f"http://127.0.0.1:{self.control.port}/{action}"

    def start_agent(
        self, to: str = "discover", codec: str = "mux", name: str = "agent", variables: dict | None = None, **lifecycle
    ) -> Fluidity:
        """A key of `lifecycle` that is None is left out."""
        self.agent_admin = Admin(free_port())
        settings = {
            "wake-endpoint": self.endpoint("wake"), "kill-endpoint": self.endpoint("kill"), "status-endpoint": self.endpoint("status"),
            "api-key": KEY, "connection-timeout": "60s", "connection-retry-interval": "1s", **lifecycle,
        }  # fmt: skip
        config = write_configuration(
            self.place / f"{name}.yaml",
            [
                ("accept", {"listen": f"127.0.0.1:{self.agent_port}"}),
                ("http", {"mode": "proxy"}),
                ("frame", {"codec": codec}),
                ("mtls", {**self.client_identity.settings(), "name": "localhost"}),
                ("connect", {"to": to, "wait": "5s"}),
            ],
            lifecycle={key: value for key, value in settings.items() if value is not None},
            admin=self.agent_admin.settings,
            **{"event-loops": 1, "drain": "5s"},
        )
        self.agent = Fluidity("agent", config, port=self.agent_port, environment=variables, name=name)
        self.kept.append(self.agent)
        return self.agent

    def start_another_agent(self, **lifecycle) -> Fluidity:
        """One more, at another port; `self.agent` and `self.get` mean it from here on."""
        self.agent_port = free_port()
        return self.start_agent(name=f"agent-{self.agent_port}", **lifecycle)

    @property
    def reports(self) -> int:
        """How many reports the servers have sent."""
        return self.proxy.seen.count("PutMetricData")

    @property
    def proxy_url(self) -> str:
        return f"http://127.0.0.1:{self.agent_port}"

    async def get(self, url: str, *more, within: float = 90):
        return await curl("-x", self.proxy_url, "-i", url, *more, within=within)

    async def reported(self, name: str, condition, within: float = 60):
        """Waits until CloudWatch has values of a metric for which `condition` is true, and returns them."""

        def look():
            values = self.metrics(name)
            return values if values and condition(values) else None

        return await eventually(lambda: in_thread(look), within, lambda: f"{name} is as expected; it is {self.metrics(name)}")

    async def sleep_check(self) -> dict:
        return json.loads((await curl("-X", "POST", "-H", f"X-Api-Key: {KEY}", self.endpoint("sleep"))).output)

    def metrics(self, name: str) -> list[float]:
        now = time.time()
        answer = self.moto.client("cloudwatch").get_metric_statistics(
            Namespace="Fluidity", MetricName=name, Dimensions=[{"Name": "Service", "Value": self.metrics_service}],
            StartTime=now - 600, EndTime=now + 60, Period=1, Statistics=["Maximum"],
        )  # fmt: skip
        return [point["Maximum"] for point in sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])]

    def stop(self):
        for process in self.kept:
            process.kill()
        self.scheduler.stop()
        self.proxy.stop()


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

    await world.reported("ActiveConnections", lambda values: max(values) >= 1)
    await world.reported("BytesRelayed", lambda values: sum(values) >= len(b"hello"))
    await world.reported("LastActivityEpochSeconds", lambda values: max(values) > time.time() - 120)

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


async def test_on_demand(world, page):
    """Nothing runs until a request comes; a browser gets a page that reloads, whatever else waits."""
    url = page.url("/hello")
    world.scheduler.may_start.clear()
    world.start_agent(**{"wake": "on-demand", "on-stop": "kill"})
    assert world.scheduler.desired == 0
    browser = await world.get(url, *NAVIGATION)
    assert b" 503 " in browser.output and b"http-equiv=\"refresh\"" in browser.output
    await eventually(lambda: in_thread(lambda: world.scheduler.desired == 1), 30, "the browser's request wakes the server")
    waiting = asyncio.create_task(world.get(url))
    posting = asyncio.create_task(world.get(url, "-d", "x" * 100_000))
    await eventually(lambda: "POST" in world.agent.text() or world.proxy.seen.count("DescribeServices") > 3, 30, "the agent polls")
    assert not waiting.done() and not posting.done()
    world.scheduler.may_start.set()
    for held in (waiting, posting):
        assert (await held).output.endswith(b"hello")
    assert b" 200 " in (await world.get(url, *NAVIGATION)).output


async def test_requests_that_wait_are_bounded(world, page):
    world.scheduler.may_start.clear()
    world.start_agent(wake="on-demand", hold=2, **{"connection-timeout": "4s"})
    answers = await asyncio.gather(*(world.get(page.url("/hello")) for _ in range(3)))
    texts = sorted(answer.output.split(b"\r\n\r\n", 1)[1] for answer in answers)
    assert all(b" 503 " in answer.output and b"Retry-After" in answer.output for answer in answers)
    assert sum(b"too many" in text for text in texts) == 1, texts


async def test_aws_misbehaves(world, page):
    """Throttled, failing, slow and lying answers on the way: the server still comes up."""
    slow = Slow()
    world.proxy.faults["DescribeServices"] = [error(400, "ThrottlingException"), garbage, error(500, "ServerException"), slow]
    world.proxy.faults["UpdateService"] = [error(503, "ServiceUnavailable"), garbage]
    world.proxy.faults["ListTasks"] = [error(400, "ThrottlingException")] * 2
    world.proxy.faults["PutMetricData"] = [error(400, "ThrottlingException"), garbage]
    world.start_agent(**{"on-stop": "kill"})
    await eventually(slow.asked.is_set, 30, "the slow answer is waited for")
    slow.let.set()
    answer = await world.get(page.url("/hello"))
    assert answer.output.endswith(b"hello"), answer.text
    await world.reported("ActiveConnections", lambda values: max(values) >= 1)


async def test_a_lie_about_the_address_reaches_nobody(world, page, authority, launch):
    """The status endpoint names an address at which somebody else answers: his certificate isn't the server's."""
    impostor = authority.issue("impostor", dns=("impostor.example",), server=True)
    config = write_configuration(
        world.place / "impostor.yaml",
        [("accept", {"listen": f"127.0.0.99:{world.server_port}"}), ("mtls", impostor.settings()), ("frame", {}), ("fetch", {"destinations": "any"})],
    )
    launch(Fluidity("server", config, port=None, name="impostor"))
    honest = world.proxy.faults["DescribeNetworkInterfaces"]
    world.proxy.faults["DescribeNetworkInterfaces"] = type(honest)(
        lambda *_: (200, b"<r><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><association>"
                    b"<publicIp>127.0.0.99</publicIp></association></item></networkInterfaceSet></r>")
    )  # fmt: skip
    world.start_agent(**{"on-stop": "kill"})
    await eventually(lambda: "tunnel is down" in world.agent.text(), 60, "the impostor is refused")
    assert "tunnel is up" not in world.agent.text()
    world.proxy.faults["DescribeNetworkInterfaces"] = honest
    answer = await world.get(page.url("/hello"))
    assert answer.output.endswith(b"hello"), answer.text


async def test_a_wrong_key_is_said_at_once_and_never_shown(world, page, make_origin):
    gateway = await make_origin()

    @gateway.on("/wake")
    async def refuse(exchange):
        await exchange.respond(403, [("Content-Type", "application/json")], b'{"message":"Forbidden"}')

    agent = world.start_agent(**{"wake-endpoint": gateway.url("/wake")})
    await eventually(lambda: "refuses the API key" in agent.text(), 30, "the agent says that its key is refused")
    for _ in range(3):
        answer = await world.get(page.url("/hello"))
        assert b" 503 " in answer.output and b"refuses the API key (403)" in answer.output
    assert gateway.paths() == ["/wake"], "who will say the same again isn't asked for each request"
    assert KEY not in agent.text()


SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def signed(world, make_origin):
    """Starts an agent whose calls are signed with these variables, before a gateway that knows one user."""

    async def start(token: str | None, **variables) -> SigningGateway:
        gateway = SigningGateway(await make_origin(), world.endpoint("")[:-1], KEY, {"AKIDAGENT": (SECRET, token)})
        endpoints = {f"{action}-endpoint": gateway.endpoint(action) for action in ("wake", "kill", "status")}
        known = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDAGENT", **variables}
        world.start_agent(variables=known, authentication="iam", **{"api-key": None, "on-stop": "kill", **endpoints})
        return gateway

    return start


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjEXAMPLE//tok=="])
async def test_calls_that_are_signed_are_let_in(world, page, signed, token):
    session = {} if token is None else {"AWS_SESSION_TOKEN": token}
    gateway = await signed(token, AWS_SECRET_ACCESS_KEY=SECRET, **session)
    answer = await world.get(page.url("/hello"))
    assert answer.output.endswith(b"hello"), answer.text
    world.agent.signal(signal.SIGTERM)
    assert await world.agent.ended(30) == 0
    assert gateway.refused == [] and set(gateway.passed) == {"wake", "status", "kill"}
    assert world.moto.client("ecs").describe_services(cluster="fluidity", services=["fluidity-server"])["services"][0]["desiredCount"] == 0


@pytest.mark.parametrize("wrong, why", [
    ({"AWS_SECRET_ACCESS_KEY": SECRET[:-1]}, "does not match"), ({"AWS_ACCESS_KEY_ID": "AKIDNOBODY", "AWS_SECRET_ACCESS_KEY": SECRET}, "invalid"),
])  # fmt: skip
async def test_credentials_that_are_refused_are_said_in_one_sentence(world, page, signed, wrong, why):
    gateway = await signed(None, **wrong)
    await eventually(lambda: "refuses these AWS credentials" in world.agent.text(), 30, "the agent says that its credentials are refused")
    for _ in range(3):
        answer = await world.get(page.url("/hello"))
        assert b" 503 " in answer.output and b"refuses these AWS credentials (403)" in answer.output
    assert gateway.passed == [] and len(gateway.refused) == 1 and why in gateway.refused[0], "it isn't asked again for each request"
    assert SECRET[:-1] not in world.agent.text() and "Authorization" not in world.agent.text()


async def test_a_private_address_is_given_to_nobody(world, page):
    """EC2 can't be asked: an agent would dial 10.0.0.10 in its own network. It says why there is no way instead."""
    always = type(world.proxy.faults["DescribeNetworkInterfaces"])
    honest = world.proxy.faults["DescribeNetworkInterfaces"]
    denied = b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>"
    world.proxy.faults["DescribeNetworkInterfaces"] = always(lambda *_: (403, denied))
    world.start_agent(**{"connection-timeout": "8s"})
    answer = await world.get(page.url("/hello"))
    assert b" 503 " in answer.output and b"the task's public address can't be found out" in answer.output, answer.text
    assert "10.0.0.10" not in world.agent.text()
    world.proxy.faults["DescribeNetworkInterfaces"] = honest
    answer = await world.get(page.url("/hello"))
    assert answer.output.endswith(b"hello"), answer.text


async def test_kill_that_fails_only_warns(world, page, make_origin):
    gateway = await make_origin()

    @gateway.on("/kill")
    async def fail(exchange):
        await exchange.respond(500, [], b"no")

    agent = world.start_agent(**{"on-stop": "kill", "kill-endpoint": gateway.url("/kill")})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    agent.signal(signal.SIGTERM)
    assert await agent.ended(30) == 0
    assert "can't be killed" in agent.text()


async def leave(agent: Fluidity, server: Fluidity, words: str = "disconnected") -> None:
    """Ends an agent, and waits until the server has noticed."""
    before = server.text().count(words)
    agent.signal(signal.SIGTERM)
    assert await agent.ended(30) == 0
    await eventually(lambda: server.text().count(words) > before, 30, "the server notices")


@pytest.mark.parametrize("codec", SAYING_GOODBYE)
async def test_release_has_the_last_one_out_reported_at_once(world, page, codec):
    """What is reported is what idleness counts from. The server would report by itself in an hour."""
    world.interval, world.codecs = "1h", SAYING_GOODBYE
    first = world.start_agent(codec=codec, **{"on-stop": "release"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    second = world.start_another_agent(codec=codec, **{"on-stop": "release"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    server = world.scheduler.process
    await eventually(lambda: world.reports == 1, 30, "the server reports its start")

    await leave(first, server)
    await leave(second, server)
    await world.reported("BytesRelayed", lambda values: sum(values) >= 2 * len(b"hello"))
    assert world.metrics("ActiveConnections")[-1] == 0
    # Not when the first one left: somebody was still there.
    assert world.reports == 2
    assert (await world.admin.metrics()).sum("fluidity_frame_goodbyes_total") == 2
    assert world.scheduler.desired == 1 and server.alive


@pytest.mark.parametrize("codec", SAYING_GOODBYE)
async def test_keep_says_nothing(world, page, codec):
    """The server sees a connection that was lost and may come back: there is nothing to report before its time."""
    world.interval, world.codecs = "1h", SAYING_GOODBYE
    agent = world.start_agent(codec=codec, **{"on-stop": "keep"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    server = world.scheduler.process
    await leave(agent, server)
    assert (await world.admin.metrics()).sum("fluidity_frame_goodbyes_total") == 0
    assert world.scheduler.desired == 1 and server.alive
    # The next one to be released is the first to be reported.
    released = world.start_another_agent(codec=codec, **{"on-stop": "release"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    await leave(released, server)
    await world.reported("BytesRelayed", lambda values: sum(values) >= 2 * len(b"hello"))
    assert world.reports == 2
    assert (await world.admin.metrics()).sum("fluidity_frame_goodbyes_total") == 1


async def test_an_agent_that_leaves_takes_nothing_from_others(world, page):
    """Released or kept, the server stays to whoever else uses it."""
    url = page.url("/hello")
    others = world.start_agent(**{"on-stop": "release"})
    assert (await world.get(url)).output.endswith(b"hello")
    for on_stop in ("release", "keep"):
        leaver = world.start_another_agent(**{"on-stop": on_stop})
        assert (await world.get(url)).output.endswith(b"hello")
        await leave(leaver, world.scheduler.process)
        answer = await curl("-x", f"http://127.0.0.1:{others.port}", "-i", url)
        assert answer.output.endswith(b"hello"), answer.text
    assert world.scheduler.desired == 1 and world.scheduler.number == 1


async def test_kill_takes_the_server_from_others_and_they_find_it_again(world, page):
    """What `kill` says of itself: whoever else uses it. The others' next request wakes it anew."""
    url = page.url("/hello")
    others = world.start_agent(**{"on-stop": "release"})
    assert (await world.get(url)).output.endswith(b"hello")
    killer = world.start_another_agent(**{"on-stop": "kill"})
    assert (await world.get(url)).output.endswith(b"hello")
    killer.signal(signal.SIGTERM)
    assert await killer.ended(30) == 0
    await eventually(lambda: in_thread(lambda: world.scheduler.desired == 0 and not world.scheduler.running), 30, "the server ends")
    answer = await curl("-x", f"http://127.0.0.1:{others.port}", "-i", url, within=90)
    assert answer.output.endswith(b"hello"), answer.text
    assert world.scheduler.number == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_ending_while_the_server_starts(world, page, number):
    """An agent whose server isn't there yet ends at once all the same, tells those who wait, and lets go of the server."""
    world.scheduler.may_start.clear()
    # Neither the time that the server is given nor what is open may be what ends it.
    agent = world.start_agent(**{"on-stop": "kill", "connection-timeout": "1h"})
    waiting = asyncio.create_task(world.get(page.url("/hello")))
    await eventually(lambda: in_thread(lambda: world.scheduler.desired == 1), 30, "the server is woken")
    await eventually(lambda: world.proxy.seen.count("DescribeServices") > 3, 30, "the agent polls")

    async def held():
        return (await world.agent_admin.metrics()).sum("fluidity_exchanges_open") == 1

    await eventually(held, 30, "the request waits")
    agent.signal(number)
    assert await agent.ended(20) == 0, agent.text()
    answer = await waiting
    assert b" 503 " in answer.output and b"Retry-After" in answer.output, answer.text
    assert "what was still open was ended" not in agent.text()
    assert world.scheduler.desired == 0
    assert "server killed" in agent.text()


async def test_a_second_signal_cuts_the_kill_short(world, page, make_origin):
    """An endpoint that doesn't answer keeps nobody from ending."""
    gateway = await make_origin()
    asked = asyncio.Event()

    @gateway.on("/kill")
    async def silent(exchange):
        asked.set()
        await asyncio.Event().wait()

    agent = world.start_agent(**{"on-stop": "kill", "kill-endpoint": gateway.url("/kill")})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    agent.signal(signal.SIGTERM)
    await asyncio.wait_for(asked.wait(), 30 * PATIENCE)
    agent.signal(signal.SIGTERM)
    # The request for the kill would be waited for for 20 s.
    assert await agent.ended(10) == 0
    assert "can't be killed" in agent.text()


async def test_h2_sleeps_and_wakes(world, page):
    """The same life with HTTP/2 as the tunnel."""
    url = page.url("/hello")
    world.codecs = ["mux", "h2"]
    agent = world.start_agent(codec="h2", **{"on-stop": "kill"})
    assert (await world.get(url)).output.endswith(b"hello")

    async def slept():
        return (await world.sleep_check())["action"] == "scaled_down"

    await eventually(slept, 60, "the idle server is put to sleep")
    await eventually(lambda: not world.scheduler.running, 30, "the server ends")
    again = await world.get(url)
    assert again.output.endswith(b"hello"), again.text
    assert world.scheduler.number == 2
    agent.signal(signal.SIGTERM)
    assert await agent.ended(30) == 0
    assert world.scheduler.desired == 0


async def test_wake_within_up(world, page, launch):
    """Agent and server in one process, with the wake endpoint of a control plane: it is asked, and killed at the end."""
    server = world.place / "up-server.yaml"
    write_configuration(
        server,
        [("accept", {"listen": f"127.0.0.1:{world.server_port}"}), ("mtls", world.server_identity.settings()), ("frame", {}), ("fetch", {"destinations": "any"})],
    )
    agent = write_configuration(
        world.place / "up-agent.yaml",
        [
            ("accept", {"listen": f"127.0.0.1:{world.agent_port}"}),
            ("http", {"mode": "proxy"}),
            ("frame", {}),
            ("mtls", {**world.client_identity.settings(), "name": "localhost"}),
            ("connect", {"to": f"localhost:{world.server_port}", "wait": "5s"}),
        ],
        lifecycle={"wake-endpoint": world.endpoint("wake"), "kill-endpoint": world.endpoint("kill"), "api-key": KEY, "on-stop": "kill", "wake": "on-demand"},
    )  # fmt: skip
    command = [find_binary(), "up", "--agent-config", agent, "--server-config", server]
    both = launch(Process("up", command, world.place))
    await eventually(lambda: not both.alive or (accepts(world.agent_port) and accepts(world.server_port)), 30, "both listen")
    assert both.alive and world.scheduler.desired == 0, both.text()
    answer = await world.get(page.url("/hello"))
    assert answer.output.endswith(b"hello"), answer.text
    # The server of the same process answers at once, so the wake may still be on its way.
    await eventually(lambda: in_thread(lambda: world.scheduler.desired == 1), 30, "the wake arrives")
    both.signal(signal.SIGTERM)
    assert await both.ended(30) == 0
    assert world.scheduler.desired == 0 and "server killed" in both.text()


async def test_a_long_transfer_keeps_the_server_up(world, page):
    let_go = asyncio.Event()

    @page.on("/long")
    async def long(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(1000):
            await exchange.send(b"x" * 1000)
            try:
                await asyncio.wait_for(let_go.wait(), 0.05)
            except TimeoutError:
                continue

    world.start_agent(**{"on-stop": "kill"})
    transfer = asyncio.create_task(world.get(page.url("/long")))
    await world.reported("BytesRelayed", lambda values: sum(values) > 100_000)
    # More than the idle threshold later by the server's own reports, with a single request all the while.
    start = world.scheduler.started
    await world.reported("LastActivityEpochSeconds", lambda values: max(values) > start + 6)
    answer = await world.sleep_check()
    assert answer["action"] == "no_change" and answer["reason"] == "it is in use", answer
    let_go.set()
    assert (await transfer).status == 0


async def test_a_server_in_use_has_the_last_word(world, page):
    """CloudWatch knows nothing, and sleep is asked to decide while a transfer runs: the task is protected, and stays."""
    world.protection = {"quiet": "3s"}
    let_go = asyncio.Event()

    @page.on("/long")
    async def long(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx")
        await let_go.wait()
        await exchange.send(b"four")

    world.start_agent(**{"on-stop": "kill"})
    transfer = asyncio.create_task(world.get(page.url("/long")))
    agent = world.scheduler.agent
    await eventually(lambda: page.paths() == ["/long"], 60, "the transfer runs")
    await eventually(lambda: agent.protected, 30, "the task is protected")
    # Reports say what they want.
    world.proxy.rewrite["GetMetricData"] = lambda _: b'{"MetricDataResults": []}'
    answer = await world.sleep_check()
    assert answer["action"] == "no_change" and answer["reason"] == "it is in use: the server says so", answer
    # As if somebody had decided otherwise, and was told what is protected only afterwards.
    world.moto.client("ecs").update_service(cluster="fluidity", service="fluidity-server", desiredCount=0)
    await eventually(lambda: world.scheduler.running, 5, "the task stays")
    let_go.set()
    assert (await transfer).output.endswith(b"xfour")
    # Protected no longer, it is stopped.
    await eventually(lambda: not world.scheduler.running, 60, "the idle server ends")
    assert agent.wishes[-1] is False


async def test_work_that_begins_when_the_task_is_being_stopped(world, page):
    """Given up, not wanted any more, and not told to stop yet: what comes now is done by the next server."""
    world.protection = {"quiet": "2s", "hold": "20s"}
    world.start_agent(**{"on-stop": "kill", "connection-timeout": "60s"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    agent = world.scheduler.agent
    await eventually(lambda: agent.wishes and agent.wishes[-1] is False, 60, "the protection is given up")
    world.scheduler.may_stop.clear()
    world.moto.client("ecs").update_service(cluster="fluidity", service="fluidity-server", desiredCount=0)
    first = world.scheduler.process
    held = asyncio.create_task(world.get(page.url("/hello")))
    assert await first.ended(30) == 0
    assert "wants no task any more" in first.text()
    assert list(page.paths()).count("/hello") == 1
    world.scheduler.may_stop.set()
    answer = await held
    assert answer.output.endswith(b"hello"), answer.text
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    assert world.scheduler.number == 2


async def test_a_task_that_may_not_protect_itself(world, page):
    """It says so, serves, and isn't put to sleep while it is in use: it declares that instead."""
    world.protection = {"quiet": "2s", "hold": "30s"}
    world.scheduler.agent.fault = (400, {"error": {"Code": "AccessDeniedException", "Message": "not authorized"}})
    world.start_agent(**{"on-stop": "kill"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    server = world.scheduler.process
    await eventually(lambda: "ecs:UpdateTaskProtection" in server.text(), 30, "the server says what it lacks")
    assert (await world.admin.metrics()).sum("fluidity_task_protection_failures_total") >= 1
    assert (await world.admin.metrics()).sum("fluidity_task_protected") == 0
    # Reports say what they want.
    world.proxy.rewrite["GetMetricData"] = lambda _: b'{"MetricDataResults": []}'
    answer = await world.sleep_check()
    assert answer["action"] == "no_change" and answer["reason"] == "it is in use: the server says so", answer
    assert "ecs:TagResource" not in server.text()


async def test_a_task_that_can_neither_be_protected_nor_declare_its_use(world, page):
    """It says so, and serves; nobody waits for what doesn't come."""
    world.protection = {"quiet": "2s", "hold": "30s"}
    world.scheduler.agent.fault = (400, {"error": {"Code": "AccessDeniedException", "Message": "not authorized"}})
    world.proxy.faults["TagResource"] = Always(lambda *_: (400, {"__type": "AccessDeniedException", "message": "not authorized"}))
    world.start_agent(**{"on-stop": "kill"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    server = world.scheduler.process
    await eventually(lambda: "ecs:TagResource" in server.text(), 30, "the server says what it lacks")


async def test_an_ecs_agent_that_does_not_answer_holds_nothing_for_long(world, page):
    world.protection = {"quiet": "2s", "hold": "1s"}
    world.scheduler.agent.may_answer.clear()
    world.start_agent(**{"on-stop": "kill"})
    answer = await world.get(page.url("/hello"))
    assert answer.output.endswith(b"hello"), answer.text
    assert world.scheduler.agent.asked.is_set() and not world.scheduler.agent.protected
    world.scheduler.agent.may_answer.set()


async def test_kill_stops_what_is_protected(world, page):
    world.protection = {}
    first = world.start_agent(**{"on-stop": "keep"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    await eventually(lambda: world.scheduler.agent.protected, 30, "the task is protected")
    first.signal(signal.SIGTERM)
    assert await first.ended(30) == 0
    killed = json.loads((await curl("-X", "POST", "-H", f"X-Api-Key: {KEY}", "-d", '{"reason": "enough"}', world.endpoint("kill"))).output)
    assert killed == {"status": "killed", "desiredCount": 0, "message": "Service shutdown initiated"}
    await eventually(lambda: not world.scheduler.running, 30, "the protected task ends")
    status = json.loads((await curl("-H", f"X-Api-Key: {KEY}", world.endpoint("status"))).output)
    assert status["reason"] == "kill: enough"


async def test_work_that_begins_after_a_pause_is_reported_at_once(world, page):
    """The next report by itself would come in an hour. A pause is a minute long; the server's clock is the only one that counts."""
    world.interval = "1h"
    world.start_agent(**{"on-stop": "kill"})
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    await eventually(lambda: world.reports == 1, 30, "the server reports its start")
    await asyncio.sleep(62)
    assert (await world.get(page.url("/hello"))).output.endswith(b"hello")
    await eventually(lambda: world.reports == 2, 30, "work is reported")


async def test_a_wake_beyond_the_budget_is_refused_in_words(world, page, make_origin):
    gateway = await make_origin()

    @gateway.on("/wake")
    async def refuse(exchange):
        body = b'{"code":"over_budget","message":"this month\'s budget is spent: 10.00 USD of 10.00 USD"}'
        await exchange.respond(402, [("Content-Type", "application/json")], body)

    agent = world.start_agent(**{"wake-endpoint": gateway.url("/wake")})
    await eventually(lambda: "budget is spent: 10.00 USD" in agent.text(), 30, "the agent says why")
    answer = await world.get(page.url("/hello"))
    assert b" 503 " in answer.output and b"budget is spent: 10.00 USD" in answer.output
    assert gateway.paths() == ["/wake"]
