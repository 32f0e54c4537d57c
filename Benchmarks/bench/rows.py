"""What is measured on one machine, and what Fluidity is to reach."""

import json
import math
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from .place import LARGE, MEDIUM, SMALL
from .processes import Failed


@dataclass(frozen=True)
class Work:
    """How much is done at once: much in rounds of a second, or little in turns that are short."""

    gets: Callable  # makes small GETs, of a contestant, with so many connections, for so many seconds
    tunnels: Callable  # the arguments of `load` for so many seconds of new tunnels
    alone: tuple  # how many large bodies where one is on its way at once, their size and path
    together: tuple  # the same where eight are


class Metric:
    """One line of the table. A goal is Fluidity's ratio to the best chain: at least, or at most where less is better."""

    def __init__(self, key, title, unit, goal=None, low=False, limit=None, of=None, digits=0):
        self.key, self.title, self.unit, self.goal, self.low, self.limit = key, title, unit, goal, low, limit
        self.of = of  # compared with the chain that is the best of that metric
        self.digits = digits


class Row:
    def __init__(self, key, metrics, measure, once=False, cost=None, named=False, only=lambda contestant: True):
        self.key, self.metrics, self.measure, self.once = key, metrics, measure, once
        self.only = only  # What it is measured of.
        self.named = named  # The origin has a name, which takes `Place.start_names`, and that takes root.
        self.cost = cost  # What is measured along with it, and is of interest where two builds are compared.


