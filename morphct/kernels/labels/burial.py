"""Which labels the background reaches: faces of each label that see background, other labels, or the volume's end."""

from ..jit import jit


@jit
def outer_faces(image, core, ends, free, faces):
    """Set `free` where a label has background behind a face or lies in a corner of the volume; else count its faces.

    Parameters
    ----------
    image : (Z,Y,X) int32
    core : (4,) int, z0, z1, y0, y1 of what is looked at, the rest is halo
    ends : (4,) bool, whether the first and last plane, first and last row of the array are faces of the volume
    free : (N+1,) uint8, set to 1
    faces : (N+1, 2) int64, added to: faces with other labels, faces at the volume's; of labels not yet found free
    """
    nz, ny, nx = image.shape
    for z in range(core[0], core[1]):
        at_z = (z == 0 and ends[0]) or (z == nz - 1 and ends[1])
        for y in range(core[2], core[3]):
            at_y = (y == 0 and ends[2]) or (y == ny - 1 and ends[3])
            for x in range(nx):
                label = image[z, y, x]
                if label == 0 or free[label]:
                    continue
                sides = 0
                for axis in range(3):
                    for step in (-1, 1):
                        zz = z + step if axis == 0 else z
                        yy = y + step if axis == 1 else y
                        xx = x + step if axis == 2 else x
                        if xx < 0 or xx >= nx:
                            sides += 1
                            continue
                        if zz < 0 or zz >= nz or yy < 0 or yy >= ny:
                            sides += ends[2 * axis + (step > 0)]
                            continue
                        other = image[zz, yy, xx]
                        if other == 0:
                            free[label] = 1
                        elif other != label:
                            faces[label, 0] += 1
                faces[label, 1] += sides
                if at_z and at_y and (x == 0 or x == nx - 1):
                    free[label] = 1
