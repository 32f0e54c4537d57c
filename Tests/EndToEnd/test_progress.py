"""What takes its time is shown on the last row of a terminal, below the lines of the log, and never in the middle of one."""

import asyncio
import os
import pty
import re
import signal
import subprocess

import pytest

from harness.client import Connection, fetch
from harness.waiting import eventually, patiently

LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|notice|warning|error) +\S.*$")


class Screen:
    """A program at a terminal, and the rows that somebody there has seen."""

    def __init__(self, *command, terminal_name: str = "xterm"):
        self.master, terminal = pty.openpty()
        self.child = subprocess.Popen([str(part) for part in command], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, env={**os.environ, "TERM": terminal_name})
        os.close(terminal)
        os.set_blocking(self.master, False)
        self.rows: list[str] = []
        self.row = ""
        #: Every text that stood on the last row without an end.
        self.statuses: list[str] = []
        self._bytes = b""

    def look(self):
        try:
            while part := os.read(self.master, 1 << 16):
                self._bytes += part
        except (BlockingIOError, OSError):
            pass
        text, self._bytes = self._bytes.decode(errors="ignore"), b""
        for piece in re.split(r"(\r\n|\n|\r\x1b\[K)", text):
            if piece in ("\r\n", "\n"):
                self.rows.append(self.row)
                self.row = ""
            elif piece == "\r\x1b[K":
                if self.row:
                    self.statuses.append(self.row)
                self.row = ""
            else:
                self.row += piece
        return self

    def shows(self, words: str) -> bool:
        self.look()
        return words in self.row or any(words in status for status in self.statuses)

    def close(self):
        self.child.kill()
        self.child.wait(20)
        os.close(self.master)


@pytest.fixture
def screens():
    made = []

    def make(*command, **settings) -> Screen:
        made.append(Screen(*command, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


async def test_the_first_connection_and_the_drain(make_tunnel, binary, screens, echo, origin):
    tunnel = make_tunnel(agent_top={"drain": "60s", "log": {"format": "text"}})
    screen = screens(binary, "agent", "--config", tunnel.agent_config)
    await eventually(lambda: screen.shows("Not ready after"), 20, lambda: screen.rows)
    # Lines of the log come while it stands there.
    for _ in range(5):
        async with patiently(20), await Connection.open(tunnel.port) as client:
            await client.send(b"nonsense\r\n\r\n")
            assert (await client.response()).status == 400
    await eventually(lambda: len(screen.look().rows) >= 6 and screen.row.startswith("Not ready after"), 20, lambda: (screen.rows, screen.row))
    assert "the tunnel" in screen.row
    tunnel.start_server()
    assert (await fetch(tunnel.port, origin.url("/"))).status == 404
    await eventually(lambda: screen.look().row == "", 20, lambda: f"it goes when the tunnel is up: {screen.row}")
    async with patiently(60), await Connection.open(tunnel.port) as client:
        assert (await client.connect(echo.authority)).status == 200
        screen.child.send_signal(signal.SIGTERM)
        await eventually(lambda: screen.shows("Draining: 1 exchange, the oldest with " + echo.authority), 20, lambda: (screen.rows, screen.row))
        await eventually(lambda: len({status for status in screen.look().statuses if status.startswith("Draining")}) >= 2, 20, "it goes on")
    assert await asyncio.to_thread(screen.child.wait, 60) == 0
    screen.look()
    assert screen.row == "", "nothing is left on the last row"
    wrong = [row for row in screen.rows if not LINE.match(row)]
    assert not wrong, wrong
    # The log says it at the beginning, and not each second.
    assert len([row for row in screen.rows if "exchanges=1" in row]) == 1, screen.rows
    assert all("Z info" not in status and "Z notice" not in status for status in screen.statuses)


async def test_a_terminal_that_cant_take_back_gets_lines(make_tunnel, binary, screens):
    tunnel = make_tunnel(agent_top={"log": {"format": "text"}})
    screen = screens(binary, "agent", "--config", tunnel.agent_config, terminal_name="dumb")
    await eventually(lambda: len(screen.look().rows) >= 2, 20, lambda: screen.rows)
    await asyncio.sleep(2)
    assert not screen.look().statuses and not screen.row


async def test_programs_get_lines_alone(make_tunnel, echo):
    tunnel = make_tunnel(agent_top={"drain": "60s", "log": {"format": "text"}}).start()
    async with patiently(60), await Connection.open(tunnel.port) as client:
        assert (await client.connect(echo.authority)).status == 200
        tunnel.agent.signal(signal.SIGTERM)
        # Each second, as long as something is open.
        await eventually(lambda: tunnel.agent.text().count("exchanges=1") >= 2, 20, "it says what the drain waits for")
    await tunnel.agent.ended(30)
    said = [line for line in tunnel.agent.text().splitlines() if "exchanges=1" in line]
    assert all(f"oldest={echo.authority}" in line and "left=" in line and "sessions=" in line for line in said), said
    assert "Not ready" not in tunnel.agent.text() and "\x1b" not in tunnel.agent.text()
