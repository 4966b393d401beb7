"""The three tables: which descriptors there are for their rows, and which of them are columns, in order."""

from collections.abc import Mapping
from dataclasses import dataclass

from . import contacts, convexity, ellipsoid, grey, groups, identity, pores, size, spheres, sphericity, surface, voids
from .registry import Descriptor, found_in, registry


@dataclass(frozen=True)
class Rows:
    """A table.

    Attributes
    ----------
    title : str
        Name of the table.
    index : str
        Name of its index.
    known : mapping
        Descriptors that can be computed for its rows, by name.
    columns : tuple of str
        Those that are columns, in order.
    """

    title: str
    index: str
    known: Mapping[str, Descriptor]
    columns: tuple[str, ...]

    def __iter__(self):
        """The descriptors of the columns, in order."""
        return (self.known[name] for name in self.columns)


def _particles() -> Rows:
    modules = (identity, size, ellipsoid, surface, spheres, sphericity, convexity, voids, grey, contacts)
    known = registry(found_in(*modules))
    return Rows("particles", "label", known, tuple(known))


def _with(title: str, index: str, own: list[Descriptor], columns: str) -> Rows:
    """A table whose rows share descriptors with particles; what is its `own` comes before."""
    known = registry({**PARTICLES.known, **{d.name: d for d in own}}.values())
    return Rows(title, index, known, tuple(columns.split()))


PARTICLES = _particles()
# a void is a labelled thing too: what is a column of particles is computed by the same function
VOIDS = _with(
    "voids",
    "void_id",
    found_in(pores),
    "label n_voxels volume equivalent_diameter centroid_z centroid_y centroid_x depth "
    "ellipticity_yx ellipticity_zx ellipticity_zy open resolved flags",
)
AGGREGATES = _with(
    "aggregates",
    "aggregate_id",
    found_in(groups),
    "n_members volume equivalent_diameter solidity weld_area weld_ratio_max void_fraction score reasons",
)
