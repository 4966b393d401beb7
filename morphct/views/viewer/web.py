"""The scene in a browser: drawn here, sent as pictures to a page on 127.0.0.1.

Whoever may open the page may steer the scene, so the socket asks for a key that only the printed address carries, and
pages of other origins are refused (trame itself has a constant key and checks no origin).
"""

import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...ground.errors import MissingLibraryError
from ..scene import OWN, Scene, column_title, meshes, prepare, why_no_pictures

if TYPE_CHECKING:
    import pyvista as pv

    from ...results.run_folder import RunFolder

HOST = "127.0.0.1"
log = logging.getLogger("morphct")
SOFTWARE = ("llvmpipe", "softpipe", "swiftshader")
SOFTWARE_FACES = 300_000  # what a processor still turns several times a second
OWN_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_SWATCH = "height: 12px; border-radius: 2px"
# a click is a press and a release less than four pixels and half a second apart; the place is told as shares of the
# picture, because the picture's size on the server changes while it is being turned
_PRESS = "pressed = [$event.clientX, $event.clientY, Date.now()]"
_CLICKED = (
    "$event.button === 0 && pressed && Date.now() - pressed[2] < 500"
    " && Math.hypot($event.clientX - pressed[0], $event.clientY - pressed[1]) < 4"
    " && trigger('picked', [($event.clientX - $event.currentTarget.getBoundingClientRect().left)"
    " / $event.currentTarget.clientWidth,"
    " 1 - ($event.clientY - $event.currentTarget.getBoundingClientRect().top) / $event.currentTarget.clientHeight])"
)


