"""Runs that are killed, that fail or whose kept work is damaged: resumed to the same bytes, or gone without a trace."""

import errno
import json
import shutil
from pathlib import Path

import faults
import pytest

from morphct.ground.errors import OutputError, can_be_mended
from morphct.pipeline import checkpoint
from morphct.pipeline import run as pipeline
from morphct.results.run_folder import moving, resumable
from morphct.results.run_folder.writer import PARTIAL

AFTER = "write .morphct-partial/particles.csv"  # the first change after the checkpoint


@pytest.fixture(scope="module", autouse=True)
def little_page():
    with faults.quick_page():
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def volume(place):
    return faults.powder(place / "balls.tif")


@pytest.fixture(scope="module")
def wanted(volume, place):
    """The files of a run that nothing happened to."""
    faults.work(volume, place / "undisturbed")
    return faults.tree(place / "undisturbed")


@pytest.fixture(scope="module")
def states(volume, place, wanted):
    """What a kill at each change leaves."""
    found = faults.kill_states(volume, place / "out", place / "states")
    assert faults.tree(place / "out") == wanted
    return found


def is_whole(out: Path, wanted: dict[str, str]) -> bool:
    return faults.tree(out) == wanted and not list(out.rglob(".*"))


def test_killed_at_every_change_and_resumed_to_the_same_bytes(volume, place, wanted, states):
    """Before the checkpoint all states are alike (few are tried); a half written file lies beside the older one only
    while it is moved."""
    names = [name for name, _ in states]
    first, last = names.index(AFTER), names.index("write .morphct-partial/moving.json")
    middle = [i for i in range(first, last) if names[i].startswith("move")][::2]
    chosen = [*range(0, first, 5), *middle, *range(last, len(names))]
    assert len(chosen) > 30
    for name, state in (states[i] for i in chosen):
        said = faults.resumed(volume, place / "out", state)
        assert not said, f"{name}: {said}"
        assert is_whole(place / "out", wanted), name


@pytest.mark.parametrize("change", [1, AFTER, "move labels.zarr", "move run.json", "remove .morphct-partial"])
def test_a_kill_of_the_process_is_what_the_copies_say(volume, place, wanted, states, change):
    number = change if isinstance(change, int) else 1 + [name for name, _ in states].index(change)
    faults.restore(None, place / "out")
    assert faults.killed(lambda: faults.work(volume, place / "out"), number) == "killed by 9"
    state = states[number - 1][1]
    assert faults.tree(place / "out").keys() == (faults.tree(state) if state.exists() else {}).keys()
    assert faults.resumed(volume, place / "out", _copy(place / "out")) == ""
    assert is_whole(place / "out", wanted)


def _copy(out: Path) -> Path:
    copy = out.with_name("killed")
    faults.restore(out if out.exists() else None, copy)
    return copy


def chunk_of(store: str):
    def found(partial: Path) -> Path:
        return next(p for p in sorted((partial / store / "0" / "c").rglob("*")) if p.is_file())

    return found


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_key(key: str):
    def change(path: Path) -> None:
        content = json.loads(path.read_text())
        del content["kept"][key]
        path.write_text(json.dumps(content))

    return change


class AnewError(Exception):
    """The segmentation would begin."""


DAMAGE = [
    *(
        (f"{store} {how.__name__}", chunk_of(store), how)
        for store in checkpoint.STORES
        for how in (Path.unlink, cut, flipped)
    ),
    ("store gone", lambda partial: partial / "labels.zarr", shutil.rmtree),
    ("description gone", lambda partial: partial / "voids.zarr/0/zarr.json", Path.unlink),
    ("a chunk more", lambda partial: partial / "labels.zarr/0/c/0/0/1", lambda p: p.write_bytes(b"x")),
    *(
        (f"checkpoint {name}", lambda partial: partial / "checkpoint.json", how)
        for name, how in {
            "cut": cut,
            "flipped": flipped,
            "empty": lambda p: p.write_bytes(b""),
            "a list": lambda p: p.write_text("[]"),
            "no UTF-8": lambda p: p.write_bytes(b"\xff\xfe{}"),
            **{f"without {key}": without_key(key) for key in ("n", "owner", "stores", "asked", "void_facts", "stages")},
        }.items()
    ),
]


