"""The interactive scene: particles as one mesh, voids, a clipping plane, a pick. Window and browser share it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from . import meshes
from .colours import OWN, Colouring, colour_columns, colouring, column_title
from .section import sampled, section

if TYPE_CHECKING:
    import pyvista as pv

    from ...results.run_folder import RunFolder

BACKGROUND, EDGE, VOID, CHOSEN = "#ffffff", "#8a949e", "#c4581a", "#ffb000"
SEE_THROUGH = 0.25
AXES = ("x", "y", "z")

UNRESOLVED = "not_resolved"  # the column of columns that a row is too small for


class Scene:
    """Particles of a run in a plotter.

    Parameters
    ----------
    run : RunFolder
        What is shown.
    plotter : pyvista.Plotter
        Where.
    faces : int
        Limit of the population's mesh; fewer for a machine that draws in software.
    legend : bool
        Whether the meaning of the colours is drawn into the scene.
    """

    def __init__(
        self, run: "RunFolder", plotter: "pv.Plotter", faces: int = meshes.MOST_FACES, legend: bool = True
    ) -> None:
        self.run, self.plotter, self.legend = run, plotter, legend
        self.columns = colour_columns(run)
        self.chosen = 0
        self.alone = False
        self.voids_shown = False
        self.opacity = 1.0
        self.colouring: Colouring | None = None
        self._plane: Any = None
        self._extra: list[Any] = []
        self._locator: Any = None
        self.bounds = meshes.volume_bounds(run)
        self.labels = meshes.population(run, faces)
        self.holes = meshes.voids(run, faces)
        self.mesh = self.labels.surface()
        self._build()

    def _build(self) -> None:
        import pyvista as pv

        plotter = self.plotter
        plotter.set_background(BACKGROUND)
        self.mesh.cell_data["shown"] = np.zeros(self.mesh.n_cells, np.float32)
        if self.mesh.n_cells:
            # quads shade as facets unless the points carry normals
            self.mesh = self.mesh.compute_normals(cell_normals=False, split_vertices=False, consistent_normals=False)
        look: dict[str, Any] = {"show_scalar_bar": False, "ambient": 0.15, "specular": 0.1, "reset_camera": False}
        self.particles = plotter.add_mesh(self._drawable(self.mesh), scalars="shown", name="particles", **look)
        found = self.holes.surface() if self.holes is not None else pv.PolyData()
        self.particles.prop.interpolation = "Gouraud"
        self.voids = plotter.add_mesh(self._drawable(found), color=VOID, name="voids", **look)
        self.voids.SetVisibility(False)
        self.box = plotter.add_mesh(pv.Box(self.bounds).extract_all_edges(), color=EDGE, line_width=1.5, name="box")
        plotter.add_axes(line_width=2)
        plotter.enable_parallel_projection()
        self.reset_camera()
        self.colour_by(self.columns[0])

    def _drawable(self, mesh: "pv.PolyData") -> "pv.PolyData":
        """The mesh, or an unseen point when it is empty: a plotter refuses an empty mesh."""
        import pyvista as pv

        if mesh.n_cells:
            return mesh
        point = pv.PolyData(np.array([[0.0, 0.0, 0.0]]))
        point.cell_data["shown"] = np.zeros(1, np.float32)
        return point

    def reset_camera(self) -> None:
        """Look at the whole volume from a corner above, z up."""
        low, high = np.array(self.bounds[::2]), np.array(self.bounds[1::2])
        middle, reach = (low + high) / 2, float(np.linalg.norm(high - low))
        self.plotter.camera_position = [middle + np.array([0.55, -0.72, 0.5]) * 2 * reach, middle, (0.0, 0.0, 1.0)]
        self.plotter.reset_camera(bounds=self.bounds, render=False)

    def colour_by(self, column: str) -> Colouring:
        """Colour the particles by a column of their table.

        Raises
        ------
        KeyError
            When there is no such column.
        """
        found = colouring(self.run, column)
        if self.mesh.n_cells:
            self.mesh.cell_data["shown"][:] = meshes.per_cell(self.mesh, found.values)
            self.mesh.GetCellData().GetArray("shown").Modified()
            self.mesh.Modified()
        mapper = self.particles.mapper
        mapper.lookup_table = found.table
        mapper.scalar_range = found.span
        self.colouring = found
        self._legend()
        self._lay_open()
        return found

    def _legend(self) -> None:
        """The colour bar of a quantity, the colours and names of classes, nothing for colours without meaning."""
        found, plotter = self.colouring, self.plotter
        for title in list(plotter.scalar_bars.keys()):
            plotter.remove_scalar_bar(title, render=False)
        plotter.remove_legend(render=False)
        if not self.legend or found is None or found.column == OWN:
            return
        if found.categories:
            entries = [[name, found.table.map_value(i)[:3]] for i, name in enumerate(found.categories)]
            plotter.add_legend(
                entries, bcolor=None, face="rectangle", size=(0.13, 0.042 * len(entries)), loc="lower right"
            )
            return
        plotter.add_scalar_bar(
            title=found.title.replace(" (", "\n(") + "\n", mapper=self.particles.mapper, n_labels=5, fmt="%.3g",
            color="black", title_font_size=14, label_font_size=12, width=0.08, height=0.4, position_x=0.86,
            position_y=0.06, vertical=True, render=False,
        )  # fmt: skip

    def see_through(self, on: bool) -> None:
        """Make the solid transparent and show the voids in it, or not."""
        self.voids_shown = on
        self.opacity = SEE_THROUGH if on else 1.0
        self.particles.prop.opacity = self.opacity
        self._apply()

    def clip(self, axis: str = "", share: float = 0.5) -> None:
        """Cut at `share` (0 to 1) of the volume along x, y or z, taking away what is nearer to the eye.

        No axis: nothing is cut.
        """
        if axis not in AXES:
            self.cut(None, None)
            return
        along = AXES.index(axis)
        camera = self.plotter.camera
        nearer = np.sign(camera.position[along] - camera.focal_point[along]) or 1.0
        normal, origin = np.zeros(3), np.zeros(3)
        low, high = self.bounds[2 * along : 2 * along + 2]
        normal[along], origin[along] = -nearer, low + share * (high - low)
        self.cut(normal, origin)

    def cut(self, normal: Any, origin: Any) -> None:
        """Keep the side of a plane its normal (x, y, z) points to; None for no plane."""
        from vtkmodules.vtkCommonDataModel import vtkPlane

        self._plane = None
        if normal is not None:
            self._plane = vtkPlane()
            self._plane.SetNormal(*(float(v) for v in normal))
            self._plane.SetOrigin(*(float(v) for v in origin))
        self._clip_actors()
        self._lay_open()

    def _lay_open(self) -> None:
        """Draw what lies on the cutting plane, so that cut particles are not hollow shells."""
        self.plotter.remove_actor("section", render=False)
        if self._plane is None or self.alone or self.voids_shown or self.colouring is None:
            return
        normal, origin = np.array(self._plane.GetNormal()), np.array(self._plane.GetOrigin())
        marked = (self.chosen, CHOSEN)
        quad, picture = section(self.labels, self.holes, normal, origin, self.bounds, self.colouring, VOID, marked)
        look: dict[str, Any] = {"lighting": False, "reset_camera": False, "show_scalar_bar": False, "render": False}
        self.plotter.add_mesh(quad, texture=picture, name="section", **look)

    def pick(self, x: float, y: float) -> int:
        """Label of the particle under a point of the picture (pixels from the lower left), 0 for none.

        A ray of our own through a cell locator: thousands of times quicker than drawing ids, and blind to what the
        plane has cut away.
        """
        if not self.mesh.n_cells or self.alone:
            return self.chosen if self.alone else 0
        from vtkmodules.vtkCommonCore import vtkIdList, vtkPoints

        if self._locator is None:
            from vtkmodules.vtkCommonDataModel import vtkStaticCellLocator

            self._locator = vtkStaticCellLocator()
            self._locator.SetDataSet(self.mesh)
            self._locator.BuildLocator()
        near, far = (self._world(x, y, depth) for depth in (0.0, 1.0))
        points, cells = vtkPoints(), vtkIdList()
        self._locator.IntersectWithLine(near, far, 0.0, points, cells)
        hits = sorted(
            (float(np.linalg.norm(np.array(points.GetPoint(i)) - near)), cells.GetId(i))
            for i in range(points.GetNumberOfPoints())
            if self._plane is None or self._plane.EvaluateFunction(points.GetPoint(i)) >= 0
        )
        ray = (far - near) / np.linalg.norm(far - near)
        laid_open, at = self._on_the_cut(near, ray)
        if laid_open and (not hits or at <= hits[0][0]):
            return laid_open
        if not hits:
            return 0
        # a wall between two particles is drawn once: the one behind it, as seen from here, is meant
        step = 0.5 * float(np.min(self.labels.spacing))
        behind = int(sampled(self.labels, near + (hits[0][0] + step) * ray))
        cell = {int(self.mesh.cell_data[name][hits[0][1]]) for name in ("label", "neighbour")}
        return behind if behind in cell and behind else int(self.mesh.cell_data["label"][hits[0][1]])

    def _on_the_cut(self, start: np.ndarray, ray: np.ndarray) -> tuple[int, float]:
        """Label that the cutting plane lays open where a ray meets it, and how far from its start; 0: none."""
        if self._plane is None:
            return 0, 0.0
        normal, origin = np.array(self._plane.GetNormal()), np.array(self._plane.GetOrigin())
        slope = float(normal @ ray)
        if slope == 0:
            return 0, 0.0
        at = float(normal @ (origin - start)) / slope
        return int(sampled(self.labels, start + at * ray)) if at > 0 else 0, at

    def _world(self, x: float, y: float, depth: float) -> np.ndarray:
        renderer = self.plotter.renderer
        renderer.SetDisplayPoint(x, y, depth)
        renderer.DisplayToWorld()
        point = np.array(renderer.GetWorldPoint())
        return point[:3] / point[3]

    def choose(self, label: int) -> dict[str, str]:
        """Mark a particle (0: none) and return its row in words."""
        self.chosen = label if label in self.run.particles.index else 0
        self.alone = self.alone and self.chosen > 0
        self._apply()
        return self.row(self.chosen)

    def isolate(self, on: bool) -> None:
        """Show the chosen particle alone, in full detail, its voids seen through it; or everything again."""
        self.alone = on and self.chosen > 0
        self._apply()
        if self.alone:
            self.plotter.reset_camera(bounds=self._extra[0].bounds, render=False)
        else:
            self.plotter.reset_camera(bounds=self.bounds, render=False)

    def _apply(self) -> None:
        """Bring the actors in line with what is chosen, alone, and seen through."""
        plotter = self.plotter
        for actor in self._extra:
            plotter.remove_actor(actor, render=False)
        self._extra = []
        self._lay_open()
        self.particles.SetVisibility(not self.alone)
        self.voids.SetVisibility(self.voids_shown and not self.alone)
        self.box.SetVisibility(not self.alone)
        look: dict[str, Any] = {"reset_camera": False, "show_scalar_bar": False, "ambient": 0.15, "render": False}
        if self.alone:
            solid, holes = meshes.particle(self.run, self.chosen)
            solid = solid.compute_normals(cell_normals=False, split_vertices=False, consistent_normals=False)
            self._extra.append(plotter.add_mesh(solid, color="#9fb8c4", opacity=SEE_THROUGH, name="solid", **look))
            if holes.n_cells:
                self._extra.append(plotter.add_mesh(holes, color=VOID, name="holes", **look))
        elif self.chosen:
            own = (self.mesh.cell_data["label"] == self.chosen) | (self.mesh.cell_data["neighbour"] == self.chosen)
            if own.any():
                marked = self.mesh.extract_cells(np.flatnonzero(own))
                marked.cell_data.clear()
                actor = plotter.add_mesh(marked, color=CHOSEN, opacity=max(self.opacity, 0.6), name="chosen", **look)
                # in front of the same faces of the population
                actor.mapper.SetResolveCoincidentTopologyToPolygonOffset()
                actor.mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(-1.0, -1.0)
                self._extra.append(actor)
        self._clip_actors()

    def _clip_actors(self) -> None:
        """Cut all that is shown; a particle alone is seen whole."""
        for actor in (self.particles, self.voids, *self._extra):
            actor.mapper.RemoveAllClippingPlanes()
            if self._plane is not None and not self.alone:
                actor.mapper.AddClippingPlane(self._plane)

    def row(self, label: int) -> dict[str, str]:
        """The row of a particle, names and values in words, what is asked first before the rest; empty for none."""
        if label not in self.run.particles.index:
            return {}
        row = self.run.particles.loc[label]
        names = [*(c for c in self.columns if c in row.index), *(c for c in row.index if c not in self.columns)]
        told = {column_title(name): _word(row[name]) for name in names if name != UNRESOLVED}
        few = row[UNRESOLVED] if UNRESOLVED in row.index else ""  # a row on the screen has no room for the columns
        count = len(few.split(";")) if isinstance(few, str) and few else 0
        return {"label": str(label)} | told | ({column_title(UNRESOLVED): f"{count} columns"} if count else {})


def _word(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.4g}"
    # flags of older runs list columns one by one
    return "" if value is None else "; ".join(flag.partition(":")[0] for flag in str(value).split(";"))
