"""A thousand guessed codes: each is refused with a reason, slowly, and counted, and who has a code still joins."""

import asyncio
import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.admin import Admin
from harness.certificate_requests import wanted
from harness.memory import Growth, MiB
from harness.ports import free_port
from test_join import Desk

GUESSES = 1_000
#: Event loops of the server, and how many of one client may wait on each for the answer to a wrong code.
LOOPS, PLACES = 4, 12
#: Where those come from who guess.
ELSEWHERE = "127.0.0.2"

UNKNOWN, USED, EXPIRED = "there is no such invitation", "was taken by another machine", "ended on"


@pytest.fixture
def admin():
    return Admin(free_port())


@pytest.fixture
def desk(binary, tmp_path, launch, admin):
    return Desk(binary, tmp_path, launch).start("--set", f"event-loops={LOOPS}", "--set", f"admin.listen={admin.settings['listen']}")


def near(code: bytes):
    """Every code that differs from it in one bit."""
    for bit in range(len(code) * 8):
        yield (int.from_bytes(code) ^ 1 << bit).to_bytes(len(code))


def other_lengths(code: bytes):
    """Beginnings of it, and what begins with it."""
    for length in itertools.chain(range(1, 16), range(17, 257)):
        yield (code * 16)[:length]


async def test_a_thousand_guesses(desk, admin, origin):
    open_line = await desk.invite("open")
    open_code = desk.code(open_line)
    used_line = await desk.invite("used")
    assert (await desk.join(used_line, "used")).status == 0
    late_line = await desk.invite("late", "--valid", "1s")
    await asyncio.sleep(2.1)
    guesses = [
        *((code, "open", UNKNOWN) for code in near(open_code)),
        *((code, "open", UNKNOWN) for code in other_lengths(open_code)),
        *((desk.code(used_line), "used", USED) for _ in range(100)),
        *((desk.code(late_line), "late", EXPIRED) for _ in range(100)),
    ]
    guesses += [(os.urandom(16), "open", UNKNOWN) for _ in range(GUESSES - len(guesses))]
    requests = {name: wanted(name) for name in ("open", "used", "late")}
    # Whatever comes behind is served by nobody.
    more = f"GET {origin.url('/')} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    crowded = 0

    def guess(code, name):
        nonlocal crowded
        while True:
            try:
                answer = desk.ask(code, requests[name], more, ELSEWHERE)
            except ConnectionRefusedError:
                # Seen once, while another test opened ten thousand connections: by the kernel, if the server is still there.
                assert desk.process.alive, desk.process.tail()
                time.sleep(0.2)
                continue
            if "too many join at once" not in answer:
                return answer
            # Nobody has looked at the code.
            crowded += 1
            time.sleep(0.2)

    async def join_meanwhile():
        joined = 0
        while not guessing.done():
            done = await desk.join(await desk.invite(f"laptop{joined}"), f"laptop{joined}")
            assert done.status == 0, done.text
            joined += 1
            # A place is taken until its connection is closed: so there are never more of this client's than are left to it.
            await asyncio.wait([guessing], timeout=2)
        return joined

    growth = Growth(desk.process.pid)
    began = time.monotonic()
    with ThreadPoolExecutor(PLACES * LOOPS) as pool:
        loop = asyncio.get_running_loop()
        guessing = asyncio.gather(*(loop.run_in_executor(pool, guess, code, name) for code, name, _ in guesses))
        joined = await join_meanwhile()
        answers = await guessing
    took = time.monotonic() - began
    for (_, _, reason), answer in zip(guesses, answers):
        assert answer.startswith("refused ") and reason in answer and answer.count("\n") == 1, answer
    assert not origin.requests
    assert joined >= 3, "others join while it goes on"
    # Each holds its place for a second, whatever the machine.
    assert took >= GUESSES / (PLACES * LOOPS) - 1
    assert growth.peak() < 64 * MiB
    metrics = await admin.metrics()
    count = {result: metrics.sum("fluidity_enrol_requests_total", result=result) for result in ("unknown", "used", "expired", "granted", "busy")}
    assert count == {"unknown": GUESSES - 200, "used": 100, "expired": 100, "granted": joined + 1, "busy": crowded}
    desk.process.wait_for_line(f"remote={ELSEWHERE}")
    # None of them was the right one, and that one still counts.
    assert (await desk.join(open_line, "open")).status == 0


async def test_one_client_leaves_places_to_others(desk):
    """More at once than there are places: those of one client are refused, and another still has one."""
    with ThreadPoolExecutor(3 * 16 * LOOPS) as pool:
        loop = asyncio.get_running_loop()
        many = asyncio.gather(*(loop.run_in_executor(pool, desk.ask, os.urandom(16), wanted(), b"", ELSEWHERE) for _ in range(3 * 16 * LOOPS)))
        done = await desk.join(await desk.invite(), "agent")
        answers = await many
    assert done.status == 0, done.text
    assert all(answer.startswith("refused ") for answer in answers), answers
