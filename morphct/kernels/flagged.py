"""The few places of a row that are to be looked at one by one, listed fast: without branches on the data."""

import numpy as np

from .jit import jit


@jit
def room(size):
    """Flags (size or more,) uint8, zeros, in whole words of 8, and room for their list."""
    padded = (size + 7) // 8 * 8
    return np.zeros(padded, np.uint8), np.empty(padded + 8, np.int64)


@jit
def places(flags, out):
    """Where flags (N,) uint8 0/1 are 1, into out (N + 8 or more,) int64; N is a multiple of 8. Returns how many."""
    words, n = flags.view(np.uint64), np.int64(0)
    for w in range(words.size):
        if words[w] == 0:
            continue
        for x in range(8 * w, 8 * w + 8):
            out[np.uint64(n)] = x
            n += np.int64(flags[np.uint64(x)])
    return n


@jit
def run_starts(line, flags):
    """flags[x] = 1 where a run of equals of line (X,) starts, but for the first; flags (X or more,) uint8."""
    n = line.size - 1
    before, own, target = line[:n], line[1:], flags[1 : n + 1]
    for x in range(n):
        target[x] = own[x] != before[x]


@jit
def any_set(line):
    """Whether a row has anything but zeros."""
    some = False
    for x in range(line.size):
        some |= line[x] != 0
    return some
