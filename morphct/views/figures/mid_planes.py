"""A grey volume whose middle planes are kept while others read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ...reading.volume import Volume


class MidPlaneRecorder:
    """A grey volume whose middle planes are kept while others read it, so that the page costs no pass of its own."""

    def __init__(self, volume: Volume) -> None:
        from . import MidPlanes

        self.volume, self.shape, self.dtype = volume, volume.shape, volume.dtype
        self.middle = MidPlanes(volume.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        planes = self.volume[key]
        if isinstance(key, slice):
            self.middle.take(key.start or 0, planes)
        return planes

    def look(self) -> None:
        """Read the middle planes where others have not: where the volume was read on other machines, or in parts."""
        from . import MidPlanes

        if not self.middle.complete:
            self.middle = MidPlanes.of(self.volume)
