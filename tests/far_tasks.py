"""Tasks that tests send to workers; a plain module beside the tests, which the workers import too."""

import os
import signal
import time
from pathlib import Path

from morphct.ground.errors import InputError


def add_one(volume, brick):
    """In place, slowly."""
    block = volume[brick.here]
    time.sleep(0.05)
    volume[brick.here] = block + 1
    return brick.index


def die_once(marker: str, item: int) -> int:
    """Kill the worker that is first to do item 3."""
    if item == 3 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def refuse(item: int) -> int:
    raise InputError(f"item {item} is damaged; copy it again")


def slow(item: int) -> int:
    time.sleep(0.2)
    return item
