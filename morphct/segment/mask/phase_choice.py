"""Which phase of a grey volume was taken for the particles, which others there are, and whether one is as good.

The brightest phase is taken. It is not always what is wanted: in an electrode the binder may be brighter than the
active material, and inclusions brighter than the grains they lie in. A phase that is a thin rim everywhere while
another forms thick bodies, and dark bodies that lie closed in a bright one, call for a question to the user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...ground.cautions import WRONG, Caution
from ...ground.units import format_share
from ..grey.codes import Coding
from ..grey.histogram import GreyCounts, PhaseFit

CORE_DEPTH_EDGES = 2.5  # finest voxel edges from the surface of a phase: what lies deeper is its core, films have none
# share of a phase that is core: segmented electrodes' binder has 0 and .02, the particles of powders with medians of 20
# voxels and their binder .2 to .4 (eight phantoms; pages on segmentation)
FILM_CORE_SHARE = 0.1
ONE_PIECE_SHARE = 0.7  # of the cores in the largest piece: from here on a phase is what surrounds the rest
CLOSED_SHARE = 0.7  # of the dark phase in pieces that the brighter ones enclose
SURROUNDING_SHARE = 0.9  # of the bright phase in its largest piece: it surrounds the dark one
BODY_CORE_SHARE = 0.3  # of the dark phase: pores a few voxels wide, as in snow, have less; bodies of 10 voxels have .45
FEWEST_ENCLOSED_VOXELS = 2000  # of the dark phase in a box, before it is worth a question


@dataclass(frozen=True)
class Phase:
    """A phase in a box in the middle of the volume.

    Attributes
    ----------
    name : str
    mean : float
        Grey.
    share : float
        Of the voxels of the volume, parted half way between the means.
    core_share : float
        Share of the phase deeper than 2.5 edges.
    largest_piece : float
        Share of these cores in the largest piece (6-connected); 0 without cores.
    touches : tuple of float
        Share of its faces towards other phases that each of them has, darkest first.
    """

    name: str
    mean: float
    share: float
    core_share: float
    largest_piece: float
    touches: tuple[float, ...]

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for `threshold.json`."""
        return {
            "volume_share": self.share,
            "core_share": self.core_share,
            "largest_piece": self.largest_piece,
            "touches": list(self.touches),
        }


@dataclass(frozen=True)
class Surroundings:
    """Which phase lies in which, in a box; shares, None where unknown.

    Attributes
    ----------
    largest_bright, largest_dark : float or None
        Of the particles and of the darkest phase: their largest piece, bridges under 5 voxels cut.
    closed_dark : float or None
        Of the darker voxels: those that one bright body encloses (`closed_share`).
    """

    largest_bright: float | None = None
    largest_dark: float | None = None
    closed_dark: float | None = None


def phase_names(n: int) -> list[str]:
    """Phases in words, darkest first."""
    if n < 2:
        return ["particle"][:n]
    between = ["binder"] if n == 3 else [f"phase {i}" for i in range(2, n)]
    return ["air", *between, "particle"]


def levels_between(means: ArrayLike) -> np.ndarray:
    """(K - 1,) greys half way between neighbouring phases."""
    sorted_means = np.asarray(means, float)
    return 0.5 * (sorted_means[1:] + sorted_means[:-1])


def classify(part: np.ndarray, fit: PhaseFit, coding: Coding) -> np.ndarray:
    """(z, y, x) uint8 phase of every voxel of uint16 codes, 0 the darkest, parted half way between the means."""
    table = np.digitize(coding.grey(np.arange(int(part.max()) + 1.0)), levels_between(fit.means)).astype(np.uint8)
    return table[part]


def shares(counts: GreyCounts, fit: PhaseFit) -> np.ndarray:
    """(K,) share of the voxels of each phase, darkest first."""
    at = np.digitize(counts.centres, levels_between(fit.means))
    found = np.bincount(at, weights=counts.all, minlength=fit.n_phases)
    return found / max(1.0, float(found.sum()))


def phases_of(
    part: np.ndarray, fit: PhaseFit, counts: GreyCounts, coding: Coding, edges: Sequence[float]
) -> list[Phase]:
    """The phases of a box of denoised codes, darkest first.

    Parameters
    ----------
    part : (z, y, x) uint16
        Codes of the box.
    fit : PhaseFit
        At least two phases.
    counts : GreyCounts
        Of the whole volume.
    edges : (z, y, x)
        Voxel edges over the finest one.
    """
    import cc3d
    import edt

    phase, n = classify(part, fit, coding), fit.n_phases
    depth = edt.edt(phase + np.uint8(1), anisotropy=tuple(edges), black_border=False, parallel=1)
    faces = _faces(phase, n)
    found = []
    for i, (name, mean, share) in enumerate(zip(phase_names(n), fit.means, shares(counts, fit))):
        here = phase == i
        core = here & (depth > CORE_DEPTH_EDGES)
        size, largest = int(core.sum()), 0.0
        if size:
            pieces, count = cc3d.connected_components(core, connectivity=6, return_N=True)
            largest = float(np.bincount(pieces.ravel(), minlength=count + 1)[1:].max() / size)
        touching = faces[i] / max(1, faces[i].sum())
        found.append(
            Phase(name, float(mean), float(share), size / max(1, int(here.sum())), largest, tuple(touching.tolist()))
        )
    return found


