"""From grey to particles and voids.

In: a grey volume. Out: a label image of particles and one of voids, and what is known of how they were found. Each
folder is a stage that hands volumes and a few numbers to the next; `pipeline/segmenting` calls them in order. `grey`
needs no other stage, `mask` needs `grey`, `split` neither, `voids` both of the first; `labels` is what mask, split and
voids share.

- `grey/`: grey values: noise, drift and phases, and a denoised volume of uint16 codes
- `mask/`: the mask: which voxels are solid, and how far to trust that
- `split/`: touching particles told apart
- `voids/`: voids inside particles, each with its owner
- `labels/`: label images in slabs: what mask, split, voids and measurement share
"""
