"""Slow and obvious twins of the crop kernels, and bodies with known answers."""

import numpy as np
from scipy import ndimage, optimize
from scipy.spatial import ConvexHull, cKDTree

EDGES = sorted((a, a | 1 << k) for a in range(8) for k in range(3) if not a >> k & 1)


def contour_polygons(case):
    """Polygons of a marching-cubes case: on every face walk round its ring; each run of inside corners is one segment.

    A segment leads from the edge where the ring enters the inside to the edge where it leaves it. The face on the
    other side walks the shared edge the other way, so segments chain into closed polygons.
    """
    follow = {}
    for axis in range(3):
        p, q = (axis + 1) % 3, (axis + 2) % 3
        for side in range(2):
            ring = [(side << axis) | (a << p) | (b << q) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
            if side == 0:
                ring.reverse()
            inside = [case >> c & 1 for c in ring]
            for j in range(4):
                if inside[j] and not inside[j - 1]:
                    k = j
                    while inside[(k + 1) % 4]:
                        k += 1
                    enter = tuple(sorted((ring[j - 1], ring[j])))
                    leave = tuple(sorted((ring[k % 4], ring[(k + 1) % 4])))
                    follow[EDGES.index(enter)] = EDGES.index(leave)
    polygons = []
    while follow:
        first = min(follow)
        polygon, edge = [first], follow.pop(first)
        while edge != first:
            polygon.append(edge)
            edge = follow.pop(edge)
        polygons.append(polygon)
    return polygons


def level_mesh(field, level, spacing):
    """Area and volume of scikit-image's level surface."""
    from skimage.measure import marching_cubes, mesh_surface_area

    vertices, faces, _, _ = marching_cubes(field, level, spacing=spacing)
    corners = vertices[faces].astype(float)
    volume = abs(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)
    return mesh_surface_area(vertices, faces), volume


def surface_area(mask, spacing=(1.0, 1.0, 1.0), factor=1.0234):
    """docs/methods.md, 4: scikit-image's mesh of the blurred occupancy at the level that keeps the volume."""
    field = ndimage.gaussian_filter(np.pad(mask.astype(float), 4), 0.6, truncate=4, mode="constant")
    wanted = mask.sum() * np.prod(spacing)
    level = optimize.brentq(lambda v: level_mesh(field, v, spacing)[1] - wanted, 0.1, 0.7, xtol=1e-4)
    return level_mesh(field, level, spacing)[0] / factor, level


def inscribed_radius(mask, spacing=(1.0, 1.0, 1.0), steps=8):
    """Grid search of the largest empty ball, polished from the best few centres."""
    padded = np.pad(mask.astype(bool), 2)
    edges = np.asarray(spacing, float)
    tree = cKDTree(np.argwhere(~padded) * edges)
    offsets = np.stack(np.meshgrid(*3 * [(np.arange(steps + 1) / steps - 0.5)], indexing="ij"), -1).reshape(-1, 1, 3)
    voxels = np.argwhere(padded)
    depth = tree.query(voxels * edges)[0]
    voxels = voxels[depth >= depth.max() - np.linalg.norm(edges) / 2]
    centres = ((voxels + offsets).reshape(-1, 3)) * edges
    radii = tree.query(centres)[0]
    best = 0.0
    for i in np.argsort(-radii)[:5]:
        found = optimize.minimize(
            lambda c: -tree.query(c)[0], centres[i], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8}
        )
        best = max(best, -found.fun)
    return max(best, radii.max())


def hull_numbers(mask, spacing=(1.0, 1.0, 1.0), skin=0.25):
    """Lattice points in the hull, Feret diameters by pairs and directions, enclosing ball of the centres."""
    voxels = np.argwhere(mask)
    edges = np.asarray(spacing, float)
    found = ConvexHull(voxels)
    lattice = np.indices(mask.shape).reshape(3, -1).T
    inside = np.max(lattice @ found.equations[:, :3].T + found.equations[:, 3], axis=1) <= 1e-9
    corners = voxels[found.vertices] * edges
    steps = (corners[:, None] - corners[None]).reshape(-1, 3)
    steps = steps[steps.any(1)]
    lengths = np.linalg.norm(steps, axis=1)
    longest = (lengths + 2 * skin * np.linalg.norm(steps * edges, axis=1) / lengths).max()

    def width(u):
        u = u / np.linalg.norm(u)
        return np.ptp(corners @ u) + 2 * skin * np.linalg.norm(edges * u)

    directions = sphere_directions(6000)
    widths = np.ptp(directions @ corners.T, axis=1)
    least = min(
        optimize.minimize(width, u, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 2000}).fun
        for u in directions[np.argsort(widths)[:6]]
    )
    ball = optimize.minimize(
        lambda c: np.linalg.norm(corners - c, axis=1).max(),
        corners.mean(0),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000},
    ).fun
    return {
        "lattice": int(inside.sum()),
        "feret_max": longest,
        "feret_min": least,
        "ball": ball,
    }


