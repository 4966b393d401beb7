"""Opening a run folder: tables, labels and numbers of a finished run, read when asked for."""

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...ground.errors import InputError
from ...ground.units import VoxelSize
from .files import FileWriter
from .labels import open_labels
from .moving import RUN
from .writer import PARTIAL

if TYPE_CHECKING:
    import pandas as pd

INDEX = {"particles": "label", "voids": "void_id", "aggregates": "aggregate_id", "channels": "label", "review": "label"}


class RunFolder:
    """A finished run; nothing but `run.json` is read until it is asked for.

    Parameters
    ----------
    path : path
        The folder `morphct run` or `morphct measure` wrote.

    Raises
    ------
    InputError
        When it is not a run folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            what = "is a file" if self.path.exists() else "is not there"
            raise InputError(f"{path} {what}; a run folder is wanted, as `morphct run VOLUME -o OUT` makes one")
        if not (self.path / RUN).is_file():
            raise InputError(
                f"{path} is not a run folder (it has no {RUN}); give a folder that `morphct run VOLUME -o OUT` made"
            )
        self.provenance: dict[str, Any] = self._json(RUN)

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @property
    def name(self) -> str:
        """Name of the sample: as given, else that of the folder."""
        folder = self.path.resolve()
        return str(self.provenance.get("sample") or (folder.parent if folder.name == PARTIAL else folder).name)

    @cached_property
    def particles(self) -> "pd.DataFrame":
        """One row per particle, index `label`."""
        return self._table("particles")

    @cached_property
    def voids(self) -> "pd.DataFrame":
        """One row per void, index `void_id`; empty when the run looked for none."""
        return self._table("voids")

    @cached_property
    def aggregates(self) -> "pd.DataFrame":
        """One row per group of touching or welded particles, index `aggregate_id`."""
        return self._table("aggregates")

    @cached_property
    def channels(self) -> "pd.DataFrame | None":
        """Radial profiles of co-registered maps, a row for each particle, channel and shell; None without any."""
        there = [name for name in ("channels.parquet", "channels.csv") if (self.path / name).exists()]
        return self._table("channels") if there else None

    @cached_property
    def review(self) -> "pd.DataFrame | None":
        """The doubtful particles, the most doubtful first, index `label`; None when the run was not reviewed."""
        there = [name for name in ("review.parquet", "review.csv") if (self.path / name).exists()]
        return self._table("review") if there else None

    @cached_property
    def labels(self) -> Any:
        """Label image, (Z, Y, X) array-like, sliced lazily.

        Raises
        ------
        InputError
            When the folder has lost it.
        """
        if not (self.path / "labels.zarr").is_dir():
            raise InputError(f"{self.path} has no labels.zarr any more; run morphct on the volume again")
        return open_labels(self.path / "labels.zarr")

    @cached_property
    def void_labels(self) -> Any:
        """Void label image, (Z, Y, X) array-like, sliced lazily; None when the run looked for none."""
        return open_labels(self.path / "voids.zarr") if (self.path / "voids.zarr").is_dir() else None

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Population numbers."""
        return self._json("summary.json") if (self.path / "summary.json").exists() else {}

    @cached_property
    def threshold(self) -> dict[str, Any]:
        """Fitted peaks, levels and their conditioning; empty for labels made elsewhere."""
        return self._json("threshold.json") if (self.path / "threshold.json").exists() else {}

    @cached_property
    def histogram(self) -> "pd.DataFrame | None":
        """Grey histogram with the fit; None for labels made elsewhere."""
        import pandas as pd

        path = self.path / "histogram.csv"
        return pd.read_csv(path) if path.exists() else None

    @cached_property
    def calibration(self) -> "pd.DataFrame | None":
        """Bias and spread of the columns on known bodies, by size; None when the run was not calibrated."""
        import pandas as pd

        path = self.path / "calibration.csv"
        return pd.read_csv(path) if path.exists() else None

    @cached_property
    def calibrated(self) -> dict[str, Any]:
        """For what conditions it was calibrated, and from which diameters on columns are resolved; empty if not."""
        return self._json("calibration.json") if (self.path / "calibration.json").exists() else {}

    @property
    def voxel_size(self) -> VoxelSize:
        """Edges of a voxel."""
        found = self.provenance.get("input", {}).get("voxel_size") or {}
        z, y, x = (float(found.get(axis, 1.0)) for axis in "zyx")
        return VoxelSize(z, y, x, found.get("unit", "um" if found else "px"), found.get("source", ""))

    @property
    def unit(self) -> str:
        """Ending of the length columns, `um` or `px`."""
        return self.voxel_size.unit

    @property
    def files(self) -> FileWriter:
        """Writes whole files into this folder (a new report, new pictures)."""
        return FileWriter(self.path)

    def _json(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path / name} cannot be read ({error}); run morphct on the volume again") from error
        if not isinstance(content, dict):
            raise InputError(f"{self.path / name} is not what morphct writes; run morphct on the volume again")
        return content

    def _table(self, name: str) -> "pd.DataFrame":
        import pandas as pd

        from .. import accessor  # noqa: F401 - gives the table its `.morphct`

        parquet, csv = self.path / f"{name}.parquet", self.path / f"{name}.csv"
        try:
            if parquet.exists():
                frame = pd.read_parquet(parquet)
            elif csv.exists():
                frame = pd.read_csv(csv)
            else:
                frame = pd.DataFrame({INDEX[name]: pd.Series(dtype="int64")})
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path / name} cannot be read ({error}); run morphct on the volume again") from error
        return frame.set_index(INDEX[name]) if INDEX[name] in frame.columns else frame


def open_run(path: Path | str) -> RunFolder:
    """Open a run folder.

    Raises
    ------
    InputError
        When it is not one.
    """
    return RunFolder(path)
