"""As a service: what systemd is told, sockets that it gives, and what SIGHUP means to a service and to a terminal."""

import asyncio
import os
import pty
import select
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from harness.client import fetch
from harness.fluidity import write_configuration
from harness.ports import free_port
from harness.processes import CLEAN_ENVIRONMENT, Process, run
from harness.waiting import eventually, wait_until


@pytest.fixture
async def fine(origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    return origin.url("/")


@pytest.fixture
def proxy(tmp_path):
    """A proxy in one process, and its port."""
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), ("fetch", {"destinations": "any"})]
    return write_configuration(tmp_path / "proxy.yaml", stages, host="agent"), port


class Manager:
    """Takes what a service says of itself."""

    def __init__(self, name: str):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.settimeout(20)
        self.environment = {"NOTIFY_SOCKET": name}

    def next(self, but: str = "WATCHDOG=1") -> list[str]:
        while True:
            lines = self.socket.recv(4096).decode().split("\n")
            if lines != [but]:
                return lines


@pytest.mark.parametrize("name", ["path", "abstract"])
async def test_what_the_manager_is_told(binary, proxy, tmp_path, launch, name):
    config, port = proxy
    manager = Manager(str(tmp_path / "notify") if name == "path" else f"@fluidity-test-{os.getpid()}")
    process = Process("service", [binary, "agent", "--config", config], tmp_path, manager.environment)
    launch(process)
    assert (await asyncio.to_thread(manager.next))[0] == "READY=1"
    # Ready is who takes connections.
    (await asyncio.open_connection("127.0.0.1", port))[1].close()
    process.signal(signal.SIGHUP)
    reloading = await asyncio.to_thread(manager.next)
    assert reloading[0] == "RELOADING=1" and abs(int(reloading[1].removeprefix("MONOTONIC_USEC=")) - time.monotonic_ns() // 1000) < 60_000_000
    assert (await asyncio.to_thread(manager.next))[0] == "READY=1"
    good = config.read_text()
    config.write_text("pipeline: [")
    process.signal(signal.SIGHUP)
    assert (await asyncio.to_thread(manager.next))[0] == "RELOADING=1"
    refused = await asyncio.to_thread(manager.next)
    assert refused[0] == "READY=1" and "the configuration before" in refused[1] and "proxy.yaml" in refused[1], refused
    config.write_text(good)
    process.signal(signal.SIGTERM)
    assert (await asyncio.to_thread(manager.next))[0] == "STOPPING=1"
    assert await process.ended(within=20) == 0


async def test_the_watchdog(binary, proxy, tmp_path, launch):
    """It is fed as long as the program lives, and not while it stands still."""
    config, _ = proxy
    manager = Manager(str(tmp_path / "notify"))
    process = Process("watched", [binary, "agent", "--config", config], tmp_path, manager.environment | {"WATCHDOG_USEC": "400000"})
    launch(process)

    def fed(times):
        for _ in range(times):
            while manager.socket.recv(4096) != b"WATCHDOG=1":
                pass

    await asyncio.to_thread(fed, 5)
    process.signal(signal.SIGSTOP)
    manager.socket.settimeout(1.5)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(fed, 50)
    process.signal(signal.SIGCONT)
    manager.socket.settimeout(20)
    await asyncio.to_thread(fed, 2)


async def test_a_manager_that_is_gone_stops_nothing(binary, proxy, tmp_path, launch, fine):
    config, port = proxy
    process = Process("orphan", [binary, "agent", "--config", config], tmp_path, {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "100000"})
    launch(process)
    process.wait_for_line("listening")
    assert (await fetch(port, fine)).body == b"fine"


ACTIVATE = shutil.which("systemd-socket-activate") or "/usr/bin/systemd-socket-activate"


@pytest.mark.skipif(not Path(ACTIVATE).exists(), reason="needs systemd's systemd-socket-activate")
async def test_started_by_the_first_connection(binary, proxy, tmp_path, launch, fine):
    config, port = proxy
    process = Process("activated", [ACTIVATE, "--listen", f"127.0.0.1:{port}", binary, "agent", "--config", config], tmp_path)
    launch(process)
    process.wait_for_line("Listening on")
    assert "started" not in process.text()
    # The connection waits for the program.
    assert (await fetch(port, fine)).body == b"fine"
    # It may serve before it says so.
    process.wait_for_line('"started"')
    assert "is in use" not in process.text() and '"listening"' in process.text(), process.text()
    # What is used no more by one configuration is there for the next.
    other = free_port()
    config.write_text(config.read_text().replace(f"127.0.0.1:{port}", f"127.0.0.1:{other}"))
    process.signal(signal.SIGHUP)
    await eventually(lambda: f"127.0.0.1:{other}" in process.text(), 20, "the other port is listened on")
    assert (await fetch(other, fine)).body == b"fine"
    config.write_text(config.read_text().replace(f"127.0.0.1:{other}", f"127.0.0.1:{port}"))
    process.signal(signal.SIGHUP)
    await eventually(lambda: process.text().count("listening") >= 3, 20, "the first again")
    assert (await fetch(port, fine)).body == b"fine"
    process.signal(signal.SIGTERM)
    assert await process.ended(within=20) == 0


@pytest.mark.skipif(not Path(ACTIVATE).exists(), reason="needs systemd's systemd-socket-activate")
async def test_sockets_that_do_not_fit(binary, proxy, tmp_path, launch, fine):
    """One for all addresses will do for the port; one that nobody listens at is said."""
    config, port = proxy
    config.write_text(config.read_text().replace("127.0.0.1", "0.0.0.0"))
    stray = free_port()
    process = Process(
        "activated", [ACTIVATE, "--listen", str(port), "--listen", f"127.0.0.1:{stray}", binary, "agent", "--config", config], tmp_path)
    launch(process)
    process.wait_for_line("Listening on")
    assert (await fetch(port, fine)).body == b"fine"
    await eventually(lambda: "the service manager listens there" in process.text() and f":{stray}" in process.text(), 10, "the stray one is said")


@pytest.mark.skipif(not Path(ACTIVATE).exists(), reason="needs systemd's systemd-socket-activate")
async def test_a_unix_socket_of_the_manager(binary, tmp_path, launch):
    path = tmp_path / "proxy.sock"
    config = write_configuration(tmp_path / "proxy.yaml", [("accept", {"listen": f"unix:{path}"}), ("http", {"mode": "proxy"}), ("fetch", {})], host="agent")
    process = Process("activated", [ACTIVATE, "--listen", str(path), binary, "agent", "--config", config], tmp_path)
    launch(process)
    process.wait_for_line("Listening on")
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 400")
    writer.close()
    process.signal(signal.SIGTERM)
    assert await process.ended(within=20) == 0
    assert path.exists(), "its file is the manager's"


def on_a_terminal(command: list, ignoring: bool = False) -> tuple[int, int]:
    """A program whose terminal is ours: its number, and the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignoring else signal.SIG_DFL)
        os.execve(str(command[0]), [str(each) for each in command], CLEAN_ENVIRONMENT)
    return pid, terminal


def read_until(terminal: int, words: bytes, within: float = 20) -> bytes:
    text, end = b"", time.monotonic() + within
    while words not in text:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert ready, text
        text += os.read(terminal, 65536)
    return text


def ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] != 0


async def test_the_terminal_is_closed(binary, proxy):
    """An agent in the foreground ends with it, and reads its configuration when it is only asked to."""
    config, port = proxy
    pid, terminal = on_a_terminal([binary, "agent", "--config", config])
    try:
        await asyncio.to_thread(read_until, terminal, b"started")
        os.kill(pid, signal.SIGHUP)
        await asyncio.to_thread(read_until, terminal, b"the configuration is as before")
        assert not ended(pid)
        os.close(terminal)
        await asyncio.to_thread(wait_until, lambda: ended(pid), 20, lambda: "it ends with its terminal")
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


async def test_nohup(binary, proxy, fine):
    """Whoever wants it to outlive the terminal says so."""
    config, port = proxy
    pid, terminal = on_a_terminal([binary, "agent", "--config", config], ignoring=True)
    try:
        await asyncio.to_thread(read_until, terminal, b"started")
        os.close(terminal)
        assert (await fetch(port, fine)).body == b"fine"
        os.kill(pid, signal.SIGHUP)
        assert (await fetch(port, fine)).body == b"fine" and not ended(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
