"""Waiting for something to become true, always with a deadline and never for a fixed time."""

import asyncio
import inspect
import time


async def eventually(condition, within: float, what):
    """Polls `condition` (plain or async) until it returns something true, and returns that.

    `what` is awaited for: a text, or a function that makes one when it is too late.
    """
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what() if callable(what) else what}")
        await asyncio.sleep(0.02)


def wait_until(condition, within: float, what):
    """The same for code that runs outside an event loop."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what() if callable(what) else what}")
        time.sleep(0.02)
