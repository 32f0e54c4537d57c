"""How many instructions an agent and a server take for a piece of work: counted by Callgrind in a processor that it plays, or by perf in
the real one. Each end has one event loop, and one thing is done after the other, so that the same happens in the same order each time."""

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass

from . import contestants
from .place import Place, folder
from .processes import Failed
from .programs import compile_tool

ENDS = ("agent", "server")
PIECE = 32 << 10
FILES = {"1k": 1 << 10, "32k": PIECE}


@dataclass(frozen=True)
class Work:
    """What is counted: exchanges that follow each other, `count` of them and then twice as many. The difference is without what only
    beginning and ending take. One piece of work are `exchanges` of them."""

    key: str
    arguments: tuple
    count: int
    exchanges: int = 1


# A MiB comes as answers of 32 KiB, each asked for when the last one is there: they come in one piece each, where the pieces of a long
# one depend on how fast the ends happen to be.
WORK = (
    Work("per GET", ("-m", "get", "-p", "/1k", "-b", str(FILES["1k"])), 100),
    Work("per tunnel", ("-m", "connect", "-f", "-p", "/1k", "-b", str(FILES["1k"])), 80),
    Work("per MiB", ("-m", "connect", "-p", "/32k", "-b", str(PIECE)), 64, (1 << 20) // PIECE),
)


class Callgrind:
    """Takes fifty times as long, and counts the same on every machine, real or not, whose processor is of the same kind."""

    name = "callgrind"
    times = 1

    def __init__(self, end, directory):
        self.out, self.pipes = os.path.join(directory, f"callgrind.{end}"), os.path.join(directory, "vgdb")
        self.pid = None
        self.dumps = 0

    @staticmethod
    def is_there():
        return all(map(shutil.which, ("valgrind", "vgdb", "strip")))

    @staticmethod
    def prepared(program, directory):
        """Valgrind gives up at the debugging information of Swift's programs. Names of functions stay, for `callgrind_annotate`."""
        stripped = os.path.join(directory, "fluidity")
        subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)
        return stripped

    def starting(self, command):
        """How the end is started."""
        return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}", f"--vgdb-prefix={self.pipes}", *command]

    def around(self, command):
        """How a client is started whose work is to be counted."""
        return command

    def ask(self):
        """What was counted since the last time goes into a file, and counting begins anew."""
        command = ["vgdb", f"--vgdb-prefix={self.pipes}", f"--pid={self.pid}", "dump"]
        self.vgdb = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def answer(self):
        said = self.vgdb.communicate(timeout=120)[0]
        self.dumps += 1
        try:
            with open(f"{self.out}.{self.dumps}") as file:
                return int(re.search(r"^totals: (\d+)", file.read(), re.M)[1])
        except (OSError, TypeError):
            raise Failed(f"callgrind: no figures from process {self.pid}: {said}") from None


class Perf:
    """The processor's own counters. Virtual machines often don't have them."""

    name = "perf"
    event = "instructions:u"
    times = 20  # Work costs nothing here, and more of it varies less.

    def __init__(self, end, directory):
        self.out = os.path.join(directory, f"perf.{end}")
        self.pid = None

    @classmethod
    def is_there(cls):
        if not shutil.which("perf"):
            return False
        tried = subprocess.run(["perf", "stat", "-x,", "-e", cls.event, "true"], capture_output=True, text=True)
        return cls.read(tried.stderr) is not None

    @staticmethod
    def read(text):
        """The first field of a line, which may also be `<not supported>` or `<not counted>`."""
        found = re.search(r"^(\d+)(\.\d+)?,", text, re.M)
        return int(found[1]) if found else None

    @staticmethod
    def prepared(program, directory):
        return program

    def starting(self, command):
        return command

    def around(self, command):
        return ["perf", "stat", "-x,", "-e", self.event, "-o", self.out, "-p", str(self.pid), "--", *command]

    def ask(self):
        pass

    def answer(self):
        with open(self.out) as file:
            text = file.read()
        if (counted := self.read(text)) is None:
            raise Failed(f"perf has counted nothing: {text}")
        return counted


TOOLS = (Callgrind, Perf)


class Missing(Failed):
    """There is nothing to count with."""


def tool(name=None):
    """The one of that name, or the first that works here."""
    for each in TOOLS:
        if name in (None, each.name) and each.is_there():
            return each
    if name:
        raise Missing(f"{name} can't count instructions here")
    raise Missing("nothing can count instructions here: valgrind isn't installed, and perf finds no counters")


def kind(tool):
    """What figures may be compared with: those of the same tool and the same kind of processor."""
    return f"{tool.name}, {platform.machine()}"


class Counted(contestants.Fluidity):
    """An agent and a server of which instructions are counted."""

    name = "counted"
    loops = 1
    patience = 120
    # Swift's hash tables, whose order and collisions are otherwise another in each process.
    environment = {"SWIFT_DETERMINISTIC_HASHING": "1"}

    def __init__(self, place, tool):
        super().__init__(place)
        self.counters = {end: tool(end, place.directory) for end in ENDS}
        self.times = tool.times

    def near(self, *arguments):
        self.run("agent", arguments)

    def far(self, *arguments):
        self.run("server", arguments)

    def run(self, end, arguments):
        counter = self.counters[end]
        counter.pid = self.group.start(counter.starting(arguments), environment=self.environment).pid

    def exchanges(self, work, count):
        """What they have cost both ends, with what beginning and ending cost."""
        command = [self.place.load, "transfer", *work.arguments, "-n", str(count * self.times), self.proxy, self.origin]
        for counter in self.counters.values():
            command = counter.around(command)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"{work.key}: {' '.join(command)}\n{done.stdout}{done.stderr}")
        self.group.rest()
        for counter in self.counters.values():
            counter.ask()
        return {end: counter.answer() for end, counter in self.counters.items()}

    def cost(self, work, repeats):
        """Instructions of each end for a piece of work. What comes in between only ever adds: the least of several counts."""
        self.exchanges(work, work.count)
        few, many = [], []
        for _ in range(repeats):
            few.append(self.exchanges(work, work.count))
            many.append(self.exchanges(work, 2 * work.count))
        return {
            end: (min(one[end] for one in many) - min(one[end] for one in few)) / (work.count * self.times) * work.exchanges
            for end in ENDS}


def start(program, tool, repeats):
    """One start of both ends: the figures by work and end."""
    with folder() as directory:
        place = Place(directory, program, compile_tool("load", directory))
        place.prepare(FILES)
        place.fluidity = tool.prepared(program, directory)
        counted = Counted(place, tool)
        try:
            place.start_origin()
            counted.start()
            return {work.key: counted.cost(work, repeats) for work in WORK}
        finally:
            counted.stop()
            place.origin_group.stop()


def least(starts):
    return {work: {end: round(min(one[work][end] for one in starts)) for end in ENDS} for work in starts[0]}


def spread(starts):
    """How far the figures of several starts lie apart, in per cent of the least."""
    return {
        work: {end: round((max(one[work][end] for one in starts) / min(one[work][end] for one in starts) - 1) * 100, 2) for end in ENDS}
        for work in starts[0]}
