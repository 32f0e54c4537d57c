"""The tables: on the screen, and in RESULTS.md."""

import json
import os
import platform
import subprocess

from .rows import ROWS


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def best_chain(metric, values, chains):
    """The chain that is the best of a metric, or of the one that it goes with."""
    key = metric.of or metric.key
    low = metric.low and metric.of is None
    known = [name for name in chains if name in values and key in values[name]]
    return (min if low else max)(known, key=lambda name: values[name][key]) if known else None


def verdict(metric, value, ratio):
    if metric.limit is not None:
        return f"under {number(metric.limit)} {metric.unit}", "yes" if value < metric.limit else "no"
    if metric.goal is None or ratio is None:
        return "", ""
    reached = ratio <= metric.goal if metric.low else ratio >= metric.goal
    return f"{'≤' if metric.low else '≥'} {metric.goal:g}", "yes" if reached else "no"


def lines(rows, results, chains, extras=("nginx, direct",)):
    """A header and a line of strings for each metric."""
    shown = [extra for extra in extras if any(extra in results.get(row.key, {}).get("values", {}) for row in rows)]
    yield ["work", "unit", "fluidity", *chains, *shown, "ratio to the best", "goal", "reached"]
    for row in rows:
        if row.key not in results:
            continue
        values = results[row.key]["values"]
        for metric in row.metrics:
            own = values.get("fluidity", {}).get(metric.key)
            best = best_chain(metric, values, chains)
            ratio = own / values[best][metric.key] if own is not None and best and values[best][metric.key] else None
            goal, reached = verdict(metric, own, ratio) if own is not None else ("", "")
            cells = [
                number(values[name][metric.key], metric.digits) if metric.key in values.get(name, {}) else "–"
                for name in ("fluidity", *chains, *shown)]
            if best:
                at = 1 + list(chains).index(best)
                cells[at] = f"**{cells[at]}**"
            yield [metric.title, metric.unit, *cells, f"{ratio:.2f}" if ratio is not None else "–", goal, reached]


def markdown(table):
    rows = [list(row) for row in table]
    out = ["| " + " | ".join(rows[0]) + " |", "|" + "|".join("---" for _ in rows[0]) + "|"]
    return "\n".join(out + ["| " + " | ".join(row) + " |" for row in rows[1:]])


def screen(table):
    rows = [[cell.replace("**", "*") for cell in row] for row in table]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(widths[0]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(row)))


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = next(int(line.split()[1]) // 1024 for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return f"{cpu}, {os.cpu_count()} cores, {memory:,} MiB; Linux {platform.release()}"


def versions(packages):
    found = []
    for package in packages:
        done = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${Version}", package], capture_output=True, text=True)
        if done.returncode == 0:
            found.append(f"{package} {done.stdout}")
    return ", ".join(found)


def load_results(path):
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def save_results(path, results):
    with open(path, "w") as file:
        json.dump(results, file, indent=1, sort_keys=True)
        file.write("\n")


def commit(directory):
    done = subprocess.run(["git", "-C", directory, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "?"


def growth_lines(name, points):
    memory = [("idle", "MiB while silent", 1)] if name == "agents" else []
    columns = [("count", name, 0), ("rate", "GET 1 KiB, req/s", 0), ("cpu", "CPU s per 100,000", 2)]
    columns += [("p99", "p99, ms", 1)] if name == "streams" else []
    columns += [*memory, ("memory", "MiB more than with none", 1)]
    yield [title for _, title, _ in columns]
    for point in points:
        yield [number(point[key], digits) for key, _, digits in columns]


HEAD = """# Results

Made by `Benchmarks/run --save`; [README.md](README.md) says what is compared and how. Figures are medians of short rounds in which the
contestants take turns; the best chain of each line is bold. *Ratio* is Fluidity by that chain. All of it shares one machine, client and
origin included, so that only ratios mean anything elsewhere.

- Machine: {machine}
- Programs: {versions}
- Fluidity: commit {commit} and what was not yet committed on it; release build, `--log-level notice`
"""


def section(title, command, table, results, chains, extras):
    present = [row for row in table if row.key in results]
    if not present:
        return ""
    times = sorted({results[row.key]["when"] for row in present})
    rounds = sorted({results[row.key]["rounds"] for row in present if not row.once})
    return (
        f"\n## {title}\n\n`{command}`, {times[0]}" + (f" to {times[-1]}" if len(times) > 1 else "")
        + (f"; rounds: {', '.join(str(n) for n in rounds)}" if rounds else "") + "\n\n"
        + markdown(lines(table, results, chains, extras)) + "\n")


def write(directory, results):
    from . import contestants, distant, growth

    chains = [chain.name for chain in contestants.CHAINS]
    text = HEAD.format(
        machine=results.get("machine", "?"), versions=results.get("versions", "?"), commit=results.get("commit", "?"))
    text += section("One machine", "Benchmarks/run --save", ROWS, results.get("local", {}), chains,
        (contestants.BareHop.name, contestants.Direct.name))
    for loss, congestion, title in (
            (0, "cubic", "A distant server: 80 ms, 100 Mbit/s"),
            (1, "cubic", "The same with 1% loss, where cubic is everybody's default, as on most systems"),
            (1, "bbr", "The same with 1% loss, where bbr is everybody's default")):
        found = results.get(distant.key(loss, congestion), {})
        extras = (*(kind.name for kind in contestants.DISTANT.get(congestion, ())), contestants.Direct.name)
        text += section(
            title, "Benchmarks/run --distant --save", distant.rows(loss, congestion), found, chains, extras)
    if "growth" in results:
        found = results["growth"]
        text += f"\n## How cost grows\n\n`Benchmarks/run --growth --save`, {found['when']}\n\n"
        text += "Streams in one session: tunnels through an agent and a server of one event loop each, with one exchange after the other in "
        text += "each; then as many silent ones, for memory (both ends).\n\n"
        text += markdown(growth_lines("streams", found["streams"]))
        text += "\n\nAgents on one server: sessions of `tools/agents.c`, each with one request under way; the server's CPU and memory.\n\n"
        text += markdown(growth_lines("agents", found["agents"])) + "\n\n![Growth](growth.svg)\n"
        charts = [
            growth.plot("Streams in one session", found["streams"], (
                ("rate", "req/s", "#1f6fb4"), ("memory", "MiB", "#c2410c")), "streams"),
            growth.plot("Agents on one server", found["agents"], (
                ("rate", "req/s", "#1f6fb4"), ("memory", "MiB", "#c2410c")), "agents")]
        with open(os.path.join(directory, "growth.svg"), "w") as file:
            file.write(growth.svg(charts))
    notes = os.path.join(directory, "notes.md")
    if os.path.exists(notes):
        text += "\n" + open(notes).read()
    with open(os.path.join(directory, "RESULTS.md"), "w") as file:
        file.write(text)
