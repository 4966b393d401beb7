"""Writing a run folder: built beside its place, moved in whole, or taken away without a trace."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ...ground import disk
from ...ground.errors import OutputError, can_be_mended
from ...ground.units import VoxelSize
from . import lock, moving
from .files import FileWriter, disk_told
from .labels import LabelStore, write_tiff
from .lock import PARTIAL
from .moving import MOVING, RUN

LOG = "morphct.log"
FAILED_LOG = "morphct-failed.log"
SCRATCH = "scratch"
CHECKPOINT = "checkpoint.json"  # what `--resume` goes on from; no part of a finished run
# what an older run may have left, and nothing else in the folder is ever deleted
OWN_NAMES = (
    *(
        f"{table}.{kind}"
        for table in ("particles", "voids", "aggregates", "contacts", "channels", "review")
        for kind in ("csv", "parquet")
    ),
    *("labels.zarr", "voids.zarr", "labels.tif", "histogram.csv", "threshold.json", "summary.json", "settings.toml"),
    *(
        "calibration.csv",
        "calibration.json",
        "particles_table.csv",
        "report.html",
        "figures",
        "renders",
        "meshes",
        LOG,
        FAILED_LOG,
    ),
)


class RunWriter(FileWriter):
    """A run folder in the making.

    Everything is written into a hidden folder inside `out` (`writer.folder`) and moved into place by `commit`,
    `run.json` last; so a run folder that can be opened is whole, and with `overwrite` the older run stays until the new
    one is done. Leaving the `with` block without `commit` discards all of it; after a defect (anything but an interrupt
    or what the user can mend) the log alone stays. A move into place that is cut off is finished by `finish`.

    Parameters
    ----------
    out : path
        The run folder.
    overwrite : bool
        Whether an older run there may be replaced. Files that are not morphct's own are never touched.
    resume : bool
        Whether what an interrupted run left in the hidden folder stays for this one.

    Raises
    ------
    OutputError
        When `out` is a file, cannot be written, is being written by another morphct, or holds something without
        `overwrite`.
    """

    def __init__(self, out: Path | str, overwrite: bool = False, resume: bool = False) -> None:
        self.out = Path(out).absolute()
        super().__init__(self.out / PARTIAL)
        self.overwrite = overwrite
        self._made = _missing(self.out)
        self._lock: int | None = None
        self._ended = False
        self.worth_keeping = False  # whether an interrupt leaves the hidden folder for a run that resumes
        self.hashes: dict[str, dict[str, str]] = {}  # of the files of each label store
        try:
            str(self.out).encode("utf-8")
        except UnicodeEncodeError:
            raise OutputError(
                "the name of the output folder is no UTF-8, which tables cannot be written under; give another with -o"
            ) from None
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(f"{out} is a file, a folder is wanted; choose another output folder with -o")
        with disk_told(self.out):
            try:
                if self.folder.is_dir():  # what another run is moving into place now is not to be judged
                    self._lock = lock.take(self.out)
                self._refuse_what_is_there(out, resume)
                disk.make_folder(self.folder)
                if self._lock is None:
                    self._lock = lock.take(self.out)
                    self._refuse_what_is_there(out, resume)  # another run may have ended meanwhile
            except (OSError, OutputError):
                self._let_go()
                raise
            if not resume:
                self.clear()

    def _refuse_what_is_there(self, out: Path | str, resume: bool) -> None:
        """Raise `OutputError` when the folder holds what may not be replaced."""
        held = sorted(p.name for p in self.out.iterdir()) if self.out.exists() else []
        others = [name for name in held if name not in (PARTIAL, LOG, FAILED_LOG)]
        cut_off = moving.has_begun(self.folder, self.out)
        if moving.read(self.folder) is None:  # nothing says that a whole run in `out` may be replaced
            cut_off = cut_off and not (self.out / RUN).exists()
        if others and not self.overwrite and not (resume and cut_off):
            way = "--resume finishes the run whose move into place was cut off, " if cut_off else ""
            raise OutputError(f"{out} already holds {_listed(held)}; {way}choose another folder or give --overwrite")

    def clear(self, keep: Sequence[str] = ()) -> None:
        """Take away what a killed or interrupted run has left in the hidden folder, and what of it was in place.

        A run that is whole in `out`, with its `run.json`, stays.
        """
        if moving.has_begun(self.folder, self.out) and not (self.out / RUN).exists():
            self.take_back()
        for left in sorted(self.folder.iterdir()):
            if left.name not in (lock.LOCK, LOG, *keep):
                disk.remove(left)

    def take_back(self) -> None:
        """Take away what is in place of a run that will not be finished."""
        plan = moving.read(self.folder)
        names = [n for n in OWN_NAMES if n not in (LOG, FAILED_LOG)] if plan is None else plan["new"]
        moving.take_back(self.folder, self.out, names)

    @property
    def log_path(self) -> Path:
        """Where the log is written until `commit` moves it."""
        return self.folder / LOG

    @property
    def scratch(self) -> Path:
        """A folder for intermediate volumes, deleted at the end."""
        return self.folder / SCRATCH

    @contextlib.contextmanager
    def labels(self, name: str, shape: tuple[int, int, int], dtype: Any, voxel_size: VoxelSize) -> Iterator[LabelStore]:
        """A label store to write planes to, in order; closed when the block ends well.

        Raises
        ------
        OutputError
            When the disk refuses.
        """
        with disk_told(self.out):
            store = LabelStore(self.folder / name, shape, dtype, voxel_size)
            yield store
            store.close()
            self.hashes[name] = store.hashes

    def labels_tiff(self, name: str, labels: Any, voxel_size: VoxelSize) -> None:
        """Write an array-like label image as TIFF, plane by plane."""
        with self.file(name) as path:
            write_tiff(path, labels, voxel_size)

    def commit(self) -> Path:
        """Move everything into place and return the run folder.

        Raises
        ------
        OutputError
            When the disk refuses.
        ValueError
            When no `run.json` was written, which is a defect of the caller.
        """
        if not (self.folder / RUN).exists():
            raise ValueError(f"{RUN} has not been written")
        with disk_told(self.out):
            new = sorted(p.name for p in self.folder.iterdir() if p.name not in (SCRATCH, CHECKPOINT, LOG))
            new = [name for name in new if not name.startswith(".")]  # the lock, what a killed writer left
            gone = set(OWN_NAMES) - {*new, LOG} if (self.out / RUN).exists() else set()
            plan = {"new": new, "old": sorted(gone), "files": moving.hashes(self.folder, new)}
            self.json(MOVING, moving.sealed(plan))
        return self.finish()

    def finish(self) -> Path:
        """Move what is left to be moved of a whole run, take the hidden folder away, and return the run folder.

        Raises
        ------
        OutputError
            When the disk refuses.
        """
        plan = moving.read(self.folder)
        if plan is None:
            raise ValueError(f"{MOVING} has not been written")
        with disk_told(self.out):
            if self.log_path.exists():  # changes as long as there is something to be told, so it has no hash
                disk.move(self.log_path, self.out / LOG)
            moving.into_place(self.folder, self.out, plan)
        self._ended = True
        disk.remove(self.folder)
        self._drop_lock()  # last: what waits for it must find the folder gone
        return self.out

    def discard(self, keep_log: bool = False) -> None:
        """Take away everything this writer made, `out` itself when it made it; a second call does nothing."""
        if self._ended:
            return
        self._ended = True
        if keep_log and self.log_path.exists():
            with contextlib.suppress(OSError):  # the error that brought us here is the one to be told
                os.replace(self.log_path, self.out / (FAILED_LOG if (self.out / RUN).exists() else LOG))
        disk.remove(self.folder)
        self._drop_lock()
        self._unmake()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ended:
            return
        if moving.read(self.folder) is not None or (isinstance(error, KeyboardInterrupt) and self.worth_keeping):
            self._ended = True
            disk.remove(self.scratch)
            self._drop_lock()
            return
        defect = isinstance(error, Exception) and not can_be_mended(error)
        self.discard(keep_log=defect)

    def _unmake(self) -> None:
        """Delete the folders this writer made, unless something is in them (the kept log, something of the user's)."""
        for made in reversed(self._made):
            with contextlib.suppress(OSError):
                made.rmdir()

    def _let_go(self) -> None:
        """Leave the folder as it was found."""
        if self._lock is not None:
            lock.remove_if_empty(self.out)
        elif self._made:
            with contextlib.suppress(OSError):
                self.folder.rmdir()
        self._drop_lock()
        self._unmake()

    def _drop_lock(self) -> None:
        lock.drop(self._lock)
        self._lock = None


def resumable(out: Path | str) -> bool:
    """Whether a run in this folder was cut off and left something for `--resume` to go on from."""
    return any((Path(out) / PARTIAL / name).is_file() for name in (CHECKPOINT, MOVING))


def _missing(path: Path) -> list[Path]:
    """Folders of `path` that are not there yet, outermost first."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    return missing[::-1]


def _listed(names: list[str]) -> str:
    """The first names in words."""
    shown = [n for n in names if not n.startswith(".")] or names
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
