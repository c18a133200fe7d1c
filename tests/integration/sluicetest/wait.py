"""Waiting for a condition: by asking again, never by sleeping for as long as it should take."""
import os
import time

EVERY_S = 0.02


def scale():
    """How much slower than a release build all of it may be; sanitizers and busy machines cost time."""
    return float(os.environ.get("SLUICE_TEST_TIME_SCALE", "1"))


def is_sanitized():
    """Whether the programs have sanitizers, which keep memory that was freed and take some of their own."""
    return "SLUICE_TEST_SANITIZED" in os.environ


def wait_until(condition, timeout_s=60, what=None):
    """
    Calls condition until it gives something true, which is returned. Fails after timeout_s, which a test chooses only where
    the time is what it is about: what comes at all comes late on a busy machine.
    """
    deadline = time.monotonic() + timeout_s * scale()
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or condition}: not within {timeout_s * scale():g} s")
        time.sleep(EVERY_S)
