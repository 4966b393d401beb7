"""The page of the real volumes: a table of what came out and what is known, and a sheet of cuts with outlines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

HEAD = """# Real volumes

What the defaults make of volumes made by others (`scripts/realboard`; the volumes are not part of the repository, see
their sources in the table). A file of three and more values is refused until one of them is named; its row is that of
the value named. Beside: Otsu's level on the raw volume (the Dice number is that of the solid), and scikit-image's
h-maxima of height 1 on it, holes filled (pieces of 30 voxels and more; not for more than 12 million voxels).

"""
INCHES = 3.2
WINDOW_VOXELS = 160


def page(played: Sequence[dict[str, Any]]) -> str:
    """The page as Markdown."""
    return HEAD + "\n".join(_table(played)) + "\n\n![Cuts with outlines](real.png)\n\n" + "\n".join(_said(played))


def _table(played: Sequence[dict[str, Any]]) -> list[str]:
    rows = [
        "| volume | shape | method | sigma | particles | h-maxima | largest | closed voids (voxels) | cut by a face "
        "| Dice to Otsu | known |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for facts in played:
        if "method" not in facts:
            rows.append(f"| {facts['what']} | {facts['shape']} | refused | | | | | | | | |")
            continue
        known = "; ".join(f"{what}: **{value:,.6g}** {'✓' if good else '✗'}" for what, value, good in facts["checks"])
        beside = "" if facts["peer_particles"] is None else f"{facts['peer_particles']:,}"
        rows.append(
            f"| {facts['what']} | {facts['shape']} | {facts['method']} | {facts['sigma']:.2g} | "
            f"{facts['particles']:,} | {beside} | {100 * facts['largest_share']:.1f} % | "
            f"{facts['voids']:,} ({facts['void_voxels']:,}) | {facts['cut_voids']:,} | {facts['dice']:.3f} | {known} |"
        )
    return rows


def _said(played: Sequence[dict[str, Any]]) -> list[str]:
    lines = ["## What is said", ""]
    for facts in played:
        said = [facts["said"]] if facts["said"] else []
        if facts.get("reason"):
            said.append(f"{facts['method']}, because {facts['reason']}")
        said += [f"warning: {text}" for text in facts.get("warnings", [])]
        if said:
            lines += [f"- **{facts['file']}**: {'; '.join(said)}"]
    return [*lines, ""]


def contact_sheet(played: Sequence[dict[str, Any]], path: Path) -> None:
    """A cut through each volume with the outlines of its particles, and of its voids, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [facts for facts in played if "labels" in facts]
    if not shown:
        return
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(INCHES * columns, (INCHES + 0.35) * rows), squeeze=False)
    for axis in axes.ravel():
        axis.axis("off")
    for axis, facts in zip(axes.ravel(), shown):
        _draw(axis, facts)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _draw(axis: Any, facts: dict[str, Any]) -> None:
    labels, voids, grey = (facts[name] for name in ("labels", "voids_image", "grey"))
    plane = int(np.count_nonzero(labels, axis=(1, 2)).argmax())
    y, x = (
        slice(max(0, (n - WINDOW_VOXELS) // 2), max(0, (n - WINDOW_VOXELS) // 2) + WINDOW_VOXELS)
        for n in grey.shape[1:]
    )
    cut = np.asarray(grey[plane, y, x], np.float32)
    low, high = np.percentile(cut, [1, 99])
    shade = np.clip((cut - low) / max(high - low, 1e-9), 0, 1)
    axis.imshow(np.kron(shade, np.ones((4, 4))), cmap="gray", interpolation="nearest")
    for image, colour in ((labels[plane, y, x], (1.0, 0.55, 0.0)), (voids[plane, y, x], (0.0, 0.75, 1.0))):
        large = np.kron(image, np.ones((4, 4), image.dtype))
        edge = np.zeros(large.shape, bool)
        edge[1:] |= large[1:] != large[:-1]
        edge[:, 1:] |= large[:, 1:] != large[:, :-1]
        axis.imshow(np.dstack([np.broadcast_to(c, edge.shape) for c in colour] + [edge.astype(float)]))
    name = facts["file"].removesuffix(".tif")
    axis.set_title(f"{name}\n{facts['method']}, {facts['particles']:,} particles, z = {plane}", fontsize=8)
