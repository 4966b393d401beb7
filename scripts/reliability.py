"""Bad days, many of them: what comes of runs that are killed, fail or are damaged, as docs/reliability.md tells it.

scripts/reliability                 a few of each kind, minutes
scripts/reliability --long          every kind in full
scripts/reliability --only signal   the kinds with this word in their name
"""

import argparse
import contextlib
import errno
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import faults  # noqa: E402

from morphct.ground.errors import InputError, can_be_mended  # noqa: E402
from morphct.pipeline import manifest  # noqa: E402
from morphct.results.run_folder import resumable  # noqa: E402
from morphct.results.run_folder.writer import PARTIAL  # noqa: E402

AFTER, MOVE = "write .morphct-partial/particles.csv", "move particles.csv"
SAME = "the same bytes"
MANIFEST = 'sep=;\nsample;path;voxel_size;lot;split.join\nA 1;a.tif;0,025um;"x\ny";0,8\n\n=cmd;b.tif;;-3;\n'


class Place:
    """A volume, its undisturbed run, and what kills at each change of the disk leave."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        self.volume = faults.powder(folder / "balls.tif")
        faults.work(self.volume, folder / "undisturbed")
        self.wanted = faults.tree(folder / "undisturbed")
        self.states = faults.kill_states(self.volume, self.out, folder / "states")

    def ending(self, said: str) -> str:
        """What a resumed run came to, in words."""
        if "Traceback" in said or said.startswith("killed"):
            return said.strip().splitlines()[-1][:90]
        if faults.tree(self.out) != self.wanted or list(self.out.rglob(".*")):
            return "other bytes, or something left behind"
        return SAME

    def resumed(self, state: Path) -> str:
        """Resume from a copy."""
        return self.ending(faults.resumed(self.volume, self.out, state))


def cpu_seconds(pid: int) -> float:
    """Processor time that a child has taken so far: steadier than the wall clock where other work comes and goes."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    if facts[0] == "Z":  # it has ended
        return float("inf")
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(pid: int, seconds: float) -> None:
    """Wait until a child has taken this processor time, or has ended."""
    while cpu_seconds(pid) < seconds:
        time.sleep(0.002)


