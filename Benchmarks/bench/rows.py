"""What is measured on one machine, and what Fluidity is to reach."""

import json
import math
import statistics
import subprocess

from .place import LARGE, SMALL
from .processes import Failed


class Metric:
    """One line of the table. A goal is Fluidity's ratio to the best chain: at least, or at most where less is better."""

    def __init__(self, key, title, unit, goal=None, low=False, limit=None, of=None, digits=0):
        self.key, self.title, self.unit, self.goal, self.low, self.limit = key, title, unit, goal, low, limit
        self.of = of  # compared with the chain that is the best of that metric
        self.digits = digits


class Row:
    def __init__(self, key, metrics, measure, once=False):
        self.key, self.metrics, self.measure, self.once = key, metrics, measure, once


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


def small(connections):
    def measure(contestant, seconds):
        before = contestant.group.cpu_seconds()
        result = wrk_result(contestant, run(wrk_command(contestant, connections, seconds), contestant.name))
        used = contestant.group.cpu_seconds() - before
        return {
            "rate": result["requests"] / result["microseconds"] * 1e6, "p99": result["p99"],
            "cpu": used / result["requests"] * 1e5}
    return measure


def bulk(wanted, at_once, total, upload=False):
    def measure(contestant, seconds):
        arguments = ["-m", mode(contestant, wanted), "-c", str(at_once), "-n", str(total), "-b", str(LARGE), "-p", "/100m"]
        if upload:
            arguments.append("-u")
        before = contestant.group.cpu_seconds()
        result = load(contestant, *arguments, origin=contestant.sink if upload else None)
        used = contestant.group.cpu_seconds() - before
        return {"rate": result["bytes"] / result["seconds"] / 1e6, "cpu": used / result["bytes"] * 1e9}
    return measure


def tunnels(at_once):
    def measure(contestant, seconds):
        result = load(
            contestant, "-m", mode(contestant, "connect"), "-f", "-c", str(at_once), "-t", str(seconds), "-b", str(SMALL))
        return {"rate": result["done"] / result["seconds"], "p99": result["p99"]}
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


ROWS = (
    Row("get-1", (Metric("rate", "GET 1 KiB, keep-alive, 1 connection", "req/s", 1.7),), small(1)),
    Row("get-32", (
        Metric("rate", "the same, 32 connections", "req/s", 2.5),
        Metric("cpu", "CPU of both ends, of that", "s per 100,000", 0.35, low=True, digits=2)), small(32)),
    Row("get-128", (Metric("rate", "the same, 128 connections", "req/s", 3.0),), small(128)),
    Row("down-get-1", (Metric("rate", "GET 100 MiB, 1 at once", "MB/s", 2.3),), bulk("get", 1, 3)),
    Row("down-get-8", (Metric("rate", "GET 100 MiB, 8 at once", "MB/s", 2.3),), bulk("get", 8, 8)),
    Row("down-connect-1", (Metric("rate", "CONNECT download 100 MiB, 1 at once", "MB/s", 1.7),), bulk("connect", 1, 3)),
    Row("down-connect-8", (
        Metric("rate", "CONNECT download 100 MiB, 8 at once", "MB/s", 1.5),
        Metric("cpu", "CPU of both ends, of that", "s per GB", 0.6, low=True, digits=2)), bulk("connect", 8, 8)),
    Row("post-1", (Metric("rate", "POST 100 MiB", "MB/s", 1.6),), bulk("get", 1, 3, upload=True)),
    Row("up-connect-1", (Metric("rate", "CONNECT upload 100 MiB", "MB/s", 1.6),), bulk("connect", 1, 3, upload=True)),
    Row("new-connect-32", (Metric("rate", "new CONNECT with one small exchange, 32 at a time", "per second", 2.5),), tunnels(32)),
    Row("mixed", (
        Metric("gets", "4 clients with small GETs, while 4 downloads run", "req/s", 2.0),
        Metric("rate", "the downloads meanwhile", "MB/s", 1.0, of="gets"),
        Metric("p99", "p99 of the GETs", "ms", low=True, limit=5.0, digits=2)), mixed),
    Row("idle", (Metric("memory", "memory per idle CONNECT tunnel, both ends", "KiB", 0.5, low=True, digits=1),),
        idle(200, 2000), once=True),
)


def medians(rounds):
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
