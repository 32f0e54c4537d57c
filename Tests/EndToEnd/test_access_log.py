"""The access log: a line for each exchange, what it tells, and what becomes of it when its file is moved or can't be written."""

import contextlib
import json
import os
import re
import signal

import pytest

from harness.admin import Admin
from harness.client import Connection, fetch
from harness.fluidity import Fluidity, Tunnel, write_configuration
from harness.ports import free_port
from harness.processes import curl, run
from harness.waiting import eventually, patiently

SECRETS = ["secret-query", "secret-cookie", "secret-body"]


def insert(stages: list, after: str, stage: tuple) -> list:
    index = [name for name, _ in stages].index(after) + 1
    return [*stages[:index], stage, *stages[index:]]


def logged(tunnel: Tunnel, who: str, settings: dict, **top) -> Tunnel:
    """The tunnel with an access log on one of its ends."""
    if who == "agent":
        stages = insert(tunnel._agent_stages, "http", ("access-log", settings))
        write_configuration(tunnel.agent_config, stages, **top)
    else:
        stages = insert(tunnel._server_stages, "frame", ("access-log", settings))
        write_configuration(tunnel.server_config, stages, **top)
    return tunnel


async def lines(path, count: int) -> list[str]:
    def enough():
        found = path.read_text().splitlines() if path.exists() else []
        return found if len(found) >= count else None

    return await eventually(enough, 15, f"{count} lines in {path.name}")


@pytest.mark.parametrize("who", ["agent", "server"])
async def test_one_line_for_each_exchange(make_tunnel, origin, tmp_path, who):
    @origin.on("/page")
    async def page(exchange):
        await exchange.read_body()
        await exchange.respond(200, [("Set-Cookie", "secret-cookie")], b"hello")

    log = tmp_path / "access.log"
    tunnel = logged(make_tunnel(), who, {"to": str(log), "privacy": "path"}).start()
    for number in range(20):
        url = origin.url(f"/page?secret-query={number}")
        await fetch(tunnel.port, url, "POST", [("Cookie", "secret-cookie"), ("User-Agent", "test \"1\"")], b"secret-body")
    refused = free_port()
    await fetch(tunnel.port, f"http://127.0.0.1:{refused}/x")
    async with await Connection.open(tunnel.port) as client:
        assert (await client.connect(origin.authority)).status == 200
    found = [json.loads(line)["exchange"] for line in await lines(log, 22)]
    assert len(found) == 22
    assert len({line["id"] for line in found}) == 22
    posts = [line for line in found if line["method"] == "POST"]
    assert len(posts) == 20
    for line in posts:
        assert (line["status"], line["received"], line["sent"]) == (200, len(b"secret-body"), 5)
        assert line["path"] == "/page" and line["host"] == origin.authority and line["user-agent"] == 'test "1"'
        assert line["client"] == ("-" if who == "agent" else "client")
        assert line["remote"].startswith("127.0.0.1:") and line["microseconds"] > 0
    (bad,) = [line for line in found if line["host"].endswith(str(refused))]
    assert bad["status"] == 502
    assert [line["path"] for line in found if line["method"] == "CONNECT"] == [""]
    assert not [secret for secret in SECRETS if secret in log.read_text()]


@pytest.mark.parametrize("privacy", ["none", "host", "path"])
async def test_combined_lines_and_privacy(make_tunnel, origin, tmp_path, privacy):
    log = tmp_path / "access.log"
    tunnel = logged(make_tunnel(), "server", {"to": str(log), "format": "combined", "privacy": privacy}).start()
    await curl("-x", tunnel.proxy, "-A", "agent/1", "-e", "http://from.example/page?q", origin.url("/some/path?secret-query"))
    (line,) = await lines(log, 1)
    match = re.fullmatch(r'(\S+) - (\S+) \[[^]]+ \+0000\] "GET (\S+) HTTP/1.1" 404 (\d+) "([^"]*)" "([^"]*)"', line)
    assert match, line
    remote, client, target, sent, referer, agent = match.groups()
    assert int(sent) == len(b"no such path at this origin")
    expected = {
        "none": ("-", "-", "-", "-", "-"),
        "host": ("127.0.0.1", "client", f"http://{origin.authority}", "-", "-"),
        "path": ("127.0.0.1", "client", f"http://{origin.authority}/some/path", "http://from.example/page", "agent/1"),
    }
    assert (remote, client, target, referer, agent) == expected[privacy]


async def test_a_forged_line_is_none(make_tunnel, origin, tmp_path):
    log = tmp_path / "access.log"
    tunnel = logged(make_tunnel(), "agent", {"to": str(log), "format": "combined", "privacy": "path"}).start()
    agent = 'x" 200 1 "-" "-"\\\t\x80'
    await fetch(tunnel.port, origin.url("/a%0d%0ab"), fields=[("User-Agent", agent)])
    (line,) = await lines(log, 1)
    # A byte that is no UTF-8 is shown as U+FFFD.
    assert line.endswith('"x\\" 200 1 \\"-\\" \\"-\\"\\\\\\x09\\xef\\xbf\\xbd"'), line
    assert "/a%0d%0ab HTTP/1.1" in line


