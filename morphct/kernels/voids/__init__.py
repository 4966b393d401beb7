"""Loops of the search for voids.

In: codes and labels. Out: plateau sums, dips and their owners.

- `dips`: voids as dips of grey below the particle's plateau: plateau sums, dip heights, growth and integrals of dips
"""
