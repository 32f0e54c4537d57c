"""Proof: over a long way downloads keep nobody else waiting, and as many connections are used as the way needs."""

import json
import statistics

import pytest

from harness import distant
from harness.distant import AGENT, FAR, NEAR, SERVER, Link

pytestmark = pytest.mark.skipif(not distant.is_possible(), reason="network namespaces need root and /dev/net/tun")

#: Nobody waits for so long but for a download. What is waited for takes a tenth of a second.
DEADLINE = 3
CUBIC = {"congestion-control": "cubic"}


class Pair:
    """Agent and server, at the two ends of a link."""

    def __init__(self, link: Link, binary, place, agent=None, connect=None, accept=None):
        certificates = place.parent / "run/certs"

        def mtls(who, **more):
            return {"mtls": {
                "certificate": str(certificates / f"{who}.pem"), "key": str(certificates / f"{who}-key.pem"),
                "ca": str(certificates / "ca.pem"), **more}}

        server = [
            {"accept": {"listen": f"{FAR}:{SERVER}", **(accept or {})}}, mtls("server"), {"frame": {"codec": "mux"}},
            {"fetch": {"destinations": "any"}}]
        near = [
            {"accept": {"listen": f"{NEAR}:{AGENT}"}}, {"http": {"mode": "proxy"}}, {"frame": {"codec": "mux"}},
            mtls("client", name="localhost"), {"connect": {"to": f"{FAR}:{SERVER}", **(connect or {})}}]
        for side, host, pipeline, more in ((1, "server", server, {}), (0, "agent", near, agent or {})):
            path = place / f"{host}.yaml"
            path.write_text(json.dumps({"host": host, "event-loops": 2, **more, "pipeline": pipeline}))
            with (place / f"{host}.log").open("w") as log:
                link.run(side, binary, host, "--config", path, stdout=log, stderr=log)
            link.wait(side, FAR if side else NEAR, SERVER if side else AGENT)
        self.link = link


@pytest.mark.parametrize("downloads", [8, 50])
def test_a_small_fetch_beside_downloads(binary, place, tmp_path, downloads):
    with Link(tmp_path) as link:
        link.site()
        Pair(link, binary, place)
        # Until the agent knows how far the server is, its loops share the clients.
        link.fetch(0, 1)
        result = link.fetch(downloads, 4)
        assert max(result["took"]) < DEADLINE
        assert min(result["downloads"]) > 0, "none of the downloads is left out"
        # Both loops have a connection, and all that came later shares one.
        first, second, *others = link.connections()
        assert first > 5_000_000 and second < 200_000 and not others


def test_several_connections_where_loss_makes_slow(binary, place, tmp_path):
    with Link(tmp_path, loss=1) as link:
        link.site()
        Pair(link, binary, place, connect=CUBIC, accept=CUBIC)
        link.fetch(4, 4)
        result = link.fetch(4, 4)
        connections = link.connections()
        assert len(connections) == 9, "eight of one loop, one of the other"
        assert statistics.median(result["took"]) < DEADLINE
        assert sum(received > 100_000 for received in connections) >= 4


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_connections_as_are_said(binary, place, tmp_path, count):
    with Link(tmp_path, loss=1) as link:
        link.site()
        Pair(link, binary, place, agent={"event-loops": 1}, connect={"connections": count, **CUBIC}, accept=CUBIC)
        link.fetch(4, 3)
        assert len(link.connections()) == count
