"""Processes that are started and ended by the benchmark, and what /proc says they cost."""

import os
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Something that a person has to see to; its text says what."""


class Group:
    """Programs that serve one purpose. Each has a session of its own, by which its children are found."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = directory
        self.processes = []
        self.logs = []

    def start(self, arguments, prefix=(), environment=None):
        path = os.path.join(self.directory, f"{self.name}-{len(self.processes)}.log")
        with open(path, "wb") as log:
            process = subprocess.Popen(
                [*prefix, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **(environment or {})}, cwd=self.directory)
        self.processes.append(process)
        self.logs.append(path)
        return process

    def check(self):
        for process, log in zip(self.processes, self.logs):
            if process.poll() is not None:
                tail = open(log, errors="replace").read()[-1500:]
                raise Failed(f"{self.name}: {process.args[0]} ended with {process.returncode}:\n{tail}")

    def pids(self):
        sessions = {process.pid for process in self.processes}
        result = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = stat(int(entry))
                if fields and int(fields[3]) in sessions:
                    result.append(int(entry))
        return result

    def cpu_seconds(self):
        """Of all processes to the nanosecond, and of those that they have waited for to the tick."""
        seconds = 0.0
        for pid in self.pids():
            fields = stat(pid)
            if fields:
                seconds += processor_time(pid) + sum(int(field) for field in fields[13:15]) / TICKS
        return seconds

    def rest(self, seconds=3):
        """Waits until there is nothing more to be done for what was, such as connections to be closed; at most so long."""
        deadline = time.monotonic() + seconds
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.03)
            now = self.cpu_seconds()
            if now - before < 0.0005:
                return
            before = now

    def memory(self):
        """Proportional set size in bytes: pages that several processes share are counted once."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
            except OSError:
                pass
        return total

    def stop(self):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and any(p.poll() is None for p in self.processes):
            time.sleep(0.02)
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for process in self.processes:
            process.wait()
        self.processes = []


def stat(pid):
    """The fields of /proc/PID/stat from the third on."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def processor_time(pid):
    """Seconds of all threads that a process has or had, user and system; 0 where it has ended."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # The clock that clock_getcpuclockid(3) gives.
    except OSError:
        return 0.0


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for_port(host, port, group, prefix=(), seconds=15):
    """Until somebody listens there."""
    deadline = time.monotonic() + seconds
    while True:
        if prefix:
            probe = subprocess.run(
                [*prefix, "python3", "-c", f"import socket; socket.create_connection(('{host}', {port}), 1).close()"],
                capture_output=True)
            if probe.returncode == 0:
                return
        else:
            try:
                socket.create_connection((host, port), 1).close()
                return
            except OSError:
                pass
        group.check()
        if time.monotonic() > deadline:
            raise Failed(f"{group.name}: nobody listens on {host}:{port}")
        time.sleep(0.05)
