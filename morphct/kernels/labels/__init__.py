"""Loops over labels: components, sums, contacts, dilation.

In: 0/1 planes or label images. Out: labels, and integer sums that add up over bricks.

- `burial`: which labels the background reaches: faces of each label that see background, other labels, or the volume's
  end
- `contacts`: voxel pairs across the interfaces of touching labels, in a hash table of label pairs; the counts of bricks
  add up
- `ids`: label ids of any size: which there are, and the same image numbered 1 to N
- `morphology`: dilation by balls on 0/1 bricks, and the facts of labelled components (sizes, first voxels, faces
  reached)
- `runs`: connected components of 0/1 planes by runs along x: rows without any cost nothing, the rest a step per run
- `slivers`: what the few labels that are too small to stay touch: faces they share with other labels
- `sums`: integer sums over labelled voxels: moments, boxes, grey. One brick at a time; the sums of bricks add up
- `values`: the few values of a segmented volume: which there are and how often, and how often neighbours differ
"""