async def test_it_is_opened_anew_on_hangup(make_tunnel, origin, tmp_path):
    log = tmp_path / "access.log"
    tunnel = logged(make_tunnel(), "server", {"to": str(log)}).start()
    await fetch(tunnel.port, origin.url("/1"))
    await lines(log, 1)
    moved = log.rename(tmp_path / "access.log.1")
    tunnel.server.signal(signal.SIGHUP)
    await eventually(log.exists, 10, "the file is made anew")
    await fetch(tunnel.port, origin.url("/2"))
    await lines(log, 1)
    assert len(moved.read_text().splitlines()) == 1
    assert tunnel.alive


async def test_a_full_disk_costs_lines_and_nothing_else(make_tunnel, origin, tmp_path):
    admin = Admin(free_port())
    tunnel = logged(make_tunnel(), "server", {"to": "/dev/full"}, admin=admin.settings).start()
    for _ in range(5):
        assert (await fetch(tunnel.port, origin.url("/"))).status == 404

    async def counted():
        return (await admin.metrics()).sum("fluidity_access_log_dropped_total") == 5

    await eventually(counted, 10, "what couldn't be written is counted")


async def test_to_standard_error(make_tunnel, origin):
    tunnel = logged(make_tunnel(), "agent", {}).start()
    await fetch(tunnel.port, origin.url("/quiet"))
    await eventually(lambda: '"exchange":{"id"' in tunnel.agent.text(), 10, "the line is on standard error")
    assert "/quiet" not in tunnel.agent.text()


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"to": "/no/such/folder/a.log"}, "the folder '/no/such/folder' doesn't exist"),
        ({"to": "/tmp"}, "is a folder"),
        ({"privacy": "hosts"}, "did you mean 'host'"),
        ({"format": "xml"}, "one of json, combined"),
        ({"queue": "1KiB"}, "must be between 4KiB and 256MiB"),
        ({"file": "a.log"}, "'access-log' has no key 'file'"),
    ],
)
async def test_bad_settings_have_their_place(make_tunnel, binary, settings, words):
    tunnel = logged(make_tunnel(), "agent", settings)
    ended = await run(binary, "check", tunnel.agent_config)
    assert ended.status == 65
    assert words in ended.text and re.search(r"agent\.yaml:\d+:\d+: error", ended.text), ended.text


async def test_a_file_that_cannot_be_written_is_said_at_the_start(make_tunnel, binary, tmp_path):
    tunnel = logged(make_tunnel(), "server", {"to": "/proc/none.log"})
    ended = await run(binary, "server", "--config", tunnel.server_config, within=15)
    assert ended.status == 69
    assert "can't write to '/proc/none.log'" in ended.text


async def test_a_fifo_that_nobody_reads_costs_lines_and_nothing_else(make_tunnel, ok, tmp_path):
    """Opening one waits for a reader, with most programs, and writing to one that is full does with all."""
    log = tmp_path / "access.fifo"
    os.mkfifo(log)
    admin = Admin(free_port())
    tunnel = logged(make_tunnel(), "server", {"to": str(log), "queue": "4KiB"}, admin=admin.settings).start()
    count = 1_000
    async with patiently(60), await Connection.open(tunnel.port) as client:
        for _ in range(count):
            assert (await client.request("GET", ok.url("/"))).text == "fine"
    await eventually(lambda: "left out of the access log" in tunnel.server.text(), 10, "the log tells of it")
    # The same file anew.
    tunnel.server.signal(signal.SIGHUP)
    await eventually(lambda: "as before" in tunnel.server.text(), 10, "the signal is answered")
    dropped = (await admin.metrics()).sum("fluidity_access_log_dropped_total")
    assert dropped > 0
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    text = b""

    def whole():
        nonlocal text
        with contextlib.suppress(BlockingIOError):
            text += os.read(reader, 1 << 20)
        return text.count(b"\n") == count - dropped

    await eventually(whole, 10, "everything else is there")
    assert all(json.loads(line)["exchange"]["status"] == 200 for line in text.splitlines())
    # Nobody reads again.
    async with patiently(60), await Connection.open(tunnel.port) as client:
        for _ in range(count):
            assert (await client.request("GET", ok.url("/"))).text == "fine"
    tunnel.server.signal(signal.SIGTERM)
    assert await tunnel.server.ended(10) == 0
    os.close(reader)


async def test_a_reload_goes_on_with_the_same_file(make_tunnel, ok, tmp_path):
    log = tmp_path / "access.log"
    tunnel = logged(make_tunnel(), "server", {"to": str(log), "privacy": "none"}).start()
    await fetch(tunnel.port, ok.url("/"))
    logged(tunnel, "server", {"to": str(log), "privacy": "host"})
    tunnel.server.signal(signal.SIGHUP)
    await eventually(lambda: "the generation before has ended" in tunnel.server.text(), 15, "the next generation takes over")
    await fetch(tunnel.port, ok.url("/"))
    found = [json.loads(line)["exchange"] for line in await lines(log, 2)]
    assert ["host" in each for each in found] == [False, True]
