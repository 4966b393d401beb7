"""The board of real volumes: what the defaults make of them, beside what is known and beside plain Otsu and h-maxima.

scripts/realboard                 all volumes of the folder, table and contact sheet into docs/
scripts/realboard --only shell    those with this word in their name, printed only
"""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from realboard_volumes import VOLUMES, Real, dice

from morphct.ground.errors import UserError
from morphct.ground.scratch import Scratch
from morphct.ground.units import parse_voxel_size
from morphct.pipeline import segmenting
from morphct.pipeline.job import Job
from morphct.pipeline.memory_plan import plan_work
from morphct.pipeline.settings import Settings
from morphct.reading import open_volume

ROOT = Path(__file__).resolve().parent.parent
HEIGHT_VOXELS = 1.0  # of the h-maxima beside
PEER_VOXELS = 12_000_000  # larger volumes take h-maxima too long


def play(real: Real, folder: Path) -> dict[str, Any]:
    """What the defaults make of a volume; where a choice is wanted, its sentence and what the choice gives."""
    volume, size = open_volume(folder / real.file), parse_voxel_size(real.voxel_size)
    grey = np.asarray(volume[0 : volume.shape[0]])
    facts: dict[str, Any] = {"file": real.file, "what": real.what, "shape": "x".join(map(str, grey.shape)), "said": ""}
    settings = Settings()
    try:
        result = _segmented(volume, grey, size, settings)
    except UserError as error:
        facts["said"] = f"refused: {error}"
        if real.phase is None:
            return facts
        result = _segmented(volume, grey, size, settings.with_overrides([f"threshold.phase={real.phase:g}"]))
    facts |= result | _plain(grey, real, result["solid_mask"])
    facts["checks"] = [(what, value := read(facts), low <= value <= high) for what, read, low, high in real.known]
    return facts


def _segmented(volume: Any, grey: np.ndarray, size: Any, settings: Settings) -> dict[str, Any]:
    with Scratch() as scratch:
        job = Job(volume.shape, size, plan_work(volume.shape), scratch, map)
        found = segmenting.segment(volume, job, settings)
        labels, voids = np.array(found.labels[:]), np.array(found.voids.labels[:])
    solid, record = (labels > 0) & (voids == 0), found.threshold
    sizes = np.bincount(labels.ravel())[1:]
    closed = np.bincount(voids.ravel(), minlength=found.voids.n + 1)
    closed[
        np.unique(np.concatenate([voids[[0, -1]].ravel(), voids[:, [0, -1]].ravel(), voids[..., [0, -1]].ravel()]))
    ] = 0
    return {
        "labels": labels,
        "voids_image": voids,
        "grey": grey,
        "mask": labels > 0,
        "solid_mask": solid,
        "method": record.get("method"),
        "reason": (record.get("choice") or {}).get("reason", ""),
        "sigma": max((record.get("denoise") or {}).get("sigma") or [0.0]),
        "particles": found.n,
        "solid": int(np.count_nonzero(solid)),
        "solid_share": float(np.count_nonzero(solid) / solid.size),
        "largest_share": float(sizes.max() / sizes.sum()),
        "voids": int(np.count_nonzero(closed[1:])),
        "void_voxels": int(closed[1:].sum()),
        "cut_voids": found.voids.n - int(np.count_nonzero(closed[1:])),
        "hole_share": float(np.count_nonzero(voids) / voids.size),
        "warnings": job.warnings,
    }


def _plain(grey: np.ndarray, real: Real, solid: np.ndarray) -> dict[str, Any]:
    """Otsu of the raw volume (or the value that is measured), and h-maxima on it."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu
    from skimage.measure import label
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    values = grey.astype(np.float32) if grey.dtype == bool else grey
    level = float(threshold_otsu(values))
    plain = grey == real.phase if real.phase is not None else values > level
    filled = ndimage.binary_fill_holes(plain)
    pieces: int | None = None
    if grey.size <= PEER_VOXELS:
        height = ndimage.distance_transform_edt(filled).astype(np.float32)
        peaks = watershed(-height, label(h_maxima(height, HEIGHT_VOXELS)), mask=filled)
        pieces = int(np.count_nonzero(np.bincount(peaks.ravel())[1:] >= 30))
    return {
        "otsu_level": None if real.phase is not None else level,
        "otsu_solid": int(np.count_nonzero(plain)),
        "dice": dice(plain, solid),
        "same_as_brightest": dice(values == values.max(), solid),
        "peer_particles": pieces,
    }


def main() -> int:
    """Play the volumes, print a line each; without --only the page and its contact sheet are written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT.parent / "shared" / "data", help="where the volumes are")
    parser.add_argument("--only", default="", metavar="WORD", help="volumes with this word in their name")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where real.md and real.png go")
    given = parser.parse_args()
    if not given.folder.is_dir():
        print(f"no folder {given.folder}: give the one with the volumes with --folder", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    played = []
    for real in VOLUMES:
        if given.only in real.file and (given.folder / real.file).exists():
            facts = play(real, given.folder)
            print(_line(facts), flush=True)
            played.append(facts)
    from realboard_page import contact_sheet, page

    contact_sheet(played, given.out / "real.png")
    if not given.only:
        (given.out / "real.md").write_text(page(played), encoding="utf-8")
    return 0


def _line(facts: dict[str, Any]) -> str:
    if "method" not in facts:
        return f"{facts['file']}: {facts['said']}"
    checks = "; ".join(f"{what}: {value:.6g} {'yes' if good else 'NO'}" for what, value, good in facts["checks"])
    return f"{facts['file']}: {facts['method']}, sigma {facts['sigma']:.2g}, {facts['particles']} particles; {checks}"


if __name__ == "__main__":
    sys.exit(main())