def _faces(phase: np.ndarray, n: int) -> np.ndarray:
    """(n, n) faces between voxels of two phases; the diagonal is 0."""
    total = np.zeros((n, n), np.int64)
    for axis in range(3):
        moved = np.moveaxis(phase, axis, 0)
        pairs = moved[1:].astype(np.uint8) * np.uint8(n) + moved[:-1]
        total += np.bincount(pairs.ravel(), minlength=n * n).reshape(n, n)
    np.fill_diagonal(total, 0)
    return total + total.T


def questions(phases: Sequence[Phase], level: float, surroundings: Surroundings) -> list[Caution]:
    """What to ask the user: other phases that are as good a candidate for the particles as the brightest.

    Parameters
    ----------
    phases : sequence of Phase
        Darkest first.
    level : float
        Grey between the particles and the rest.
    surroundings : Surroundings
    """
    words: list[Caution] = []
    taken, between = phases[-1], levels_between([p.mean for p in phases])
    for i, other in enumerate(phases[1:-1], start=1):
        film = taken.core_share < FILM_CORE_SHARE <= other.core_share
        bodies = other.core_share > 0 and other.largest_piece < ONE_PIECE_SHARE
        fuller = other.share * other.core_share > taken.share * taken.core_share and other.share > taken.share
        if fuller and (film or bodies):
            words.append(
                Caution(
                    f"the brightest phase (grey {taken.mean:.5g}, {format_share(taken.share)} of the volume) was taken "
                    f"for the particles, but the phase at grey {other.mean:.5g} fills {format_share(other.share)} and "
                    f"forms thicker bodies{' while the brightest is a thin film' if film else ''}: if that is the "
                    f"material to be measured, add --set threshold.method=fixed "
                    f"--set threshold.low={between[i - 1]:.5g} --set threshold.high={between[i]:.5g}",
                    WRONG,
                )
            )
    said = _dark_bodies(phases[0], surroundings)
    if said:
        remedy = f"add --set threshold.method=fixed --set threshold.high={level:.5g}"
        words.append(Caution(f"{said}: if the dark bodies are the particles, {remedy}", WRONG))
    return words


def _dark_bodies(dark: Phase, surroundings: Surroundings) -> str:
    """What is seen where dark bodies may be the particles; empty elsewhere."""
    closed, bright = surroundings.closed_dark or 0.0, surroundings.largest_bright or 0.0
    darkest = surroundings.largest_dark or 0.0
    if closed >= CLOSED_SHARE:
        return (
            f"the brighter phase holds together as one body and encloses {format_share(closed)} of the darker one, "
            "which is taken for its voids"
        )
    if bright > SURROUNDING_SHARE and 0 < darkest < ONE_PIECE_SHARE and dark.core_share >= BODY_CORE_SHARE:
        return (
            f"the brighter phase holds together in one piece ({format_share(bright)} of it, bridges under 5 voxels "
            f"cut) while the darkest falls into separate bodies (the largest has {format_share(darkest)})"
        )
    return ""


def closed_share(bright: np.ndarray) -> float | None:
    """Share of the background of a box that lies in pieces closed in by one bright body; None where none does.

    Parameters
    ----------
    bright : (z, y, x) bool

    Returns
    -------
    float or None
        Of all background voxels, those in pieces (6-connected) that reach no face of the box; None when the bright
        voxels do not hold together, or there is too little background to tell. Pieces that a face of the box cuts
        count for neither side where they are no larger than the largest closed one.
    """
    import cc3d

    pieces, n = cc3d.connected_components(bright, connectivity=6, return_N=True)
    sizes = np.bincount(pieces.ravel(), minlength=n + 1)[1:]
    if not n or sizes.max() < SURROUNDING_SHARE * sizes.sum():
        return None
    pieces, n = cc3d.connected_components(~bright, connectivity=6, return_N=True)
    sizes = np.bincount(pieces.ravel(), minlength=n + 1)
    at_faces = np.zeros(n + 1, bool)
    for axis in range(3):
        ends = np.moveaxis(pieces, axis, 0)
        at_faces[np.unique(ends[0])] = at_faces[np.unique(ends[-1])] = True
    at_faces[0] = False
    closed = ~at_faces
    closed[0] = False
    total = int(sizes[closed].sum())
    if total < FEWEST_ENCLOSED_VOXELS:
        return None
    open_ = int(sizes[at_faces & (sizes > sizes[closed].max())].sum())
    return total / (total + open_)
