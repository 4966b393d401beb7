"""Synthetic powders and bodies whose answer is known, and segmentations held against it.

In: settings and a seed. Out: volumes with their truth, and scores. Start reading at `phantom/`.

- `phantom/`: synthetic powders with their truth: particles, voids, glue, blur and noise as in a nano-CT volume
- `bodies`: bodies whose size and shape are known in closed form
- `overlaps`: voxels that the labels of two images share, counted in one walk along z
- `scoring`: a segmentation against the truth
"""
