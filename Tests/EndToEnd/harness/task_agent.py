"""The ECS agent beside a task: protects it, or says why it doesn't, and what the task is."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class TaskAgent:
    """Answers at `ECS_AGENT_URI` and `ECS_CONTAINER_METADATA_URI_V4` for one task after the other.

    `wanted()` says how many tasks the service wants: fewer than are protected, and a wish is refused as ECS refuses it.
    """

    def __init__(self, wanted):
        self.wanted = wanted
        #: Until when the task is protected.
        self.until = 0.0
        #: Every wish: whether to protect.
        self.wishes: list[bool] = []
        #: Answers (status, document) in place of what would be done; None for no answer at all.
        self.fault = ()
        #: While it isn't set nobody is answered.
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Event()
        agent = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self._send(200, {"Cluster": "fluidity", "TaskARN": "arn:task/x", "DesiredStatus": "RUNNING", "ServiceName": "fluidity-server"})

            def do_PUT(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                agent.asked.set()
                agent.may_answer.wait(60)
                self._send(*agent._wish(body))

            def _send(self, status, document):
                data = json.dumps(document).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict:
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {"ECS_AGENT_URI": f"{url}/api/x", "ECS_CONTAINER_METADATA_URI_V4": f"{url}/v4/x"}

    @property
    def protected(self) -> bool:
        return time.time() < self.until

    def stop(self):
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()

    def _wish(self, body: dict):
        enabled = body["ProtectionEnabled"]
        self.wishes.append(enabled)
        if self.fault:
            return self.fault
        if enabled and self.wanted() < 1:
            return 200, {"failure": {"Arn": "arn:task/x", "Reason": "DEPLOYMENT_BLOCKED"}}
        self.until = time.time() + 60 * body["ExpiresInMinutes"] if enabled else 0.0
        return 200, {"protection": {"ProtectionEnabled": enabled, "TaskArn": "arn:task/x"}}
