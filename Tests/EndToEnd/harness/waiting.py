"""Waiting for something to become true, always with a deadline and never for a fixed time.

A deadline ends a test that hangs; it proves nothing. What has to come before something else is shown by what would otherwise come first: by
limits so long that they can't be what ended it.
"""

import asyncio
import inspect
import time

#: How much longer than on an idle machine everything may take: a suite that shares its cores with other work stays green.
PATIENCE = 5


def patiently(seconds: float) -> asyncio.Timeout:
    """`async with patiently(10)`: ends what hangs."""
    return asyncio.timeout(seconds * PATIENCE)


async def eventually(condition, within: float, what):
    """Polls `condition` (plain or async) until it returns something true, and returns that.

    `what` is awaited for: a text, or a function that makes one when it is too late.
    """
    deadline = time.monotonic() + within * PATIENCE
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within * PATIENCE} s: {what() if callable(what) else what}")
        await asyncio.sleep(0.02)


def wait_until(condition, within: float, what):
    """The same for code that runs outside an event loop."""
    deadline = time.monotonic() + within * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within * PATIENCE} s: {what() if callable(what) else what}")
        time.sleep(0.02)
