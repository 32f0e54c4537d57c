"""The audit log: what matters for security, as records of their own, and nothing of paths, queries, fields or bodies."""

import hashlib
import json
import signal

from harness.client import fetch
from harness.fluidity import ROOT, write_configuration
from harness.waiting import eventually

SECRETS = ["secret-path", "secret-query", "secret-field", "secret-body", "BEGIN"]


def records(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def event(path, name: str, count: int = 1) -> dict:
    def found():
        matching = [record for record in records(path) if record["event"] == name]
        return matching if len(matching) >= count else None

    return (await eventually(found, 20, lambda: f"{count} of {name} in {records(path)}"))[-1]


async def test_what_is_recorded(make_tunnel, authority, origin, tmp_path):
    log = tmp_path / "server.jsonl"
    limits = ("rate-limit", {"by": "global", "requests": "3/h", "burst": 3})
    rules = ("egress", {"rules": [{"deny": {"hosts": ["denied.example"]}}, {"deny": {"networks": ["127.0.0.2/32"]}}], "otherwise": "allow"})
    auth = ("auth", {"methods": [{"client-certificate": {"allow": ["cn:client"]}}]})
    tunnel = make_tunnel(server_filters=[auth, rules, limits], server={"fetch": {"destinations": ["127.0.0.1", "127.0.0.2"]}}, server_top={"audit": {"to": str(log)}}).start()
    loaded = await event(log, "configuration-loaded")
    assert loaded["sha256"] == hashlib.sha256(tunnel.server_config.read_bytes()).hexdigest()
    assert loaded["generation"] == "1" and loaded["host"] == "server" and loaded["file"] == str(tunnel.server_config)
    assert (await event(log, "started"))["version"]

    fields = [("X-Secret", "secret-field")]
    tail = "/secret-path?secret-query=1"
    assert (await fetch(tunnel.port, f"http://denied.example{tail}", "POST", fields, b"secret-body")).status == 403
    refused = await event(log, "egress-refused")
    line = next(number for number, text in enumerate(tunnel.server_config.read_text().splitlines(), 1) if "denied.example" in text)
    assert refused["rule"] == f"server.yaml:{line}" and refused["target"] == "denied.example" and refused["client"] == "client"
    assert (await fetch(tunnel.port, f"http://127.0.0.2:{origin.port}{tail}", "GET", fields)).status == 403
    by_address = await event(log, "egress-refused", 2)
    assert by_address["target"] == f"127.0.0.2:{origin.port}"
    assert (await fetch(tunnel.port, f"http://127.0.0.3:{origin.port}{tail}", "GET", fields)).status == 403
    assert (await event(log, "destination-refused"))["address"] == "127.0.0.3"
    assert (await event(log, "certificate-accepted"))["client"] == "client"
    for _ in range(6):
        await fetch(tunnel.port, origin.url("/"))
    reached = await event(log, "limit-reached")
    assert reached["limit"] == "requests" and reached["client"] == "client" and reached["place"] == "6"

    stranger = make_tunnel(client=authority.issue("stranger"))
    stranger.server_port = tunnel.server_port
    stranger.rewrite_agent(connect={"to": f"localhost:{tunnel.server_port}"})
    stranger.start_agent()
    assert (await fetch(stranger.port, origin.url("/"))).status == 403
    failed = await event(log, "authentication-failed")
    assert failed["client"] == "stranger" and failed["reason"] in ("missing", "denied")
    stranger.kill()

    write_configuration(tunnel.server_config, [*tunnel._server_stages[:-1], ("nonsense", {})], audit={"to": str(log)})
    tunnel.server.signal(signal.SIGHUP)
    assert "nonsense" in (await event(log, "configuration-refused"))["reason"]
    stages = [stage for stage in tunnel._server_stages if stage[0] != "rate-limit"]
    write_configuration(tunnel.server_config, stages, audit={"to": str(log)})
    tunnel.server.signal(signal.SIGHUP)
    assert (await event(log, "configuration-loaded", 2))["generation"] == "2"
    tunnel.server.signal(signal.SIGTERM)
    await event(log, "draining")
    await tunnel.server.ended(40)
    await event(log, "stopped")

    found = records(log)
    assert [record["number"] for record in found] == list(range(1, len(found) + 1))
    text = log.read_text()
    assert not [secret for secret in SECRETS if secret in text]
    documented = (ROOT / "docs/audit.md").read_text()
    for record in found:
        for member in record:
            assert f"| `{member}` |" in documented, member


async def test_a_file_that_is_moved_is_opened_anew(make_tunnel, tmp_path):
    log = tmp_path / "agent.jsonl"
    tunnel = make_tunnel(agent_top={"audit": {"to": str(log)}}).start()
    await event(log, "started")
    log.rename(tmp_path / "agent.1.jsonl")
    tunnel.agent.signal(signal.SIGHUP)
    await eventually(log.exists, 20, "the file anew")
    tunnel.agent.signal(signal.SIGTERM)
    await event(log, "stopped")


async def test_a_file_that_cant_be_had_keeps_it_from_starting(tmp_path):
    from harness.fluidity import find_binary
    from harness.ports import free_port
    from harness.processes import run

    config = write_configuration(tmp_path / "server.yaml", [("accept", {"listen": f"127.0.0.1:{free_port()}"}), ("http", {}), ("fetch", {})], audit={"to": str(tmp_path / "x.jsonl")})
    (tmp_path / "x.jsonl").symlink_to(tmp_path / "missing" / "y")
    done = await run(find_binary(), "server", "--config", config)
    assert done.status == 69 and "audit log" in done.text, done.text
