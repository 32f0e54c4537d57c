"""How cost grows: streams in one session, agents on one server."""

import json
import math
import subprocess

from . import contestants
from .place import SMALL
from .processes import Failed, free_ports

STREAMS = (1, 4, 16, 64, 256, 1024, 4096)
AGENTS = (1, 5, 20, 100, 500)


class OneLoop(contestants.Fluidity):
    """One event loop at both ends: so all streams are in one session."""

    name = "one-loop"
    loops = 1


def streams(place, seconds):
    """Each stream a tunnel that is kept, with one exchange after the other in it."""
    points = []
    for count in STREAMS:
        one = OneLoop(place)
        try:
            one.start()
            before = one.group.memory()
            busy = subprocess.Popen(
                [place.load, "transfer", "-w", "-m", "connect", "-c", str(count), "-t", str(seconds), "-b", str(SMALL),
                 one.proxy, place.origin], stdout=subprocess.PIPE, text=True)
            busy.stdout.readline()
            used = one.group.cpu_seconds()
            line = busy.stdout.readline()
            used = one.group.cpu_seconds() - used
            busy.communicate()
            if busy.returncode:
                raise Failed(f"{count} streams in one session: {line}")
            result = json.loads(line)
            held = subprocess.Popen(
                [place.load, "idle", "-m", "connect", "-c", str(count), "-b", str(SMALL), one.proxy, place.origin],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if held.stdout.readline().split()[:2] != ["ready", str(count)]:
                raise Failed(f"{count} streams in one session don't work")
            memory = one.group.memory() - before
            out, _ = held.communicate("")
            if held.returncode:
                raise Failed(f"{count} idle streams: {out}")
            points.append({
                "count": count, "rate": result["done"] / result["seconds"], "p99": result["p99"],
                "cpu": used / result["done"] * 1e5, "memory": memory / 1048576})
        finally:
            one.stop()
    return points


def agents(place, tool, seconds):
    """Sessions of a small program that speaks mux, with one request under way in each, and with none."""
    points = []
    for count in AGENTS:
        server = contestants.Fluidity(place)
        server.group.name = "server"
        server.between = free_ports(1)[0]
        try:
            server.start_far()
            before = server.group.memory()
            client = subprocess.Popen(
                [tool, "-c", str(count), "-s", "1", "-t", str(seconds), place.certificates, f"{place.far}:{server.between}",
                 place.origin, "/1k", str(SMALL)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if client.stdout.readline().strip() != "ready":
                raise Failed(f"{count} agents couldn't connect")
            idle, used = server.group.memory() - before, server.group.cpu_seconds()
            client.stdin.write("go\n")
            client.stdin.flush()
            line = client.stdout.readline()
            busy, used = server.group.memory() - before, server.group.cpu_seconds() - used
            client.communicate()
            if client.returncode:
                raise Failed(f"{count} agents: the load program failed")
            result = json.loads(line)
            points.append({
                "count": count, "rate": result["done"] / result["seconds"], "cpu": used / result["done"] * 1e5,
                "idle": idle / 1048576, "memory": busy / 1048576})
        finally:
            server.stop()
    return points


# ---- the plot


def plot(title, points, series, count_name):
    """One chart as SVG: counts on a logarithmic axis, each series on a scale of its own from 0."""
    width, height, left, right, top, bottom = 640, 300, 70, 70, 40, 50
    inner, low = width - left - right, height - top - bottom
    first, last = math.log(points[0]["count"]), math.log(points[-1]["count"])

    def x(count):
        return left + (math.log(count) - first) / (last - first) * inner

    out = [f'<text x="{width / 2}" y="20" text-anchor="middle" font-weight="bold">{title}</text>']
    for point in points:
        out.append(f'<line x1="{x(point["count"]):.1f}" x2="{x(point["count"]):.1f}" y1="{top}" y2="{top + low}" stroke="#ddd"/>')
        out.append(f'<text x="{x(point["count"]):.1f}" y="{top + low + 18}" text-anchor="middle">{point["count"]:,}</text>')
    out.append(f'<text x="{left + inner / 2}" y="{height - 8}" text-anchor="middle">{count_name}</text>')
    for index, (key, name, colour) in enumerate(series):
        peak = max(point[key] for point in points) or 1
        step = 10 ** math.floor(math.log10(peak))
        peak = math.ceil(peak / step) * step

        def y(value):
            return top + low - value / peak * low

        side = left - 6 if index == 0 else left + inner + 6
        anchor = "end" if index == 0 else "start"
        for part in range(5):
            value = peak * part / 4
            out.append(f'<text x="{side}" y="{y(value) + 4:.1f}" text-anchor="{anchor}" fill="{colour}">{value:,.6g}</text>')
        line = " ".join(f"{x(point['count']):.1f},{y(point[key]):.1f}" for point in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [
            f'<circle cx="{x(point["count"]):.1f}" cy="{y(point[key]):.1f}" r="3" fill="{colour}"/>' for point in points]
        out.append(
            f'<text x="{left if index == 0 else left + inner}" y="{top - 6}" text-anchor="{"start" if index == 0 else "end"}" '
            f'fill="{colour}">{name}</text>')
    return width, height, "\n".join(out)


def svg(charts):
    height = sum(chart[1] for chart in charts)
    body, at = [], 0
    for _, chart_height, text in charts:
        body.append(f'<g transform="translate(0 {at})">{text}</g>')
        at += chart_height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {charts[0][0]} {height}" width="{charts[0][0]}" '
        f'height="{height}" font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(body) + "\n</svg>\n")