def sphere_directions(n):
    """n directions spread over half the sphere (golden spiral)."""
    i = np.arange(n) + 0.5
    up, turn = 1 - i / n, np.pi * (1 + 5**0.5) * i
    return np.stack([up, np.sqrt(1 - up**2) * np.cos(turn), np.sqrt(1 - up**2) * np.sin(turn)], 1)


def random_rotation(rng):
    """Uniform rotation matrix."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


class Body:
    """An analytic body of volume-equivalent radius 1 and what is known of it (in units of that radius).

    inside(p) for points (..., 3); reach: half the edge of a cube around it in any pose.
    """

    def __init__(self, inside, area, r_ins, r_cir, solidity=1.0, feret_max=None, smooth=True, volume=4 / 3 * np.pi):
        self.inside, self.area, self.r_ins, self.r_cir = inside, area, r_ins, r_cir
        self.solidity, self.smooth, self.volume = solidity, smooth, volume
        self.feret_max = feret_max or 2 * r_cir
        self.feret_min = 2 * r_ins

    def digitise(self, r, rng, spacing=(1.0, 1.0, 1.0), pose=None):
        """Voxels whose centres lie inside, in a random pose (unless given) with a random shift: cropped bool array."""
        edges = np.asarray(spacing, float)
        pose = random_rotation(rng) if pose is None else pose
        n = np.ceil(self.r_cir * 1.02 * r / edges).astype(int) + 1
        grid = np.stack(np.meshgrid(*[np.arange(-k, k + 1.0) for k in n], indexing="ij"), -1)
        mask = self.inside((grid + rng.uniform(-0.5, 0.5, 3)) * edges / r @ pose)
        return mask[tuple(slice(i.min(), i.max() + 1) for i in np.nonzero(mask))]


def _bodies():
    cube = (np.pi / 6) ** (1 / 3)
    two = 2 ** (2 / 3)
    disc = (2 / 3) ** (1 / 3)
    octa = np.pi ** (1 / 3)
    hexagon = (4 / 3 * np.pi / (0.75 * 3**0.5)) ** (1 / 3)  # corner radius; thickness half of it
    pair = 0.805  # radius of the two balls, 1.5 radii apart (of volume-equivalent radii)
    bodies = {
        "sphere": Body(lambda p: (p**2).sum(-1) <= 1, 12.566, 1, 1),
        "cube": Body(lambda p: np.abs(p).max(-1) <= cube, 15.591, 0.806, 1.396, smooth=False),
        "prolate": Body(lambda p: (p**2 / np.array([two, two / 2, two / 2]) ** 2).sum(-1) <= 1, 13.531, 0.794, 1.587),
        "ellipsoid": Body(lambda p: (p**2 / np.array([2, 1, 0.5]) ** 2).sum(-1) <= 1, 15.869, 0.5, 2),
        "cylinder": Body(
            lambda p: (np.hypot(p[..., 0], p[..., 1]) <= disc) & (np.abs(p[..., 2]) <= disc),
            14.385,
            0.874,
            1.235,
            smooth=False,
        ),
        "octahedron": Body(lambda p: np.abs(p).sum(-1) <= octa, 14.861, 0.846, 1.465, smooth=False),
        "hexplate": Body(
            lambda p: (
                (np.abs(p[..., 2]) <= hexagon / 4)
                & (np.abs(p[..., :2] @ _hexagon_normals().T).max(-1) <= hexagon * 3**0.5 / 2)
            ),
            17.889,
            0.369,
            1.523,
            smooth=False,
        ),
        "twospheres": Body(
            lambda p: (p[..., 0] ** 2 + p[..., 1] ** 2 + (np.abs(p[..., 2]) - 0.75 * pair) ** 2) <= pair**2,
            14.265,
            0.805,
            1.410,
            solidity=0.901,
        ),
    }
    for name, fillet, area, r_ins, r_cir in (
        ("rounded25", 0.25, 14.231, 0.816, 1.265),
        ("rounded50", 0.5, 13.337, 0.848, 1.158),
    ):
        bodies[name] = Body(_rounded_cube(r_ins, fillet), area, r_ins, r_cir)
    return bodies


def _hexagon_normals():
    angles = np.pi / 6 + np.arange(3) * np.pi / 3
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def _rounded_cube(half, fillet):
    core = half * (1 - fillet)
    return lambda p: (np.maximum(np.abs(p) - core, 0) ** 2).sum(-1) <= (fillet * half) ** 2


BODIES = _bodies()


def regridded(box, spacing, pitch):
    """Linear samples of SciPy's blur at the middles of new voxels; the highest, as many as keep the volume, are 1."""
    edges = np.asarray(spacing, float)
    field = ndimage.gaussian_filter(box.astype(float), 0.6, truncate=4, mode="constant")
    places = [
        np.clip((np.arange(max(1, round(n * e / pitch))) + 0.5) * pitch / e - 0.5, 0, n - 1)
        for n, e in zip(box.shape, edges)
    ]
    samples = ndimage.map_coordinates(field, np.meshgrid(*places, indexing="ij"), order=1)
    wanted = round(int(box.sum()) * np.prod(edges) / pitch**3)
    out = samples >= np.sort(samples.ravel())[-wanted] - 1e-7
    for axis in range(3):
        np.moveaxis(out, axis, 0)[[0, -1]] = False
    return out


