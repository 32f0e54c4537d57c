"""What the admin listener tells of a running program, what can be done with it there, and the commands that ask it."""

import asyncio
import json
import os
import pty
import re
import signal
import subprocess

import pytest
import yaml

from harness import api, wire
from harness.admin import Admin
from harness.client import Connection, fetch
from harness.codecs import CODECS
from harness.processes import run
from harness.waiting import eventually, patiently

OPERATOR = ("Fluidity-Operator", "test")


@pytest.fixture
def watched(make_tunnel, admins):
    """A tunnel whose both ends can be asked."""
    agent, server = admins
    return make_tunnel(agent_top={"admin": agent.settings}, server_top={"admin": server.settings})


async def told(admin: Admin, path: str, method: str = "GET", *fields, described: str | None = None) -> dict:
    return api.checked(await admin.ask(path, method, fields), described or path.split("?")[0], method.lower())


async def test_open_exchanges_are_listed_and_can_be_ended(watched, admins, echo):
    watched.start()
    async with patiently(30), await Connection.open(watched.port) as client:
        assert (await client.connect(echo.authority)).status == 200
        await client.send(b"x" * 5000)
        assert await client.reader.readexactly(5000) == b"x" * 5000
        for admin, stage in zip(admins, ("3 frame", "4 fetch")):
            answer = await told(admin, "/exchanges")
            (exchange,) = answer["exchanges"]
            assert answer["open"] == 1
            assert (exchange["target"], exchange["method"], exchange["status"]) == (echo.authority, "CONNECT", 200)
            assert (exchange["received"], exchange["sent"]) == (5000, 5000)
            assert exchange["stage"] == stage
        assert (await told(admins[0], "/exchanges?search=" + echo.authority.upper()))["exchanges"]
        for query in ("search=elsewhere", "limit=1&search=%2fpath"):
            nothing = await told(admins[0], "/exchanges?" + query)
            assert (nothing["open"], nothing["exchanges"]) == (1, [])
        ended = await admins[0].ask(f"/exchanges/{(await told(admins[0], '/exchanges'))['exchanges'][0]['id']}", "DELETE", [OPERATOR])
        assert ended.status == 200
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.reader.readexactly(1)

        async def none_is_open():
            return all([(await told(admin, "/exchanges"))["open"] == 0 for admin in admins])

        await eventually(none_is_open, 10, "both ends have ended it")
        assert (await admins[0].ask("/exchanges/0123456789abcdef", "DELETE", [OPERATOR])).status == 404


async def test_what_has_no_answer_yet_is_answered_when_it_is_ended(watched, admins, origin):
    @origin.on("/slow")
    async def slow(exchange):
        await asyncio.sleep(60)

    watched.start()
    asked = asyncio.create_task(fetch(watched.port, origin.url("/slow")))
    async with patiently(30):

        async def is_open():
            return (await told(admins[0], "/exchanges"))["open"] == 1

        await eventually(is_open, 10, "the exchange is open")
        (exchange,) = (await told(admins[0], "/exchanges"))["exchanges"]
        assert "status" not in exchange and "/slow" not in json.dumps(exchange)
        assert (await admins[0].ask(f"/exchanges/{exchange['id']}", "DELETE", [OPERATOR])).status == 200
        assert "ended by whoever operates the program" in (await asked).text


