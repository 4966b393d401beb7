"""From labelled voxels to numbers: one pass over bricks, one over crops of particles. No descriptor is defined here.

The pass over bricks adds up whole numbers (`brick_pass`); the crop passes hand each particle's bounding box to
`crops`. What comes out are the results that descriptors have as parameters. (Not `measure`: that is the name of the
library's function.)
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..ground.units import VoxelSize
from ..ground.work import Work
from ..segment.labels.accumulators import GreyCodes
from ..segment.labels.envelope import Envelope
from .brick_pass import Sums, add_up, grey_results, holder_results, particle_results, void_results
from .crop_pass import RESULTS as CROP_RESULTS
from .crop_pass import CornersLook, ShapeLook
from .interior_grey import GREY_RESULTS as INSIDE_RESULTS
from .interior_grey import InsideLook
from .labelled import Labelled
from .necks import neck_radii
from .other_programs import RESULTS as CONVENTIONS
from .other_programs import ConventionsLook
from .particle_pass import Look, particle_pass
from .void_pass import PARTICLE_RESULTS as VOID_SUMS
from .void_pass import RESULTS as VOID_RESULTS
from .void_pass import PlacementLook, void_thickness

GREY_RESULTS = ("grey_average", "grey_deviation", *INSIDE_RESULTS)
EVERYTHING = frozenset({*CROP_RESULTS, *GREY_RESULTS, "pairs", *VOID_RESULTS, *VOID_SUMS})


@dataclass(frozen=True)
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
    corners : dict of (n, 3) int32
        By row of the particles that touch others: voxels among which the corners of their hulls are.
    """

    n: int
    voxel_size: VoxelSize
    results: dict[str, Any]
    voids: dict[str, Any]
    envelope: Envelope = field(repr=False)
    profiles: dict[str, np.ndarray] = field(default_factory=dict)
    corners: dict[int, np.ndarray] = field(default_factory=dict, repr=False)


def needs_crops_of_grey(wanted: Collection[str]) -> bool:
    """Whether boxes are cut out of the grey volume to get these results."""
    return not set(INSIDE_RESULTS).isdisjoint(wanted)


def measure(
    labelled: Labelled,
    work: Work,
    *,
    grey: Any = None,
    channels: Mapping[str, Any] | None = None,
    wanted: Collection[str] | None = None,
    views: int = 24,
    crops: Work | None = None,
) -> Measurements:
    """Run the passes over a label image.

    Parameters
    ----------
    labelled : Labelled
    work : Work
        Tells of planes done by the pass over bricks; no result depends on these.
    grey : (Z,Y,X) array-like, optional
        Raw grey values, any real type; values that are not finite are left out.
    channels : mapping of str to (Z,Y,X) array-likes, optional
        Co-registered maps by name; values that are not finite were not measured.
    wanted : collection of str, optional
        Results needed (`descriptors.required`); None: all. The pass over bricks of labels always runs.
    views : int
        Directions of the silhouettes.
    crops : Work, optional
        The same work, telling of particles done by the passes over crops; default: these tell nobody.
    """
    needed = EVERYTHING if wanted is None else frozenset(wanted)
    crops = work.telling(None) if crops is None else crops
    grey = grey if needed & {*GREY_RESULTS, "pairs"} else None
    sums = add_up(labelled, grey, "pairs" in needed, work)
    nesting = labelled.nesting(work)
    known = particle_results(sums, labelled, nesting)
    voids = void_results(sums, labelled)
    asked = tuple(name for name in CROP_RESULTS if name in needed)
    envelope, boxes, size = replace(labelled.envelope, nesting=nesting), known["box"], labelled.voxel_size
    results = known | grey_results(sums) | holder_results(sums, labelled)
    if "pairs" in needed:
        results |= _contact_results(sums, labelled, work)
    looks: dict[str, Look] = {}
    if asked:
        looks["shape"] = shape = ShapeLook(asked, views)
    if needed & {*VOID_RESULTS, *VOID_SUMS}:
        looks["placement"] = placed = PlacementLook.on(voids, labelled.n, labelled.facts.seeing)
    if "pairs" in needed:
        pairs, touching = results["pairs"], np.zeros(labelled.n, bool)
        touching[pairs.first] = touching[pairs.second] = True
        looks["corners"] = CornersLook(touching)
    inside = InsideLook(grey if needed & set(INSIDE_RESULTS) else None, dict(channels or {}))
    if inside.width:
        looks["inside"] = inside
    if not needed.isdisjoint(CONVENTIONS):
        hollow = known["label_voxels"] < known["voxels"] - known["enclosed_voxels"]
        # other programs fill no holes with what lies in them
        looks["others"] = others = ConventionsLook(hollow, None if nesting is None else labelled.envelope)
    found = dict(zip(looks, particle_pass(envelope, boxes, size.spacing, tuple(looks.values()), crops)))
    profiles: dict[str, np.ndarray] = {}
    if "shape" in found:
        results |= shape.results(found["shape"])
    if "placement" in found:
        thickness = void_thickness(envelope.voids, voids["box"], size.spacing, crops)
        by_void, by_particle = placed.results(found["placement"], thickness)
        voids, results = voids | by_void, results | by_particle
    if "inside" in found:
        within = inside.inside(found["inside"])
        results, profiles = results | within.results, within.profiles
    if "others" in found:
        results |= others.results(found["others"])
    return Measurements(labelled.n, size, results, voids, envelope, profiles, found.get("corners", {}))


def _contact_results(sums: Sums, labelled: Labelled, work: Work) -> dict[str, Any]:
    """Pairs of touching particles, and how thick their necks are."""
    how = GreyCodes() if sums.grey is None else sums.grey.how
    pairs = sums.contacts.finalize(labelled.voxel_size.spacing, how)
    return {"pairs": pairs, "necks": neck_radii(pairs, labelled.envelope, labelled.voxel_size, work.telling(None))}