def thickness_map(mask):
    """Every voxel asks every ball, equal edges."""
    padded = np.pad(mask.astype(bool), 1)
    voxels = np.argwhere(padded)
    squared = np.rint(ndimage.distance_transform_edt(padded)[padded] ** 2)
    best = np.zeros(len(voxels))
    for k in range(0, len(voxels), 400):
        apart = ((voxels[k : k + 400, None] - voxels[None]) ** 2).sum(-1)
        best[k : k + 400] = np.where(apart < squared, squared, 0).max(1)
    out = np.zeros(padded.shape)
    out[padded] = 2 * np.sqrt(best)
    return out[1:-1, 1:-1, 1:-1]


def painted_counts(squared, centres, tolerance):
    """Voxels for which each ball (flat indices of `squared`) is the first to hold them."""
    voxels = np.argwhere(squared)
    middles = np.stack(np.unravel_index(centres, squared.shape), 1)
    reach = np.sqrt(squared[tuple(middles.T)]) + tolerance
    held = np.linalg.norm(voxels[:, None] - middles[None], axis=-1) < reach
    return np.bincount(held.argmax(1)[held.any(1)], minlength=len(centres))


def outline(field, frame, level):
    """Turn the volume, project its maximum, take scikit-image's longest contour; from the middle of the field."""
    from skimage.measure import find_contours

    middle = (np.array(field.shape) - 1) / 2
    half = np.ceil(np.abs(frame) @ middle).astype(int) + 3
    turned = ndimage.affine_transform(
        field, frame.T, offset=middle - frame.T @ half, output_shape=tuple(2 * half + 1), order=1
    )
    contour = max(find_contours(turned.max(0), level), key=len)[:-1]
    return contour - half[1:]


def largest_circle(points):
    """Grid of centres inside the polygon, polished."""
    from skimage.measure import points_in_poly

    tree = cKDTree(points)
    low, high = points.min(0), points.max(0)
    grid = np.stack(np.meshgrid(*[np.linspace(a, b, 60) for a, b in zip(low, high)], indexing="ij"), -1).reshape(-1, 2)
    grid = grid[points_in_poly(grid, points)]
    starts = grid[np.argsort(-tree.query(grid)[0])[:4]]
    found = [
        optimize.minimize(
            lambda c: -tree.query(c)[0], s, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7}
        ).fun
        for s in starts
    ]
    return -min(found)


