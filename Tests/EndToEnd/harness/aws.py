"""AWS on this machine: moto's server, a proxy before it that can be told to fail, and a scheduler that runs a service's task."""

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen
from urllib.error import HTTPError

import boto3
from botocore.config import Config

from .ports import accepts, free_port
from .processes import Process
from .waiting import wait_until

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/EXAMPLE"}


class Moto(Process):
    """moto's server on a port of its own."""

    def __init__(self, place: Path, environment: dict | None = None):
        self.port = free_port()
        super().__init__(
            "moto", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", self.port], place, environment
        )
        try:
            wait_until(lambda: self._answers(), 60, lambda: f"moto answers; it printed:\n{self.tail()}")
        except BaseException:
            self.kill()
            raise

    def _answers(self) -> bool:
        if not self.alive:
            raise AssertionError(f"moto ended:\n{self.tail()}")
        return accepts(self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, **keys):
        keys = keys or {"aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, config=Config(retries={"max_attempts": 0}), **keys
        )

    def make_service(self, cluster: str = "fluidity", service: str = "fluidity-server"):
        """A Fargate service that wants no task yet."""
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName=cluster)
        ecs.register_task_definition(family="fluidity", containerDefinitions=[{"name": "server", "image": "fluidity", "memory": 512}])
        ecs.create_service(cluster=cluster, serviceName=service, taskDefinition="fluidity", desiredCount=0)
        return ecs


def environment(url: str, **more) -> dict:
    return {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": url, **CREDENTIALS, "CLUSTER": "fluidity", "SERVICE": "fluidity-server", **more}


class AWSProxy:
    """Passes requests on to AWS, and lets a test come between.

    `faults[OPERATION]` is a list of functions of (operation, body) that are used up one after the other, each before the
    request is passed on: what they return, (status, document), is answered in its place; None passes the request on.
    `rewrite[OPERATION]` changes an answer's document, for as long as it is there.
    """

    def __init__(self, upstream: str):
        self.upstream = upstream
        self.faults: dict[str, list] = {}
        self.rewrite: dict[str, object] = {}
        self.seen: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                proxy._serve(self, body)

            do_GET = do_POST

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler, body: bytes):
        target = handler.headers.get("X-Amz-Target", "")
        operation = target.split(".")[-1] or next((part[7:] for part in body.decode().split("&") if part.startswith("Action=")), handler.path)
        self.seen.append(operation)
        queue = self.faults.get(operation) or self.faults.get("*")
        if queue:
            answer = queue.pop(0)(operation, body)
            if answer is not None:
                return self._send(handler, *answer)
        request = Request(self.upstream + handler.path, data=body or None, method=handler.command)
        for name, value in handler.headers.items():
            if name.lower() not in ("host", "content-length", "connection"):
                request.add_header(name, value)
        try:
            with urlopen(request, timeout=30) as response:
                status, answer = response.status, response.read()
        except HTTPError as error:
            status, answer = error.code, error.read()
        if status == 200 and operation in self.rewrite:
            answer = self.rewrite[operation](answer)
        self._send(handler, status, answer)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, status: int, answer):
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/x-amz-json-1.1")
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:
            handler.close_connection = True


def error(status: int, name: str):
    """A fault: AWS refuses with this name."""
    return lambda *_: (status, {"__type": f"com.amazonaws#{name}", "message": "arn:aws:secret"})


def garbage(*_):
    """A fault: AWS says that all is well, in no language."""
    return 200, b"<html>not what you asked for"


class Slow:
    """A fault: the answer comes only when the test lets it."""

    def __init__(self):
        self.asked = threading.Event()
        self.let = threading.Event()

    def __call__(self, *_):
        self.asked.set()
        self.let.wait(60)
        return None


async def in_thread(function, *arguments):
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)