def cpu_seconds_of(task: Callable[[], object]) -> float:
    """Processor time of the child that `task` starts and waits for."""
    before = os.times()
    task()
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def hear_all() -> None:
    """In a child: signals do what they do, also where this script was started under nohup or in the background."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def kills(place: Place, share: int) -> Counter:
    """Killed before each change."""
    return Counter(place.resumed(state) for _, state in place.states[::share])


def random_kills(place: Place, count: int, seed: int = 0) -> Counter:
    """Killed by SIGKILL at any time."""
    rng, found = random.Random(seed), Counter()

    def once() -> None:
        faults.restore(None, place.out)
        faults.in_child(lambda: faults.work(place.volume, place.out) and "")

    whole = cpu_seconds_of(once)
    for _ in range(count):
        faults.restore(None, place.out)
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                faults.work(place.volume, place.out)
            os._exit(0)
        wait_until(pid, rng.uniform(0.2, 1.1) * whole)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        state = place.folder / "killed"
        faults.restore(place.out if place.out.exists() else None, state)
        found[place.resumed(state)] += 1
    return found


def full_disks(place: Place, every: int) -> Counter:
    """The disk is full from one change on."""
    out = place.folder / "full"

    def judge(error: BaseException | None) -> str:
        if error is None or not can_be_mended(error):
            return f"ended with {error!r}"
        return "" if not out.exists() or resumable(out) else "something left behind"

    said = faults.failed_at_each_change(
        place.volume, out, lambda: OSError(errno.ENOSPC, "No space left on device"), judge, lasting=True, every=every
    )
    faults.restore(None, out)
    return Counter(text or "one sentence, nothing left or resumable" for text in said.values())


def interrupts(place: Place, every: int) -> Counter:
    """Ctrl-C at a change of a run that replaces an older one."""
    out = place.folder / "interrupted"
    faults.work(place.volume, out)

    def judge(error: BaseException | None) -> str:
        if not isinstance(error, KeyboardInterrupt):
            return f"ended with {error!r}"
        return "" if resumable(out) or faults.tree(out) == place.wanted else "something left behind"

    said = faults.failed_at_each_change(place.volume, out, KeyboardInterrupt, judge, "run.overwrite=true", every=every)
    faults.restore(None, out)
    return Counter(text or "the older run whole, or resumable" for text in said.values())


def damaged(place: Place, after: str, count: int, seed: int) -> Counter:
    """Kept work with a file lost, cut, changed or added."""
    rng, found = random.Random(seed), Counter()
    state = place.folder / "damaged"
    for _ in range(count):
        faults.restore(dict(place.states)[after], state)
        files = sorted(p for p in state.rglob("*") if p.is_file() and p.name not in (".lock", "morphct.log"))
        path = rng.choice(files)
        content = bytearray(path.read_bytes())
        how = rng.choice(("lost", "cut", "flipped", "emptied", "longer", "strange"))
        if how == "lost":
            path.unlink()
        elif how == "cut":
            path.write_bytes(content[: rng.randrange(max(1, len(content)))])
        elif how == "flipped" and content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            path.write_bytes(content)
        elif how == "emptied":
            path.write_bytes(b"")
        elif how == "longer":
            path.write_bytes(content + b"\0")
        else:
            path.with_name("strange").write_bytes(b"x")
            if PARTIAL not in path.parts or after == MOVE:
                path.with_name("strange").unlink()
        found[place.resumed(state)] += 1
    return found


def signals(place: Place, count: int, seed: int = 0) -> Counter:
    """The command line told to end, at any time."""
    rng, found = random.Random(seed), Counter()
    out = place.folder / "signalled"
    sets = [word for text in faults.QUICK for word in ("--set", text)]
    argv = [sys.executable, "-m", "morphct.cli", "run", str(place.volume), "-o", str(out), "-q", *sets]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def once() -> None:
        faults.restore(None, out)
        subprocess.run(argv, env=environment, check=True, capture_output=True, preexec_fn=hear_all)

    once()  # compiles what is not compiled yet
    whole = cpu_seconds_of(once)
    for i in range(count):
        faults.restore(None, out)
        with subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_all
        ) as process:
            wait_until(process.pid, rng.uniform(0.05, 1.05) * whole)
            process.send_signal((signal.SIGTERM, signal.SIGHUP, signal.SIGINT)[i % 3])
            _, said = process.communicate()
        if process.returncode == 0 and (out / "run.json").exists():
            found["done before the signal"] += 1
        elif process.returncode == 130 and "the run was done" in said and (out / "run.json").exists():
            found["130, the run was done"] += 1
        elif process.returncode == 130 and "interrupted" in said and (not out.exists() or resumable(out)):
            found["130, nothing left or resumable"] += 1
        elif process.returncode < 0 and not out.exists():
            found["ended before the command had begun"] += 1
        else:
            found[f"exit {process.returncode}: {said.strip()[-80:]}"] += 1
    return found


def small_disks(place: Place, sizes: range) -> Counter:
    """A real small disk (tmpfs); empty where this machine does not allow one."""
    found: Counter = Counter()
    disk = place.folder / "disk"
    disk.mkdir()
    for size in sizes:
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], capture_output=True
        ).returncode:
            return found
        try:
            out = disk / "out"
            said = faults.in_child(lambda out=out: _on_disk(place, out))
            left = [p.name for p in disk.iterdir() if p.name != "out" or not (out / "run.json").exists()]
            found["something left behind" if left else said.strip().splitlines()[-1][-90:]] += 1
        finally:
            subprocess.run(["umount", disk], check=True)
    return found


def _on_disk(place: Place, out: Path) -> str:
    try:
        faults.work(place.volume, out)
    except Exception as error:
        return "one sentence, nothing left" if can_be_mended(error) else f"ended with {error!r}"
    return SAME if faults.tree(out) == place.wanted else "other bytes"


def manifests(place: Place, count: int, seed: int = 0) -> Counter:
    """Bytes of a manifest changed, lost, put in; in four encodings."""
    rng, found = random.Random(seed), Counter()
    path = place.folder / "lots.csv"
    for i in range(count):
        content = bytearray(MANIFEST.encode(("utf-8", "utf-16", "utf-8-sig", "cp1252")[i % 4]))
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(content))
            lie = rng.choice((b'"', b";", b",", b"\n", b"\r", b"\0", b"\xff", b"=", b"\t", bytes([rng.randrange(256)])))
            content[at : at + rng.choice((0, 1, 1, 4))] = lie
        path.write_bytes(content)
        try:
            manifest.read(path)
            found["read, or faults with their lines"] += 1
        except InputError as error:
            found["one sentence" if "\n" not in str(error) else "more than a line"] += 1
        except Exception as error:
            found[f"{type(error).__name__}: {error}"[:90]] += 1
    return found


def kinds(place: Place, long: bool) -> Iterator[tuple[str, Callable[[], Counter]]]:
    """Names of the kinds, and how each is played."""
    many = 1 if long else 6
    yield "killed before a change of the disk, resumed", lambda: kills(place, 1 if long else 4)
    yield "killed by SIGKILL at any time, resumed", lambda: random_kills(place, 60 // many)
    yield "disk full from a change on", lambda: full_disks(place, 1 if long else 4)
    yield "a real small disk, 8 kB to 1 MB", lambda: small_disks(place, range(8, 1024, 24 * many))
    yield "Ctrl-C at a change, replacing an older run", lambda: interrupts(place, 1 if long else 4)
    yield "SIGTERM, SIGHUP, SIGINT at any time", lambda: signals(place, 12 // many)
    yield "kept labels damaged, resumed", lambda: damaged(place, AFTER, 80 // many, 1)
    yield "damaged in the middle of the last move, resumed", lambda: damaged(place, MOVE, 120 // many, 2)
    yield "manifests with damaged bytes", lambda: manifests(place, 4000 // many)


def main() -> int:
    """Play all kinds and print the table; 1 when something came out as it should not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="every kind in full")
    parser.add_argument("--only", default="", metavar="WORD", help="the kinds with this word in their name")
    asked = parser.parse_args()
    logging.getLogger("morphct").setLevel(logging.ERROR)  # what is resumed is said by each run
    print("| what happened | inputs | what came of it |\n|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="morphct-reliability-") as folder, faults.quick_page():
        place = Place(Path(folder))
        for name, play in kinds(place, asked.long):
            if asked.only.lower() not in name.lower():
                continue
            found = play()
            told = "; ".join(f"{n} {words}" for words, n in found.most_common()) or "not allowed on this machine"
            print(f"| {name} | {found.total()} | {told} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
