"""Slabs: a volume as a row of plane ranges along z."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Slab:
    """Planes `z0` to `z1` (half-open) of a volume; `index` counts slabs from 0."""

    index: int
    z0: int
    z1: int

    @property
    def depth(self) -> int:
        """Number of planes."""
        return self.z1 - self.z0

    def halo(self, planes: int, depth: int) -> tuple[int, int]:
        """Plane range widened by `planes` on both sides, clipped to a volume of `depth` planes."""
        return max(0, self.z0 - planes), min(depth, self.z1 + planes)


def plan_slabs(depth: int, planes: int) -> list[Slab]:
    """Cut `depth` planes into slabs of at most `planes` planes."""
    planes = max(1, min(planes, depth))
    starts = range(0, depth, planes)
    return [Slab(i, z, min(depth, z + planes)) for i, z in enumerate(starts)]
