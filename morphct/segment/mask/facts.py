"""What is known of the grey level beside its value: the halo it follows, and how well the volume determines it."""

from dataclasses import dataclass

from .phase_choice import Phase, Surroundings


@dataclass(frozen=True)
class HaloFacts:
    """The halo of phase contrast that a level follows.

    Attributes
    ----------
    depth : float or None
        Share of the contrast that particles take from what lies around them; None: the model has no contrast.
    reach : float or None
        Sigma of what counts as around, finest voxel edges; None: no halo.
    contrast : float
        Grey that particles add to what lies around them.
    rounds : int
        Until the mask stayed.
    """

    depth: float | None
    reach: float | None
    contrast: float
    rounds: int


@dataclass(frozen=True)
class BoxSigns:
    """What a box in the middle of the volume shows; None where too few voxels tell.

    Attributes
    ----------
    halo_fringe : float or None
        Median of the dark background beyond 10 voxels of a particle, less that at 2.5 to 10; share of the contrast.
    halo_drop : float or None
        Median of the particles' rim, less that of their core; share of the contrast.
    edge_step : float or None
        Median difference of neighbours on both sides of the level, share of the contrast; 1 where the scan is sharp.
    surroundings : Surroundings
        Which phase lies in which.
    phases : tuple of Phase
        Darkest first; empty where the fit tells none apart.
    """

    halo_fringe: float | None
    halo_drop: float | None
    edge_step: float | None
    surroundings: Surroundings
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True)
class Quality:
    """How well posed the segmentation is.

    Attributes
    ----------
    level_uncertainty : float
        How far the level may be off, as a share of the local contrast.
    reliable : bool
        Whether the grey values speak for the level and the noise allows it.
    clipped_share, clipped_high_share : float
        Of the voxels: at either end of the grey range, at its upper one.
    outside_share : float
        Of the voxels, those that are NaN or outside the reconstruction.
    octant_phases : tuple of int or None
        Phases in each octant (z, y, x halves), None where too few flat voxels lie; empty but for a local level.
    signs : BoxSigns
    """

    level_uncertainty: float
    reliable: bool
    clipped_share: float
    clipped_high_share: float
    outside_share: float
    octant_phases: tuple[int | None, ...]
    signs: BoxSigns
