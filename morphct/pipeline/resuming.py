"""What `--resume` finds in the output folder: a finished run of the same work, or one whose last move was cut off."""

from pathlib import Path

from ..ground.errors import InputError, OutputError
from ..results import qc
from ..results.population import numbers
from ..results.run_folder import RunFolder, RunWriter, moving
from ..results.run_folder.files import plain
from ..results.run_folder.writer import PARTIAL
from .same_work import Request, in_words
from .settings import QcOptions


def finished(out: str | Path, request: Request, overwrite: bool = False) -> RunFolder | None:
    """The run in `out` when it is of this work, its move into place finished, its limits judged anew; else None.

    Raises
    ------
    OutputError
        When a move into place was cut off and the run is of other work, without `overwrite`.
    """
    out = Path(out)
    if (out / moving.RUN).is_file():
        try:
            run = RunFolder(out)
        except InputError:
            return None
        if request.differences(run.provenance):
            return None
        return judged(_tidied(run), request.settings.qc)
    if moving.read(out / PARTIAL) is None:
        return None
    run = RunFolder(out / PARTIAL)
    if other := request.differences(run.provenance):
        if overwrite:
            return None
        raise OutputError(
            f"{out} holds a run whose move into place was cut off, but of other work ({in_words(other)}); resume it as "
            "it was started, or give --overwrite"
        )
    with RunWriter(out, resume=True) as writer:
        plan = moving.read(writer.folder)
        if plan is None or not moving.is_whole(writer.folder, out, plan):
            writer.clear()
            return None
        return judged(RunFolder(writer.finish()), request.settings.qc)


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
    if verdicts == run.summary.get("qc", []) and settings.get("qc") == plain(options.to_mapping()) and page.exists():
        return run
    page.unlink(missing_ok=True)  # written last: one that is there tells the limits of the summary
    changed = settings | {"qc": plain(options.to_mapping())}
    run.files.json("summary.json", run.summary | {"qc": verdicts})
    run.files.text("settings.toml", Settings.from_mapping(changed).to_toml())
    run.files.json("run.json", run.provenance | {"settings": changed})
    again = RunFolder(run.path)
    report.write(again)
    return again
