"""A run of a phantom against its truth, as JSON: matches, splits and merges, sizes, voids, void fractions.

morphct phantom -o powder.tif --size 512
morphct run powder.tif -o out
scripts/score out powder.tif --min-voxels 200 --memory 4GiB
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from morphct import open_run
from morphct.ground.errors import InputError, UserError
from morphct.ground.executors import Threads
from morphct.ground.units import parse_bytes
from morphct.pipeline.machine import free_memory, processors, resident
from morphct.pipeline.memory_plan import DEFAULT_SHARE, LIBRARY_BYTES
from morphct.reading.opening import open_volume
from morphct.truth import overlaps, scoring


def truth_of(phantom: Path, crop: str | None = None) -> tuple[Any, Any, Any]:
    """Labels and voids of a phantom, read when sliced, and the ids of its open voids; `crop` as the run's was."""
    import pandas as pd

    files = [phantom.with_name(f"{phantom.stem}_{end}") for end in ("labels.tif", "voids.tif", "voids.csv")]
    for file in files:
        if not file.is_file():
            raise InputError(f"{file} is not there; give the .tif that `morphct phantom` wrote, its truth beside it")
    table = pd.read_csv(files[2], index_col="void_id")
    opened = table.index[table["open"].astype(bool)].to_numpy()
    images = (open_volume(file, voxel_size="1px", crop=crop or None) for file in files[:2])
    return next(images), next(images), opened


def score(run: Path, phantom: Path, min_voxels: int, memory: int, workers: int) -> dict[str, Any]:
    """Scores by name, those that were not asked for left out."""
    folder = open_run(run)
    crop = folder.provenance.get("settings", {}).get("input", {}).get("crop")
    labels, voids, opened = truth_of(phantom, crop)
    images = (labels, folder.labels, voids, folder.void_labels)
    images = images if images[3] is not None else images[:2]
    workers = overlaps.check_memory(images, memory - resident() - LIBRARY_BYTES, workers)
    labels, found, voids, found_voids = (*images, None, None)[:4]
    seen = overlaps.overlaps(labels, found, voids, found_voids, Threads(workers))
    result = scoring.score_of(seen, opened, min_voxels=min_voxels)
    return {name: value for name, value in result.to_mapping().items() if value is not None}


def main(arguments: list[str] | None = None) -> int:
    """0, or 2 after one sentence on what can be mended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("phantom", type=Path, help="the phantom's .tif, its truth beside it")
    parser.add_argument("--min-voxels", type=int, default=200, help="smaller particles are left out (200)")
    parser.add_argument("--memory", metavar="SIZE", help="cap such as 4GiB; default half of what is free")
    parser.add_argument("--workers", type=int, default=processors(), help="threads; default all processors")
    given = parser.parse_args(arguments)
    try:
        cap = parse_bytes(given.memory) if given.memory else int(DEFAULT_SHARE * free_memory())
        found = score(given.run, given.phantom, given.min_voxels, cap, given.workers)
    except UserError as error:
        print(f"score: {error}", file=sys.stderr)
        return 2
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
