"""Many samples: each its own run folder, a failed one not stopping the rest, one table and one page for all.

With `--resume` a sample is kept when it is finished, of the same version, settings and content; its limits are judged
anew. All others are run. `told` hears of each sample that is done, so that table and page are there at any time.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from ..ground.errors import InputError, UserError, can_be_mended
from ..ground.executors import many_machines
from ..ground.units import format_seconds
from ..results.run_folder import RunFolder, resumable
from . import batch_apart, resuming
from .job import Progress, Silence
from .manifest import DECIMAL_COMMA, Sample
from .same_work import in_words
from .settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from ..ground.cluster.connection import Cluster

log = logging.getLogger("morphct")


@dataclass
class Outcome:
    """What became of a sample: its run folder, or the sentence that says why there is none, or neither yet."""

    sample: Sample
    run: RunFolder | None = None
    error: str = ""
    skipped: bool = False

    @property
    def status(self) -> str:
        """`done`, `failed` or `waiting`."""
        return "failed" if self.error else "waiting" if self.run is None else "done"


def own_settings(sample: Sample, settings: Settings) -> Settings:
    """The settings of one sample: those of its columns and its voxel size over those for all.

    Raises
    ------
    SettingsError
        For one that is illegal.
    """
    own = [sample.voxel_size and f"input.voxel_size={sample.voxel_size}", *map(_pointed, sample.overrides)]
    return settings.with_overrides([text for text in own if text])


def _pointed(text: str) -> str:
    """A setting with a decimal point where its comma can be nothing else: one number, for a setting that is one."""
    name, _, value = text.partition("=")
    if not DECIMAL_COMMA.fullmatch(value):
        return text
    with_point = f"{name}={value.replace(',', '.')}"
    try:
        Settings().with_overrides([text])
    except UserError:
        return with_point
    return text


def run_batch(
    samples: Sequence[Sample],
    out: str | Path,
    settings: Settings,
    runs: Any,
    progress: Progress | None = None,
    told: Callable[[Sequence[Outcome]], Any] = lambda outcomes: None,
) -> list[Outcome]:
    """Run every sample into `out`/NAME; a failed one is told and the rest go on.

    Parameters
    ----------
    samples : sequence of Sample
    out : path
    settings : Settings
        For all; a sample's own are laid over them. With `run.resume` samples that are done already are kept.
    runs : module
        `run`: its `run` and its `differences`.
    told : callable
        Is called with all outcomes, those waiting too, after each sample.

    Returns
    -------
    list of Outcome
        In the order of the samples.
    """
    progress = progress or Silence()
    outcomes = [Outcome(sample) for sample in samples]
    anew: set[str] = set()  # finished before, but of other work
    if settings.run.resume:
        for i, sample in enumerate(samples):
            outcomes[i] = _kept(sample, Path(out) / sample.name, settings, runs, progress, anew)
        if any(o.status != "waiting" for o in outcomes):
            told(outcomes)
    with many_machines(settings.run.scheduler, settings.run.cluster, settings.run.workers) as cluster:
        if cluster is not None:  # found once for all samples
            where = dataclasses.replace(settings.run, scheduler=cluster.address, cluster=None)
            settings = dataclasses.replace(settings, run=where)
            if _on_workers(cluster, outcomes, Path(out), settings, progress, anew, told):
                return outcomes
        _one_by_one(outcomes, Path(out), settings, runs, progress, anew, told)
    return outcomes


def _one_by_one(
    outcomes: list[Outcome],
    out: Path,
    settings: Settings,
    runs: Any,
    progress: Progress,
    anew: set[str],
    told: Callable[[Sequence[Outcome]], Any],
) -> None:
    """Run all samples that wait, one after the other."""
    took: list[float] = []  # seconds of each sample that was run to its end
    for i, sample in enumerate([o.sample for o in outcomes]):
        if outcomes[i].status != "waiting":
            continue
        todo = sum(o.status == "waiting" for o in outcomes)
        left = f", about {format_seconds(mean(took) * todo)} left" if took else ""
        progress.note(f"sample {i + 1} of {len(outcomes)}: {sample.name}{left}")
        start = time.monotonic()
        outcomes[i] = _run_sample(sample, out / sample.name, settings, runs, progress, sample.name in anew)
        seconds = time.monotonic() - start
        if outcomes[i].run is not None:
            took.append(seconds)
            progress.note(f"sample {i + 1} of {len(outcomes)}: {sample.name} done in {format_seconds(seconds)}")
        told(outcomes)


def _on_workers(
    cluster: "Cluster",
    outcomes: list[Outcome],
    out: Path,
    settings: Settings,
    progress: Progress,
    anew: set[str],
    told: Callable[[Sequence[Outcome]], Any],
) -> bool:
    """Run all samples that wait, one at a time on each worker; False: bricks of one sample over all are quicker."""
    waiting, errands = [], []
    for i, outcome in enumerate(outcomes):
        sample = outcome.sample
        if outcome.status == "waiting":
            try:
                own, folder = own_settings(sample, settings), (out / sample.name).absolute()
            except UserError as error:
                outcomes[i] = _failed(sample, str(error), progress)
                continue
            again = sample.name in anew or (settings.run.resume and resumable(folder))
            waiting.append(i)
            errands.append(batch_apart.Errand(str(sample.path), str(folder), own, sample.called, again))
    if not errands or not batch_apart.one_each(cluster, errands):
        progress.note(f"bricks of one sample after the other over all {len(cluster.addresses)} workers")
        return False
    progress.note(f"{len(errands)} samples on {len(cluster.addresses)} workers, one at a time on each")
    start = time.monotonic()
    for done, (number, made, sentence) in enumerate(batch_apart.run_apart(cluster, errands, out, attempt), 1):
        sample = outcomes[waiting[number]].sample
        if made:
            outcomes[waiting[number]] = Outcome(sample, RunFolder(errands[number].folder))
            left = format_seconds((time.monotonic() - start) / done * (len(errands) - done))
            ahead = f", about {left} left" if done < len(errands) else ""
            progress.note(f"sample {waiting[number] + 1} of {len(outcomes)}: {sample.name} done{ahead}")
        else:
            outcomes[waiting[number]] = _failed(sample, sentence, progress)
        told(outcomes)
    return True


def attempt(errand: batch_apart.Errand, progress: Progress) -> tuple[bool, str]:
    """Run a sample on a worker: whether there is a run, and the sentence why not."""
    from . import run as runs

    sample = Sample(Path(errand.folder).name, errand.path)
    outcome = _tried(
        sample,
        lambda: runs.run(
            errand.path,
            errand.folder,
            settings=errand.settings,
            sample=errand.called,
            progress=progress,
            overwrite=errand.overwrite,
        ),
        Silence(),
    )
    return outcome.run is not None, outcome.error


def _kept(sample: Sample, folder: Path, settings: Settings, runs: Any, progress: Progress, anew: set[str]) -> Outcome:
    """A sample that is done already, else one that waits (in `anew` when what is there is of other work)."""
    if not (folder / "run.json").exists():
        return Outcome(sample)
    try:
        made, own = RunFolder(folder), own_settings(sample, settings)
        other = runs.differences(sample.path, own, sample.called, made)
        if not other:
            progress.note(f"sample {sample.name} is kept: the same version, settings and content")
            return Outcome(sample, resuming.judged(made, own.qc), skipped=True)
    except InputError as error:  # a run folder that has lost something
        other = [str(error)]
    except (UserError, OSError) as error:
        return _failed(sample, str(error), progress)
    anew.add(sample.name)
    progress.note(f"sample {sample.name} is measured again: {in_words(other)}")
    return Outcome(sample)


def _run_sample(
    sample: Sample, folder: Path, settings: Settings, runs: Any, progress: Progress, replace: bool
) -> Outcome:
    """Run one sample; `replace`: the run folder that is there is of other work."""
    replace = replace or (settings.run.resume and resumable(folder))  # cut off: finished, or if of other work replaced

    def run() -> RunFolder:
        own = own_settings(sample, settings)
        return runs.run(sample.path, folder, settings=own, sample=sample.called, progress=progress, overwrite=replace)

    return _tried(sample, run, progress)


def _tried(sample: Sample, run: Callable[[], RunFolder], progress: Progress) -> Outcome:
    """What came of running a sample."""
    try:
        return Outcome(sample, run())
    except UserError as error:
        return _failed(sample, str(error), progress)
    except MemoryError:
        return _failed(sample, "the machine has no more memory to give; lower the cap with --memory", progress)
    except Exception as error:  # a defect in one sample must not cost the others; the traceback is in the log
        if can_be_mended(error):
            return _failed(sample, f"{error}; check the path, its permissions and the room on the disk", progress)
        log.exception("sample %s", sample.name)
        return _failed(sample, f"a defect of morphct ({type(error).__name__}: {error})", progress)


def _failed(sample: Sample, sentence: str, progress: Progress) -> Outcome:
    sentence = " ".join(sentence.split())
    log.error("sample %s failed: %s", sample.name, sentence)
    progress.note(f"sample {sample.name} failed: {sentence}")
    return Outcome(sample, error=sentence)


def table(outcomes: Sequence[Outcome]) -> "pd.DataFrame":
    """A row per sample, index its name as it was given.

    `path`, the facts of the manifest, `folder`, `status` (done, failed, waiting), the headline numbers, `error` with
    the sentence of a failure.
    """
    import pandas as pd

    from ..results import population

    rows = []
    for outcome in outcomes:
        sample = outcome.sample
        row: dict[str, Any] = {"sample": sample.called, "path": sample.path, **sample.facts}
        row |= {"folder": sample.name, "status": outcome.status}
        if outcome.run is not None:
            row |= population.numbers(outcome.run.summary)
            held = outcome.run.threshold.get("values", [])  # of a segmented volume
            if held:
                row["phase"] = " and ".join(f"{v['value']:g}" for v in held if v["particle"])
            row["limits_broken"] = sum(not v["passed"] for v in outcome.run.summary.get("qc", []))
            row["warnings"] = len(outcome.run.provenance.get("warnings", []))
        row["error"] = outcome.error
        rows.append(row)
    frame = pd.DataFrame(rows).set_index("sample")
    for name in ("limits_broken", "warnings"):  # counts stay whole numbers where some samples have none yet
        if name in frame:
            frame[name] = frame[name].astype("Int64")
    return frame[[c for c in frame.columns if c != "error"] + ["error"]]
