"""The real volumes of the board: where each comes from, and what is known of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Facts = dict[str, Any]


@dataclass(frozen=True)
class Real:
    """A real volume and what is known of it.

    Attributes
    ----------
    file : str
    what : str
        In words, with its source.
    phase : float or None
        Value to measure where the file holds three and more.
    voxel_size : str
    known : tuple of (str, callable, low, high)
        What, how it is read off the result, and between what it has to lie.
    """

    file: str
    what: str
    known: tuple[tuple[str, Callable[[Facts], float], float, float], ...]
    phase: float | None = None
    voxel_size: str = "1px"


def of(name: str) -> Callable[[Facts], float]:
    """Read a number of the result by its name."""
    return lambda facts: float(facts[name])


def exact(what: str, name: str, value: float) -> tuple[str, Callable[[Facts], float], float, float]:
    """A number that is known exactly."""
    return what, of(name), value, value


VOLUMES = (
    Real(
        "nmc_electrode_3phase.tif",
        "NMC cathode, segmented: pore 0, NMC 85, binder 170 (taufactor)",
        (
            ("NMC share .400466", of("solid_share"), 0.400466 - 5e-5, 0.400466 + 1e-9),
            exact("134 enclosed voids", "voids", 134),
            exact("of 815 voxels", "void_voxels", 815),
            ("1341 particles published (SNOW), within 15 %", of("particles"), 1140, 1542),
            ("largest particle below 10 % of the solid", of("largest_share"), 0, 0.1),
        ),
        85,
    ),
    Real(
        "nmc_electrode_012.tif",
        "calendered NMC electrode, segmented: pore 0, NMC 1, binder 2 (MATBOX)",
        (
            ("NMC share .51106", of("solid_share"), 0.51106 - 5e-5, 0.51106 + 5e-6),
            exact("55 enclosed voids", "voids", 55),
            exact("of 130 voxels", "void_voxels", 130),
            ("largest particle below 10 % of the solid", of("largest_share"), 0, 0.1),
        ),
        1,
    ),
    Real(
        "ketton_limestone_0_255.tif",
        "Ketton limestone, segmented 0/255 (PorousMediaGan)",
        (
            ("solid share .88037", of("solid_share"), 0.88037 - 5e-5, 0.88037 + 5e-6),
            exact("1393 enclosed voids", "voids", 1393),
            exact("of 5567 voxels", "void_voxels", 5567),
        ),
    ),
    Real(
        "cochlea_0_255.tif",
        "one coiled tube, segmented 0/255 (MorphoLibJ)",
        (
            ("96,650 voxels, less two specks", of("solid"), 96_600, 96_650),
            exact("no enclosed void", "voids", 0),
            exact("one body", "particles", 1),
        ),
    ),
    Real(
        "grains_0_1.tif",
        "grains that are apart already, segmented 0/1 (QBI 2021)",
        (
            ("solid share .60712, less specks", of("solid_share"), 0.6065, 0.60712 + 5e-6),
            ("332 pieces of 30 voxels and more", of("particles"), 332, 365),
            exact("26 enclosed voids", "voids", 26),
            exact("of 147 voxels", "void_voxels", 147),
        ),
    ),
    Real(
        "two_phase_1bit.tif",
        "two phases, 1 bit (openImpala)",
        (("the mask is the file's, less specks", of("same_as_brightest"), 0.999, 1),),
    ),
    Real(
        "bone_lacunae.tif",
        "cortical bone, segmented 0/1: one solid with canals and lacunae (QBI 2019)",
        (exact("11,957 enclosed voids", "voids", 11_957),),
    ),
    Real(
        "ellipsoid_A30_B20_C10_T30_P30.tif",
        "an ellipsoid, 0/255 (MorphoLibJ)",
        (exact("one body", "particles", 1), ("the file's mask", of("same_as_brightest"), 1, 1)),
    ),
    Real(
        "shell_grey.tif",
        "chambered shell, grey micro-CT, background exactly 0 (qim3d)",
        (
            ("within .98 Dice of plain Otsu (401,999 voxels)", of("dice"), 0.98, 1),
            exact("one body", "particles", 1),
        ),
    ),
    Real(
        "cement_grey.tif",
        "pores in a bright matrix, grey micro-CT (qim3d)",
        (
            ("within .98 Dice of plain Otsu", of("dice"), 0.98, 1),
            ("void share 17.2 % (plain Otsu)", of("hole_share"), 0.15, 0.19),
        ),
    ),
    Real(
        "nanoct_compact_grain.tif",
        "one compact grain in phase contrast, grey nano-CT (TXM_Tomography_Package)",
        (
            ("most of the solid in one particle", of("largest_share"), 0.6, 1),
            ("no void: the dark core is none", of("voids"), 0, 3),
        ),
        voxel_size="3px,1px,1px",
    ),
    Real(
        "nanoct_lobed_grain.tif",
        "one lobed grain and a sphere in phase contrast, grey nano-CT (TXM_Tomography_Package)",
        (("a few lobes hold most of the solid", of("largest_share"), 0.1, 1),),
        voxel_size="3px,1px,1px",
    ),
)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Twice the common voxels over those of both."""
    both = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 2 * int(np.count_nonzero(a & b)) / both if both else 1.0
