"""What is known of voids beside their image: which are open, how large they may be, what could not be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np

_BOUNDS = ("low", "high", "expected")
_ARRAYS = {"opened": bool, "searched": bool, "voxels": np.int64, "low": float, "high": float, "expected": float}


@dataclass(frozen=True)
class VoidSearch:
    """What else keeps voids from being found anywhere.

    Attributes
    ----------
    depth : float
        No void is looked for nearer to the surface than this (in the unit of the spacing).
    seed : int
        Of the random throws.
    """

    depth: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class VoidFacts:
    """What is known of voids from where they were found.

    Attributes
    ----------
    opened : (V+1,) bool, optional
        Voids that open to the outside of their particle; None: no void does.
    searched : (N,) bool, optional
        Particles in which open voids were looked for; None: in no particle.
    voxels : (V+1,) int64, optional
        Voxels of each void.
    low, high : (V+1,) float, optional
        Voxels that a void stands for, at least and at most; None, or NaN for one of them: not known.
    hidden : float
        Voxels that a particle may hold in voids of which none was seen.
    seeing : VoidSearch
    expected : (V+1,) float, optional
        Voxels that a void stands for with those of its size that were not seen; None, or NaN for one of them: itself.
    """

    opened: np.ndarray | None = None
    searched: np.ndarray | None = None
    voxels: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    hidden: float = 0.0
    seeing: VoidSearch = field(default_factory=VoidSearch)
    expected: np.ndarray | None = None

    def to_mapping(self) -> dict[str, Any]:
        """As plain values, for a file; NaN becomes None."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        plain = {n: None if a is None else [None if x != x else x for x in a.tolist()] for n, a in arrays.items()}
        return plain | {"hidden": self.hidden, "seeing": asdict(self.seeing)}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """From what `to_mapping` gives."""
        arrays = {n: None if values[n] is None else np.array(values[n], dtype) for n, dtype in _ARRAYS.items()}
        return cls(**arrays, hidden=values["hidden"], seeing=VoidSearch(**values["seeing"]))

    def extended(self, count: int) -> Self:
        """The same facts with room for `count` voids more, of which nothing is known."""
        more: dict[str, Any] = {
            n: None if getattr(self, n) is None else np.append(getattr(self, n), [np.nan] * count) for n in _BOUNDS
        }
        voxels = None if self.voxels is None else np.append(self.voxels, np.zeros(count, np.int64))
        return replace(self, voxels=voxels, **more)

    def is_open(self, count: int) -> np.ndarray:
        """(count,) bool, by void id from 0."""
        return np.zeros(count, bool) if self.opened is None else np.asarray(self.opened, bool)

    def sums(self, owner: np.ndarray, opened: np.ndarray, voxels: np.ndarray, n: int) -> dict[str, np.ndarray]:
        """What these say of `n` particles.

        Parameters
        ----------
        owner : (V,) label of each void's particle.
        opened : (V,) bool.
        voxels : (V,) int64.

        Returns
        -------
        dict of (n,) arrays
            `void_number` of closed voids; `open_void_voxels` and whether they were looked for, `open_searched`;
            `void_voxels_low` and `void_voxels_high`, NaN where not known; `void_voxels_expected`.
        """
        closed = owner[~opened]
        unknown = np.full(n, np.nan)
        low, high = unknown, unknown
        if self.low is not None and self.high is not None:
            low, high = (np.bincount(closed, v[1:][~opened], n + 1)[1:] for v in (self.low, self.high))
            high = high + self.hidden
        standing = voxels.astype(float)
        if self.expected is not None:
            standing = np.where(np.isfinite(self.expected[1:]), self.expected[1:], standing)
        open_voxels = np.zeros(n + 1, np.int64)
        np.add.at(open_voxels, owner[opened], voxels[opened])
        return {
            "void_number": np.bincount(closed, minlength=n + 1)[1:],
            "open_void_voxels": open_voxels[1:],
            "open_searched": np.zeros(n, bool) if self.searched is None else np.asarray(self.searched, bool),
            "void_voxels_low": low,
            "void_voxels_high": high,
            "void_voxels_expected": np.bincount(closed, standing[~opened], n + 1)[1:],
        }
