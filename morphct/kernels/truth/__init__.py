"""Loops that draw known bodies and phantoms, and compare label images.

In: centres, axes, surfaces. Out: filled voxels, and runs of equal label pairs.

- `bodies`: bodies with known answers into voxels: how much of a voxel an ellipsoid, rounded block, octahedron or cross
  fills
- `phantom`: rasterising, placing and carving synthetic particles: every loop over voxels that draws a phantom
- `scoring`: runs of equal label pairs along x: the voxel loop under the comparison of two label images
"""
