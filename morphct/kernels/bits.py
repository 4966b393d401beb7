"""Counting bits of 64-bit words: the processor's instructions in compiled code, plain Python without the compiler."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload


def ones(word):
    """Number of set bits of a uint64."""
    return int(word).bit_count()


def lowest(word):
    """Place of the lowest set bit of a non-zero uint64."""
    return (int(word) & -int(word)).bit_length() - 1


@intrinsic
def _population(typing_context, word):
    return types.uint64(types.uint64), lambda context, builder, signature, args: builder.ctpop(args[0])


@intrinsic
def _trailing_zeros(typing_context, word):
    undefined_for_zero = ir.Constant(ir.IntType(1), 1)
    return types.uint64(types.uint64), lambda context, builder, signature, args: builder.cttz(
        args[0], undefined_for_zero
    )


@overload(ones, inline="always")
def _compiled_ones(word):
    return lambda word: np.int64(_population(word))


@overload(lowest, inline="always")
def _compiled_lowest(word):
    return lambda word: np.int64(_trailing_zeros(word))
