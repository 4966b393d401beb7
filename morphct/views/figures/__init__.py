"""Figures of a run, each a function of the run folder, listed once in `FIGURES`.

In: a run folder. Out: Matplotlib figures, written as PNG or SVG by who asks for them. A figure that has nothing to show
is None. Start reading at `style`, which all of them share.

- `channels`: radial profiles of co-registered maps: how a channel goes from the surface of the particles to their cores
- `cuts`: small pictures of single particles: three cuts through a place, grey with outlines that a grey print keeps
- `framed`: the frame of a 3D picture: what its colours mean, a scale bar, the directions of the axes, a line of words
- `grey`: figures of the grey values: the histogram with its fit, and three slices with what was found in them
- `mid_planes`: the middle planes of a grey volume, kept while others read it
- `shapes`: shape figures: ellipticity bubbles in 3D, the Zingg plane, sphericity against roundness
- `sizes`: size distributions: particles and voids, by number and by volume
- `style`: one look for all figures: small, quiet, readable when printed grey, and the same bytes each time
- `trust`: how far to trust each column: bias and spread on known bodies against their size, over the sizes of the run
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .channels import profiles
from .framed import Key, framed
from .grey import MidPlanes, histogram, slices
from .shapes import bubbles, sphericity, zingg
from .sizes import overlaid, sizes, void_sizes
from .style import CLASS_COLOURS, DPI, QUANTITY, length_text, png, svg
from .trust import trust

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...results.run_folder import RunFolder

__all__ = [
    "CLASS_COLOURS",
    "DPI",
    "FIGURES",
    "QUANTITY",
    "Entry",
    "Key",
    "MidPlanes",
    "framed",
    "length_text",
    "png",
    "slices",
    "svg",
]


@dataclass(frozen=True)
class Entry:
    """A figure of the report.

    Parameters
    ----------
    name : str
        File name without ending, `figures/<name>.png`.
    title, caption : str
        As the report prints them.
    draw : callable
        RunFolder -> Figure, or None when the run has nothing to show in it.
    vector : bool
        Whether the report embeds it as SVG (few shapes) rather than PNG (many).
    section : {"particles", "grey", "trust"}
        Where on the page it stands.
    of_batch : callable, optional
        ([RunFolder], [colour]) -> Figure or None: the same of several samples, for the page of a batch.
    of_batch_caption : str
        As that page prints it.
    """

    name: str
    title: str
    caption: str
    draw: Callable[["RunFolder"], "Figure | None"]
    vector: bool = True
    section: str = "particles"
    of_batch: Callable[[list["RunFolder"], list[str]], "Figure | None"] | None = None
    of_batch_caption: str = ""


FIGURES = (
    Entry(
        "sizes",
        "Size distribution",
        "Equivalent diameter (of the sphere of the same volume, enclosed voids included). Bars: share per bin of "
        "equal ratio; line: cumulative share; dashed: the diameters below which 10, 50 and 90 % lie. By number every "
        "particle counts the same; by volume a large one counts for what it weighs. Particles cut by the border are "
        "left out; each of the others counts for as many as the border cuts of its size.",
        sizes,
        of_batch=overlaid,
        of_batch_caption="Cumulative equivalent diameters, by number and by volume, of the particles that the border "
        "does not cut, each counting for as many as the border cuts of its size.",
    ),
    Entry(
        "ellipticity",
        "Ellipticity in three directions",
        "Each bubble is a particle: ratios of the semi-axes a ≥ b ≥ c of the ellipsoid with the same second moments. "
        "A sphere lies at (1, 1, 1), a needle near b/a = 0, a plate near c/b = 0. The bubble's size is the diameter, "
        "its colour the sphericity.",
        bubbles,
        vector=False,
    ),
    Entry(
        "zingg",
        "Form after Zingg",
        "The same ratios in a plane, b/a over c/b, with the four classes of Zingg (1935) split at 2/3 and the share of "
        "particles in each.",
        zingg,
        vector=False,
    ),
    Entry(
        "sphericity",
        "Sphericity",
        "Sphericity as the radius of the largest ball inside over that of the smallest ball around a particle, against "
        "roundness where it was measured, else against Wadell's sphericity (surface of the sphere of the same volume "
        "over the particle's own). Histograms on the edges, medians marked.",
        sphericity,
        vector=False,
    ),
    Entry(
        "voids",
        "Voids",
        "Left: equivalent diameters of the closed voids of all particles. Right: the share of each whole particle's "
        "envelope that is void, for those that hold any.",
        void_sizes,
    ),
    Entry(
        "channels",
        "Maps from the surface to the core",
        "Each map's mean in ten shells of equal normalised depth: the middle particle (line) and the middle half of "
        "the particles (band). Particles cut by the border and shells of fewer than twenty measured voxels are left "
        "out.",
        profiles,
    ),
    Entry(
        "trust",
        "Bias and spread on bodies of known shape",
        "Measured less true, as a share of lengths and areas and as a difference of ratios, against the size of the "
        "body in voxels; one body for each line and size is the mean of several in random pose. Band: mean ± one "
        "standard deviation over bodies with the axis ratios of the particles. Below: how many particles of this run "
        "are of each size.",
        trust,
        section="trust",
    ),
    Entry(
        "histogram",
        "Grey values and phases",
        "Counts on a logarithmic scale. The phases are fitted to voxels away from edges, which are not blurred "
        "mixtures; the level separates particles from the rest. A segmented volume has shares of values instead.",
        histogram,
        section="grey",
    ),
    Entry(
        "slices",
        "Three slices through the middle",
        "Outlines of the particles (blue) and of the voids (orange) over the grey values; without grey values, each "
        "particle in a colour of its own.",
        slices,
        vector=False,
        section="grey",
    ),
)
