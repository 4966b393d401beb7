"""Two runs or batches at a time in one output folder: the second is refused, whatever the first has left so far."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import faults
import pytest

from morphct.cli import main
from morphct.ground.errors import OutputError
from morphct.results.run_folder import RunWriter, alone, lock
from morphct.results.run_folder.writer import PARTIAL

ROOT = Path(__file__).parents[2]


@pytest.fixture
def busy(tmp_path):
    """Starts another process that holds the lock of a folder, with the way it took it; gives the process."""
    started = []

    def start(out: Path, how: str) -> subprocess.Popen:
        code = (
            "import sys, time; from morphct.results.run_folder import RunWriter, alone\n"
            f"with {how}(sys.argv[1]):\n    print('here', flush=True); time.sleep(60)"
        )
        process = subprocess.Popen([sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        started.append(process)
        assert process.stdout.readline() == "here\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def files(out: Path) -> list[str]:
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*"))


@pytest.mark.parametrize("flag", [[], ["--resume"], ["--overwrite"]])
def test_a_second_run_is_refused_in_a_sentence(busy, tmp_path, capsys, flag):
    volume, out = faults.powder(tmp_path / "balls.tif"), tmp_path / "out"
    first = busy(out, "RunWriter")
    (out / PARTIAL / "moving.json").write_text("{}")  # as in the middle of its last move
    (out / "particles.csv").write_text("x")
    before = files(out)
    assert main(["run", str(volume), "-o", str(out), "-q", *flag]) == 2
    said = capsys.readouterr().err
    assert said == f"morphct: another morphct (process {first.pid}) is writing into {out}; wait for it or choose " \
        "another folder with -o\n"  # fmt: skip
    assert files(out) == before


@pytest.mark.parametrize("flag", [[], ["--resume"], ["--overwrite"]])
def test_a_second_batch_is_refused_in_a_sentence(busy, tmp_path, capsys, flag):
    volume, out = faults.powder(tmp_path / "balls.tif"), tmp_path / "out"
    lots = tmp_path / "lots.csv"
    lots.write_text(f"sample,path\nA,{volume}\n")
    out.mkdir()
    first = busy(out, "alone")
    (out / "batch.csv").write_text("sample\n")
    before = files(out)
    assert main(["batch", str(lots), "-o", str(out), "-q", *flag]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"morphct: another morphct (process {first.pid}) is writing into {out};")
    assert said.count("\n") == 1
    assert files(out) == before
    assert main(["batch", str(lots), "-o", str(out), "--check", "--overwrite"]) == 0  # looking is free


def test_what_a_dead_process_left_is_no_lock(busy, tmp_path):
    out = tmp_path / "out"
    first = busy(out, "RunWriter")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert (out / PARTIAL / lock.LOCK).read_text() == f"{first.pid}\n"
    with alone(out):
        assert (out / PARTIAL / lock.LOCK).read_text() == f"{os.getpid()}\n"
        with pytest.raises(OutputError, match="another morphct"):
            RunWriter(out)
    assert files(out) == []
    with RunWriter(out, overwrite=True):
        pass


def test_alone_keeps_what_can_be_resumed(tmp_path):
    (tmp_path / PARTIAL).mkdir()
    (tmp_path / PARTIAL / "checkpoint.json").write_text("{}")
    with alone(tmp_path):
        pass
    assert (tmp_path / PARTIAL / "checkpoint.json").exists()


def test_a_run_that_ended_while_this_one_waited_for_the_lock_is_not_replaced(tmp_path, monkeypatch):
    out, own = tmp_path / "out", lock.take

    def take(place: Path) -> int | None:
        handle = own(place)
        (place / "run.json").write_text("{}")  # moved into place by the other one, just before it let go
        return handle

    monkeypatch.setattr(lock, "take", take)
    with pytest.raises(OutputError, match=r"already holds run\.json"):
        RunWriter(out)
    assert files(out) == ["run.json"]


def test_a_lock_whose_folder_has_gone_is_taken_anew(tmp_path, monkeypatch):
    """The other one took its folder away between the opening of the lock and the taking of it."""
    fcntl = pytest.importorskip("fcntl")
    own, gone = fcntl.flock, []

    def flock(handle, how):
        if not gone:
            gone.append(handle)
            (tmp_path / PARTIAL / lock.LOCK).unlink()
            (tmp_path / PARTIAL).rmdir()
        own(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    handle = lock.take(tmp_path)
    assert gone
    assert (tmp_path / PARTIAL / lock.LOCK).read_text() == f"{os.getpid()}\n"
    lock.drop(handle)
