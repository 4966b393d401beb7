"""Slow, obvious versions of what morphct.segment.labels.components and morphct.segment.voids.voids do."""

import numpy as np
from scipy import ndimage

SIX = ndimage.generate_binary_structure(3, 1)
ALL = ndimage.generate_binary_structure(3, 3)


def label_in_raster_order(mask, connectivity):
    """Components numbered by their first voxel (scipy numbers them so)."""
    labels, n = ndimage.label(mask, SIX if connectivity == 6 else ALL)
    return labels, n


def distance(background, relative):
    """Distance of every voxel to the nearest voxel that is not background."""
    return ndimage.distance_transform_edt(background, sampling=relative)


def sides(labels, n):
    """How many faces of the volume each label reaches."""
    faces = [np.take(labels, i, axis).ravel() for axis in range(3) for i in (0, -1)]
    return sum((np.bincount(f, minlength=n + 1) > 0).astype(int) for f in faces)


def enclosed(background):
    """Six-connected pieces of background that reach no face, or one only."""
    labels, n = ndimage.label(background, SIX)
    return background & (sides(labels, n) <= 1)[labels]


def seal(mask, relative, radii):
    """The rule of SEGMENTATION by whole-volume distance maps."""
    far = distance(mask == 0, relative)
    out = mask.astype(bool)
    for r in radii:
        pockets = enclosed(far > r + 1e-6)
        if pockets.any():
            out |= distance(~pockets, relative) <= r + 0.5 + 1e-6
    return out | enclosed(~out)


def voids_of(labels):
    """Background pieces one label alone bounds, closed or cut by a face of the volume: [(mask, label)]."""
    found = []
    pieces, n = ndimage.label(labels == 0, SIX)
    outside = {int(pieces[z, y, x]) for z in (0, -1) for y in (0, -1) for x in (0, -1)}
    for i in range(1, n + 1):
        piece = np.pad(pieces == i, 1)
        around = np.pad(labels, 1, constant_values=-1)  # -1: beyond the volume
        touched = np.concatenate([around[np.roll(piece, step, axis) & ~piece] for axis in range(3) for step in (1, -1)])
        walls, faces = touched[touched > 0], int((touched < 0).sum())
        if i not in outside and len(np.unique(walls)) == 1 and len(walls) > 1.2 * faces:
            found.append((pieces == i, int(walls[0])))
    return found


def within(labels, ratio):
    """The innermost label around each one: taking it away, no piece of the rest that holds the other is outside.

    Labels 1 to n, all there and each in one piece; the rest of what one takes away is outside where it holds
    background, a corner of the volume, or has no more than `ratio` times as much wall as area at its faces.
    """
    n = int(labels.max())
    ends = np.zeros(labels.shape, bool)
    ends[np.ix_((0, -1), (0, -1), (0, -1))] = True
    around = np.zeros(n + 1, np.int64)
    smallest = np.full(n + 1, labels.size + 1)
    for label in range(1, n + 1):
        pieces, count = ndimage.label(labels != label, SIX)
        for i in range(1, count + 1):
            piece = pieces == i
            beyond = np.pad(piece, 1)
            area = sum(int(np.take(piece, k, axis).sum()) for axis in range(3) for k in (0, -1))
            sides = sum(int((beyond != np.roll(beyond, 1, axis)).sum()) for axis in range(3))
            if (piece & (ends | (labels == 0))).any() or sides - area <= ratio * area:
                continue
            for other in np.unique(labels[piece]):
                if (piece | (labels != other)).all() and piece.sum() < smallest[other]:
                    around[other], smallest[other] = label, piece.sum()
    return around
