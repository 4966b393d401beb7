"""Flags: a closed list of words that say what to know before using a row, and why cells of it are empty."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..descriptors import Columns, Descriptor, identity

FEW_VOXELS = 64

VOCABULARY: Mapping[str, str] = {
    "border": "It touches a face of the volume, so part of it may be missing; statistics leave it out.",
    "one_voxel": "It is a single voxel, which has a place and a volume but no shape.",
    "line": "Its voxels lie on a line, so widths across it are those of a voxel.",
    "flat": "Its voxels lie in a plane, so its shortest semi-axis is that of a voxel.",
    "few_voxels": f"It has fewer than {FEW_VOXELS} voxels; its shape is mostly that of the voxels.",
    "disconnected": "It falls into several pieces that do not touch; sizes and shapes are of all of them together.",
    "coarse": "It is so large that surface, balls and hull were measured on every second voxel or fewer.",
    "ball_open": "Its largest ball is known only to within .05 to .35 voxel, as for thin plates.",
    "no_voids": "It has no closed void, so none that is the largest or of any thickness.",
    "few_voids": "Its closed voids are fewer than 10, or leave no room for random throws: how they lie is not judged.",
    "no_band": "No grey values, or too noisy ones, tell how far its voids can be trusted.",
    "not_searched": "Open voids were not looked for: voids.closing_radius is 0, or it is too large for that.",
    "no_body": "Its voxel centres span no body, so it has no such width.",
    "no_surface": "No surface that keeps its volume could be laid through its voxels.",
    "no_silhouette": "None of its silhouettes passes one half of the blurred body: a sheet or a frame a voxel thick.",
    "no_curvature": "The blur that its curvature is taken from leaves no surface of it.",
    "no_axis": "Two of its semi-axes are equal, so they point nowhere in particular.",
    "no_grey": "None of its voxels has a finite grey value.",
    "no_interior": "Too few of its voxels, or of the background near it, lie away from surfaces to judge its core.",
    "not_measured": "No voxel of it was measured in that channel.",
    "outside_owner": "Its middle lies outside its particle's envelope, as that of a bent or open void can.",
    "out_of_range": "A value beyond what geometry allows was dropped; the body is too small or too thin for it.",
    "noise_target_missed": "Denoising missed its target, so a void fraction would not be honest and is left out.",
    "not_calibrated": "What an uncertainty is found from is missing for it.",
}

# words that say only that there is nothing to measure, or how far to read a value: no defect of the particle's row
MILD = frozenset({"no_voids", "few_voids", "not_searched", "no_axis", "not_resolved"})  # the last is of older runs


def words(columns: Columns, results: Mapping[str, Any]) -> np.ndarray:
    """The flags of each row of a table.

    Parameters
    ----------
    columns : Columns
        The computed columns.
    results : mapping
        The results of passes that they were computed from.

    Returns
    -------
    (N,) array of str
        Words of VOCABULARY separated by `;`.
    """
    voxels = np.asarray(results["voxels"])
    found = np.full(len(voxels), "", dtype=object)
    for word, holds in _facts(results, voxels).items():
        found = np.where(holds, found + f"{word};", found)
    reasons = [columns.reasons[name] for name in columns.names if name in columns.reasons]
    for word in VOCABULARY:
        missing = (
            np.logical_or.reduce([reason == word for reason in reasons]) if reasons else np.zeros(len(found), bool)
        )
        if missing.any():
            found = np.where(missing & ~_holds(found, word), found + f"{word};", found)
    return np.array([text.rstrip(";") for text in found], dtype=object)


def unresolved(columns: Columns, results: Mapping[str, Any]) -> np.ndarray:
    """The columns too small a row is for, as `not_resolved` has it, from the same as `words`; (N,) array of str."""
    calibration = results.get("calibration")
    limits = {} if calibration is None else calibration.limits
    about = [columns.rows.known[name] for name in columns.names]
    return not_resolved(about, np.cbrt(6 / np.pi * np.asarray(results["voxels"])), results["suffix"], limits)


def is_serious(text: str) -> bool:
    """Whether a row's flags hold a word beyond those of MILD."""
    return any(word.partition(":")[0] not in MILD for word in text.split(";") if word)


def _facts(results: Mapping[str, Any], voxels: np.ndarray) -> dict[str, np.ndarray]:
    """Words that hold whatever the columns are, with the rows where they do."""
    nothing = np.zeros(len(voxels))
    dimension = np.asarray(results["dimension"])
    return {
        "border": identity.touches_border(np.asarray(results["box"]), results["shape"]),
        "one_voxel": dimension == 0,
        "line": dimension == 1,
        "flat": dimension == 2,
        "few_voxels": voxels < FEW_VOXELS,
        "disconnected": np.asarray(results.get("pieces", nothing)) > 1,
        "coarse": np.asarray(results.get("step", nothing)) > 1,
        "ball_open": np.asarray(results.get("ball_open", nothing)) > 0,
    }


def _holds(found: np.ndarray, word: str) -> np.ndarray:
    return np.array([f";{word};" in f";{text}" for text in found], bool)


def not_resolved(
    about: Sequence[Descriptor], diameter: np.ndarray, suffix: str, limits: Mapping[str, float]
) -> np.ndarray:
    """The columns whose smallest meaningful size is above a row's, separated by `;`; "" where there are none.

    Parameters
    ----------
    about : sequence of Descriptor
        The columns of the table.
    diameter : (N,)
        Of equal volume, in voxels.
    suffix : {"um", "px"}
    limits : mapping
        Smallest diameters by name where they are known better than the registry tells.
    """
    smallest = {a.name: limits.get(a.name, a.smallest) for a in about}
    steps = sorted({limit for limit in smallest.values() if limit > 0})
    texts = np.full(len(steps) + 1, "", dtype=object)
    for i, step in enumerate(steps):
        # a row below this step (and not below the one before) lacks the columns of this one and of all after it
        texts[i] = ";".join(a.column(suffix) for a in about if smallest[a.name] >= step)
    return texts[np.searchsorted(steps, diameter, side="right")]
