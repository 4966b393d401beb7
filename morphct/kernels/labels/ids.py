"""Label ids of any size: which there are, and the same image numbered 1 to N."""

import numpy as np

from ..jit import jit


@jit
def distinct_ids(labels):
    """Distinct non-zero values of (Z,Y,X) integer `labels`, once for each time a row of voxels brings a new one.

    A small memory of recent values keeps repeats out; what is returned holds few, in no order. Returns (K,) int64.
    """
    recent = np.zeros(1024, np.int64)
    found = np.empty(1024, np.int64)
    n = 0
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            row = labels[z, y]
            last = np.int64(0)
            for x in range(row.size):
                label = np.int64(row[x])
                if label == last:
                    continue
                last = label
                at = label & 1023
                if label == 0 or recent[at] == label:
                    continue
                recent[at] = label
                if n == found.size:
                    grown = np.empty(2 * n, np.int64)
                    grown[:n] = found
                    found = grown
                found[n] = label
                n += 1
    return found[:n].copy()


@jit
def number_ids(labels, ids, out):
    """out = 1 + the place of each label in the sorted `ids`, 0 where it is 0 or not among them.

    labels: (Z,Y,X) any integers; ids: (N,) int64 ascending; out: (Z,Y,X) int32, written. One search a run of equals.
    """
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            row, target = labels[z, y], out[z, y]
            last, place = np.int64(0), np.int32(0)
            for x in range(row.size):
                label = np.int64(row[x])
                if label != last:
                    last, place = label, np.int32(0)
                    at = np.searchsorted(ids, label)
                    if at < ids.size and ids[at] == label:
                        place = np.int32(at + 1)
                target[x] = place
