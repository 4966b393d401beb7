"""What the steps of the segmentation hand on: grey values, envelope, voids searched, and the particles and voids."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ground.units import VoxelSize
from ..segment.grey.denoise import DenoisePlan
from ..segment.grey.histogram import GreyCounts, PhaseFit
from ..segment.labels.numbering import Kept
from ..segment.mask.threshold import Threshold
from ..segment.split.margins import Margins
from ..segment.split.split import SplitResult
from ..segment.voids.detection_limit import Detection
from ..segment.voids.dip_model import DipModel
from ..segment.voids.ownership import Candidates, Voids


@dataclass(frozen=True)
class Grey:
    """The grey values of a volume and the level found in them.

    Attributes
    ----------
    codes : (Z,Y,X) uint16 array-like
        The denoised volume, 0 outside; in scratch.
    plan : DenoisePlan
        How it was denoised.
    counts : GreyCounts
        Of the whole volume.
    fit : PhaseFit
        Phases of the whole volume.
    threshold : Threshold
    """

    codes: Any
    plan: DenoisePlan
    counts: GreyCounts
    fit: PhaseFit
    threshold: Threshold


@dataclass(frozen=True)
class Filled:
    """The envelope: the solid mask with its voids filled.

    Attributes
    ----------
    mask : (Z,Y,X) uint8 0/1 array-like
        In scratch.
    unsealed : (Z,Y,X) uint8 0/1 array-like or None
        The same before leaking voids were sealed, in scratch; None: nothing was sealed.
    holes : Candidates or None
        Enclosed background, where voids are holes of the mask; None: dips of grey are looked for.
    """

    mask: Any
    unsealed: Any
    holes: Candidates | None


@dataclass(frozen=True)
class Apart:
    """Particles told apart.

    Attributes
    ----------
    parts : SplitResult
        Its labels, in scratch, are those of the particles that are kept.
    kept : Kept
        Which they are, and what was dropped.
    sealed : dict of str to int
        Pockets sealed, and gaps between particles that were opened again.
    holes : Candidates or None
        As of `Filled`.
    """

    parts: SplitResult
    kept: Kept
    sealed: dict[str, int]
    holes: Candidates | None


@dataclass(frozen=True)
class Searched:
    """Pieces that may be voids, and what the search for them tells.

    Attributes
    ----------
    found : Candidates
    model : DipModel or None
        What is seen, in terms of dips; None where that cannot be told.
    seen : Detection or None
        The smallest void that is seen; None where there is no model.
    surely : (n+1,) int64 or None
        Voxels of each that are surely void; None: not known.
    dips : bool
        Whether they are dips of grey, which may lie between particles.
    depth : float
        No void was looked for nearer to the surface than this, in the unit of the voxel size.
    specks : int or None
        Bright ones that would be voids were they dark; None: not counted.
    """

    found: Candidates
    model: DipModel | None
    seen: Detection | None
    surely: np.ndarray | None = None
    dips: bool = False
    depth: float = 0.0
    specks: int | None = None

    def detection_diameter(self, size: VoxelSize) -> float | None:
        """Diameter of voids seen in 95 of 100 cases, in the unit of the voxel size; None: no void is seen as often."""
        if self.seen is None or math.isnan(self.seen.d95):
            return None
        return self.seen.d95 * size.smallest


@dataclass
class Segmented:
    """Particles and voids, and what is known of how they were found.

    Attributes
    ----------
    labels : (Z,Y,X) int32 array-like
        Particles 1 to n.
    n : int
    voids : Voids
    ids : (n,) int64 or None
        What the particles are called in a label image made elsewhere; None: 1 to n.
    detection_diameter : float or None
        Of voids seen in 95 of 100 cases, in the unit of the voxel size; None: not known.
    voids_trusted : bool
        Whether the noise allows void fractions.
    facts : dict
        Counts of split, sealing and dropping, for `run.json`.
    threshold : dict
        Content of `threshold.json`; empty: no such file.
    histogram : str
        Content of `histogram.csv`.
    margins : Margins or None
        How near the split was to another one.
    """

    labels: Any
    n: int
    voids: Voids
    ids: np.ndarray | None = None
    detection_diameter: float | None = None
    voids_trusted: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    threshold: dict[str, Any] = field(default_factory=dict)
    histogram: str = ""
    margins: Margins | None = None
