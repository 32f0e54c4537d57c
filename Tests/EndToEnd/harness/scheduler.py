"""What ECS does on Fargate, on this machine: runs the real server when a service of moto's wants a task, each time at another
address, and stops it when none is wanted. moto itself starts nothing."""

import json
import signal
import threading
import time
from pathlib import Path

from .aws import AWSProxy, Moto
from .fluidity import Fluidity
from .task_agent import TaskAgent
from .waiting import wait_until


class Scheduler:
    """Follows the service's wanted count, and answers for its task through the proxy as ECS and EC2 would.

    `launch(number, host)` starts the server's process for the `number`-th task on an address of its own.
    """

    def __init__(self, moto: Moto, proxy: AWSProxy, launch, cluster: str = "fluidity", service: str = "fluidity-server"):
        self.moto, self.proxy, self.launch = moto, proxy, launch
        self.cluster, self.service = cluster, service
        self.process: Fluidity | None = None
        self.host = ""
        self.number = 0
        self.created = self.started = 0.0
        #: Held while a task may not start: a slow Fargate.
        self.may_start = threading.Event()
        self.may_start.set()
        self.problem: Exception | None = None
        #: Set while tasks aren't told to stop: a scheduler that takes its time.
        self.may_stop = threading.Event()
        self.may_stop.set()
        self.agent = TaskAgent(lambda: self.desired)
        #: Told to stop by StopTask, protected or not.
        self._told = False
        self._ecs = moto.client("ecs")
        self._stopping = threading.Event()
        proxy.rewrite["DescribeServices"] = self._services
        proxy.rewrite["UpdateService"] = self._services
        proxy.rewrite["ListTasks"] = self._list
        proxy.rewrite["DescribeTasks"] = self._tasks
        proxy.faults["DescribeNetworkInterfaces"] = Always(self._interfaces)
        proxy.faults["GetTaskProtection"] = Always(self._protection)
        proxy.faults["StopTask"] = Always(self._stop_task)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def desired(self) -> int:
        return self._ecs.describe_services(cluster=self.cluster, services=[self.service])["services"][0]["desiredCount"]

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.alive

    def stop(self):
        self._stopping.set()
        self._thread.join(30)
        self.agent.stop()
        if self.process is not None:
            self.process.kill()

    def _run(self):
        try:
            while not self._stopping.wait(0.1):
                wanted = self.desired
                if wanted and not self.running:
                    self._start()
                elif self.running and (self._told or not (wanted or self.agent.protected)) and self.may_stop.is_set():
                    self._told = False
                    self.process.signal(signal.SIGTERM)
                    wait_until(lambda: not self.process.alive, 30, "the server ends")
                    self.process = None
        except Exception as error:  # noqa: BLE001 - shown by the test that waits for it
            self.problem = error

    def _start(self):
        if not self.created or self.process is not None:
            self.created = time.time()
        self.process = None
        if not self.may_start.wait(0.1):
            return
        self.number += 1
        # Another address for each task, as on Fargate: all of 127.0.0.0/8 is this machine.
        self.host = f"127.0.0.{10 + self.number}"
        self.agent.until, self._told = 0.0, False
        self.process = self.launch(self.number, self.host)
        self.started = time.time()
        self.created = 0.0

    def _services(self, answer: bytes) -> bytes:
        document = json.loads(answer)
        for service in document.get("services", []) + ([document["service"]] if "service" in document else []):
            wanted = service["desiredCount"]
            service["runningCount"] = int(self.running)
            service["pendingCount"] = int(bool(wanted) and not self.running)
        return json.dumps(document).encode()

    def _list(self, answer: bytes) -> bytes:
        return json.dumps({"taskArns": [self._arn] if self.running else []}).encode()

    @property
    def _arn(self) -> str:
        return f"arn:aws:ecs:us-east-1:123456789012:task/{self.cluster}/{self.number:032x}"

    def _tasks(self, answer: bytes) -> bytes:
        details = [{"name": "networkInterfaceId", "value": f"eni-{self.number:017x}"}, {"name": "privateIPv4Address", "value": "10.0.0.10"}]
        task = {
            "taskArn": self._arn, "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "createdAt": self.started - 2, "startedAt": self.started,
            "attachments": [{"type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details}],
        }  # fmt: skip
        return json.dumps({"tasks": [task] if self.running else []}).encode()

    def _protection(self, operation: str, body: bytes):
        tasks = json.loads(body)["tasks"]
        return 200, {"protectedTasks": [{"taskArn": task, "protectionEnabled": self.agent.protected} for task in tasks], "failures": []}

    def _stop_task(self, operation: str, body: bytes):
        self._told = True
        return 200, {"task": {"taskArn": self._arn}}

    def _interfaces(self, operation: str, body: bytes):
        item = (
            f"<item><networkInterfaceId>eni-{self.number:017x}</networkInterfaceId>"
            f"<association><publicIp>{self.host}</publicIp></association></item>"
        )
        return 200, f"<DescribeNetworkInterfacesResponse><networkInterfaceSet>{item}</networkInterfaceSet></DescribeNetworkInterfacesResponse>".encode()


class Always(list):
    """A fault that isn't used up."""

    def __init__(self, fault):
        super().__init__([fault])

    def pop(self, index: int = 0):
        return self[index]
