"""A lost connection is noticed soon where something waits for it, and a line that is only full isn't taken for one."""

import json
import signal
import time

import pytest

from harness import distant
from harness.distant import AGENT, FAR, NEAR, SERVER, Link

pytestmark = pytest.mark.skipif(not distant.is_possible(), reason="network namespaces need root and /dev/net/tun")
RESUME = {"codec": "mux", "resume": {"enabled": True}}


class Talk:
    """Agent and server at the two ends of a link, and a client that talks to an echo through CONNECT: a word every 200 ms."""

    def __init__(self, link: Link, binary, place, frame=RESUME):
        certificates = place.parent / "run/certs"
        self.link, self.place = link, place

        def mtls(who, **more):
            return {"mtls": {
                "certificate": str(certificates / f"{who}.pem"), "key": str(certificates / f"{who}-key.pem"),
                "ca": str(certificates / "ca.pem"), **more}}

        server = [
            {"accept": {"listen": f"{FAR}:{SERVER}"}}, mtls("server"), {"frame": frame}, {"fetch": {"destinations": "any"}}]
        near = [
            {"accept": {"listen": f"127.0.0.1:{AGENT}"}}, {"http": {"mode": "proxy"}}, {"frame": frame},
            mtls("client", name="localhost"), {"connect": {"to": f"{FAR}:{SERVER}"}}]
        self.programs = {}
        for side, host, pipeline in ((1, "server", server), (0, "agent", near)):
            path = place / f"{host}.yaml"
            path.write_text(json.dumps({"host": host, "event-loops": 2, "log": {"format": "json"}, "pipeline": pipeline}))
            with self.log(host).open("w") as log:
                self.programs[host] = link.run(side, binary, host, "--config", path, stdout=log, stderr=log)
            link.wait(side, FAR if side else "127.0.0.1", SERVER if side else AGENT)
        link.echo()
        link.site()

    def log(self, host: str):
        return self.place / f"{host}.log"

    def says(self, words: str) -> int:
        return self.log("agent").read_text().count(words)

    def for_seconds(self, seconds: float):
        return self.link.talk(seconds)


def test_nothing_passes_for_three_seconds(binary, place, tmp_path):
    """What was sent isn't acknowledged by anybody: the connection is given up, and the talk goes on over another."""
    with Link(tmp_path) as link:
        talk = Talk(link, binary, place)
        words = talk.for_seconds(10)
        time.sleep(2)
        link.stop(signal.SIGSTOP)
        time.sleep(4)
        link.stop(signal.SIGCONT)
        heard = words.result()
        # The other loop's connection may be lost as well, without anybody's noticing.
        assert talk.says("has not acknowledged anything") >= 1 and 1 <= talk.says("connection lost") <= 2
        assert 1 <= talk.says("the session goes on") <= 2
        assert heard["lost"] == 0 and 3.5 < heard["longest"] < 4 + 4, heard


def move(link: Link, to: str = "10.9.0.3", before: str = NEAR):
    """The agent's machine has another address."""
    link.ip(0, "addr", "add", f"{to}/24", "dev", "lk0")
    link.ip(0, "addr", "del", f"{before}/24", "dev", "lk0")
    link.ip(0, "addr", "replace", f"{to}/24", "dev", "lk0")


def test_the_address_changes_while_nothing_is_under_way(binary, place, tmp_path):
    """What comes then can't be sent, and the kernel doesn't wait for its acknowledgement: it is noticed all the same."""
    with Link(tmp_path) as link:
        talk = Talk(link, binary, place)
        assert talk.for_seconds(0.2).result()["lost"] == 0
        time.sleep(1)
        move(link)
        began = time.monotonic()
        assert talk.for_seconds(0.2).result()["lost"] == 0
        took = time.monotonic() - began
        assert talk.says("has not acknowledged anything") >= 1 and talk.says("has been silent") == 0
        assert took < 10, took


def test_the_address_of_the_machine_changes(binary, place, tmp_path):
    with Link(tmp_path) as link:
        talk = Talk(link, binary, place)
        words = talk.for_seconds(10)
        time.sleep(2)
        move(link)
        heard = words.result()
        assert 1 <= talk.says("the session goes on") <= 2
        assert heard["lost"] == 0 and heard["longest"] < 5, heard


def test_a_nat_forgets(binary, place, tmp_path):
    """It drops what comes of connections that it doesn't know, and tells nobody; new ones pass. Once under a talk, once before it."""
    with Link(tmp_path) as link:
        talk = Talk(link, binary, place)
        words = talk.for_seconds(8)
        time.sleep(2)
        link.forget()
        heard = words.result()
        assert heard["lost"] == 0 and heard["longest"] < 6, heard
        assert talk.says("has not acknowledged anything") >= 1 and talk.says("the session goes on") >= 1
        link.forget()
        began = time.monotonic()
        assert talk.for_seconds(0.2).result()["lost"] == 0
        took = time.monotonic() - began
        assert took < 10, took


def test_a_server_that_is_stopped_for_twenty_seconds(binary, place, tmp_path):
    with Link(tmp_path) as link:
        talk = Talk(link, binary, place)
        words = talk.for_seconds(27)
        time.sleep(1)
        talk.programs["server"].send_signal(signal.SIGSTOP)
        time.sleep(20)
        talk.programs["server"].send_signal(signal.SIGCONT)
        heard = words.result()
        # Its machine answers for it: only its silence counts.
        assert talk.says("has not acknowledged anything") == 0
        assert heard["lost"] == 0 and heard["longest"] < 20 + 5, heard


def test_a_line_that_is_full_is_no_loss(binary, place, tmp_path):
    """1 Mbit/s with three seconds of queue in each direction, both of them full."""
    with Link(tmp_path, rate=1, queue=400_000) as link:
        talk = Talk(link, binary, place)
        words = talk.for_seconds(25)
        link.fill(25)
        heard = words.result()
        assert talk.says("connection lost") == 0
        assert heard["lost"] == 0, heard
