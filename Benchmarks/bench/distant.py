"""A server far away: two network namespaces, joined by a link with delay, rate and loss (`tools/link.c`)."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time

from .place import Place
from .processes import Failed
from .rows import Metric, Row, load, mode, run

DELAY, RATE = 40, 100  # one way in ms, Mbit/s
PAGE = 20 << 10
FILE = 20 << 20


class Link:
    """The two namespaces and the link between them, as a context."""

    def __init__(self, tool, loss):
        self.tool, self.loss = tool, loss
        self.names = [f"fluidity-{side}-{os.getpid()}" for side in ("near", "far")]

    def prefix(self, side):
        return ("ip", "netns", "exec", self.names[side])

    def __enter__(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        self.process = subprocess.Popen(
            [self.tool, "-d", str(DELAY), "-r", str(RATE), "-l", str(self.loss), *self.names],
            stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline().startswith("link: up"):
            raise Failed("the link didn't come up")
        return self

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


def upload(contestant, seconds):
    result = load(
        contestant, "-m", mode(contestant, "connect"), "-n", "1", "-b", str(FILE), "-u", origin=contestant.place.sink)
    return {"rate": result["bytes"] / result["seconds"] / 1e6}


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


def rows(loss):
    return (
        Row("first-byte", (Metric("ms", "first byte of a new HTTPS connection", "ms", low=True),), first_byte(False)),
        Row("first-byte-eager", (
            Metric("ms", "the same, TLS begun along with CONNECT", "ms", low=True),), first_byte(True)),
        Row("download", (Metric("rate", "download of 20 MiB", "MB/s", digits=2),), download),
        Row("upload", (Metric("rate", "upload of 20 MiB", "MB/s", digits=2),), upload),
        Row("page", (
            Metric("ms", "60 fetches of 20 KiB over 20 connections, beside a download", "ms", low=True),
            Metric("rate", "the download meanwhile", "MB/s", of="ms", digits=2)), page),
    )


def place(directory, program, load_tool, link):
    return Place(
        directory, program, load_tool, near="10.9.0.1", far="10.9.0.2", near_prefix=link.prefix(0), far_prefix=link.prefix(1))
