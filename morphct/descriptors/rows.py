"""The three tables: which descriptors there are for their rows, and which of them are columns, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..ground.errors import SettingsError
from . import channels as channel_columns
from . import compat as compat_columns
from . import (
    contacts,
    convexity,
    ellipsoid,
    grey,
    groups,
    identity,
    pores,
    roundness,
    size,
    spheres,
    sphericity,
    surface,
    thickness,
    uncertainty,
    voids,
)
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
    modules = (
        identity, size, ellipsoid, surface, spheres, sphericity, roundness, convexity, voids, thickness, grey, contacts,
        uncertainty,
    )  # fmt: skip
    known = registry(found_in(*modules))
    return Rows("particles", "label", known, tuple(known))


def _with(title: str, index: str, own: list[Descriptor], columns: str) -> Rows:
    """A table whose rows share descriptors with particles; what is its `own` comes before."""
    known = registry({**PARTICLES.known, **{d.name: d for d in own}}.values())
    return Rows(title, index, known, tuple(columns.split()))


def particle_rows(channels: Sequence[str] = (), compat: str | None = None) -> Rows:
    """The table of particles with the columns of these channels, and those in other programs' conventions.

    Raises
    ------
    SettingsError
        When a channel's columns would have the name of another column.
    """
    own = [] if compat is None else found_in(compat_columns)
    taken = {d.column(suffix) for d in (*PARTICLES, *own) for suffix in ("um", "px")} | set(PARTICLES.known)
    for channel in reversed(channels):
        added = channel_columns.of_channel(channel)
        clash = sorted({d.name for d in added} & taken)
        if clash:
            raise SettingsError(
                f"a channel cannot be named {channel!r}, because {clash[0]} is a column already; give it another name "
                "in --channel NAME=FILE"
            )
        own = [*added, *own]
    known = registry([*PARTICLES.known.values(), *own])
    return Rows(PARTICLES.title, PARTICLES.index, known, tuple(known))


PARTICLES = _particles()
# a void is a labelled thing too: what is a column of particles is computed by the same function
VOIDS = _with(
    "voids",
    "void_id",
    found_in(pores),
    "label n_voxels volume equivalent_diameter thickness centroid_z centroid_y centroid_x depth depth_rank "
    "ellipticity_yx ellipticity_zx ellipticity_zy kind open resolved flags not_resolved",
)
AGGREGATES = _with(
    "aggregates",
    "aggregate_id",
    found_in(groups),
    "n_members volume equivalent_diameter solidity weld_area weld_ratio_max void_fraction open_void_fraction "
    "score reasons joint",
)
