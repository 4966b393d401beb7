"""Loops of the search for voids.

In: codes and labels. Out: plateau sums, dips and their owners.

- `dip_runs`: what dips claim, by runs of few voxels: depths, growth, integrals, nearest void, owner
- `dips`: voids as dips of grey below the particle's plateau: plateau sums, dip heights, seeds, statistics
"""
