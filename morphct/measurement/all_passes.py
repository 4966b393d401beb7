"""From labelled voxels to numbers: one pass over slabs, one over the crops of particles. No descriptor is defined here.

The slab pass adds up whole numbers (`accumulators`); the crop pass hands each particle's bounding box to `crops`. What
comes
out are the results that descriptors have as parameters. (Not `measure`: that is the name of the library's function.)
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..ground.executors import RunMap
from ..ground.slabs import Slab
from ..ground.units import VoxelSize
from ..kernels.labels import sums as kernel
from ..segment.labels.accumulators import Contacts, Grey, Shape, grey_scale
from ..segment.labels.envelope import Envelope
from ..segment.voids.facts import VoidFacts
from .crop_pass import RESULTS as CROP_RESULTS
from .crop_pass import crop_pass
from .interior_grey import GREY_RESULTS as INSIDE_RESULTS
from .interior_grey import look_inside
from .necks import neck_radii
from .other_programs import RESULTS as CONVENTIONS
from .other_programs import conventions_pass
from .void_pass import PARTICLE_RESULTS as VOID_SUMS
from .void_pass import RESULTS as VOID_RESULTS
from .void_pass import void_pass

Tick = Callable[[int], None] | None

GREY_RESULTS = ("grey_average", "grey_deviation", *INSIDE_RESULTS)
UNKNOWN_DETECTION = 3.0  # voxels: a smaller void is not called resolved when no grey tells what this scan can see


@dataclass
class Measurements:
    """Results of the passes.

    Attributes
    ----------
    n : int
        Number of particles; row i is label i + 1.
    voxel_size : VoxelSize
    results : dict
        What descriptors of particles have as parameters: (N, ...) arrays, scalars, `pairs`.
    voids : dict
        The same for voids; (V, ...) arrays, row i is void i + 1.
    envelope : Envelope
        What was measured.
    profiles : dict of (N, S, 3)
        By channel, as `interior_grey.Inside` tells.
    """

    n: int
    voxel_size: VoxelSize
    results: dict[str, Any]
    voids: dict[str, Any]
    envelope: Envelope = field(repr=False)
    profiles: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class _Sums:
    """All that one slab, or all slabs together, adds up."""

    shape: Shape
    voids: Shape
    inside: np.ndarray
    grey: Grey | None
    contacts: Contacts

    def merge(self, other: "_Sums") -> None:
        self.shape.merge(other.shape)
        self.voids.merge(other.voids)
        if len(other.inside):
            self.inside += other.inside
        if self.grey is not None and other.grey is not None:
            self.grey.merge(other.grey)
        self.contacts.merge(other.contacts)


def needs_crops_of_grey(wanted: Collection[str]) -> bool:
    """Whether boxes are cut out of the grey volume to get these results."""
    return not set(INSIDE_RESULTS).isdisjoint(wanted)


def measure(
    labels: Any,
    n: int,
    voxel_size: VoxelSize,
    *,
    slabs: Sequence[Slab],
    void_labels: Any = None,
    owner: np.ndarray | None = None,
    grey: Any = None,
    channels: Mapping[str, Any] | None = None,
    wanted: Collection[str] | None = None,
    detection_diameter: float | None = None,
    void_facts: VoidFacts | None = None,
    run_map: RunMap = map,
    tick: Tick = None,
    tick_particles: Tick = None,
    views: int = 24,
) -> Measurements:
    """Run the passes over a label image.

    Parameters
    ----------
    labels : (Z,Y,X) int32 array-like
        Every label from 1 to `n` is there. Void voxels carry their particle's label or 0.
    n : int
        Number of particles.
    voxel_size : VoxelSize
    slabs : sequence of Slab
        How the volume is cut; no result depends on it.
    void_labels : (Z,Y,X) int32 array-like, optional
        Voids 1 to V, 0 = none; closed ones but for those that `void_facts` tell to be open.
    owner : (V+1,) int array, optional
        Label of each void's particle; first entry 0.
    grey : (Z,Y,X) array-like, optional
        Raw grey values, any real type; values that are not finite are left out.
    channels : mapping of str to (Z,Y,X) array-likes, optional
        Co-registered maps by name; values that are not finite were not measured.
    wanted : collection of str, optional
        Results needed (`descriptors.required`); None: all. The slab pass over labels always runs.
    detection_diameter : float, optional
        Smallest diameter, in the unit of `voxel_size`, at which a void counts as resolved.
    void_facts : VoidFacts, optional
        What else is known of the voids.
    views : int
        Directions of the silhouettes.
    tick, tick_particles : callable, optional
        Told of planes done by the slab pass, and of particles done by the crop pass.

    Returns
    -------
    Measurements
    """
    facts = VoidFacts() if void_facts is None else void_facts
    owner = np.zeros(1, np.int64) if void_labels is None or owner is None else np.asarray(owner, np.int64)
    envelope = Envelope(labels, n)
    if len(owner) > 1:  # open voids lie outside
        envelope = Envelope(labels, n, void_labels, np.where(facts.is_open(len(owner)), 0, owner))
    everything = {*CROP_RESULTS, *GREY_RESULTS, "pairs", *VOID_RESULTS, *VOID_SUMS}
    needed = everything if wanted is None else set(wanted)
    grey = grey if needed & {*GREY_RESULTS, "pairs"} else None
    within = grey if needed & set(INSIDE_RESULTS) else None
    scale = _scale_of(grey, slabs, run_map) if grey is not None else 1.0
    sums = _add_up(envelope, grey, scale, "pairs" in needed, slabs, run_map, tick)
    results = _finished(sums, voxel_size, labels.shape)
    if grey is not None:
        results["grey_average"], results["grey_deviation"] = sums.grey.finalize()  # type: ignore[union-attr]
        results["grey_background"] = sums.grey.background_mean()  # type: ignore[union-attr]
    if "pairs" in needed:
        results["pairs"] = pairs = sums.contacts.finalize(voxel_size.spacing, scale)
        results["necks"] = neck_radii(pairs, envelope, voxel_size, run_map)
    voids = _void_results(sums, owner[1:], facts, voxel_size, results, detection_diameter)
    asked = tuple(name for name in CROP_RESULTS if name in needed)
    if asked:
        results |= crop_pass(envelope, results["box"], voxel_size, asked, run_map, tick_particles, views)
    if needed & {*VOID_RESULTS, *VOID_SUMS}:
        of_voids, of_particles = void_pass(
            envelope, results["box"], voxel_size, voids, facts.seeing, run_map, tick_particles
        )
        voids |= of_voids
        results |= of_particles
    profiles: dict[str, np.ndarray] = {}
    if within is not None or channels:
        inside = look_inside(envelope, results["box"], voxel_size, within, channels, run_map, tick_particles)
        results |= inside.results
        profiles = inside.profiles
    if not needed.isdisjoint(CONVENTIONS):
        hollow = results["label_voxels"] < results["voxels"]
        results |= conventions_pass(envelope, results["box"], voxel_size, hollow, run_map, tick_particles)
    return Measurements(n, voxel_size, results, voids, envelope, profiles)


def _scale_of(grey: Any, slabs: Sequence[Slab], run_map: RunMap) -> float:
    """The scale of the grey sums; a pass over the volume unless its type alone decides."""
    dtype = np.dtype(grey.dtype)
    if dtype.kind in "iub" and dtype.itemsize <= 2:
        return grey_scale(dtype, 0.0)
    return grey_scale(dtype, max(run_map(partial(_slab_peak, grey), slabs), default=0.0))


def _slab_peak(grey: Any, slab: Slab) -> float:
    return float(kernel.grey_limits(_numbers(grey[slab.z0 : slab.z1])))


def _numbers(planes: Any) -> np.ndarray:
    """Planes of grey as the kernels take them: contiguous, native, no half floats and no bits."""
    planes = np.ascontiguousarray(planes)
    if planes.dtype == bool:
        return planes.view(np.uint8)
    dtype = np.dtype(np.float32) if planes.dtype == np.float16 else planes.dtype.newbyteorder("=")
    return planes.astype(dtype, copy=False)


def _add_up(
    envelope: Envelope,
    grey: Any,
    scale: float,
    contacts: bool,
    slabs: Sequence[Slab],
    run_map: RunMap,
    tick: Tick,
) -> _Sums:
    n, voids = envelope.n, 0 if envelope.owner is None else len(envelope.owner) - 1
    total = _Sums(
        Shape.create(1, n),
        Shape.create(1, voids),
        np.zeros((n + 1, 2), np.int64),
        Grey.create(1, n, scale) if grey is not None else None,
        Contacts.create(),
    )
    work = partial(_slab_sums, envelope, grey, scale, contacts)
    for slab, part in zip(slabs, run_map(work, slabs)):
        total.merge(part)
        if tick:
            tick(slab.depth)
    return total


def _slab_sums(envelope: Envelope, grey: Any, scale: float, contacts: bool, slab: Slab) -> _Sums:
    """The sums of one slab; contacts need the plane before it and the two after it."""
    before, ahead = (min(slab.z0, 1), 2) if contacts else (0, 0)
    planes, voids, inside = envelope.slab(slab.z0, slab.z1, ahead, before)
    own, start = slice(before, before + slab.depth), slab.z0 - before
    labels = planes[own]
    values = None if grey is None else _numbers(grey[start : start + len(planes)])
    met = Contacts.of(planes, slab.depth, values, scale, before, slab.z0) if contacts else Contacts.create()
    sums = None if values is None else Grey.of(labels, voids, values[own], scale)
    return _Sums(Shape.of(labels, slab.z0), Shape.of(voids, slab.z0), inside, sums, met)


def principal(covariances: np.ndarray, spacing: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Principal variances and axes of covariances given in voxels.

    A variance below that of a single voxel along its axis is held there: a body one voxel thick is not of no thickness.

    Parameters
    ----------
    covariances : (N, 3, 3), axes z, y, x
    spacing : z, y, x voxel edges

    Returns
    -------
    variances : (N, 3), descending, in spacing squared
    axes : (N, 3, 3), unit vectors as rows (z, y, x), the largest component of each positive
    """
    edges = np.asarray(spacing, float)
    variances, vectors = np.linalg.eigh(covariances * edges[:, None] * edges)
    axes = vectors.transpose(0, 2, 1)
    variances = np.maximum(variances, (axes**2 @ edges**2) / 12)
    order = np.argsort(-variances, axis=1, kind="stable")
    variances = np.take_along_axis(variances, order, 1)
    axes = np.take_along_axis(axes, order[:, :, None], 1)
    # components that agree to nine digits count as equal, so that the sign does not hang on rounding; z, then y, then x
    leading = np.argmax(np.round(np.abs(axes), 9), axis=2)
    signs = np.sign(np.take_along_axis(axes, leading[:, :, None], 2))
    return variances, axes * np.where(signs == 0, 1, signs) + 0.0  # a minus zero would show in the tables


