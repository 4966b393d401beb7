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
        block = self.volume[key]
        parts = key if isinstance(key, tuple) else (key,)
        if len(parts) < 3 and all(isinstance(part, slice) for part in parts):  # planes or a brick; crops tell little
            self.middle.take(parts[0].start or 0, block, (parts[1].start or 0) if len(parts) > 1 else 0)
        return block

    def look(self) -> None:
        """Read the middle planes where others have not: where the volume was read on other machines, or in parts."""
        from . import MidPlanes

        if not self.middle.complete:
            self.middle = MidPlanes.of(self.volume)
