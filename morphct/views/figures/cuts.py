"""Small pictures of single particles: three cuts through a place, grey with outlines that a grey print keeps."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .grey import round_length

TILE, GAP = 164, 6  # pixels of a cut, and between cuts
MOST_VOXELS = 2 * TILE  # across a cut: a larger body is shown in part, every second voxel
SHOWN_AROUND_SHARE = 0.25  # of a body's extent that is shown around it
FILTER_REACH_PLANES = 3  # planes on either side that a filter reads
_BLOCK = 16  # planes read at a time
DARK, BRIGHT = 70, 215  # of 255: greys between them leave room for lines darker and brighter than all
LINE, EDGE = (255, 214, 0), (0, 0, 0)


@dataclass(frozen=True)
class Window:
    """A cube of voxels around a body, and the place in it that the cuts go through.

    `first` (3,) may lie outside a small volume; `n` pixels of `step` voxels each along every edge.
    """

    place: tuple[int, int, int]
    first: tuple[int, int, int]
    n: int
    step: int

    @classmethod
    def of(cls, place: Sequence[int], box: Sequence[int], shape: Sequence[int]) -> "Window":
        """Around a box (z0, z1, y0, y1, x0, x1) that holds the place, as much of it as fits, within (Z, Y, X)."""
        extents = [int(b - a) for a, b in zip(box[0::2], box[1::2])]
        wanted = min(MOST_VOXELS, int(max(extents) * (1 + 2 * SHOWN_AROUND_SHARE)) + 6)
        step = -(-wanted // TILE)
        n = TILE // max(1, TILE // wanted)
        first = []
        for p, a, b, size in zip(place, box[0::2], box[1::2], shape):
            wide = n * step
            # about the body's middle where all of it is seen, else about the place
            start = (int(a) + int(b) - wide) // 2 if b - a <= wide else int(p) - wide // 2
            first.append(max(0, min(start, size - wide)) if size >= wide else (size - wide) // 2)
        z, y, x = (int(p) for p in place)
        return cls((z, y, x), (first[0], first[1], first[2]), n, step)


def contact(labels: Any, box: Sequence[int], one: int, other: int) -> tuple[int, int, int] | None:
    """The voxel of `one` nearest to the middle of its faces with `other`; None where they share none.

    box: of `one`, as for `Window.of`.
    """
    low = [max(0, int(a) - 1) for a in box[0::2]]
    (z0, y0, x0), (z1, y1, x1) = low, [int(b) + 1 for b in box[1::2]]
    found = []
    for z in range(z0, z1, _BLOCK):
        ids = np.asarray(labels[z : min(z + _BLOCK + 1, z1), y0:y1, x0:x1])
        for axis in range(3):
            first, second = [slice(None)] * 3, [slice(None)] * 3
            first[axis], second[axis] = slice(None, -1), slice(1, None)
            a, b = ids[tuple(first)], ids[tuple(second)]
            below = np.array([z - z0, 0, 0])
            found.append(np.argwhere((a == one) & (b == other)) + below)
            found.append(np.argwhere((a == other) & (b == one)) + below + np.eye(3, dtype=int)[axis])
    places = np.unique(np.concatenate(found), axis=0)
    if not len(places):
        return None
    nearest = places[np.argmin(((places - places.mean(0)) ** 2).sum(1))] + low
    return int(nearest[0]), int(nearest[1]), int(nearest[2])


def planes(volume: Any, window: Window, sigma: Sequence[float] = (0.0, 0.0, 0.0)) -> list[np.ndarray]:
    """The three planes (n, n) through the window's place, across z, y and x; float, NaN outside the volume.

    sigma: of a Gaussian, voxels z, y, x, applied before they are cut.
    """
    low = [max(0, f) for f in window.first]
    high = [min(s, f + window.n * window.step) for s, f in zip(volume.shape, window.first)]
    near = [
        (max(a, p - FILTER_REACH_PLANES), min(b, p + FILTER_REACH_PLANES + 1))
        for a, p, b in zip(low, window.place, high)
    ]
    slabs: list[list[np.ndarray]] = [[], [], []]
    (z0, z1), (y0, y1), (x0, x1) = near
    for z in range(low[0], high[0], _BLOCK):
        block = np.asarray(volume[z : min(z + _BLOCK, high[0]), low[1] : high[1], low[2] : high[2]])
        slabs[0].append(block[max(0, z0 - z) : max(0, z1 - z)])
        slabs[1].append(block[:, y0 - low[1] : y1 - low[1]].copy())
        slabs[2].append(block[:, :, x0 - low[2] : x1 - low[2]].copy())
    found = []
    for axis, parts in enumerate(slabs):
        slab = np.concatenate(parts).astype(float)
        if any(sigma):
            from scipy.ndimage import gaussian_filter

            slab = gaussian_filter(slab, sigma, mode="nearest", truncate=2.0)
        plane = np.take(slab, window.place[axis] - near[axis][0], axis)
        out = np.full((window.n * window.step,) * 2, np.nan)
        rows, columns = (a for a in range(3) if a != axis)
        out[
            low[rows] - window.first[rows] : high[rows] - window.first[rows],
            low[columns] - window.first[columns] : high[columns] - window.first[columns],
        ] = plane
        found.append(out[:: window.step, :: window.step])
    return found


def picture(
    labels: Sequence[np.ndarray],
    grey: Sequence[np.ndarray] | None,
    chosen: int,
    partner: int,
    edge: float,
    unit: str,
) -> bytes:
    """Three cuts side by side as PNG; the text `scale` in it says how long the bar in the first one is.

    Parameters
    ----------
    labels, grey : three (n, n) arrays as `planes` gives them
        Without grey the labels are shown as even greys.
    chosen, partner : int
        The label with the full outline, and the one with the dashed outline (0: none).
    edge : float
        Of a pixel of these planes, in `unit`.
    """
    from PIL import Image, PngImagePlugin

    zoom = max(1, TILE // labels[0].shape[0])
    low, high = _range(grey)
    tiles = []
    for number, plane in enumerate(labels):
        ids = np.where(np.isfinite(plane), plane, -1).astype(np.int64)
        shade = _even(ids, chosen) if grey is None else (grey[number] - low) / (high - low)
        shade = np.where(np.isfinite(shade), np.clip(shade, 0, 1) * (BRIGHT - DARK) + DARK, 255)
        tile = np.repeat(shade.astype(np.uint8)[..., None], 3, axis=2).repeat(zoom, 0).repeat(zoom, 1)
        _outline(tile, ids.repeat(zoom, 0).repeat(zoom, 1), chosen, partner)
        tiles.append(tile)
    side = len(tiles[0])
    length = round_length(side / zoom * edge / 3)
    _bar(tiles[0], round(length / edge * zoom))
    sheet = np.full((side, 3 * side + 2 * GAP, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        sheet[:, number * (side + GAP) : number * (side + GAP) + side] = tile
    told = PngImagePlugin.PngInfo()
    told.add_text("scale", f"{length:g} {unit}")
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG", optimize=True, pnginfo=told)
    return buffer.getvalue()


def _range(grey: Sequence[np.ndarray] | None) -> tuple[float, float]:
    """The greys that are drawn darkest and brightest."""
    if grey is None:
        return 0.0, 1.0
    seen = np.concatenate([g[np.isfinite(g)] for g in grey])
    low, high = np.percentile(seen, [1, 99]) if seen.size else (0.0, 1.0)
    return float(low), float(high if high > low else low + 1)


def _even(ids: np.ndarray, chosen: int) -> np.ndarray:
    """Background dark, the chosen particle bright, the others between."""
    return np.where(ids == chosen, 0.95, np.where(ids > 0, 0.6, np.where(ids < 0, np.nan, 0.0)))


def _rim(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask beside one that is not in it; beyond the picture it goes on."""
    around = np.pad(mask, 1, mode="edge")
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return mask & ~inner


def _wider(mask: np.ndarray) -> np.ndarray:
    around = np.pad(mask, 1)
    return mask | around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]


def _outline(tile: np.ndarray, ids: np.ndarray, chosen: int, partner: int) -> None:
    """Lines over a tile, in place: bright ones with dark edges for the chosen and its partner, else thin dark."""
    for label in np.unique(ids[ids > 0]):
        if label not in (chosen, partner):
            tile[_rim(ids == label)] = EDGE
    dashed = np.add.outer(np.arange(len(ids)), np.arange(len(ids))) // 4 % 2 == 0
    for label, shown in ((partner, dashed), (chosen, np.ones_like(dashed))):
        if label > 0:
            line = _rim(ids == label)
            tile[_wider(line)] = EDGE
            tile[line & shown] = LINE


def _bar(tile: np.ndarray, length: int) -> None:
    """A white bar with a dark edge in the lower left corner."""
    bottom = len(tile) - 7
    tile[bottom - 1 : bottom + 4, 6 : 8 + length] = 0
    tile[bottom : bottom + 3, 7 : 7 + length] = 255
