"""What `--resume` finds in the output folder: a finished run of the same work, or one whose last move was cut off."""

import logging
from pathlib import Path
from typing import Any

from ..ground.errors import InputError, OutputError
from ..results import qc
from ..results.population import numbers
from ..results.run_folder import RunFolder, RunWriter, moving
from ..results.run_folder.files import plain
from ..results.run_folder.writer import PARTIAL
from .job import Progress, Silence
from .same_work import Request, in_words
from .settings import QcOptions

log = logging.getLogger("morphct")


def finished(
    out: str | Path, request: Request, overwrite: bool = False, progress: Progress | None = None
) -> RunFolder | None:
    """The run in `out` when it is of this work, its move into place finished, its limits judged anew; else None.

    What a move that was cut off has left is taken away when it is damaged: the run is made anew, and `progress` told.

    Raises
    ------
    OutputError
        When a move into place was cut off and the run is of other work, without `overwrite`.
    """
    out = Path(out)
    plan = moving.read(out / PARTIAL)
    if plan is not None:
        return _moved(out, plan, request, overwrite, progress)
    if (out / moving.RUN).is_file():
        try:
            run = RunFolder(out)
        except InputError:
            return None
        if request.differences(run.provenance):
            return None
        return judged(_tidied(run), request.settings.qc)
    if moving.has_begun(out / PARTIAL, out):  # and nothing says any more what belongs to it
        with RunWriter(out, overwrite, resume=True) as writer:
            _give_up(writer, progress)
    return None


def _moved(
    out: Path, plan: dict[str, Any], request: Request, overwrite: bool, progress: Progress | None
) -> RunFolder | None:
    """A run whose move into place was cut off, moved; None when it is damaged (and gone), or to be overwritten."""
    there = moving.place_of_record(out / PARTIAL, out, plan)
    try:
        other = [] if there is None else request.differences(RunFolder(there).provenance)
    except InputError:  # by another morphct, which is at the move itself: the writer says so
        other = []
    if other and overwrite:
        return None
    if other:
        raise OutputError(
            f"{out} holds a run whose move into place was cut off, but of other work ({in_words(other)}); resume it as "
            "it was started, or give --overwrite"
        )
    with RunWriter(out, overwrite, resume=True) as writer:
        if moving.read(writer.folder) != plan:  # another morphct has just finished it
            return None
        if moving.is_whole(writer.folder, out, plan):
            return judged(RunFolder(writer.finish()), request.settings.qc)
        if not moving.is_older(writer.folder, out, plan["new"]):
            writer.take_back()
        _give_up(writer, progress)
    return None


def _give_up(writer: RunWriter, progress: Progress | None) -> None:
    """Take away a run whose move cannot be finished."""
    sentence = "the run whose move into place was cut off is damaged and not used; all is done anew"
    log.warning(sentence)
    (progress or Silence()).note(sentence)
    writer.clear()


def _tidied(run: RunFolder) -> RunFolder:
    """Takes away what is left of the hidden folder when a run was killed after its last file was in place."""
    if (run.path / PARTIAL).is_dir():
        RunWriter(run.path, overwrite=True, resume=True).discard()
    return run


def judged(run: RunFolder, options: QcOptions) -> RunFolder:
    """A finished run held against these limits; where they are others, the folder tells them from now on.

    Raises
    ------
    SettingsError
        When a limit names no number of the sample.
    """
    from ..views import report
    from .settings import Settings

    verdicts = plain([v.to_mapping() for v in qc.judge(numbers(run.summary), options.limits)])
    settings = run.provenance.get("settings") or {}
    page = run.path / "report.html"
    left_out = not page.exists() and (settings.get("output") or {}).get("tables_only", False)
    same = verdicts == run.summary.get("qc", []) and settings.get("qc") == plain(options.to_mapping())
    if same and (page.exists() or left_out):
        return run
    page.unlink(missing_ok=True)  # written last: one that is there tells the limits of the summary
    changed = settings | {"qc": plain(options.to_mapping())}
    run.files.json("summary.json", run.summary | {"qc": verdicts})
    run.files.text("settings.toml", Settings.from_mapping(changed).to_toml())
    run.files.json("run.json", run.provenance | {"settings": changed})
    again = RunFolder(run.path)
    if not left_out:
        report.write(again)
    return again
