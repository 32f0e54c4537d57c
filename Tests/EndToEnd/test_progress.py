"""What takes its time is shown on the last row of a terminal, below the lines of the log, and never in the middle of one."""

import asyncio
import re
import signal
import sys

import pytest

from harness.client import Connection, fetch
from harness.fluidity import ROOT
from harness.processes import run
from harness.screen import Screen
from harness.waiting import eventually, patiently

LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|notice|warning|error) +\S.*$")


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


DEPLOYING = """
import sys, time
sys.path.insert(0, sys.argv[1])
from deploying.terminal import Terminal
terminal = Terminal()
terminal.say("begins")
try:
    with terminal.waiting("Stack a: " + "x" * 300):
        time.sleep(2.5)
        for number in range(100):
            terminal.tell(f"event {number}")
            terminal.status(f"Stack a: \\x1b[2J{number} done")
        raise RuntimeError
except RuntimeError:
    terminal.tell("ends")
"""
LINES = ["== begins", *(f"   event {number}" for number in range(100)), "   ends"]


async def test_deploying_says_what_it_waits_for(screens):
    """Lines stay whole above the row, which is never longer than the terminal is wide, and goes at the end."""
    program = [sys.executable, "-c", DEPLOYING, ROOT / "deployments"]
    screen = screens(*program, environment={"COLUMNS": "40"})
    await eventually(lambda: screen.look() and screen.child.poll() is not None, 30, lambda: screen.rows)
    screen.look()
    assert screen.rows == LINES and screen.row == ""
    assert len({status for status in screen.statuses if "xxx" in status}) >= 1, screen.statuses
    assert any(status.startswith("Stack a: ?[2J99 done (") for status in screen.statuses), screen.statuses[-5:]
    assert max(map(len, screen.statuses)) <= 39
    for name in ("dumb", ""):
        plain = screens(*program, terminal_name=name)
        await eventually(lambda: plain.look() and plain.child.poll() is not None, 30, lambda: plain.rows)
        assert plain.look().rows == LINES and not plain.statuses
    piped = await run(*program, within=30)
    assert piped.text.splitlines() == LINES