class WebView:
    """Page and state around a `Scene`.

    Parameters
    ----------
    run : RunFolder
    plotter : pyvista.Plotter
        Off-screen.
    server : trame server
    """

    def __init__(self, run: "RunFolder", plotter: "pv.Plotter", server: Any) -> None:
        self.run, self.plotter, self.server = run, plotter, server
        plotter.render_window.SetMultiSamples(0)  # three times faster where a processor draws
        faces = SOFTWARE_FACES if draws_in_software(plotter) else meshes.MOST_FACES
        self.scene = Scene(run, plotter, faces, legend=False)
        self.view: Any = None
        state = server.state
        state.trame__title, state.name = f"morphct: {run.name}", run.name
        state.columns = [{"title": column_title(c), "value": c} for c in self.scene.columns]
        state.column = self.scene.columns[0]
        state.axis, state.share, state.through, state.alone = "", 0.5, False, False
        state.chosen, state.row, state.pressed = 0, [], None
        state.counted = _counted(run)
        server.trigger("picked")(self.picked)
        state.change("column")(self.recolour)
        state.change("axis", "share")(self.cut)
        state.change("through")(self.see_through)
        state.change("alone")(self.isolate)
        self._tell_colours()
        self._page()

    def first(self) -> None:
        """The page is there and the picture has its size: fit the volume into it."""
        self.scene.reset_camera()
        self.draw()

    def _tell_colours(self) -> None:
        """What the colours mean, for the page to show."""
        found, state = self.scene.colouring, self.server.state
        stops = found.stops() if found is not None else []
        state.names, state.span, state.gradient = [], [], ""
        if found is None or found.column == OWN:
            return
        if found.categories:
            state.names = [[name, stop] for name, stop in zip(found.categories, stops)]
        else:
            state.span = [f"{v:.3g}" for v in found.span]
            state.gradient = (
                f"height: 12px; border-radius: 2px; background: linear-gradient(to right, {', '.join(stops)})"
            )

    def recolour(self, column: str, **_: Any) -> None:
        """Colour by the column chosen in the page."""
        if column in self.scene.columns:
            self.scene.colour_by(column)
            self._tell_colours()
            self.draw()

    def cut(self, axis: str, share: float, **_: Any) -> None:
        """Cut where the page says."""
        self.scene.clip(axis or "", float(share))
        self.draw()

    def see_through(self, through: bool, **_: Any) -> None:
        """Voids through the solid, or not."""
        self.scene.see_through(bool(through))
        self.draw()

    def isolate(self, alone: bool, **_: Any) -> None:
        """The chosen particle alone, or all."""
        if bool(alone) != self.scene.alone:
            self.scene.isolate(bool(alone))
            self.draw()

    def picked(self, across: float, up: float) -> None:
        """Choose the particle at a place of the picture, both as shares of it from the lower left."""
        width, height = self.plotter.renderer.GetSize()
        self.choose(self.scene.pick(float(across) * width, float(up) * height))

    def choose(self, label: int) -> None:
        """Choose a particle and send its row."""
        row = self.scene.choose(int(label or 0))
        state = self.server.state
        state.chosen, state.alone = self.scene.chosen, self.scene.alone
        state.row = [[name, value] for name, value in row.items() if value != ""]
        self.draw()

    def whole(self) -> None:
        """Back to the whole volume."""
        self.server.state.alone = False
        self.scene.isolate(False)
        self.scene.reset_camera()
        self.draw()

    def draw(self) -> None:
        """Send a new picture."""
        if self.view is not None:
            self.view.update()

    def _page(self) -> None:
        from trame.ui.vuetify3 import VAppLayout
        from trame.widgets import client, html
        from trame.widgets import vuetify3 as v3

        with VAppLayout(self.server, full_height=True) as layout:
            with v3.VNavigationDrawer(permanent=True, width=300):
                self._controls(html, v3)
            with v3.VNavigationDrawer(permanent=True, location="right", width=330):
                self._row(html, v3)
            with v3.VMain(), html.Div(style="position: relative; width: 100%; height: 100%;"):
                self._picture(html)
                client.ClientTriggers(mounted=self.first)
        self.layout = layout

    def _controls(self, html: Any, v3: Any) -> None:
        look: dict[str, Any] = {"density": "compact", "hide_details": True, "color": "#0b6e8a"}
        with html.Div(classes="pa-4 d-flex flex-column", style="gap: 14px"):
            # as a value, never as part of the template: Vue would run what a name holds
            html.Div("{{ name }}", classes="text-h6", id="name", style="overflow-wrap: anywhere; line-height: 1.3")
            html.Div("{{ counted }}", classes="text-body-2 text-medium-emphasis")
            v3.VSelect(v_model=("column",), items=("columns",), label="Colour by", variant="outlined", **look)
            self._key(html)
            v3.VSwitch(v_model=("through",), label="Voids through the solid", **look)
            html.Div("Cut along", classes="text-body-2")
            with v3.VBtnToggle(v_model=("axis",), density="compact", variant="outlined", divided=True, mandatory=True):
                v3.VBtn("no cut", value="", size="small", classes="text-none")
                for axis in "xyz":
                    v3.VBtn(axis, value=axis, size="small", classes="text-none")
            v3.VSlider(
                model_value=("share",), min=0, max=1, step=0.01, disabled=("!axis",), thumb_label=False,
                end="share = $event", **look,
            )  # fmt: skip
            v3.VBtn("Whole view", click=self.whole, variant="outlined", size="small", classes="text-none")
            html.Div(
                "Drag to turn, wheel to zoom, shift and drag to move. Click a particle for its row.",
                classes="text-caption text-medium-emphasis",
            )

    def _key(self, html: Any) -> None:
        with html.Div(v_if="span.length", id="key"):
            html.Div(style=("gradient",))
            with html.Div(classes="d-flex justify-space-between text-caption"):
                html.Span("{{ span[0] }}")
                html.Span("{{ span[1] }}")
        with (
            html.Div(v_if="names.length", classes="d-flex flex-wrap text-caption", style="gap: 4px 14px", id="names"),
            html.Span(v_for="pair in names", key="pair[0]", classes="d-inline-flex align-center"),
        ):
            html.Span(style=(f"`{_SWATCH}; width: 12px; margin-right: 5px; background: ${{pair[1]}}`",))
            html.Span("{{ pair[0] }}")

    def _row(self, html: Any, v3: Any) -> None:
        with html.Div(classes="pa-4"):
            html.Div("Click a particle to see its row.", v_if="!chosen", classes="text-body-2 text-medium-emphasis")
            with html.Div(v_if="chosen", classes="d-flex align-center justify-space-between mb-2"):
                html.Div("Particle {{ chosen }}", classes="text-h6", id="chosen")
                v3.VSwitch(
                    v_model=("alone",), label="alone", density="compact", hide_details=True, color="#0b6e8a",
                    style="flex: none",
                )  # fmt: skip
            with (
                v3.VTable(v_if="chosen", density="compact", id="row"),
                html.Tbody(),
                html.Tr(v_for="pair in row", key="pair[0]"),
            ):
                html.Td("{{ pair[0] }}", classes="text-medium-emphasis", style="padding: 0 4px; height: 26px")
                html.Td("{{ pair[1] }}", style="padding: 0 4px; height: 26px; text-align: right")

    def _picture(self, html: Any) -> None:
        from trame_pyvista.widgets import PyVistaRemoteView

        events = [("pressed_at", "pointerdown.capture"), ("released_at", "pointerup.capture")]
        with html.Div(
            __events=events, pressed_at=_PRESS, released_at=_CLICKED, id="picture",
            style="position: absolute; inset: 0;",
        ):  # fmt: skip
            self.view = PyVistaRemoteView(
                self.plotter, interactive_ratio=0.6, interactive_quality=60, still_ratio=1, still_quality=92
            )


