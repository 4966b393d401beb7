"""Label images in bricks: what mask, split, voids and measurement share.

In: 0/1 volumes or label images as (Z,Y,X) array-likes. Out: components, numbers without gaps, sums over labels. Start
reading at `components`, then `accumulators`.

- `accumulators`: sums over labelled voxels: create, add, merge, finalize
- `components`: connected components in bricks: label, fill, drop dust
- `envelope`: labels with their voids filled, by bricks and by crops; particles in batches
- `ids`: label images made elsewhere, numbered anew
- `likeness`: label images, masks and grey volumes given to the wrong command
- `nesting`: which particles lie in the hole of another one
- `numbering`: which labels become particles, and their numbers
- `tallies`: counts by pair of numbers, added up over bricks, and which label holds most of a pocket
- `values`: volumes of a handful of values, recognised as segmented before any grey is looked at
"""