def _finished(sums: _Sums, voxel_size: VoxelSize, shape: tuple[int, ...]) -> dict[str, Any]:
    """Results of the slab pass over particles."""
    voxels = sums.shape.moments[:, 0]
    variances, axes = principal(sums.shape.covariances(), voxel_size.spacing)
    extent = sums.shape.boxes[:, 1::2] - sums.shape.boxes[:, 0::2]
    return {
        "voxels": voxels,
        "label_voxels": voxels - sums.inside[1:, 1],
        "void_voxels": sums.inside[1:, 0],
        "position": sums.shape.positions(),
        "variances": variances,
        "axes": axes,
        "box": sums.shape.boxes,
        "dimension": (extent > 1).sum(1),
        "shape": tuple(shape),
        "spacing": voxel_size.spacing,
        "voxel_volume": voxel_size.volume,
    }


def _void_results(
    sums: _Sums,
    owner: np.ndarray,
    facts: VoidFacts,
    voxel_size: VoxelSize,
    results: dict[str, Any],
    detection: float | None,
) -> dict[str, Any]:
    """Results of the slab pass over voids; what particles know of them is added to `results`."""
    voxels, n = sums.voids.moments[:, 0], len(results["voxels"])
    opened = facts.is_open(len(owner) + 1)[1:]
    results |= facts.sums(owner, opened, voxels, n)
    largest = np.zeros(n + 1, np.int64)
    np.maximum.at(largest, owner[~opened], voxels[~opened])
    results["void_largest_voxels"] = largest[1:]
    variances, _ = principal(sums.voids.covariances(), voxel_size.spacing)
    extent = sums.voids.boxes[:, 1::2] - sums.voids.boxes[:, 0::2]
    return {
        "voxels": voxels,
        "label_voxels": voxels,
        "position": sums.voids.positions(),
        "variances": variances,
        "box": sums.voids.boxes,
        "dimension": (extent > 1).sum(1),
        "owner_label": owner,
        "void_open": opened,
        "detection_diameter": detection or UNKNOWN_DETECTION * np.cbrt(voxel_size.volume),
        "shape": results["shape"],
        "spacing": results["spacing"],
        "voxel_volume": results["voxel_volume"],
    }
