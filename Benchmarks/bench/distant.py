"""A server far away: two network namespaces, joined by a link with delay, rate and loss (`tools/link.c`)."""

import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time

from .place import SMALL, Place
from .processes import Failed
from .rows import Metric, Row, load, mode, run

DELAY, RATE = 40, 100  # one way in ms, Mbit/s
PAGE = 20 << 10
FILE = 20 << 20
SHORT = 5  # seconds
STEADY = ("bbr", "bbr2", "bbr3")  # Those that don't halve their rate at each loss.


def conditions(losses, congestions):
    """Loss in per cent, and what everybody's rate goes by: without loss that hardly matters, so that one is enough."""
    return [(loss, congestion) for loss in losses for congestion in (congestions if loss else congestions[:1])]


def key(loss, congestion):
    return f"distant {loss:g} {congestion}"


class Link:
    """The two namespaces and the link between them, as a context. Every program in them finds its rate as `congestion` says, unless it
    chooses something else for itself."""

    ALLOWED = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"

    def __init__(self, tool, loss, congestion):
        self.tool, self.loss, self.congestion = tool, loss, congestion
        self.names = [f"fluidity-{side}-{os.getpid()}" for side in ("near", "far")]

    def prefix(self, side):
        return ("ip", "netns", "exec", self.names[side])

    def __enter__(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        self.choose()
        self.process = subprocess.Popen(
            [self.tool, "-d", str(DELAY), "-r", str(RATE), "-l", str(self.loss), *self.names],
            stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(-10))  # A network doesn't wait for its computers.
        if not self.process.stdout.readline().startswith("link: up"):
            raise Failed("the link didn't come up")
        return self

    def choose(self):
        """A namespace takes what everybody may use only: that is widened meanwhile."""
        with open(self.ALLOWED) as file:
            before = file.read().strip()
        with open(self.ALLOWED, "w") as file:
            file.write(" ".join(dict.fromkeys([*before.split(), self.congestion])))
        try:
            for name in self.names:
                subprocess.run(
                    ["ip", "netns", "exec", name, "sysctl", "-qw", f"net.ipv4.tcp_congestion_control={self.congestion}"], check=True)
        finally:
            with open(self.ALLOWED, "w") as file:
                file.write(before)

    def forget(self):
        """From now on it drops what belongs to the TCP connections that there are, as a NAT that was restarted does."""
        self.process.send_signal(signal.SIGUSR1)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.counts = self.process.communicate()[0]
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def first_byte(eager):
    def measure(contestant, seconds):
        place = contestant.place
        script = os.path.join(os.path.dirname(__file__), "first_byte.py")
        command = [
            *place.near_prefix, sys.executable, script, place.certificate("ca.pem"), place.origin_tls, "/1k", "3",
            *(["--eager"] if eager and contestant.proxy else []), *([contestant.proxy] if contestant.proxy else [])]
        return {"ms": statistics.median(json.loads(run(command, contestant.name)))}
    return measure


def download(contestant, seconds):
    result = load(contestant, "-m", mode(contestant, "connect"), "-n", "1", "-b", str(FILE), "-p", "/20m")
    return {"rate": result["bytes"] / result["seconds"] / 1e6}


def download_for(limit):
    """What of a larger file has come when the time is over: whoever halves his rate at each loss would take minutes for all of it."""
    def measure(contestant, seconds):
        result = load(
            contestant, "-m", mode(contestant, "connect"), "-t", str(limit), "-b", str(100 << 20), "-p", "/100m")
        return {"rate": result["bytes"] / result["seconds"] / 1e6}
    return measure


def upload(size):
    def measure(contestant, seconds):
        result = load(
            contestant, "-m", mode(contestant, "connect"), "-n", "1", "-b", str(size), "-u", origin=contestant.place.sink)
        return {"rate": result["bytes"] / result["seconds"] / 1e6}
    return measure


def page(contestant, seconds):
    """Sixty things of 20 KiB over twenty connections, while a download has the line."""
    place = contestant.place
    big = subprocess.Popen(
        [*place.near_prefix, place.load, "transfer", "-m", mode(contestant, "connect"), "-t", "4", "-b", str(100 << 20), "-p",
         "/100m", contestant.proxy or "-", place.origin], stdout=subprocess.PIPE, text=True)
    time.sleep(1.5)  # The download has its full speed by then; what is measured begins after it.
    fetched = load(contestant, "-m", mode(contestant, "get"), "-c", "20", "-n", "60", "-b", str(PAGE), "-p", "/20k")
    out = big.communicate()[0]
    if big.returncode:
        raise Failed(f"{contestant.name}: {out}")
    bulk = json.loads(out)
    return {"ms": fetched["seconds"] * 1e3, "rate": bulk["bytes"] / bulk["seconds"] / 1e6}


def beside(downloads):
    """Small GETs one after the other, while so many downloads have the line."""
    def measure(contestant, seconds):
        place = contestant.place
        bulk = subprocess.Popen(
            [*place.near_prefix, place.load, "transfer", "-m", mode(contestant, "get"), "-c", str(downloads), "-t", "8",
             "-b", str(100 << 20), "-p", "/100m", contestant.proxy or "-", place.origin], stdout=subprocess.PIPE, text=True)
        time.sleep(3)  # They have their full speed by then.
        small = load(contestant, "-m", mode(contestant, "get"), "-t", "4", "-b", str(SMALL), "-p", "/1k")
        out = bulk.communicate()[0]
        if bulk.returncode:
            raise Failed(f"{contestant.name}: {out}")
        result = json.loads(out)
        return {"p50": small["p50"], "max": small["max"], "rate": result["bytes"] / result["seconds"] / 1e6}
    return measure


def transfer(contestant, seconds, every=None, cut=None):
    """Bytes in a second of a download that lasts so long, whose connections are cut again and again."""
    place = contestant.place
    load = subprocess.Popen(
        [*place.near_prefix, place.load, "transfer", "-m", "connect", "-t", str(seconds), "-b", str(100 << 20), "-p", "/100m",
         contestant.proxy, place.origin], stdout=subprocess.PIPE, text=True)
    due = time.monotonic() + (every or math.inf)
    cuts = 0
    while load.poll() is None:
        if time.monotonic() >= due:
            cut(contestant)
            cuts += 1
            due += every
        time.sleep(0.02)
    out = load.communicate()[0]
    if load.returncode:
        raise Failed(f"{contestant.name}: {out}")
    if every and cuts < seconds // every - 1:
        raise Failed(f"{contestant.name}: cut {cuts} times in {seconds} s")
    result = json.loads(out)
    return result["bytes"] / result["seconds"] / 1e6


def reset(contestant):
    """Ends the agent's connections to the server as if something on the way had: both ends get an error."""
    place = contestant.place
    done = subprocess.run(
        [*place.near_prefix, "ss", "-KHtn", "dst", place.far, "dport", "=", f":{contestant.between}"], capture_output=True, text=True)
    if done.returncode or not done.stdout.strip():
        raise Failed(f"{contestant.name}: no connection could be reset: {done.stdout}{done.stderr}")


def silence(contestant):
    """Lets none of the connections that there are pass anything any more, and tells nobody."""
    contestant.place.link.forget()


def cut_download(every, cut):
    """The same download with cuts and without, one behind the other: what counts is the share of it that remains."""
    def measure(contestant, seconds):
        uncut = transfer(contestant, 4 * SHORT)
        rate = transfer(contestant, 6 * SHORT, every, cut)
        return {"share": rate / uncut, "rate": rate, "uncut": uncut}
    return measure


def cut_row(key, how, every, goal, cut):
    return Row(key, (
        Metric("share", f"a download {how} every {every} s: the share of the uncut rate that remains (goal: {goal})", "", digits=2),
        Metric("rate", "its rate", "MB/s", of="share", digits=2),
        Metric("uncut", "the same without a cut", "MB/s", of="share", digits=2)),
        cut_download(every, cut), only=lambda contestant: getattr(contestant, "resumes", False))


CUT_ROWS = (
    cut_row("reset", "whose connection is reset", 5, 0.7, reset), cut_row("silenced", "whose connection is silenced", 10, 0.6, silence))


def beside_row(downloads):
    return Row(f"beside-{downloads}", (
        Metric("p50", f"GET 1 KiB beside {downloads} downloads", "ms", low=True),
        Metric("max", "the slowest of these", "ms", low=True),
        Metric("rate", "the downloads meanwhile", "MB/s", of="p50", digits=2)), beside(downloads))


def rows(loss, congestion):
    if loss and congestion not in STEADY:
        return (
            Row("download", (Metric("rate", f"download, for {SHORT} s", "MB/s", digits=2),), download_for(SHORT)),
            Row("upload", (Metric("rate", "upload of 1 MiB", "MB/s", digits=2),), upload(1 << 20)),
            PAGE_ROW, PAGE_ALONE_ROW, *BESIDE_ROWS)
    return (
        Row("first-byte", (Metric("ms", "first byte of a new HTTPS connection", "ms", low=True),), first_byte(False)),
        Row("first-byte-eager", (
            Metric("ms", "the same, TLS begun along with CONNECT", "ms", low=True),), first_byte(True)),
        Row("download", (Metric("rate", "download of 20 MiB", "MB/s", digits=2),), download),
        Row("upload", (Metric("rate", "upload of 20 MiB", "MB/s", digits=2),), upload(FILE)),
        PAGE_ROW, PAGE_ALONE_ROW, *BESIDE_ROWS, *(CUT_ROWS if loss else ()))


PAGE_ROW = Row("page", (
    Metric("ms", "60 fetches of 20 KiB over 20 connections, beside a download", "ms", low=True),
    Metric("rate", "the download meanwhile", "MB/s", of="ms", digits=2)), page)


BESIDE_ROWS = (beside_row(8), beside_row(50))


def page_alone(contestant, seconds):
    fetched = load(contestant, "-m", mode(contestant, "get"), "-c", "20", "-n", "60", "-b", str(PAGE), "-p", "/20k")
    return {"ms": fetched["seconds"] * 1e3}


PAGE_ALONE_ROW = Row("page-alone", (Metric("ms", "the same 60 fetches with the line to themselves", "ms", low=True),), page_alone)


def place(directory, program, load_tool, link):
    made = Place(
        directory, program, load_tool, near="10.9.0.1", far="10.9.0.2", near_prefix=link.prefix(0), far_prefix=link.prefix(1))
    made.link = link
    return made
