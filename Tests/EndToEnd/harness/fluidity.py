"""Fluidity's processes and their configurations."""

import json
import os
import shutil
from pathlib import Path

from .ports import accepts, free_port
from .processes import LIFETIME, Process
from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
# Where connections are lost on purpose, sessions outlive them.
RESUMES = {"resume": {"enabled": True}} if LIFETIME in os.environ else {}


def find_binary(command: str | None = None) -> Path:
    """The program, or what stands in for it as `agent` or `server`: another version, say (FLUIDITY_AGENT_BIN, FLUIDITY_SERVER_BIN)."""
    candidates = [_other(command), os.environ.get("FLUIDITY_BIN"), ROOT / ".build/release/fluidity", ROOT / ".build/release/Fluidity"]
    for candidate in candidates:
        if candidate and (found := shutil.which(str(candidate))):
            return Path(found).resolve()
    raise RuntimeError("no fluidity: build it for release or set FLUIDITY_BIN")


def _other(command: str | None) -> str | None:
    return os.environ.get(f"FLUIDITY_{command.upper()}_BIN") if command in ("agent", "server") else None


def _resumes(command: str) -> dict:
    """Keys of `frame`. Beside another version, this one offers what the other doesn't know."""
    is_beside = any(_other(end) for end in ("agent", "server"))
    return {"resume": {"enabled": True}} if is_beside and not _other(command) else RESUMES


def configuration(stages: list[tuple[str, dict]], **top) -> str:
    """The YAML of a pipeline. JSON values are YAML too."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in top.items()]
    return "\n".join([*lines, "pipeline:", *(f"  - {name}: {json.dumps(keys)}" for name, keys in stages)]) + "\n"


def write_configuration(path: Path, stages: list[tuple[str, dict]], **top) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(configuration(stages, **{"log": {"level": "info", "format": "json"}, "drain": "30s", **top}))
    return path


class Fluidity(Process):
    """A running `fluidity` whose listener is ready. With `errors`, what it logs goes there."""

    def __init__(self, command: str, config: Path, *, port: int | None, environment: dict | None = None, arguments: tuple = (), name: str | None = None, errors: int | None = None):
        full = [find_binary(command), command, "--config", config, *arguments]
        super().__init__(name or command, full, config.parent, environment, errors=errors)
        self.port = port
        self.ready(says_so=errors is None)

    def ready(self, says_so: bool = True):
        try:
            if says_so:
                self.wait_for_line("listening")
            if self.port is not None:
                wait_until(lambda: accepts(self.port), 10, f"{self.name} accepts on port {self.port}")
        except BaseException:
            self.kill()
            raise


class Tunnel:
    """An agent and a server. Stages take further keys by name: `agent={"connect": {"wait": "1s"}}`.

    `agent_filters` and `server_filters` are stages that exchanges pass on their way: before the agent's `frame`, behind the server's.
    `client_protocols` is the stage that the agent's clients speak to. `agent_carriers` and `server_carriers` stand between `mtls` and the network.
    """

    def __init__(self, place: Path, agent_identity, server_identity, *, agent: dict = {}, server: dict = {}, agent_filters: list = [], server_filters: list = [], environment: dict | None = None, agent_top: dict = {}, server_top: dict = {}, client_protocols: str = "http", agent_carriers: list = [], server_carriers: list = []):
        self.place = place
        self.port = free_port()
        self.server_port = free_port()
        self.environment = environment
        self._agent_stages = _with(agent, [
            ("accept", {"listen": f"127.0.0.1:{self.port}"}),
            (client_protocols, {"mode": "proxy"} if client_protocols == "http" else {}),
            *agent_filters,
            ("frame", {"codec": "mux", **_resumes("agent")}),
            ("mtls", {**agent_identity.settings(), "name": "localhost"}),
            *agent_carriers,
            ("connect", {"to": f"localhost:{self.server_port}", "wait": "10s"}),
        ])  # fmt: skip
        self._server_stages = _with(server, [
            ("accept", {"listen": f"127.0.0.1:{self.server_port}"}),
            *server_carriers,
            ("mtls", server_identity.settings()),
            ("frame", {"codec": "mux", **_resumes("server")}),
            *server_filters,
            ("fetch", {"destinations": "any"}),
        ])  # fmt: skip
        self._agent_top, self._server_top = agent_top, server_top
        self.agent_config = write_configuration(place / "agent.yaml", self._agent_stages, **agent_top)
        self.server_config = write_configuration(place / "server.yaml", self._server_stages, **server_top)
        self.agent: Fluidity | None = None
        self.server: Fluidity | None = None

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def processes(self) -> list[Fluidity]:
        return [each for each in (self.agent, self.server) if each is not None]

    @property
    def alive(self) -> bool:
        return bool(self.processes) and all(each.alive for each in self.processes)

    def start(self) -> "Tunnel":
        self.start_server()
        self.start_agent()
        return self

    def start_server(self, errors: int | None = None):
        self.server = Fluidity("server", self.server_config, port=self.server_port, environment=self.environment, errors=errors)

    def start_agent(self, *arguments, errors: int | None = None):
        self.agent = Fluidity("agent", self.agent_config, port=self.port, environment=self.environment, arguments=arguments, errors=errors)

    def rewrite_agent(self, **changes: dict):
        """Gives the agent's stages further keys."""
        self._agent_stages = _with(changes, self._agent_stages)
        self.agent_config = write_configuration(self.agent_config, self._agent_stages, **self._agent_top)

    def rewrite_server(self, **changes: dict):
        """Gives the server's stages further keys."""
        self._server_stages = _with(changes, self._server_stages)
        self.server_config = write_configuration(self.server_config, self._server_stages, **self._server_top)

    def kill(self):
        for each in self.processes:
            each.kill()


def _with(changes: dict, stages: list[tuple[str, dict]]) -> list[tuple[str, dict]]:
    unknown = changes.keys() - {name for name, _ in stages}
    assert not unknown, f"no such stage in this pipeline: {unknown}"
    return [(name, {**keys, **changes.get(name, {})}) for name, keys in stages]