def run(command, what, tolerates=lambda output: False):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and not tolerates(done.stdout):
        raise Failed(f"{what}: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def load(contestant, *arguments, origin=None):
    place = contestant.place
    command = [*place.near_prefix, place.load, "transfer", *arguments, contestant.proxy or "-", origin or contestant.origin]
    return json.loads(run(command, contestant.name, tolerates=mostly_done))


def mostly_done(output):
    """Some chains lose an exchange now and then; what they do with the others is worth a figure."""
    try:
        result = json.loads(output)
    except ValueError:
        return False
    return 0 < result["failed"] * 100 <= result["done"]


def mode(contestant, wanted):
    return "direct" if contestant.proxy is None else wanted


WRK = """
local target = os.getenv("BENCH_TARGET")
wrk.headers["Host"] = os.getenv("BENCH_HOST")
request = function() return wrk.format("GET", target) end
done = function(s, latency, requests)
    local e = s.errors
    print(string.format('{"requests": %d, "bytes": %d, "microseconds": %d, "errors": %d, "closed": %d, "p50": %.3f, "p99": %.3f}',
        s.requests, s.bytes, s.duration, e.connect + e.write + e.status + e.timeout, e.read,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


def wrk_command(contestant, connections, seconds):
    place = contestant.place
    script = place.path("wrk.lua", WRK)
    target = "/1k" if contestant.proxy is None else f"http://{place.origin}/1k"
    return [
        "env", f"BENCH_TARGET={target}", f"BENCH_HOST={place.origin}", *place.near_prefix, "wrk", "-t1", f"-c{connections}",
        f"-d{math.ceil(seconds)}s", "--timeout", "10s", "-s", script, f"http://{contestant.proxy or contestant.origin}/"]


def wrk_result(contestant, output):
    result = json.loads(output[output.index("{"):])
    # Where the proxy closes after each answer, wrk counts that as an error of reading.
    errors = result["errors"] + (0 if contestant.closes else result["closed"])
    if errors or result["requests"] == 0 or result["bytes"] < result["requests"] * SMALL:
        raise Failed(f"{contestant.name}: wrk got answers that are wrong: {result}")
    return result


def wrk_gets(contestant, connections, seconds):
    result = wrk_result(contestant, run(wrk_command(contestant, connections, seconds), contestant.name))
    return {"done": result["requests"], "seconds": result["microseconds"] / 1e6, "p99": result["p99"]}


def load_gets(contestant, connections, seconds):
    """By `load`, a fixed number: what a turn has to do is the same however long it takes."""
    count = 400 if connections == 1 else 2000
    return load(contestant, "-m", mode(contestant, "get"), "-c", str(connections), "-n", str(count), "-b", str(SMALL))


def small(connections, gets):
    def measure(contestant, seconds):
        before = contestant.group.cpu_seconds()
        result = gets(contestant, connections, seconds)
        used = contestant.group.cpu_seconds() - before
        return {"rate": result["done"] / result["seconds"], "p99": result["p99"], "cpu": used / result["done"] * 1e5}
    return measure


def bulk(wanted, at_once, bodies, upload=False):
    total, size, path = bodies

    def measure(contestant, seconds):
        arguments = ["-m", mode(contestant, wanted), "-c", str(at_once), "-n", str(total), "-b", str(size), "-p", path]
        if upload:
            arguments.append("-u")
        before = contestant.group.cpu_seconds()
        result = load(contestant, *arguments, origin=contestant.sink if upload else None)
        used = contestant.group.cpu_seconds() - before
        return {"rate": result["bytes"] / result["seconds"] / 1e6, "cpu": used / result["bytes"] * 1e9}
    return measure


def tunnels(at_once, amount, named=False):
    def measure(contestant, seconds):
        # Who asks the origin itself does so by its address.
        origin = contestant.place.named_origin if named and contestant.proxy else None
        before = contestant.group.cpu_seconds()
        arguments = ["-m", mode(contestant, "connect"), "-f", "-c", str(at_once), *amount(seconds), "-b", str(SMALL)]
        result = load(contestant, *arguments, origin=origin)
        used = contestant.group.cpu_seconds() - before
        return {"rate": result["done"] / result["seconds"], "p99": result["p99"], "cpu": used / result["done"] * 1e5}
    return measure


def mixed(contestant, seconds):
    """Four that GET small things while four tunnels download: one process each, so that neither waits for the other."""
    place = contestant.place
    download = subprocess.Popen(
        [*place.near_prefix, place.load, "transfer", "-m", mode(contestant, "connect"), "-c", "4", "-t", str(seconds + 0.2),
         "-b", str(LARGE), "-p", "/100m", contestant.proxy or "-", contestant.origin],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    gets = load(contestant, "-m", mode(contestant, "get"), "-c", "4", "-t", str(seconds), "-b", str(SMALL))
    out, error = download.communicate()
    if download.returncode:
        raise Failed(f"{contestant.name}: {out}{error}")
    bytes_ = json.loads(out)
    return {
        "gets": gets["done"] / gets["seconds"], "p99": gets["p99"], "rate": bytes_["bytes"] / bytes_["seconds"] / 1e6}


def idle(few, many):
    """Memory for each tunnel that has been used and is silent now: the difference between many and few."""
    def measure(contestant, seconds):
        place = contestant.place
        points = []
        clients = []
        for count in (few, many - few):
            client = subprocess.Popen(
                [*place.near_prefix, place.load, "idle", "-m", mode(contestant, "connect"), "-c", str(count), "-b",
                 str(SMALL), contestant.proxy or "-", place.origin],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            clients.append(client)
            ready = client.stdout.readline().split()
            if ready[:2] != ["ready", str(count)]:
                raise Failed(f"{contestant.name}: {count} tunnels wanted: {' '.join(ready)}")
            points.append(contestant.group.memory())
        for client in clients:
            out, _ = client.communicate("")
            if client.returncode:
                raise Failed(f"{contestant.name}: tunnels that were idle: {out}")
        return {"memory": (points[1] - points[0]) / (many - few) / 1024}
    return measure


PER_EXCHANGE = Metric("cpu", "CPU of both ends, of that", "s per 100,000", 0.35, low=True, digits=2)
PER_BYTE = Metric("cpu", "CPU of both ends, of that", "s per GB", 0.6, low=True, digits=2)


def table(work):
    alone, together = (f"{size >> 20} MiB" for _, size, _ in (work.alone, work.together))
    return (
        Row("get-1", (Metric("rate", "GET 1 KiB, keep-alive, 1 connection", "req/s", 1.7),), small(1, work.gets), cost=PER_EXCHANGE),
        Row("get-32", (Metric("rate", "the same, 32 connections", "req/s", 2.5), PER_EXCHANGE), small(32, work.gets)),
        Row("get-128", (Metric("rate", "the same, 128 connections", "req/s", 3.0),), small(128, work.gets), cost=PER_EXCHANGE),
        Row("down-get-1", (Metric("rate", f"GET {alone}, 1 at once", "MB/s", 2.3),), bulk("get", 1, work.alone), cost=PER_BYTE),
        Row("down-get-8", (Metric("rate", f"GET {together}, 8 at once", "MB/s", 2.3),), bulk("get", 8, work.together), cost=PER_BYTE),
        Row("down-connect-1", (
            Metric("rate", f"CONNECT download {alone}, 1 at once", "MB/s", 1.7),), bulk("connect", 1, work.alone), cost=PER_BYTE),
        Row("down-connect-8", (
            Metric("rate", f"CONNECT download {together}, 8 at once", "MB/s", 1.5), PER_BYTE), bulk("connect", 8, work.together)),
        Row("post-1", (Metric("rate", f"POST {alone}", "MB/s", 1.6),), bulk("get", 1, work.alone, upload=True), cost=PER_BYTE),
        Row("up-connect-1", (
            Metric("rate", f"CONNECT upload {alone}", "MB/s", 1.6),), bulk("connect", 1, work.alone, upload=True), cost=PER_BYTE),
        Row("new-connect-32", (
            Metric("rate", "new CONNECT with one small exchange, 32 at a time", "per second", 2.5),), tunnels(32, work.tunnels),
            cost=PER_EXCHANGE),
        Row("new-connect-name-32", (
            Metric("rate", "the same to a name, which a name server near by knows", "per second"),),
            tunnels(32, work.tunnels, named=True), cost=PER_EXCHANGE, named=True),
        Row("mixed", (
            Metric("gets", "4 clients with small GETs, while 4 downloads run", "req/s", 2.0),
            Metric("rate", "the downloads meanwhile", "MB/s", 1.0, of="gets"),
            Metric("p99", "p99 of the GETs", "ms", low=True, limit=5.0, digits=2)), mixed),
        Row("idle", (Metric("memory", "memory per idle CONNECT tunnel, both ends", "KiB", 0.5, low=True, digits=1),),
            idle(200, 2000), once=True),
    )


ROWS = table(Work(
    gets=wrk_gets, tunnels=lambda seconds: ("-t", str(seconds)), alone=(3, LARGE, "/100m"), together=(8, LARGE, "/100m")))

# About a tenth of a second each: what disturbs a machine lasts longer than that, and is then the same for the next turn.
TURNS = table(Work(
    gets=load_gets, tunnels=lambda seconds: ("-n", "500"), alone=(1, LARGE, "/100m"), together=(8, MEDIUM, "/20m")))


def medians(rounds):
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
