"""Known bodies through the conditions of a scan: from their surface to grey, to a mask, to labels and voids.

What follows the grey values is done by the stages that do it to a scan: dust dropped, holes filled, voids as dips.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.bricks import Brick
from ...ground.work import Work
from ...kernels.grey.blocks import Flatness
from ...kernels.truth.phantom_grey import correlate
from ...segment.grey.codes import Coding
from ...segment.grey.noise import half_kernel
from ...segment.labels import components
from ...segment.mask import levels, local_level
from ...segment.voids import holes, ownership, voids
from ...segment.voids import options as options_
from ...segment.voids.dip_model import in_codes
from ...truth.bodies import Pose
from ...truth.phantom.bodies import rotation, unit_vectors
from .conditions import Conditions
from .ladder import Specimen

NOISE_TILE_VOXELS = 96  # voxels, edge of the block of noise that repeats itself
CODES = Coding(-0.5, 1 / 20_000)  # grey 0 is code 10,000, grey 1 code 30,000
COAT_EDGES = (0.5, 12.0)  # finest voxel edges: thickness of binder on a side of a particle
BATCH_VOXELS = 2**20  # voxels of bodies that are measured together


@dataclass(frozen=True)
class Images:
    """Bodies in a row along z as labels from 1 on, with their voids and those voids' owners.

    `rows` (n,) are the places among the trials of those that are there: blur can take a small body away.
    """

    labels: np.ndarray
    rows: np.ndarray
    void_labels: Any = None
    owner: np.ndarray | None = None


@dataclass(frozen=True)
class _Posed:
    """A trial with its chances drawn: pose, place between the voxels, box, level of its mask."""

    trial: Specimen
    pose: Pose
    shape: tuple[int, int, int]
    coat: np.ndarray
    level: float
    rng: np.random.Generator

    @property
    def voxels(self) -> int:
        """Voxels of the box."""
        return math.prod(self.shape)


def noise_tile(conditions: Conditions, seed: int) -> np.ndarray:
    """Noise of unit standard deviation, correlated as after filtering, that goes on across its faces; float32.

    Returns
    -------
    (NOISE_TILE_VOXELS, NOISE_TILE_VOXELS, NOISE_TILE_VOXELS), or (1, 1, 1) of zero when there is no noise
    """
    if not conditions.noise:
        return np.zeros((1, 1, 1), np.float32)
    from scipy.ndimage import gaussian_filter

    white = np.random.default_rng([seed, 3]).standard_normal(
        (NOISE_TILE_VOXELS, NOISE_TILE_VOXELS, NOISE_TILE_VOXELS), dtype=np.float32
    )
    smooth = gaussian_filter(white, conditions.noise_sigma, mode="wrap", truncate=3.0)
    return smooth / np.float32(smooth.std(dtype=np.float64))


def pose(trial: Specimen, conditions: Conditions) -> _Posed:
    """Draw the chances of a trial from its seed; lengths in cube roots of a voxel."""
    rng = np.random.default_rng(trial.seed)
    turn, shift = rotation(rng), rng.uniform(-0.5, 0.5, 3)
    level = conditions.level_bound * rng.uniform(-1, 1)
    coat = _coat(trial, conditions, rng)
    spacing = np.array(conditions.spacing)
    half = trial.body.extents(turn) * 0.5 * trial.diameter
    margin = np.ceil(3 * np.array(conditions.sigma)) + 2
    middle = np.ceil(half / spacing) + margin
    z, y, x = (2 * middle + 1).astype(int).tolist()
    return _Posed(trial, Pose(turn, (middle + shift) * spacing, conditions.spacing), (z, y, x), coat, level, rng)


def _coat(trial: Specimen, conditions: Conditions, rng: np.random.Generator) -> np.ndarray:
    """Binder on up to one half of the body, thin as a film or thick, as `kernel.draw` takes it."""
    chance, share, thickness = rng.random(3)
    normal = unit_vectors(rng, 1)[0]
    if chance >= conditions.wet:
        return np.zeros(6)
    thin, thick = COAT_EDGES
    deep = min(conditions.spacing) * thin * (thick / thin) ** thickness
    return np.array([*normal, 0.5 * trial.diameter * share, deep, conditions.binder])


def batches(trials: Sequence[Specimen], conditions: Conditions) -> list[list[Specimen]]:
    """Trials of one size and of at most `BATCH` voxels together, in order."""
    found: list[list[Specimen]] = []
    size, held = None, 0
    for trial in trials:
        room = pose(trial, conditions).voxels
        if trial.size != size or held + room > BATCH_VOXELS or not found:
            found.append([])
            size, held = trial.size, 0
        found[-1].append(trial)
        held += room
    return found


def images(trials: Sequence[Specimen], conditions: Conditions, tile: np.ndarray) -> Images:
    """Digitise the bodies of a batch."""
    posed = [pose(trial, conditions) for trial in trials]
    depth = sum(p.shape[0] for p in posed)
    shape = (depth, max(p.shape[1] for p in posed), max(p.shape[2] for p in posed))
    grey = np.zeros(shape, np.float32)
    ends = np.cumsum([0, *(p.shape[0] for p in posed)]).tolist()
    for one, z0, z1 in zip(posed, ends, ends[1:]):
        grey[z0:z1, : one.shape[1], : one.shape[2]] = _grey(one, conditions, tile)
    hollow = any(t.body.voids for t in trials)
    if not conditions.grey:
        return _as_given((grey > 0).view(np.uint8), ends, hollow, conditions)
    codes = CODES.encode(grey)
    del grey
    found = _threshold(codes, conditions, tile)
    mask = np.empty(shape, np.uint8)
    for one, z0, z1 in zip(posed, ends, ends[1:]):
        mask[z0:z1] = levels.mask_of(codes, levels.shifted(found, one.level), Brick(0, z0, z1))
    # what noise leaves around a body is dust: the body is by far the largest
    work = Work.whole(depth)
    components.drop_small(mask, max(1, int(0.25 * np.pi / 6 * min(t.diameter for t in trials) ** 3)), work)
    candidates = holes.holes(mask, work) if hollow and not conditions.by_dips else None
    components.fill(mask, work)
    labels, rows = _numbered(mask, ends)
    if not hollow:
        return Images(labels, rows)
    if candidates is None:
        edges = np.array(conditions.spacing) / min(conditions.spacing)
        model = in_codes(  # as `dip_model.dip_model` sets it up for a scan
            CODES,
            (1.0, 0.0),
            conditions.noise,
            blur=conditions.blur,
            margin=0,
            relative=tuple(edges.tolist()),
            false_per_particle=conditions.false_per_particle,
            factor=conditions.dip_factor,
        )
        candidates = voids.find_dips(codes, labels, model, work)[0].candidates
    options = options_.VoidOptions(min_voxels=conditions.min_voxels)
    owned = ownership.assign_to_particles(candidates, labels, options, work)
    return Images(labels, rows, np.asarray(owned.labels[0:depth]), owned.owner)


def _threshold(codes: np.ndarray, conditions: Conditions, tile: np.ndarray) -> levels.Threshold:
    """The level as the threshold stage finds it: one for all, or the local map."""
    inside, outside = levels.constant(codes.shape, 1.0), levels.constant(codes.shape, 0.0)
    if not conditions.local:
        level = levels.constant(codes.shape, conditions.level)
        return levels.Threshold("fixed", level, inside, outside, CODES)
    finest = min(conditions.spacing)
    wz, wy, wx = (np.float32(0.25 * (finest / s) ** 2) for s in conditions.spacing)
    steps = [(np.roll(tile, 2, axis) - tile).astype(np.float64) for axis in range(3)]
    noise = sum(w * (step * step).mean() for w, step in zip((wz, wy, wx), steps))
    noise *= (conditions.noise / CODES.scale) ** 2
    # as `grey_plan.DenoisePlan.map_flatness`
    flatness = Flatness(wz, wy, wx, np.float32(max(2 * noise, wz + wy + wx)), np.float32(noise))
    found = local_level.find_map(codes, CODES, flatness, (conditions.binder, 1.0), Work.whole(len(codes)))
    return levels.Threshold("deconvolution", found.level, found.inside, found.outside, CODES)


def _as_given(mask: np.ndarray, ends: list[int], hollow: bool, conditions: Conditions) -> Images:
    """Bodies as a label image made elsewhere has them: voids are its holes."""
    labels, rows = _numbered(mask, ends)
    if not hollow:
        return Images(labels, rows)
    options = options_.VoidOptions(min_voxels=conditions.min_voxels)
    found = holes.inside_labels(labels, options, Work.whole(len(labels)))
    return Images(labels, rows, np.asarray(found.labels[0 : len(labels)]), found.owner)


def _numbered(mask: np.ndarray, ends: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Labels of what is left of each body, and the places of those of which anything is."""
    labels, rows = mask.astype(np.int32), []
    for row, (z0, z1) in enumerate(itertools.pairwise(ends)):
        if labels[z0:z1].any():
            rows.append(row)
            labels[z0:z1] *= np.int32(len(rows))
    return labels, np.array(rows, int)


def _grey(one: _Posed, conditions: Conditions, tile: np.ndarray) -> np.ndarray:
    """Grey of one body, 0 outside and 1 inside, blurred and with noise; without blur 0 or 1 at voxel centres."""
    spacing, finest = np.array(conditions.spacing), min(conditions.spacing)
    soft = finest if conditions.grey else 0.0
    grey = np.empty(one.shape, np.float32)
    one.trial.body.draw(one.trial.diameter, one.pose, soft, one.coat, grey)
    if not conditions.grey:
        return grey
    left = math.sqrt(max(0.0, conditions.blur**2 - 1 / 12)) * finest  # the soft surface is a blur of 1/12 already
    for axis in range(3):
        weights = half_kernel(left / spacing[axis]).astype(np.float32)
        if len(weights) > 1:
            blurred = np.empty_like(grey)
            correlate(grey, weights, axis, blurred)
            grey = blurred
    if conditions.noise:
        places = [
            (np.arange(n) + s) % NOISE_TILE_VOXELS
            for n, s in zip(grey.shape, one.rng.integers(0, NOISE_TILE_VOXELS, 3))
        ]
        grey += np.float32(conditions.noise) * tile[np.ix_(*places)]
    return grey
