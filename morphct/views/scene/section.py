"""What a cutting plane lays open: the labels on it, as a picture that lies in the plane."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyvista as pv

    from .colours import Colouring
    from .meshes import Thinned

SECTION_PIXELS = 700  # along the longer edge of the picture
RIM_BRIGHTNESS = 0.55  # a particle's rim on the picture is this much darker


def section(
    labels: "Thinned",
    voids: "Thinned | None",
    normal: np.ndarray,
    origin: np.ndarray,
    bounds: tuple[float, ...],
    found: "Colouring",
    void_colour: str,
    marked: tuple[int, str] = (0, ""),
) -> tuple["pv.PolyData", "pv.Texture"]:
    """A rectangle in the plane and its picture: particles in their colours, voids in theirs, the rest clear.

    Parameters
    ----------
    labels, voids : Thinned
        What is cut.
    normal, origin : (3,) float
        The plane, x, y, z.
    bounds : tuple
        Faces of the volume: x, x, y, y, z, z.
    found : Colouring
        Colours of the particles.
    void_colour : str
        Colour of voids, as `#rrggbb`.
    marked : tuple of int and str
        A label with a colour of its own; 0 for none.
    """
    import pyvista as pv

    across, up = _basis(normal)
    corner, width, height = _extent(across, up, origin, bounds)
    pixel = max(width, height) / SECTION_PIXELS
    nu, nv = max(2, round(width / pixel)), max(2, round(height / pixel))
    u, v = (np.arange(nu) + 0.5) * width / nu, (np.arange(nv) + 0.5) * height / nv
    points = corner + u[None, :, None] * across + v[:, None, None] * up
    on_plane = sampled(labels, points)
    picture = _coloured(on_plane, found)
    if marked[0]:
        picture[on_plane == marked[0]] = (*pv.Color(marked[1]).float_rgb, 1.0)
    picture[_rims(on_plane), :3] *= RIM_BRIGHTNESS
    if voids is not None:
        picture[sampled(voids, points) > 0] = (*pv.Color(void_colour).float_rgb, 1.0)
    quad = pv.PolyData(
        np.array([corner, corner + width * across, corner + width * across + height * up, corner + height * up]),
        faces=[4, 0, 1, 2, 3],
    )
    quad.active_texture_coordinates = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    # a texture's first row is the top one
    texture = pv.Texture(np.ascontiguousarray((255 * picture[::-1]).round().astype(np.uint8)))
    texture.repeat = False  # else the far edge shines through at this one
    texture.interpolate = False
    return quad, texture


def sampled(held: "Thinned", points: np.ndarray) -> np.ndarray:
    """Labels (...) of the voxels that points (..., 3) in x, y, z lie in; 0 outside the volume."""
    place = (points[..., ::-1] - held.origin) / held.spacing
    index = np.floor(place + 0.5).astype(np.int64)
    inside = ((index >= 0) & (index < held.volume.shape)).all(-1)
    index[~inside] = 0
    return np.where(inside, held.volume[tuple(np.moveaxis(index, -1, 0))], 0)


def _basis(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two directions in the plane, at right angles, along volume axes where the plane is."""
    other = np.zeros(3)
    other[int(np.argmin(np.abs(normal)))] = 1.0
    across = np.cross(other, normal)
    across /= np.linalg.norm(across)
    return across, np.cross(normal, across) / np.linalg.norm(normal)


def _extent(across: Any, up: Any, origin: Any, bounds: tuple[float, ...]) -> tuple[np.ndarray, float, float]:
    """Lower corner, width and height of a rectangle in the plane that covers the volume."""
    corners = np.array([[x, y, z] for x in bounds[:2] for y in bounds[2:4] for z in bounds[4:]]) - origin
    u, v = corners @ across, corners @ up
    return origin + u.min() * across + v.min() * up, float(np.ptp(u)), float(np.ptp(v))


def _coloured(labels: np.ndarray, found: "Colouring") -> np.ndarray:
    """RGBA (V, U, 4) of a picture of labels, clear where there is none."""
    present, place = np.unique(labels, return_inverse=True)
    values = found.values.reindex(present).to_numpy(dtype=float, na_value=np.nan)
    shades = np.array([found.table.map_value(v) for v in values], np.float32).reshape(len(present), -1)[:, :4]
    shades[:, 3] = present > 0
    return shades[place.reshape(labels.shape)]


def _rims(labels: np.ndarray) -> np.ndarray:
    """Pixels of a particle that touch another label or none."""
    rim = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        differ = np.diff(labels, axis=axis, prepend=0, append=0) != 0
        ends = (slice(None, -1), slice(1, None))
        for end in ends:
            rim |= differ[end] if axis == 0 else differ[:, end]
    return rim & (labels > 0)
