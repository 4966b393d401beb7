"""Setting up: what cannot be done is one sentence and 2, and nothing half installed passes for whole; no network.

A small project stands for this one: two distributions made here, one of them asking for the other, from a folder
instead of an index, and a build backend of ten lines.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BACKEND = """
import sys, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    import morphct_asks  # nothing is fetched for the build: it is there already
    about = "Metadata-Version: 2.1\\nName: morphct\\nVersion: 0.1.0\\n"
    with zipfile.ZipFile(folder + "/morphct-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("morphct.py", "")
        wheel.writestr("morphct-0.1.0.dist-info/METADATA", about)
        kind = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("morphct-0.1.0.dist-info/WHEEL", kind)
        wheel.writestr("morphct-0.1.0.dist-info/RECORD", "")
    return "morphct-0.1.0-py3-none-any.whl"
"""
PROJECT = """
[build-system]
requires = ["morphct-asks"]
build-backend = "backend"
backend-path = ["."]
[project]
name = "morphct"
version = "0.1.0"
dependencies = ["morphct-asks"]
[project.optional-dependencies]
web = []
formats = []
cluster = []
dev = []
[dependency-groups]
build = []
"""


def wheel(folder, name, requires=()):
    """Write a wheel of one empty module; gives its line in a lock."""
    path, info = folder / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    asks = "".join(f"Requires-Dist: {text}\n" for text in requires)
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n{asks}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{at},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}"
        for at, text in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for at, text in files.items():
            archive.writestr(at, text)
    return f"{name.replace('_', '-')}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder of wheels, and the lines that lock them."""
    packaging = pytest.importorskip("packaging")
    pytest.importorskip("ensurepip")
    folder = tmp_path_factory.mktemp("index")
    lines = {"asks": wheel(folder, "morphct_asks", ["morphct-asked[more]>=1"]), "asked": wheel(folder, "morphct_asked")}
    source = Path(packaging.__file__).parent
    lines["packaging"] = wheel(folder, "packaging")
    with zipfile.ZipFile(folder / "packaging-1.0-py3-none-any.whl") as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if "dist-info" in name}
    with zipfile.ZipFile(folder / "packaging-1.0-py3-none-any.whl", "w") as archive:
        for name, text in kept.items():
            archive.writestr(name, text if not name.endswith("RECORD") else b"")
        for file in source.rglob("*.py"):
            archive.write(file, Path("packaging", file.relative_to(source)))
    digest = hashlib.sha256((folder / "packaging-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    lines["packaging"] = f"packaging==1.0 --hash=sha256:{digest}\n"
    return folder, lines


@pytest.fixture
def clone(tmp_path, index):
    """The small project with the real scripts; nothing is set up."""
    for name in ("_setup.sh", "locked.py"):
        (tmp_path / "scripts").mkdir(exist_ok=True)
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "requirements").mkdir()
    lock(tmp_path, "".join(index[1].values()))
    return tmp_path


def lock(clone, text):
    for name in ("runtime", "development"):
        (clone / "requirements" / f"{name}.txt").write_text(text)


def set_up(clone, index, which="runtime", **changed):
    """Exit code, lines on stderr, and whether pip was at work, of a call."""
    there = {**os.environ, "PYTHON": sys.executable, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    there |= {
        "PIP_FIND_LINKS": str(index[0]),
        "PIP_RETRIES": "0",
        "PATH": f"{quiet_system(clone)}:{os.environ['PATH']}",
    }
    call = f"set -euo pipefail; source scripts/_setup.sh; set_up {which}"
    done = subprocess.run(
        ["bash", "-c", call], cwd=clone, env={**there, **changed}, capture_output=True, text=True, timeout=600
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def quiet_system(clone):
    """A folder for PATH in which every system package is there, so that nothing is installed by a test."""
    folder = clone / "bin"
    if not folder.exists():
        folder.mkdir()
        (folder / "dpkg-query").write_text("#!/bin/sh\necho installed\n")
        (folder / "dpkg-query").chmod(0o755)
    return folder


def stamps(clone):
    return sorted(path.name for path in (clone / ".venv").glob(".stamp*"))


@pytest.mark.slow
def test_a_step_is_a_line_and_only_what_was_finished_is_kept(clone, index):
    code, lines = set_up(clone, index)
    assert code == 0, lines
    assert [line.split()[0] for line in lines] == ["Making", "Installing", "Installing"]
    assert stamps(clone) == [".stamp-runtime"]
    assert set_up(clone, index) == (0, [])  # nothing left to do
    code, lines = set_up(clone, index, "development")
    assert (code, len(lines)) == (0, 2)  # added to what is there
    assert set_up(clone, index, "runtime") == (0, [])

    (clone / ".venv" / ".stamp-development").unlink()  # as a kill leaves it: the stamp is written last
    (clone / ".venv" / "debris").touch()
    code, lines = set_up(clone, index)
    assert code == 0
    assert lines[0].startswith("Making .venv")
    assert not (clone / ".venv" / "debris").exists()

    (clone / ".venv" / ".half").touch()  # killed while development was added: the runtime is whole, the rest is not
    assert set_up(clone, index) == (0, [])
    assert set_up(clone, index, "development")[1][0].startswith("Making .venv")


def with_wrong_hash(text):
    return re.sub(r"(morphct-asks==1.0 --hash=sha256:)\w+", r"\g<1>" + 64 * "0", text)


def without_asked(text):
    return "".join(line for line in text.splitlines(True) if not line.startswith("morphct-asked"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "environment", "words"),
    [
        (without_asked, {}, "morphct-asks 1.0 asks for morphct-asked[more]>=1, which is not locked"),
        (with_wrong_hash, {}, "What the index gave for morphct-asks==1.0 is not what requirements/runtime.txt has the"),
        (
            str,
            {"PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1"},
            "The package index cannot be reached",
        ),
    ],
    ids=["incomplete", "other file", "no network"],
)
def test_what_cannot_be_installed_is_said_and_is_not_taken_for_whole(clone, index, change, environment, words):
    lock(clone, change("".join(index[1].values())))
    code, lines = set_up(clone, index, **environment)
    assert code == 2
    assert any(words in line for line in lines), lines
    assert lines[-1].endswith("(all of it: .venv/setup.log)")
    assert stamps(clone) == []


@pytest.mark.parametrize("python", ["/bin/false", "/no/such/python"])
def test_what_is_no_python_is_one_sentence(clone, index, python):
    assert set_up(clone, index, PYTHON=python) == (
        2,
        [f"PYTHON={python} does not start as a Python: give the path of a Python 3.11, 3.12 or 3.13."],
    )
    assert not (clone / ".venv").exists()
