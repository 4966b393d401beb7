"""Largest and smallest of non-negative floats, as integers: their bit patterns are ordered like the numbers.

Without fast-math a compiler may not reorder a floating minimum, so it stays one comparison at a time; integers it takes
four or eight at once, and the answer is the same to the bit.
"""

from __future__ import annotations

import numpy as np

from .jit import jit


@jit
def largest(values):
    """Largest of a contiguous float64 array without negatives, -0.0 or nan (not checked); at least one value."""
    bits = values.view(np.int64)
    best = bits[0]
    for i in range(bits.size):
        best = max(best, bits[i])
    out = np.empty(1, np.int64)
    out[0] = best
    return out.view(np.float64)[0]


@jit
def smallest(values):
    """Smallest of a contiguous float64 array without negatives, -0.0 or nan (not checked); at least one value."""
    bits = values.view(np.int64)
    best = bits[0]
    for i in range(bits.size):
        best = min(best, bits[i])
    out = np.empty(1, np.int64)
    out[0] = best
    return out.view(np.float64)[0]


@jit
def smallest_of_scratch(values):
    """`smallest` of an array that is not needed any more: its first value is lost, and no memory is asked for."""
    bits = values.view(np.int64)
    best = bits[0]
    for i in range(bits.size):
        best = min(best, bits[i])
    bits[0] = best
    return values[0]


@jit
def largest32(values):
    """`largest` for a contiguous float32 array."""
    bits = values.view(np.int32)
    best = bits[0]
    for i in range(bits.size):
        best = bits[i] if bits[i] > best else best
    out = np.empty(1, np.int32)
    out[0] = best
    return out.view(np.float32)[0]