@pytest.mark.parametrize(("where", "how"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_what_is_not_whole_is_done_anew_and_said(volume, place, states, where, how, monkeypatch):
    def anew(*_):
        raise AnewError

    monkeypatch.setattr(pipeline, "segment", anew)
    faults.restore(dict(states)[AFTER], place / "out")
    how(where(place / "out" / PARTIAL))
    notes = faults.Notes()
    with pytest.raises(AnewError):
        faults.work(volume, place / "out", "run.resume=true", progress=notes)
    assert len(notes.said) == 1
    assert "not used (" in notes.said[0]
    assert not resumable(place / "out")


@pytest.mark.parametrize("store", checkpoint.STORES)
def test_a_chunk_that_is_lost_is_no_hole(volume, place, wanted, states, store):
    state = place / "damaged"
    faults.restore(dict(states)[AFTER], state)
    chunk_of(store)(state / PARTIAL).unlink()
    assert f"{store} lacks 1 of" in faults.resumed(volume, place / "out", state)
    assert is_whole(place / "out", wanted)


@pytest.mark.parametrize("file", ["out", "hidden"])
def test_a_damaged_run_is_not_moved_into_place(volume, place, wanted, states, file):
    state = place / "damaged"
    faults.restore(dict(states)["move particles.csv"], state)
    chunk_of("labels.zarr")(state).unlink() if file == "out" else cut(state / PARTIAL / "voids.parquet")
    assert "Error" not in faults.resumed(volume, place / "out", state)
    assert is_whole(place / "out", wanted)


def flipped_late(path: Path) -> None:
    """Still JSON, of the same keys."""
    text = path.read_text()
    at = max(text.rfind(digit) for digit in "123456789")
    path.write_text(f"{text[:at]}{int(text[at]) % 9 + 1}{text[at + 1 :]}")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("how", [Path.unlink, cut, flipped, flipped_late, emptied])
@pytest.mark.parametrize("change", ["move labels.zarr", "move run.json", "remove .morphct-partial"])
@pytest.mark.parametrize("name", ["moving.json", "run.json"])
def test_a_damaged_record_of_the_last_move_costs_work_and_nothing_else(
    volume, place, wanted, states, name, change, how
):
    state = place / "damaged"
    faults.restore(dict(states)[change], state)
    in_place = name == "run.json" and change.startswith("remove")
    how((state if in_place else state / PARTIAL) / name)
    said = faults.resumed(volume, place / "out", state)
    assert said == "" or (said.count("\n") == 0 and said.endswith("all is done anew")), said
    assert is_whole(place / "out", wanted)
    assert json.loads((place / "out/run.json").read_text())["command"] == "run"


@pytest.mark.parametrize("name", ["moving.json", "run.json"])
def test_a_damaged_move_leaves_the_older_run_whole(volume, place, wanted, name):
    """The move of the new one had not begun: the older one, and what the user laid beside it, stay until it is made."""
    out = place / "older"
    faults.restore(place / "undisturbed", out)
    (out / "notes.txt").write_text("mine")
    task = ("run.overwrite=true", "particles.min_voxels=40")
    changes: list[str] = []
    with faults.at_each_change(lambda n, action, path: changes.append(f"{action} {path.name}")):
        faults.work(volume, place / "other", *task)
    at = changes.index("write moving.json") + 3  # before the older record goes
    assert faults.killed(lambda: faults.work(volume, out, *task), at) == "killed by 9"
    assert (out / "run.json").exists()
    (out / PARTIAL / name).unlink() if name == "run.json" else cut(out / PARTIAL / name)
    with pytest.raises(OutputError, match="--overwrite"):
        faults.work(volume, out, "run.resume=true", "particles.min_voxels=40")
    assert {k: v for k, v in faults.tree(out).items() if k in wanted} == wanted
    faults.work(volume, out, "run.resume=true", *task)
    assert faults.tree(out) == faults.tree(place / "other") | {"notes.txt": faults.tree(out)["notes.txt"]}
    assert not list(out.rglob(".*"))


def test_a_plan_leads_nowhere_else(volume, place, wanted, states):
    """Names that lead out of the folder are no plan, even under a seal."""
    state = place / "damaged"
    faults.restore(dict(states)["move particles.csv"], state)
    plan = moving.read(state / PARTIAL)
    (place / "precious.txt").write_text("mine")
    plan["old"].append("../precious.txt")
    (state / PARTIAL / "moving.json").write_text(json.dumps(moving.sealed(plan)))
    assert "anew" in faults.resumed(volume, place / "out", state)
    assert is_whole(place / "out", wanted)
    assert (place / "precious.txt").exists()


def test_kept_work_of_other_settings_is_discarded_with_the_reason(volume, place, states):
    state = dict(states)[AFTER]
    said = faults.resumed(volume, place / "out", state, "particles.min_voxels=40", "voids.min_voxels=9")
    assert "particles.min_voxels is 40, was" in said
    assert "voids.min_voxels is 9, was" in said
    assert said.count("\n") == 0
    # what labels do not depend on keeps them
    assert faults.resumed(volume, place / "out", state, "output.csv=false") == ""
    other = faults.powder(place / "other.tif", seed=1)
    assert "content of the input file" in faults.resumed(other, place / "out", state)


def test_a_move_of_other_work_is_not_finished(volume, place, wanted, states):
    state = dict(states)["move particles.csv"]
    faults.restore(state, place / "out")
    with pytest.raises(OutputError, match=r"particles\.min_voxels is 40, was .*--overwrite"):
        faults.work(volume, place / "out", "particles.min_voxels=40", "run.resume=true")
    with pytest.raises(OutputError, match="--resume finishes"):
        faults.work(volume, place / "out")
    assert faults.tree(place / "out") == faults.tree(state)
    faults.work(volume, place / "out", "run.overwrite=true", "output.csv=false")
    assert not (place / "out/particles.csv").exists()  # of the run that was not finished


def test_a_finished_run_is_not_made_again(volume, place, wanted):
    out = place / "out"
    faults.restore(place / "undisturbed", out)
    before = (out / "labels.zarr").stat().st_mtime_ns
    run = faults.work(volume, out, "run.resume=true", "qc.n_particles.min=9")
    assert (out / "labels.zarr").stat().st_mtime_ns == before
    assert [v["passed"] for v in run.summary["qc"]] == [False]  # judged anew
    assert run.provenance["settings"]["qc"]["n_particles"] == {"min": 9.0}
    assert "'passed': False" in (out / "report.html").read_text()
    assert "n_particles" in (out / "settings.toml").read_text()
    assert not faults.work(volume, out, "run.resume=true").summary["qc"]
    assert is_whole(out, wanted)
    with pytest.raises(OutputError, match="already holds"):
        faults.work(volume, out, "run.resume=true", "particles.min_voxels=40")


def test_a_full_disk_at_every_change_leaves_one_sentence_and_nothing(volume, place, wanted):
    out = place / "full"

    def judge(error: BaseException | None) -> str:
        if error is None or not can_be_mended(error):
            return f"ended with {error!r}"
        return "" if not out.exists() or resumable(out) else f"left {sorted(p.name for p in out.iterdir())}"

    said = faults.failed_at_each_change(
        volume, out, lambda: OSError(errno.ENOSPC, "full"), judge, lasting=True, every=3
    )
    assert len(said) > 18
    assert not {name: text for name, text in said.items() if text}
    assert is_whole(out, wanted)


def test_an_interrupt_at_every_change_leaves_the_older_run_or_one_to_be_finished(volume, place, wanted, monkeypatch):
    out = place / "interrupted"
    faults.work(volume, out)

    def judge(error: BaseException | None) -> str:
        if not isinstance(error, KeyboardInterrupt):
            return f"ended with {error!r}"
        return "" if resumable(out) or is_whole(out, wanted) else f"left {sorted(p.name for p in out.iterdir())}"

    said = faults.failed_at_each_change(volume, out, KeyboardInterrupt, judge, "run.overwrite=true", every=4)
    assert len(said) > 18
    assert not {name: text for name, text in said.items() if text}
