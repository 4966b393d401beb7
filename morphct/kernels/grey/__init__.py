"""Loops over grey bricks and codes: filters, histograms, blocks.

In: raw grey (Z,Y,X) or uint16 codes. Out: codes, counts and sums.

- `blocks`: passes over a brick of codes: histograms of flat places, sums over 8^3 blocks, comparison with a local level
- `filters`: Gaussian smoothing of raw grey bricks into uint16 codes
- `mixture`: expectation-maximisation of a sum of Gaussians on a binned histogram, with moments integrated over the bins
- `neighbourhood`: median and non-local means of raw grey bricks into uint16 codes, row by row
"""