@pytest.mark.parametrize("codec", CODECS)
async def test_sessions_of_every_codec_are_listed_and_can_be_ended(make_tunnel, admins, origin, codec):
    frame, (agent, server) = {"frame": {"codec": codec}}, admins
    tops = {f"{name}_top": {"admin": admin.settings, "event-loops": 1} for name, admin in (("agent", agent), ("server", server))}
    tunnel = make_tunnel(agent=frame, server=frame, **tops).start()
    assert (await fetch(tunnel.port, origin.url("/"))).status == 404
    for admin, side, peer in ((agent, "opened", "server"), (server, "accepted", "client")):
        (session,) = (await told(admin, "/sessions"))["sessions"]
        assert (session["side"], session["codec"], session["peer"], session["streams"]) == (side, codec, peer, 0)
        assert session["received"] > 1000 and session["sent"] > 1000 and session["round-trip-microseconds"] > 0
        assert session["certificate-end"] > session["since"] > 1_700_000_000
    before = (await told(server, "/sessions"))["sessions"][0]["number"]
    # Whoever asks while the session goes is served as ever.
    ended = await server.ask(f"/sessions/{before}", "DELETE", [OPERATOR])
    assert ended.status == 200
    for _ in range(20):
        assert (await fetch(tunnel.port, origin.url("/"))).status == 404

    async def is_another():
        return [each["number"] for each in (await told(server, "/sessions"))["sessions"]] not in ([], [before])

    await eventually(is_another, 20, "another session has come")
    assert (await server.ask("/sessions/999999", "DELETE", [OPERATOR])).status == 404


async def test_everything_is_as_the_document_says(watched, admins, origin):
    watched.start()
    await fetch(watched.port, origin.url("/"))
    for admin in admins:
        live = await told(admin, "/live")
        assert live["ready"] and live["totals"]["begun"] == 1
        assert [stage["name"] for stage in live["stages"]][-1] in ("connect", "fetch")
        (certificate,) = (await told(admin, "/certificates"))["certificates"]
        assert certificate == live["certificates"][0] and certificate["stage"].endswith(" mtls")
        await told(admin, "/generations")
        await told(admin, "/log-level")
        for path in api.paths():
            if "{" not in path:
                unknown = await admin.ask(path, "PATCH")
                assert unknown.status == 405, path
                methods = {method.upper() for method in api.paths()[path]}
                assert set(unknown.get("allow").split(", ")) - {"HEAD"} == methods, path
    listed = (await admins[0].ask("/nowhere")).text
    for path in api.paths():
        assert re.sub(r"\{id\}", "ID", re.sub(r"\{number\}", "NUMBER", path)) in listed


async def test_a_report_comes_each_second_until_the_client_goes(watched, admins, origin):
    watched.start()
    admin = admins[0]
    async with patiently(30), await Connection.open(admin.port) as connection:
        await connection.send(wire.head("GET /events?limit=1 HTTP/1.1", [("Host", "localhost")]))
        head = await connection.head()
        assert head.status == 200 and head.get("content-type") == "text/event-stream"
        text, reports = "", []
        async for part in connection.body(head):
            text += part.decode()
            while "\n\n" in text:
                event, text = text.split("\n\n", 1)
                assert event.startswith("data: ")
                reports.append(json.loads(event.removeprefix("data: ")))
            if len(reports) == 3:
                break
    assert "history" in reports[0] and not any("history" in report for report in reports[1:])
    assert reports[0]["now"] < reports[2]["now"]
    # 32 may watch, and whoever has gone makes room.
    async with patiently(60):
        kept = []
        for _ in range(32):
            connection = await Connection.open(admin.port)
            await connection.send(wire.head("GET /events HTTP/1.1", [("Host", "localhost")]))
            assert (await connection.head()).status == 200
            kept.append(connection)
        assert (await admin.ask("/events")).status == 503
        kept.pop().abort()

        async def has_room():
            async with await Connection.open(admin.port) as another:
                await another.send(wire.head("GET /events HTTP/1.1", [("Host", "localhost")]))
                return (await another.head()).status == 200

        await eventually(has_room, 10, "there is room again")
        for connection in kept:
            connection.abort()
    assert (await fetch(watched.port, origin.url("/"))).status == 404


async def test_a_watcher_that_reads_nothing_costs_nothing(watched, admins, origin):
    watched.start()
    async with patiently(60), await Connection.open(admins[0].port) as connection:
        await connection.send(wire.head("GET /events HTTP/1.1", [("Host", "localhost")]))
        await asyncio.sleep(5)
        assert (await fetch(watched.port, origin.url("/"))).status == 404
        assert (await admins[0].ask("/readyz")).status == 200


