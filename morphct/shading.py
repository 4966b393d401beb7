"""A background that is taken from every voxel: one profile along each axis."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .codes import LAST


@dataclass(frozen=True)
class Shading:
    """Grey to be subtracted: the sum of three profiles.

    Parameters
    ----------
    profiles : 3 arrays of float32
        Along z, y, x; one grey value for each plane of the volume across that axis.
    """

    profiles: tuple[np.ndarray, np.ndarray, np.ndarray]

    def subtract(self, codes: np.ndarray, start: Sequence[int], scale: float) -> None:
        """Take it from (Z, Y, X) uint16 codes, in place.

        Parameters
        ----------
        codes : (Z, Y, X) uint16
            0 = outside, stays 0.
        start : (z, y, x)
            Where `codes[0, 0, 0]` lies in the volume.
        scale : float
            Grey of one code.

        Notes
        -----
        A voxel's shift depends on its place alone, so slabs do not matter.
        """
        z, y, x = (
            p[a : a + n].astype(np.float64) / scale for p, a, n in zip(self.profiles, start, codes.shape, strict=True)
        )
        plane = y[:, None] + x
        for i, part in enumerate(codes):
            moved = part - np.rint(plane + z[i]).astype(np.int32)
            np.clip(moved, 1, LAST, out=moved)
            moved[part == 0] = 0
            part[:] = moved