def corners(points, r_max):
    """docs/methods.md, 7, step 4: every arc's circle by least squares, the widest turns first."""
    n = len(points)
    step = np.linalg.norm(np.diff(points, axis=0, append=points[:1]), axis=1).mean()
    tolerance = max(0.15, 0.01 * r_max)
    arcs = []
    for first in range(n):
        for length in range(4, n + 1):
            arc = points[np.arange(first, first + length) % n]
            local = arc - arc.mean(0)
            answer = np.linalg.lstsq(np.c_[2 * local, np.ones(length)], (local**2).sum(1), rcond=None)[0]
            square = answer[2] + answer[0] ** 2 + answer[1] ** 2
            if square <= 0:
                continue
            r = np.sqrt(square)
            residual = (local**2).sum(1) - 2 * local @ answer[:2] - answer[2]
            rms = np.sqrt((residual**2).mean()) / (2 * r)
            turn = min(length * step / r, 2 * np.pi)
            if r > 1.03 * r_max or rms > tolerance or turn < np.deg2rad(40):
                continue
            if r * (1 - np.cos(min(turn, np.pi) / 2)) < 4 * tolerance:
                continue
            centre = answer[:2] + arc.mean(0)
            q = (first + (length - 1) // 2) % n
            along = points[(q + 1) % n] - points[q - 1]
            if (points[q] - centre) @ np.array((along[1], -along[0])) > 0:
                arcs.append((-turn, first, length, r, centre))
    arcs.sort(key=lambda a: a[:3])
    used = np.zeros(n, bool)
    radii = []
    for _, first, length, r, centre in arcs:
        if used[np.arange(first, first + length) % n].any():
            continue
        if np.linalg.norm(points - centre, axis=1).min() < r - 3 * tolerance:
            continue
        radii.append(min(r, r_max))
        margin = int(0.25 * length + 0.5)
        used[np.arange(first - margin, first + length + margin) % n] = True
    return (np.mean(radii) / r_max if radii else 1.0), len(radii)


def curvature_roundness(mask, r_ins):
    """docs/methods.md, 7: SciPy's Gaussian derivatives at the vertices of scikit-image's mesh."""
    from skimage.measure import marching_cubes

    sigma = max(1.5, 0.2 * r_ins)
    field = np.pad(mask.astype(float), int(4 * sigma) + 3)

    def gaussian(order):
        return ndimage.gaussian_filter(field, sigma, order=order, truncate=4)

    smooth = gaussian(0)
    level = optimize.brentq(lambda v: level_mesh(smooth, v, (1, 1, 1))[1] - mask.sum(), 0.2, 0.8, xtol=2e-3)
    vertices, faces, _, _ = marching_cubes(smooth, level)
    orders = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 0), (1, 0, 1), (0, 1, 1)]
    at = [ndimage.map_coordinates(gaussian(o), vertices.T, order=1) for o in orders]
    gradient = np.stack(at[:3], -1)
    hessian = np.empty((len(vertices), 3, 3))
    for (i, j), values in zip(((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)), at[3:]):
        hessian[:, i, j] = hessian[:, j, i] = values
    size = np.linalg.norm(gradient, axis=1)
    normal = gradient / size[:, None]
    # the shape operator is the Hessian within the tangent plane over the gradient; outside is where the field falls
    across = np.eye(3) - normal[:, :, None] * normal[:, None]
    curved = np.linalg.eigvalsh(-(across @ hessian @ across) / size[:, None, None])[:, -1]
    area = np.zeros(len(vertices))
    corners_ = vertices[faces]
    each = np.linalg.norm(np.cross(corners_[:, 1] - corners_[:, 0], corners_[:, 2] - corners_[:, 0]), axis=1) / 2
    for k in range(3):
        np.add.at(area, faces[:, k], each / 3)
    tree = cKDTree(vertices)
    start = np.array(np.unravel_index(ndimage.distance_transform_edt(field > 0.5).argmax(), field.shape), float)
    r = -optimize.minimize(lambda c: -tree.query(c)[0], start, method="Nelder-Mead").fun
    sharp = curved > 1 / r
    return (area[sharp] / curved[sharp]).sum() / area[sharp].sum() / r if sharp.any() else 1.0
