"""A clock that is wrong, for one program: a library that is loaded before the system's adds an offset to the time of day. libfaketime would do
so, too, and moves the environment, where Swift looks for its arguments."""

import subprocess
from pathlib import Path

_SOURCE = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += OFFSET;
    return result;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}
"""


def clock_off_by(seconds: int, place: Path) -> dict:
    """The environment of a program whose clock is so much ahead."""
    source, library = place / "clock.c", place / f"clock{seconds}.so"
    source.write_text(_SOURCE)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", f"-DOFFSET={seconds}", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library)}
