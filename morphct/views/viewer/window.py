"""The scene in a window of its own (pyvista)."""

import os
import sys
from typing import TYPE_CHECKING, Any

from ...ground.errors import MissingLibraryError
from ..scene import Scene, column_title, why_no_pictures

if TYPE_CHECKING:
    import pyvista as pv

    from ...results.run_folder import RunFolder

HELP = (
    "click a particle: its row    c / C: next, previous column    v: voids through the solid\n"
    "i: the chosen one alone    x y z: cut along that axis, again: no cut    r: whole view    q: leave"
)
SHOWN_ROWS = 22  # lines of a particle's row that fit beside the scene
_STEP_PIXELS = 4  # a press and a release further apart than this is a drag


class Window:
    """Keys, the mouse and texts around a `Scene`.

    Parameters
    ----------
    run : RunFolder
    plotter : pyvista.Plotter
        Not shown yet; the caller shows it.
    """

    def __init__(self, run: "RunFolder", plotter: "pv.Plotter") -> None:
        self.scene = Scene(run, plotter)
        self.plotter = plotter
        self.axis, self.share = "", 0.5
        self._column = 0
        self._pressed: tuple[int, int] | None = None
        self._slider: Any = None
        plotter.add_text(HELP, position="upper_left", font_size=8, color="#555d66", name="help")
        for key, action in self.keys().items():
            plotter.iren.clear_events_for_key(key)  # pyvista has a meaning of its own for some of them
            plotter.add_key_event(key, action)
        plotter.iren.interactor.AddObserver("LeftButtonPressEvent", lambda *_: self.press(), 1.0)
        # not the release itself: while it turns the scene, the style keeps that event from all others
        plotter.iren.style.add_observer("EndInteractionEvent", lambda *_: self.release())

    def keys(self) -> dict[str, Any]:
        """Keys and what they do."""
        return {
            "c": lambda: self.next_column(1),
            "C": lambda: self.next_column(-1),
            "v": self.toggle_voids,
            "i": self.toggle_alone,
            **{axis: (lambda axis=axis: self.toggle_cut(axis)) for axis in "xyz"},
        }

    def next_column(self, step: int) -> None:
        """Colour by the next column of the table."""
        self._column = (self._column + step) % len(self.scene.columns)
        self.scene.colour_by(self.scene.columns[self._column])
        self._say(f"coloured by {column_title(self.scene.columns[self._column])}")

    def toggle_voids(self) -> None:
        """See the voids through the solid, or the solid again."""
        self.scene.see_through(not self.scene.voids_shown)
        self.plotter.render()

    def toggle_alone(self) -> None:
        """Show the chosen particle alone, or all again."""
        if not self.scene.chosen:
            self._say("click a particle first")
            return
        self.scene.isolate(not self.scene.alone)
        self.plotter.render()

    def toggle_cut(self, axis: str) -> None:
        """Cut along an axis, with a slider for the place; the same axis again: no cut."""
        self.axis = "" if axis == self.axis else axis
        self.plotter.clear_slider_widgets()
        if self.axis:
            look: dict[str, Any] = {"pointa": (0.3, 0.08), "pointb": (0.65, 0.08), "color": "#555d66"}
            look |= {"title": f"cut along {axis}", "title_height": 0.016, "fmt": "%.2f", "style": "modern"}
            self.plotter.add_slider_widget(self.move_cut, (0.0, 1.0), value=self.share, **look)
        else:
            self.scene.clip()
        self.plotter.render()

    def move_cut(self, share: float) -> None:
        """Put the cut at this share of the volume."""
        self.share = float(share)
        self.scene.clip(self.axis, self.share)

    def press(self) -> None:
        """Note where the mouse went down."""
        self._pressed = tuple(self.plotter.iren.interactor.GetEventPosition())

    def release(self) -> None:
        """Choose the particle under the mouse when it has hardly moved: a drag turns the scene and chooses nothing."""
        at, pressed = self.plotter.iren.interactor.GetEventPosition(), self._pressed
        self._pressed = None
        if pressed is None or max(abs(at[0] - pressed[0]), abs(at[1] - pressed[1])) > _STEP_PIXELS:
            return
        self.show_row(self.scene.choose(self.scene.pick(*at)))

    def show_row(self, row: dict[str, str]) -> None:
        """Write a particle's row beside the scene; an empty one takes the text away."""
        shown = [(name, value) for name, value in row.items() if value != "" and not name.startswith(("bbox", "axis"))]
        text = "\n".join(f"{name}  {value}" for name, value in shown[:SHOWN_ROWS])
        self.plotter.add_text(text, position="upper_right", font_size=8, color="black", name="row", render=False)
        self.plotter.render()

    def _say(self, text: str) -> None:
        self.plotter.add_text(text, position="lower_left", font_size=9, color="#555d66", name="said", render=False)
        self.plotter.render()


def show(run: "RunFolder") -> None:
    """Open a window on a run; returns when it is closed.

    Raises
    ------
    MissingLibraryError
        When there is no display or this machine cannot draw.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise MissingLibraryError("there is no display to open a window on; use `morphct view RUN --web` and a browser")
    missing = why_no_pictures()
    if missing:
        raise MissingLibraryError(missing)
    import pyvista as pv

    plotter = pv.Plotter(title=f"morphct: {run.name}", lighting="light kit")
    Window(run, plotter)
    plotter.show()
