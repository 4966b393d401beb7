"""Which labels the background reaches: faces of each label that see background, other labels, or the volume's end."""

from ..jit import jit


@jit
def outer_faces(planes, first, last, ends, free, faces):
    """Set `free` where a label has background behind a face or lies in a corner of the volume; else count its faces.

    Parameters
    ----------
    planes : (Z,Y,X) int32; planes first to last are looked at, the rest is halo
    ends : (2,) bool, whether the first and the last plane of the array are faces of the volume
    free : (N+1,) uint8, set to 1
    faces : (N+1, 2) int64, added to: faces with other labels, faces at the volume's; of labels not yet found free
    """
    nz, ny, nx = planes.shape
    at_bottom, at_top = ends
    for z in range(first, last):
        for y in range(ny):
            for x in range(nx):
                label = planes[z, y, x]
                if label == 0 or free[label]:
                    continue
                sides = 0
                for axis in range(3):
                    for step in (-1, 1):
                        zz = z + step if axis == 0 else z
                        yy = y + step if axis == 1 else y
                        xx = x + step if axis == 2 else x
                        if yy < 0 or yy >= ny or xx < 0 or xx >= nx or (zz < 0 and at_bottom) or (zz >= nz and at_top):
                            sides += 1
                            continue
                        if zz < 0 or zz >= nz:
                            continue
                        other = planes[zz, yy, xx]
                        if other == 0:
                            free[label] = 1
                        elif other != label:
                            faces[label, 0] += 1
                faces[label, 1] += sides
                ends_z = (z == 0 and at_bottom) or (z == nz - 1 and at_top)
                if ends_z and (y == 0 or y == ny - 1) and (x == 0 or x == nx - 1):
                    free[label] = 1
