"""Compiled kernels follow the sources: their own, and those of the kernels they call in other files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from morphct.kernels import jit as policy

CALLEE = "from .jit import jit\nfrom ..numbers import STEP\n\n\n@jit\ndef add(x):\n    return x + {} + STEP\n"
CALLER = "from .callee import add\nfrom .jit import jit\n\n\n@jit\ndef twice(x):\n    return add(add(x))\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    kernels = tmp_path / "powder" / "kernels"
    kernels.mkdir(parents=True)
    for folder in (kernels, kernels.parent):
        (folder / "__init__.py").write_text("")
    shutil.copy(policy.__file__, kernels / "jit.py")
    (kernels / "callee.py").write_text(CALLEE.format(1))
    (kernels / "caller.py").write_text(CALLER)
    (kernels.parent / "numbers.py").write_text("STEP = 100\n")
    return kernels


def answer(package: Path) -> tuple[int, int]:
    """twice(0) in a fresh process, and how many kernels it had to compile."""
    code = (
        "from powder.kernels.caller import twice; from powder.kernels.callee import add;"
        "print(twice(0), sum(k.stats.cache_misses.total() for k in (twice, add)))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=package.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    value, compiled = done.stdout.split()
    return int(value), int(compiled)


def test_a_change_in_a_called_kernel_is_seen(package):
    assert answer(package) == (202, 2)
    assert answer(package) == (202, 0)  # kept
    (package / "callee.py").write_text(CALLEE.format(7))
    assert answer(package)[0] == 214
    (package.parent / "numbers.py").write_text("STEP = 0\n")
    assert answer(package)[0] == 14
    os.utime(package / "callee.py")
    assert answer(package) == (14, 0)  # the content counts


def test_every_import_between_kernels_is_read():
    folder = Path(policy.__file__).parent
    for file in folder.rglob("*.py"):
        lines = [line for line in file.read_text().splitlines() if line.lstrip().startswith("from .")]
        assert len(policy._read(file)[1]) == len(lines), file
