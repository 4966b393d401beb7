"""Median local thickness of many small bodies of one block, from the ids to the median without python between them.

What `measurement.crops.thickness.local_thickness` does with one body, to the bit; it is the twin of what is here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..jit import jit
from .crop_distance import small_squared_distance
from .flat_faces import between_faces, deepest, voxels_in
from .inscribed import largest_ball
from .resample import highest, sampled_blur
from .thickness import kept_balls, paint, unmark_ball
from .wall_points import wall_points

TOO_THICK = -1.0  # in place of a thickness: the body wants a coarser grid, which is not made here


class Rules(NamedTuple):
    """What holds for all bodies of a volume; lengths in the unit of the edges.

    Attributes
    ----------
    edges : (3,) float64, z, y, x voxel edges; unit : the finest of them; volume : their product.
    weights : (3,) float32, squares of the edges in the finest one, as `crops.box` has them.
    margin : int, voxels of background around a body.
    radii : (n,) float64, by number of voxels the radius of the ball of their volume; must hold that of every body.
    certainty, touches, rim, bulging : the constants of `crops.balls`; `touches` and `rim` as lengths.
    finer_below, coarser_above : radii where the grid is doubled and halved.
    tolerance : voxels, of the painting.
    pitches, cubes : (2,) float64, the edge of the voxels of the fine and of the plain grid, and its third power.
    blur : (2R+1,) float32; alike : float32; worst : float
        The constants of `crops.grid`.
    """

    edges: np.ndarray
    unit: float
    volume: float
    weights: np.ndarray
    margin: int
    radii: np.ndarray
    certainty: float
    touches: float
    rim: float
    bulging: float
    finer_below: float
    coarser_above: float
    tolerance: float
    pitches: np.ndarray
    cubes: np.ndarray
    blur: np.ndarray
    alike: np.float32
    worst: float


@jit
def _cut(ids, place, number, margin):
    """The voxels of an id within a box of a block, uint8 0 or 1 with a margin of zeros, and how many they are."""
    z0, y0, x0 = place[0], place[2], place[4]
    depth, height, width = place[1] - z0, place[3] - y0, place[5] - x0
    box = np.zeros((depth + 2 * margin, height + 2 * margin, width + 2 * margin), np.uint8)
    n = 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                mine = ids[z0 + z, y0 + y, x0 + x] == number
                box[margin + z, margin + y, margin + x] = mine
                n += mine
    return box, n


@jit
def _within(box, count, found, place, depth, rules):
    """`crops.balls._within`: centre and radius of the largest ball without what of it reaches out of the body.

    `found` from `largest_ball`, `place` and `depth` from `deepest`, both in units of the finest edge or in voxels.
    """
    edges = rules.edges
    centre, radius = found[1:4] * rules.unit, found[0] * rules.unit
    inner, depth = place * edges, depth * rules.unit
    whole = rules.radii[count]
    for k in range(2):
        middle = centre if k == 0 else inner
        faces = between_faces(box, middle, radius, min(radius, whole), edges, rules.touches if k == 0 else rules.rim)
        if faces < np.inf:
            return middle, min(faces, whole)
    if rules.radii[voxels_in(box, centre, radius, edges)] >= rules.bulging * min(radius, whole):
        return centre, min(radius, whole)
    faces = between_faces(box, inner, depth, min(depth, whole), edges, rules.touches)
    return inner, min(min(depth, whole), min(faces, rules.radii[voxels_in(box, inner, depth, edges)]))


@jit
def _regridded(box, count, k, rules):
    """`crops.grid.regridded` to the grid `k` of the rules."""
    pitch = rules.pitches[k]
    off = np.abs(rules.edges - pitch)
    if off.max() <= 1e-9 * pitch:
        return box
    steps = pitch / rules.edges
    depth = max(1, int(np.rint(box.shape[0] / steps[0])))
    height = max(1, int(np.rint(box.shape[1] / steps[1])))
    width = max(1, int(np.rint(box.shape[2] / steps[2])))
    field = sampled_blur(box, rules.blur, steps, (depth, height, width))
    wanted = max(1, int(np.rint(count * rules.volume / rules.cubes[k])))
    out = highest(field, min(wanted, field.size), rules.alike, rules.worst)
    out[0] = 0
    out[-1] = 0
    out[:, 0] = 0
    out[:, -1] = 0
    out[:, :, 0] = 0
    out[:, :, -1] = 0
    return out


@jit
def _extent(grid):
    """First and last + 1 of the planes, rows and columns that hold anything, and one more of each on every side."""
    low = np.full(3, max(grid.shape))
    high = np.full(3, 0)
    for z in range(grid.shape[0]):
        for y in range(grid.shape[1]):
            row, held = grid[z, y], np.uint8(0)
            for x in range(row.size):
                held |= row[x]
            if held == 0:
                continue
            for x in range(row.size):
                if row[x]:
                    low[0], high[0] = min(low[0], z), z
                    low[1], high[1] = min(low[1], y), max(high[1], y)
                    low[2], high[2] = min(low[2], x), max(high[2], x)
    return low - 1, high + 2


@jit
def _median(grid, centre, radius, pitch, tolerance):
    """Median of the painted thickness on a grid whose outermost voxels are 0; `centre` of the ball in its voxels."""
    marks = grid.copy()
    inside = unmark_ball(marks, centre, radius / pitch + tolerance)
    low, high = _extent(grid)  # distances and balls need no more, and know no places
    marks = marks[low[0] : high[0], low[1] : high[1], low[2] : high[2]].copy()
    body = grid[low[0] : high[0], low[1] : high[1], low[2] : high[2]].copy()
    whole = small_squared_distance(body, np.ones(3, np.float32)).astype(np.int32)
    centres = kept_balls(whole, np.float32(tolerance))
    counts = paint(whole, centres, marks, tolerance)
    half = (inside + counts.sum() + 1) // 2
    seen, largest = inside, 2 * radius
    flat = whole.reshape(-1)
    k = 0
    while seen < half:
        seen += counts[k]
        k += 1
    return largest if k == 0 else min(2 * pitch * math.sqrt(np.float64(flat[centres[k - 1]])), largest)


@jit
def _thickness(ids, place, number, rules):
    box, count = _cut(ids, place, number, rules.margin)
    if count == 0:
        return np.nan
    squared = small_squared_distance(box, rules.weights)
    xs, rows = wall_points(box)
    found = largest_ball(squared, xs, rows, rules.edges / rules.unit, rules.certainty)
    deep, depth = deepest(squared)
    middle, radius = _within(box, count, found, deep, depth, rules)
    if radius > rules.coarser_above:
        return TOO_THICK
    k = 0 if radius < rules.finer_below else 1
    grid = _regridded(box, count, k, rules)
    middle = middle - rules.margin * rules.edges  # there and back as `crops` does, whose digits these are
    centre = (middle + (rules.margin + 0.5) * rules.edges) / rules.pitches[k] - 0.5
    return _median(grid, centre, radius, rules.pitches[k], rules.tolerance)


@jit
def small_thicknesses(ids, boxes, numbers, rules):
    """Median local thickness of bodies of a block.

    Parameters
    ----------
    ids : (Z,Y,X) int32.
    boxes : (n, 6) int64, z0 z1 y0 y1 x0 x1 of each within the block.
    numbers : (n,) int64, its id.
    rules : Rules

    Returns
    -------
    (n,) float64, diameters; NaN for one without a voxel, TOO_THICK for one that wants a coarser grid.
    """
    out = np.empty(numbers.size)
    for i in range(numbers.size):
        out[i] = _thickness(ids, boxes[i], numbers[i], rules)
    return out
