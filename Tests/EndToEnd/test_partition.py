"""Proof: of two servers one is cut off in the middle of transfers and requests, and no request fails that can be sent again."""

import json
import signal
import sys
import time

import pytest

from harness import distant
from harness.distant import AGENT, FAR, NEAR, ORIGIN, SERVER, Link

pytestmark = pytest.mark.skipif(not distant.is_possible(), reason="network namespaces need root and /dev/net/tun")

REQUESTS, TRANSFERS, SECONDS = 1_000, 100, 12
#: What is sent into a line that has been cut is noticed within seconds, and everybody has an answer long before that.
DEADLINE = 120


class TwoServers:
    """One at the far end of the link, one at the near end beside the agent. Each has the site at its own end, under one name."""

    def __init__(self, link: Link, binary, place, codec: str, policy: str):
        self.link, self.logs = link, {}
        certificates = place.parent / "run/certs"

        def mtls(who, **more):
            return {"mtls": {
                "certificate": str(certificates / f"{who}.pem"), "key": str(certificates / f"{who}-key.pem"),
                "ca": str(certificates / "ca.pem"), **more}}

        def server(host: str, name: str) -> list:
            return [
                {"accept": {"listen": f"{host}:{SERVER}"}}, mtls("server"), {"frame": {"codec": codec}},
                {"headers": {"response": {"set": {"X-Exit": name}}}}, {"fetch": {"destinations": "any"}}]

        to = [{"at": f"{host}:{SERVER}", "name": "localhost"} for host in (FAR, NEAR)]
        agent = [
            {"accept": {"listen": f"{NEAR}:{AGENT}"}}, {"http": {"mode": "proxy"}}, {"frame": {"codec": codec}},
            mtls("client", name="localhost"), {"connect": {"to": to, "policy": policy}}]
        for side in (0, 1):
            link.run(side, sys.executable, distant.__file__, "origin", "127.0.0.1", ORIGIN)
            link.wait(side, "127.0.0.1", ORIGIN)
        for side, name, command, pipeline, host, port in (
            (1, "far", "server", server(FAR, "far"), FAR, SERVER), (0, "near", "server", server(NEAR, "near"), NEAR, SERVER),
            (0, "agent", "agent", agent, NEAR, AGENT),
        ):  # fmt: skip
            path = place / f"{name}.yaml"
            path.write_text(json.dumps({"host": command, "event-loops": 2, "log": {"level": "info", "format": "json"}, "pipeline": pipeline}))
            self.logs[name] = place / f"{name}.log"
            with self.logs[name].open("w") as log:
                link.run(side, binary, command, "--config", path, stdout=log, stderr=log)
            link.wait(side, host, port)

    def told(self, message: str) -> list[str]:
        lines = [json.loads(line) for line in self.logs["agent"].read_text().splitlines() if line.startswith("{")]
        return [line["server"] for line in lines if line["message"] == message]

    def until_told(self, message: str, server: str, times: int = 1):
        deadline = time.monotonic() + 30
        while self.told(message).count(server) < times:
            assert time.monotonic() < deadline, self.logs["agent"].read_text()
            time.sleep(0.1)


@pytest.mark.parametrize("codec, policy", [("mux", "in-order"), ("mux", "spread"), ("h2", "in-order")])
def test_one_of_two_servers_is_cut_off(binary, place, tmp_path, codec, policy):
    with Link(tmp_path) as link:
        servers = TwoServers(link, binary, place, codec, policy)
        servers.until_told("tunnel is up", f"{FAR}:{SERVER}")
        asking = link.ask(REQUESTS, TRANSFERS, SECONDS, f"http://127.0.0.1:{ORIGIN}")
        time.sleep(SECONDS / 2)
        cut = time.monotonic()
        link.stop(signal.SIGSTOP)
        try:
            result = link.finished(asking, DEADLINE)
        finally:
            link.stop(signal.SIGCONT)
        small, large = result["small"], result["large"]
        assert len(small) == REQUESTS and len(large) == TRANSFERS
        failed = [each for each in small if each["status"] != 200 or not each["whole"]]
        assert not failed, (len(failed), failed[:3])
        # Of a transfer that was lost a part had come already: the rest can't be asked for by anybody but its client.
        lost = [each for each in large if not each["whole"]]
        assert all(each["status"] == 200 and each["exit"] == "far" and each["head"] < cut + 1 for each in lost), lost[:3]
        exits = {name: [each["began"] for each in small if each["exit"] == name] for name in ("far", "near")}
        assert min(exits["far"]) < cut < max(exits["near"]) and max(exits["far"]) < cut + 1, "requests have moved"
        assert servers.told("tunnel is down") == [f"{FAR}:{SERVER}"], "it is told once"
        # And back.
        servers.until_told("tunnel is up", f"{FAR}:{SERVER}", times=2)