def _page_left(record: logging.LogRecord) -> bool:
    """Whether a record is worth reading: a page that was closed in the middle of a picture is no news."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionResetError))


def quiet_libraries() -> None:
    """Keep the server's libraries from printing tracebacks each time a page is closed."""
    logging.getLogger("wslink").setLevel(logging.CRITICAL + 1)
    for name in ("aiohttp.server", "asyncio"):
        logging.getLogger(name).addFilter(_page_left)


def draws_in_software(plotter: "pv.Plotter") -> bool:
    """Whether the processor draws, not a graphics card."""
    told = plotter.render_window.ReportCapabilities().lower()
    return any(name in told for name in SOFTWARE)


def _counted(run: "RunFolder") -> str:
    return f"{len(run.particles):,} particles, {len(run.voids):,} voids"


def same_origin(host: str, origin: str | None) -> bool:
    """Whether a request comes from our own page: the host is this machine, and the origin, if told, is that host.

    A page of another local server has another port; a name that was rebound to 127.0.0.1 is no host of ours.
    """
    name = host.rsplit(":", 1)[0] if ":" in host.rpartition("]")[2] else host
    return name in OWN_HOSTS and (origin is None or urlsplit(origin).netloc == host)


def guard(server: Any) -> None:
    """Refuse requests of foreign origins before they reach a page or the socket."""

    def bound(bound_server: Any, **_: Any) -> None:
        from aiohttp import web

        @web.middleware
        async def check(request: Any, handler: Any) -> Any:
            if not same_origin(request.headers.get("Host", ""), request.headers.get("Origin")):
                raise web.HTTPForbidden(text="this page is for its own address only")
            return await handler(request)

        bound_server.app.middlewares.append(check)

    server.controller.on_server_bind.add(bound)


def _free_or_any(port: int) -> int:
    """The port, or 0 (any free one) where it cannot be listened at."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            log.warning("port %d cannot be used (%s), so a free one is taken", port, error.strerror)
            return 0
    return port


def serve(
    run: "RunFolder", port: int = 0, open_browser: bool = False, told: Callable[[str], Any] = lambda address: None
) -> None:
    """Serve the scene until interrupted.

    Parameters
    ----------
    run : RunFolder
    port : int
        0 takes a free one, and so does one that another program listens at.
    open_browser : bool
        Open the page in the user's browser.
    told : callable
        Is told the page's address, key included, once it can be opened.

    Raises
    ------
    MissingLibraryError
        When trame is not installed or this machine cannot draw.
    """
    try:
        import trame_pyvista  # noqa: F401
        from trame.app import get_server
    except ImportError:
        raise MissingLibraryError(
            "`morphct view --web` needs the package trame-pyvista; install it with `pip install 'morphct[web]'`"
        ) from None
    missing = why_no_pictures()
    if missing:
        raise MissingLibraryError(missing)
    prepare()
    import pyvista as pv

    key = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="morphct-view-") as folder:
        key_file = Path(folder) / "key"
        key_file.touch(mode=0o600)
        key_file.write_text(key)
        # trame reads the command line by itself, ours too; and it prints where nobody asked
        os.environ["TRAME_ARGS"] = f"--server --authKeyFile {key_file}"
        os.environ["WSLINK_READY_MSG"] = ""
        quiet_libraries()
        server = get_server("morphct")
        plotter = pv.Plotter(off_screen=True, window_size=(1000, 750), lighting="light kit")
        WebView(run, plotter, server)
        guard(server)

        def ready(**_: Any) -> None:
            shutil.rmtree(folder, ignore_errors=True)  # read by now; nothing is left should this process be killed
            address = f"http://{HOST}:{server.port}/index.html?secret={key}"
            if open_browser:
                import webbrowser

                webbrowser.open(address)
            told(address)

        server.controller.on_server_ready.add(ready)
        server.start(
            port=_free_or_any(port),
            host=HOST,
            timeout=0,
            open_browser=False,
            show_connection_info=False,
            disable_logging=True,
        )
