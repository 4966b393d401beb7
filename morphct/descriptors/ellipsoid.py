"""The ellipsoid of the same second moments: semi-axes, directions, ellipticities, Zingg's class."""

import numpy as np

from .registry import POSITIVE, SHARE, descriptor

EQUAL = 1e-9  # semi-axes closer than this share of the longer one have no direction of their own
ZINGG_RATIO = 2 / 3  # Zingg 1935: border between long and short, flat and thick
_SOURCE = "raw covariance of voxel centres, docs/methods.md, 3"


def _direction(variances, axes, which, component):
    """A component of a semi-axis' direction; NaN where a neighbouring semi-axis is as long."""
    neighbour = 1
    apart = np.abs(variances[:, which] - variances[:, neighbour]) > EQUAL * variances[:, 0]
    return np.where(apart, axes[:, which, component], np.nan)


@descriptor(
    power=1,
    symbol=r"a = \sqrt{5\lambda_1}",
    source=_SOURCE,
    bounds=POSITIVE,
    smallest=10,
    also={
        "scikit-image": "axis_major_length / 2",
        "MorphoLibJ": "Elli.R1 (it adds 1/12 voxel² to the variances)",
        "BoneJ": "ellipsoid major radius",
    },
)
def semi_axis_a(variances):
    """Longest semi-axis of the ellipsoid of the envelope's second moments."""
    return np.sqrt(5 * variances[:, 0])


@descriptor(power=1, symbol=r"b = \sqrt{5\lambda_2}", source=_SOURCE, bounds=POSITIVE, smallest=10)
def semi_axis_b(variances):
    """Middle semi-axis of the ellipsoid of the envelope's second moments."""
    return np.sqrt(5 * variances[:, 1])


@descriptor(power=1, symbol=r"c = \sqrt{5\lambda_3}", source=_SOURCE, bounds=POSITIVE, smallest=10)
def semi_axis_c(variances):
    """Shortest semi-axis of the ellipsoid of the envelope's second moments; held at that of one voxel where the body is
    a single voxel thick."""
    return np.sqrt(5 * variances[:, 2])


@descriptor(symbol=r"\hat a_z", source=_SOURCE, bounds=(-1, 1), smallest=10, empty="no_axis")
def axis_a_z(variances, axes):
    """z component of the unit vector along the longest semi-axis; its largest component is positive."""
    return _direction(variances, axes, 0, 0)


@descriptor(symbol=r"\hat a_y", source=_SOURCE, bounds=(-1, 1), smallest=10, empty="no_axis")
def axis_a_y(variances, axes):
    """y component of the unit vector along the longest semi-axis."""
    return _direction(variances, axes, 0, 1)


@descriptor(symbol=r"\hat a_x", source=_SOURCE, bounds=(-1, 1), smallest=10, empty="no_axis")
def axis_a_x(variances, axes):
    """x component of the unit vector along the longest semi-axis."""
    return _direction(variances, axes, 0, 2)


@descriptor(symbol=r"\hat c_z", source=_SOURCE, bounds=(-1, 1), smallest=10, empty="no_axis")
def axis_c_z(variances, axes):
    """z component of the unit vector along the shortest semi-axis; its largest component is positive."""
    return _direction(variances, axes, 2, 0)


@descriptor(symbol=r"\hat c_y", source=_SOURCE, bounds=(-1, 1), smallest=10, empty="no_axis")
def axis_c_y(variances, axes):
    """y component of the unit vector along the shortest semi-axis."""
    return _direction(variances, axes, 2, 1)


@descriptor(symbol=r"\hat c_x", source=_SOURCE, bounds=(-1, 1), smallest=10, empty="no_axis")
def axis_c_x(variances, axes):
    """x component of the unit vector along the shortest semi-axis."""
    return _direction(variances, axes, 2, 2)


@descriptor(symbol="b/a", source="reference study", bounds=SHARE, smallest=10, also={"MorphoLibJ": "1 / Elli.R1/R2"})
def ellipticity_yx(semi_axis_a, semi_axis_b):
    """Middle over longest semi-axis."""
    return semi_axis_b / semi_axis_a


@descriptor(symbol="c/a", source="reference study", bounds=SHARE, smallest=10, also={"MorphoLibJ": "1 / Elli.R1/R3"})
def ellipticity_zx(semi_axis_a, semi_axis_c):
    """Shortest over longest semi-axis."""
    return semi_axis_c / semi_axis_a


@descriptor(symbol="c/b", source="reference study", bounds=SHARE, smallest=10, also={"MorphoLibJ": "1 / Elli.R2/R3"})
def ellipticity_zy(semi_axis_b, semi_axis_c):
    """Shortest over middle semi-axis."""
    return semi_axis_c / semi_axis_b


@descriptor(symbol="b/a, c/b against 2/3", source="Zingg 1935", smallest=10)
def shape_class(ellipticity_yx, ellipticity_zy):
    """Zingg's class: `equant` (both ratios above 2/3), `disc` (c/b not), `rod` (b/a not), `blade` (neither)."""
    wide, thick = ellipticity_yx > ZINGG_RATIO, ellipticity_zy > ZINGG_RATIO
    words = np.where(wide, np.where(thick, "equant", "disc"), np.where(thick, "rod", "blade"))
    return words.astype(object)
