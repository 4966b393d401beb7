"""Who a process is: the version and content of its morphct, the libraries that have a part in the numbers."""

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from ... import __version__

PACKAGE = Path(__file__).parents[2]
# of another version of one of these the last digits of a number may differ
LIBRARIES = ("numpy", "scipy", "numba", "scikit-image", "connected-components-3d", "edt", "porespy")


@cache
def content() -> str:
    """Digest of the sources of this morphct, kernels included."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def versions() -> dict[str, str]:
    """Versions of morphct, of Python and of the libraries that have a part in the numbers; "none" for one not there."""
    found = {"morphct": __version__, "python": ".".join(platform.python_version_tuple()[:2])}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return found


@cache
def stamp() -> str:
    """All of it in one word, the same on machines that give the same numbers."""
    return hashlib.sha256(f"{versions()} {content()}".encode()).hexdigest()
