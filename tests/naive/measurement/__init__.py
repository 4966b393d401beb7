"""Slow obvious twins of the kernels, in the folders of `morphct/kernels`."""
