"""Whether this machine can draw: asked in a process of its own, because a missing library ends the one that asks."""

import os
import subprocess
import sys

PACKAGES = "libegl1 libgl1-mesa-dri libgomp1"
_PROBE = """
import os
if not os.environ.get("DISPLAY"):
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderWindow
window = vtkRenderWindow()
window.SetOffScreenRendering(1)
window.SetSize(8, 8)
window.Initialize()
raise SystemExit(0 if window.GetInitialized() else 3)
"""


PROBE_SECONDS = 60.0  # after which a machine that has not answered counts as one that cannot draw


def why_no_pictures() -> str:
    """An empty text when 3D pictures can be drawn here, else one sentence that says what is missing."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE], capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return f"no 3D pictures: asking this machine to draw failed; install {PACKAGES} (Debian and Ubuntu)"
    if done.returncode == 0:
        return ""
    if b"ModuleNotFoundError" in done.stderr:
        return "no 3D pictures: the Python package vtk is not installed; install pyvista"
    return (
        f"no 3D pictures: this machine cannot draw off-screen; install them with "
        f"`apt-get install -y --no-install-recommends {PACKAGES}` (Debian and Ubuntu) and run `morphct render RUN`"
    )


def prepare() -> None:
    """Choose off-screen EGL where there is no display; to be called before the first window is made."""
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