async def test_a_token_is_asked_for(make_tunnel, admins, origin):
    agent, _ = admins
    make_tunnel(agent_top={"admin": {**agent.settings, "token": "s3cret"}}).start()
    for path in ("/", "/live.js", "/live", "/events", "/sessions", "/exchanges", "/certificates", "/generations", "/log-level"):
        refused = await agent.ask(path)
        assert refused.status == 401 and refused.get("www-authenticate").startswith("Basic realm="), path
        assert (await agent.ask(path, "HEAD", [("Authorization", "Bearer s3cret")])).status == 200, path
    for path in ("/livez", "/readyz", "/metrics", "/pipeline"):
        assert (await agent.ask(path)).status == 200, path
    assert (await agent.ask("/sessions", fields=[("Authorization", "Basic eDpzM2NyZXQ=")])).status == 200
    assert "s3cret" not in (await agent.ask("/pipeline")).text


@pytest.mark.parametrize("path, method", [("/reload", "POST"), ("/log-level", "PUT"), ("/sessions/1", "DELETE"), ("/exchanges/0123456789abcdef", "DELETE")])
async def test_what_changes_something_is_not_done_for_a_foreign_site(watched, admins, path, method):
    watched.start()
    admin = admins[0]
    simple = [("Origin", "https://site.example"), ("Content-Type", "text/plain")]
    assert (await admin.ask(path, method, simple)).status == 403
    assert (await admin.ask(path, method, [OPERATOR, ("Sec-Fetch-Site", "cross-site")])).status == 403
    assert (await admin.ask(path, method, [OPERATOR], host="rebound.example")).status == 421
    # A browser asks for leave before it sends the field, and gets none.
    asked = await admin.ask(path, "OPTIONS", [*simple, ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", "fluidity-operator")])
    assert asked.status == 405 and asked.get("access-control-allow-origin") is None
    upgraded = await admin.ask("/events", "GET", [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")])
    assert upgraded.status == 501


async def test_the_log_level_can_be_changed(watched, admins, origin):
    watched.start()
    admin = admins[0]

    async def set_level(level: str) -> wire.Message:
        async with await Connection.open(admin.port) as connection:
            fields = [("Host", "localhost"), OPERATOR, ("Content-Length", str(len(level)))]
            await connection.send(wire.head("PUT /log-level HTTP/1.1", fields) + level.encode())
            return await connection.response("PUT")

    assert (await told(admin, "/log-level"))["log-level"] == "info"
    assert api.checked(await set_level("warning"), "/log-level", "put")["log-level"] == "warning"
    await fetch(watched.port, origin.url("/quiet"))
    assert (await set_level("Info")).status == 200
    await fetch(watched.port, origin.url("/loud"))
    watched.agent.wait_for_line('"message":"exchange"')
    exchanges = [line for line in watched.agent.output.read_text().splitlines() if '"message":"exchange"' in line]
    assert len(exchanges) == 1
    for level in ("loud", "", "x" * 5000):
        assert (await set_level(level)).status == 400


async def test_a_reload_is_waited_for(watched, admins, binary, origin):
    watched.start()
    server = admins[1]
    config = watched.server_config
    before = (await told(server, "/generations"))["generations"][0]
    assert before["configuration"][:12] in watched.server.output.read_text()
    same = await run(binary, "reload", "--config", config, within=60)
    assert (same.status, same.text.strip()) == (0, "the configuration is as before")
    settings = yaml.safe_load(config.read_text())
    settings["drain"] = "7s"
    settings["pipeline"].insert(-1, {"headers": {"response": {"set": {"X-New": "yes"}}}})
    config.write_text(yaml.safe_dump(settings))
    used = await run(binary, "reload", "--config", config, within=60)
    assert used.status == 0 and "in use, as generation 2" in used.text, used.text
    after = await told(server, "/generations")
    assert after["generation"] == 2 and after["generations"][-1]["configuration"] != before["configuration"]

    settings["pipeline"][-2] = {"headrs": {}}
    config.write_text(yaml.safe_dump(settings))
    admin_file = config.with_name("admin.yaml")
    admin_file.write_text(yaml.safe_dump({**settings, "pipeline": yaml.safe_load(watched.agent_config.read_text())["pipeline"], "host": "agent"}))
    refused = await run(binary, "reload", "--config", admin_file, within=60)
    assert refused.status == 65 and "the one before stays in use" in refused.text and "headrs" in refused.text, refused.text
    ready = await server.ask("/readyz")
    assert ready.status == 200 and "the last reload was refused" in ready.text
    metrics = await server.metrics()
    assert metrics.sum("fluidity_configuration_generation") == 2
    for result, count in (("used", 1), ("unchanged", 1), ("refused", 1)):
        assert metrics.sum("fluidity_reloads_total", result=result) == count
    assert (await fetch(watched.port, origin.url("/"))).status == 404


async def test_commands_list_and_end(watched, admins, binary, echo):
    watched.start()
    async with patiently(60), await Connection.open(watched.port) as client:
        assert (await client.connect(echo.authority)).status == 200
        listed = await run(binary, "exchanges", "--config", watched.agent_config, within=20)
        assert listed.status == 0 and echo.authority in listed.text and "CONNECT" in listed.text
        found = await run(binary, "exchanges", "--config", watched.agent_config, "--search", "no where", within=20)
        assert found.text.splitlines()[-1] == "0 of 1"
        answer = await run(binary, "exchanges", "--config", watched.agent_config, "--json", within=20)
        (exchange,) = json.loads(answer.output)["exchanges"]
        sessions = await run(binary, "sessions", "--config", watched.server_config, within=20)
        assert sessions.status == 0 and "mux" in sessions.text and "client" in sessions.text
        ended = await run(binary, "exchanges", "--config", watched.agent_config, "--end", exchange["id"], within=20)
        assert (ended.status, ended.text) == (0, "ended\n")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.reader.readexactly(1)
    missing = await run(binary, "sessions", "--config", watched.server_config, "--end", "999999", within=20)
    assert missing.status == 69 and "404" in missing.text
    watched.agent.kill()
    gone = await run(binary, "exchanges", "--config", watched.agent_config, within=20)
    assert gone.status == 69 and "nothing answers at" in gone.text


async def test_top_writes_lines_where_there_is_no_terminal(watched, binary):
    watched.start()
    ended = await run(binary, "top", "--config", watched.agent_config, "--times", "2", within=30)
    assert ended.status == 0
    lines = ended.text.splitlines()
    assert len(lines) == 2 and all("ready  open 0" in line and "sessions " in line for line in lines), lines


@pytest.mark.parametrize("end", ["q", signal.SIGTERM])
async def test_top_in_a_terminal(watched, binary, echo, end):
    watched.start()
    master, terminal = pty.openpty()
    # 30 lines of 120 columns, as a terminal says it (TIOCSWINSZ).
    import fcntl, struct, termios  # noqa: E401

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    before = termios.tcgetattr(terminal)
    command = [str(binary), "top", "--config", str(watched.agent_config)]
    child = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.set_blocking(master, False)
    seen = b""

    async def shows(text: bytes):
        nonlocal seen
        try:
            while part := os.read(master, 1 << 16):
                seen += part
        except BlockingIOError:
            pass
        return text in seen

    try:
        async with patiently(60), await Connection.open(watched.port) as client:
            await eventually(lambda: shows(b"STAGE"), 15, "the first screen")
            assert b"\x1b[?1049h" in seen
            assert (await client.connect(echo.authority)).status == 200
            await eventually(lambda: shows(echo.authority.encode()), 15, "the exchange is shown")
            os.write(master, b"s")
            seen = b""
            await eventually(lambda: shows(echo.authority.encode()), 15, "it goes on")
            if end == "q":
                os.write(master, b"q")
            else:
                child.send_signal(end)
            status = await asyncio.to_thread(child.wait, 15)
            assert status == (0 if end == "q" else -end)
            await shows(b"")
            assert seen.endswith(b"\x1b[?25h\x1b[?1049l"), seen[-200:]
            assert termios.tcgetattr(terminal) == before
    finally:
        child.kill()
        os.close(master)
        os.close(terminal)
