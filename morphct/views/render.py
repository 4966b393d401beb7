"""Still 3D pictures and mesh files of a run."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ground.errors import MissingLibraryError, MorphctError
from ..results.population import interior
from ..results.run_folder import RunFolder
from . import figures
from .scene import Colouring, colouring, meshes, prepare, why_no_pictures

if TYPE_CHECKING:
    import pyvista as pv

PARTICLE_MESH, VOID_MESH = "meshes/particles.vtp", "meshes/voids.vtp"
LARGEST_PICTURED = 4  # particles that get a picture of their own
PICTURE_PIXELS = (1120, 900)  # pixels of a picture, its frame not counted
SUPERSAMPLING = 2
# layers of the solid drawn in order from either side; a picture of 4 differs by 2 of 255 at most, in 1e-5 of it
PEELS = 2
SOLID, VOID, EDGE = "#9fb8c4", "#c4581a", "#8a949e"
VIEW = np.array([0.55, -0.72, 0.5])  # from where the scene is looked at, x, y, z
_CHILD = "import sys; from morphct.views.render import child; raise SystemExit(child(*sys.argv[1:]))"


def render(run: RunFolder, particle: int | None = None, told: Callable[[str], Any] = lambda name: None) -> list[str]:
    """Draw the pictures of a run into its folder, or one particle's.

    Parameters
    ----------
    run : RunFolder
    particle : int, optional
        Label; without it the population and the largest particles are drawn and `meshes/` is written.
    told : callable
        Is told each file's name once it is there.

    Returns
    -------
    list of str
        Names of the files in the run folder.

    Raises
    ------
    MissingLibraryError
        When this machine cannot draw; the sentence says what to install.
    InputError
        When there is no such particle.
    """
    if particle is not None:
        meshes.particle_row(run, particle)
    missing = why_no_pictures()
    if missing:
        raise MissingLibraryError(missing)
    if particle is None:
        surface = meshes.population(run).surface()
        return [*write_meshes(run, told, surface), *stills(run, told, surface=surface)]
    return [_particle_still(run, particle, told)]


def write_meshes(
    run: RunFolder, told: Callable[[str], Any] = lambda name: None, surface: "pv.PolyData | None" = None
) -> list[str]:
    """Write `meshes/particles.vtp`, and `meshes/voids.vtp` when there are voids; no display is needed.

    surface : that of the run's population, when it is at hand; it gets the columns of the mesh file.
    """
    names = []
    found = {PARTICLE_MESH: meshes.with_columns(meshes.population(run).surface() if surface is None else surface, run)}
    holes = meshes.voids(run)
    if holes is not None:
        found[VOID_MESH] = holes.surface()
    for name, mesh in found.items():
        meshes.write_vtp(run.files, name, mesh)
        names.append(name)
        told(name)
    return names


def stills(
    run: RunFolder,
    told: Callable[[str], Any] = lambda name: None,
    size: tuple[int, int] = PICTURE_PIXELS,
    surface: "pv.PolyData | None" = None,
) -> list[str]:
    """Draw the population by size and by class, and the largest particles with their voids.

    The machine must be able to draw (`scene.why_no_pictures`); else the process may end here.

    surface : that of the run's population, when it is at hand.
    """
    prepare()
    names: list[str] = []
    if len(run.particles) == 0:
        return names
    wanted = {f"equivalent_diameter_{run.unit}": "diameter", "class": "class"}
    found = [colouring(run, column) for column in wanted if column in run.particles.columns]
    mesh = meshes.population(run).surface() if surface is None else surface
    images, per_pixel = _population_pictures(run, mesh, found, size)
    for one, image in zip(found, images):
        figure = figures.framed(image, per_pixel, run.unit, _screen_axes(), key=_key(one))
        names.append(f"renders/population_{wanted[one.column]}.png")
        run.files.data(names[-1], figures.png(figure))
        told(names[-1])
    return [*names, *(_particle_still(run, label, told, size) for label in largest(run))]


def largest(run: RunFolder, count: int = LARGEST_PICTURED) -> list[int]:
    """Labels of the largest particles that the border does not cut, and of the largest ones with voids among these."""
    table = interior(run.particles).sort_values(f"volume_{run.unit}3", ascending=False, kind="stable")
    hollow = table.index[table["void_fraction"].fillna(0) > 0] if "void_fraction" in table.columns else table.index[:0]
    # half the places for those in which there is something to see, then whatever is largest
    order = [*table.index[: -(-count // 2)], *hollow[:count], *table.index]
    return [int(label) for label in dict.fromkeys(order)][:count]


def apart(
    path: Path,
    size: tuple[int, int] = PICTURE_PIXELS,
    meanwhile: Callable[[], Any] = lambda: None,
    with_meshes: bool = False,
) -> str:
    """Draw the pictures of a run folder in a process of its own; an empty text, or a sentence on why there are none.

    A driver that fails takes only that process with it, and the memory of drawing is given back.

    Parameters
    ----------
    path : path
        The run folder.
    size : (x, y)
        Pixels of a picture.
    meanwhile : callable
        Is done here while it draws.
    with_meshes : bool
        Whether that process writes the meshes first, from the surface that it draws.
    """
    arguments = [sys.executable, "-P", "-c", _CHILD, str(path), *map(str, size), *(["meshes"] if with_meshes else [])]
    # this very package, wherever it was imported from
    found = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": found.rstrip(os.pathsep)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, env=environment
    ) as drawing:
        try:
            meanwhile()
            _, errors = drawing.communicate()
        except BaseException:  # nothing goes on drawing into a folder that is given up
            drawing.kill()
            raise
    if drawing.returncode == 0:
        return ""
    missing = why_no_pictures()
    last = errors.strip().splitlines()[-1:] or [f"the drawing process ended with {drawing.returncode}"]
    return missing or f"no 3D pictures: {last[0]}; try `morphct render` on the run folder"


def child(path: str, width: str, height: str, *wanted: str) -> int:
    """What the process of its own does; the exit code."""
    run = RunFolder(path)
    try:
        surface = meshes.population(run).surface()
        if "meshes" in wanted:
            write_meshes(run, surface=surface)
        stills(run, size=(int(width), int(height)), surface=surface)
    except MorphctError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _particle_still(
    run: RunFolder, label: int, told: Callable[[str], Any], size: tuple[int, int] = PICTURE_PIXELS
) -> str:
    prepare()
    solid, holes = meshes.particle(run, label)
    (image,), per_pixel = _draw(
        lambda plotter: _add_particle(plotter, solid, holes), solid.bounds, size, occlusion=False
    )
    row = run.particles.loc[label]
    words = [f"Particle {label}", f"diameter {figures.length_text(row[f'equivalent_diameter_{run.unit}'], run.unit)}"]
    if "sphericity" in row and np.isfinite(row["sphericity"]):
        words.append(f"sphericity {row['sphericity']:.2f}")
    count = int((run.voids["label"] == label).sum()) if "label" in run.voids.columns else 0
    if "void_fraction" in row and np.isfinite(row["void_fraction"]):
        share = f"{count} void{'s' if count != 1 else ''}, {100 * row['void_fraction']:.2g} % of its volume"
        words.append(share if count else "no voids")
    if bool(row.get("touches_border", False)):
        words.append("cut by the border")
    name = f"renders/particle_{label}.png"
    figure = figures.framed(image, per_pixel, run.unit, _screen_axes(), words="; ".join(words))
    run.files.data(name, figures.png(figure))
    told(name)
    return name


def _add_particle(plotter: "pv.Plotter", solid: "pv.PolyData", holes: "pv.PolyData") -> None:
    smooth = solid.compute_normals(cell_normals=False, split_vertices=False, consistent_normals=False)
    look: dict[str, Any] = {"reset_camera": False, "show_scalar_bar": False}
    plotter.add_mesh(
        smooth, color=SOLID, opacity=0.3, ambient=0.25, specular=0.3, **look
    ).prop.interpolation = "Gouraud"
    plotter.add_silhouette(smooth.triangulate(), color="#5d7480", line_width=2 * SUPERSAMPLING)
    if holes.n_cells:
        inner = holes.compute_normals(cell_normals=False, split_vertices=False, consistent_normals=False)
        plotter.add_mesh(inner, color=VOID, ambient=0.2, specular=0.2, **look).prop.interpolation = "Gouraud"


def _population_pictures(
    run: RunFolder, mesh: "pv.PolyData", found: Sequence[Colouring], size: tuple[int, int]
) -> tuple[list[np.ndarray], float]:
    """One picture per colouring; the scene is built once."""
    import pyvista as pv

    bounds = meshes.volume_bounds(run)
    mesh = mesh.copy(deep=False)
    mesh.cell_data["shown"] = np.zeros(mesh.n_cells, np.float32)
    if mesh.n_cells:
        mesh = mesh.compute_normals(cell_normals=False, split_vertices=False, consistent_normals=False)

    def fill(plotter: "pv.Plotter") -> None:
        if mesh.n_cells:
            # surfaces are closed, so what faces away is never seen: a third of the time
            look: dict[str, Any] = {"ambient": 0.18, "specular": 0.1, "culling": "back"}
            look |= {"show_scalar_bar": False, "reset_camera": False}
            plotter.add_mesh(mesh, scalars="shown", name="particles", **look).prop.interpolation = "Gouraud"
        box = pv.Box(bounds).extract_all_edges()
        plotter.add_mesh(box, color=EDGE, line_width=1.2 * SUPERSAMPLING, reset_camera=False)

    def recolour(plotter: "pv.Plotter", one: Colouring) -> None:
        if mesh.n_cells:
            mesh.cell_data["shown"][:] = meshes.per_cell(mesh, one.values)
            mesh.GetCellData().GetArray("shown").Modified()
            mapper = plotter.actors["particles"].mapper
            mapper.lookup_table, mapper.scalar_range = one.table, one.span

    return _draw(fill, bounds, size, occlusion=True, changes=[partial(recolour, one=one) for one in found])


def _draw(
    fill: Callable[["pv.Plotter"], None],
    bounds: Any,
    size: tuple[int, int],
    occlusion: bool,
    changes: Sequence[Callable[["pv.Plotter"], None]] = (lambda plotter: None,),
) -> tuple[list[np.ndarray], float]:
    """Pictures (Y, X, 3) uint8 in parallel projection, one after each change, and the length of one of their pixels."""
    import pyvista as pv

    x, y = size
    plotter = pv.Plotter(off_screen=True, window_size=(x * SUPERSAMPLING, y * SUPERSAMPLING), lighting="light kit")
    images = []
    try:
        plotter.set_background("white")
        plotter.disable_anti_aliasing()  # the picture is drawn larger and averaged instead: the same on every machine
        fill(plotter)
        plotter.enable_parallel_projection()
        reach = _aim(plotter, bounds, x / y)
        if occlusion:
            plotter.enable_ssao(radius=0.08 * reach, bias=0.004 * reach, kernel_size=32, blur=True)
        else:
            plotter.enable_depth_peeling(PEELS)
        for change in changes:
            change(plotter)
            plotter.render()  # a screenshot alone shows the picture before the change
            images.append(_averaged(plotter.screenshot(return_img=True)[..., :3]))
        per_pixel = float(2 * plotter.camera.parallel_scale / y)
    finally:
        plotter.close()
    return images, per_pixel


def _averaged(image: np.ndarray) -> np.ndarray:
    """Means (Y, X, 3) uint8, halves to even, over the squares of a picture drawn larger (Y S, X S, 3) uint8."""
    total = np.zeros((image.shape[0] // SUPERSAMPLING, image.shape[1] // SUPERSAMPLING, image.shape[2]), np.uint16)
    for row in range(SUPERSAMPLING):
        for column in range(SUPERSAMPLING):
            total += image[row::SUPERSAMPLING, column::SUPERSAMPLING]
    return np.rint(total / np.float32(SUPERSAMPLING**2)).astype(np.uint8)


def _aim(plotter: "pv.Plotter", bounds: Any, aspect: float) -> float:
    """Point the camera so that the box of `bounds` (x, x, y, y, z, z) just fits; the box's diagonal."""
    corners = np.array([[x, y, z] for x in bounds[:2] for y in bounds[2:4] for z in bounds[4:]], float)
    right, up = _screen_axes()
    u, v = corners @ right, corners @ up
    middle = corners.mean(0)
    middle = (
        middle + (u.max() + u.min() - 2 * middle @ right) / 2 * right + (v.max() + v.min() - 2 * middle @ up) / 2 * up
    )
    reach = float(np.linalg.norm(corners.max(0) - corners.min(0))) or 1.0
    plotter.camera.position = middle + VIEW / np.linalg.norm(VIEW) * 3 * reach
    plotter.camera.focal_point = middle
    plotter.camera.up = (0.0, 0.0, 1.0)
    plotter.camera.clipping_range = (reach, 5 * reach)
    fit = max(float(np.ptp(v)) / 2, float(np.ptp(u)) / 2 / aspect) or 1.0
    plotter.camera.parallel_scale = 1.06 * fit
    return reach


def _screen_axes() -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of the picture's right and up, in x, y, z."""
    towards = VIEW / np.linalg.norm(VIEW)
    right = np.cross([0.0, 0.0, 1.0], towards)
    right /= np.linalg.norm(right)
    return right, np.cross(towards, right)


def _key(found: Colouring) -> figures.Key:
    """How the colours are explained beside a picture: a bar, or names with their counts."""
    if not found.categories:
        return figures.Key(found.title, found.span)
    counts = [int((found.values == code).sum()) for code in range(len(found.categories))]
    entries = tuple(
        (f"{name}  {count:,}", tuple(found.table.map_value(code)[:3]))
        for code, (name, count) in enumerate(zip(found.categories, counts))
    )
    return figures.Key(found.title, found.span, entries)
