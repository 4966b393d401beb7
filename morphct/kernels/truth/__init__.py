"""Loops that draw known bodies and phantoms, and compare label images.

In: centres, axes, surfaces. Out: filled voxels, and runs of equal label pairs.

- `bodies`: bodies with known answers into voxels: how much of a voxel an ellipsoid, rounded block, octahedron or cross
  fills
- `phantom`: rasterising and carving synthetic particles: the voxels that lie in a body
- `phantom_grey`: blur, phases and glue, and digitising of a synthetic powder
- `placing`: where a synthetic particle finds room: taken voxels as bits
- `runs`: synthetic particles as runs along x: encoded, cleared of crumbs, counted, painted into planes
- `scoring`: runs of equal label pairs along x: the voxel loop under the comparison of two label images
"""
