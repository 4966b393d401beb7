"""Tables and figure of the scoreboard."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

HEAD = """# Scoreboard

Written by `scripts/scoreboard`, {date}, seeds {seeds}. Synthetic powders (`morphct phantom`) at the reference study's
contrast (CNR 2.3, white noise, air, glue and particles) unless the row says otherwise; default settings, nothing tuned
to a row. Particles of 200 voxels and more are scored. Families of 20 and 40 voxels are drawn with all seeds, the rest
with the first.

- **F1**: a found and a true particle are the same where their intersection is more than half of their union. *Within*:
  of particles that touch no face of the volume. *Best merge*: every basin of the distance map given to the particle
  that holds most of it, the ceiling for any rule of joining on this mask.
- **over, under**: true particles found in several pieces, found particles that hold several true ones, per 100 true.
- **Rand**: adapted Rand error. **Diameter**: median of found over true, less one; **volume**: the same of all together.
- **Voids**: volume of those above the simulated limit of detection (of which 95 % should be seen), found over true;
  *seen*: share of those true ones that are found; *false* ones, of any size, per particle.
- **Verdict**: balanced accuracy of single, porous and aggregate over particles that were found, whole. *Clear*: of
  those that can be told, without touches as wide as welds (.35 of the smaller radius), welds of less than 2.5 voxels
  and void fractions within a fifth of the limit. *Truth*: of all, by the neck and the voids of the true labels.
- **One**: of the true particles found (half of them or more), those of which one label holds nine tenths of what was
  found; *pieces*: labels that have most of their voxels in such a particle, per particle. **Two**: of the true
  particles of this size that touch, the pairs whose largest shares carry two labels.
- **Peers**: SciPy and scikit-image (Gaussian of 1, 1.5 or 2.5 voxels, multi-Otsu or Otsu, filled holes, watershed from
  h-maxima) and PoreSpy's SNOW, each on whichever of those masks is nearest to the truth, and with its best setting *for
  that row*, chosen by its F1. Empty: not played.

"""
COLUMNS = (
    "| | n | F1 | within | best merge | one | pieces | two | count | over | under | Rand "
    "| diameter | volume | voids | seen | false | verdict | clear | truth | h-maxima | SNOW |"
)
PARTS = {
    "family": "Families",
    "body": "One body, though long, coiled, branched, lobed or hollow",
    "contrast": "Contrast",
    "filling": "How full the volume is",
    "scan": "What goes wrong in a scan",
}


def _mean(found: Sequence[dict[str, Any]], *path: str) -> float:
    values = []
    for one in found:
        value: Any = one
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        values.append(np.nan if value is None else float(value))
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def best_of(found: Sequence[dict[str, Any]], peer: str) -> tuple[str, float]:
    """A peer's best setting over these cases, and its mean F1 there."""
    names = [n for n in found[0].get("peers", {}) if n.startswith(peer)]
    if not names or any("peers" not in one for one in found):
        return "", np.nan
    means = {name: _mean(found, "peers", name, "f1") for name in names}
    name = max(means, key=lambda n: means[n])
    return name.removeprefix(peer).strip(), means[name]


def balanced_accuracy(found: Sequence[dict[str, Any]], of: str = "classes") -> float:
    """Mean over the true classes of the share that was called so."""
    counts = np.sum([one.get(of, np.zeros((3, 3), int)) for one in found], axis=0)
    totals = counts.sum(axis=1)
    return float(np.mean(np.diag(counts)[totals > 0] / totals[totals > 0])) if totals.any() else np.nan


def _pooled(found: Sequence[dict[str, Any]], part: str, whole: str) -> float:
    return sum(one["ours"][part] for one in found) / max(sum(one["ours"][whole] for one in found), 1)


def _together(found: Sequence[dict[str, Any]]) -> list[str]:
    """Share of bodies that stay one, pieces a body is cut into, share of pairs that stay two; empty: not played."""
    if any("kept" not in one for one in found):
        return ["", "", ""]
    sums = {name: sum(one["kept"][name] for one in found) for name in found[0]["kept"]}
    bodies, pairs = max(sums["bodies"], 1), sums["pairs"]
    two = f"{sums['apart'] / pairs:.1%}" if pairs else ""
    return [f"{sums['whole'] / bodies:.1%}", f"{sums['pieces'] / bodies:.2f}", two]


def _row(name: str, found: Sequence[dict[str, Any]]) -> str:
    true, filled, large, seen = np.sum([one["resolved"] for one in found], axis=0)
    (h, h_f1), (reach, snow_f1) = best_of(found, "h-maxima"), best_of(found, "SNOW")
    cells = [
        name,
        f"{sum(one['ours']['n_truth'] for one in found)}",
        f"{_mean(found, 'ours', 'f1'):.3f}",
        f"{_mean(found, 'ours', 'f1_interior'):.3f}",
        f"{_mean(found, 'best', 'f1'):.3f}",
        *_together(found),
        f"{_pooled(found, 'n_found', 'n_truth') - 1:+.1%}",
        f"{100 * _pooled(found, 'over_splits', 'n_truth'):.1f}",
        f"{100 * _pooled(found, 'under_splits', 'n_truth'):.1f}",
        f"{_mean(found, 'ours', 'rand_error'):.3f}",
        f"{_mean(found, 'ours', 'diameter_bias'):+.1%}",
        f"{_mean(found, 'ours', 'volume_bias'):+.1%}",
        f"{filled / true:.2f}" if true else "",
        f"{seen / large:.0%}" if large else "",
        f"{_pooled(found, 'voids_false', 'n_found'):.2f}",
        *(f"{balanced_accuracy(found, of):.2f}" for of in ("classes", "clear", "shown")),
        f"{h_f1:.3f} ({h})" if h else "",
        f"{snow_f1:.3f} ({reach})" if reach else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _table(results: Sequence[dict[str, Any]], rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    lines = [COLUMNS, "|---" * COLUMNS.count("| ") + "|"]
    lines += [_row(name, found) for name, found in rows.items()]
    if len(rows) > 1:
        lines.append(_row("**all**", results))
    return lines


def _by(results: Sequence[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in results:
        rows.setdefault(str(one[name]), []).append(one)
    return rows


def page(results: Sequence[dict[str, Any]], seeds: Sequence[int]) -> str:
    """The whole page as Markdown."""
    text = [HEAD.format(date=time.strftime("%Y-%m-%d"), seeds=", ".join(map(str, seeds)))]
    for part, title in PARTS.items():
        here = [one for one in results if one["part"] == part]
        if not here:
            continue
        text.append(f"## {title}\n")
        if part in ("family", "body"):
            for diameter, found in _by(here, "diameter").items():
                text += [f"Median diameter {diameter} voxels:\n", *_table(found, _by(found, "row")), ""]
        else:
            text += [*_table(here, _by(here, "row")), ""]
    if any(one["part"] == "family" for one in results):
        text.append("![F1 by family and scale, morphct and peers](scoreboard.png)\n")
    return "\n".join(text)


def figure(results: Sequence[dict[str, Any]], path: Path) -> None:
    """F1 of morphct, of the best merge and of the peers, by family, one panel a scale."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    scales = _by([one for one in results if one["part"] == "family"], "diameter")
    width, columns = max(7.5, 4.2 * len(scales)), 4 if len(scales) > 2 else 2
    drawn, panels = pyplot.subplots(1, len(scales), figsize=(width, 4.8), sharey=True, squeeze=False)
    for panel, (diameter, found) in zip(panels[0], scales.items()):
        rows = _by(found, "row")
        x = np.arange(len(rows))
        kinds = {
            "ceiling: best merge of the basins": ("_", "0.55", [_mean(r, "best", "f1") for r in rows.values()]),
            "morphct, default settings": ("o", "#1f4e79", [_mean(r, "ours", "f1") for r in rows.values()]),
            "h-maxima watershed, best setting": ("^", "#d2691e", [best_of(r, "h-maxima")[1] for r in rows.values()]),
            "PoreSpy SNOW, best setting": ("x", "#7a7a7a", [best_of(r, "SNOW")[1] for r in rows.values()]),
        }
        for label, (marker, colour, values) in kinds.items():
            panel.plot(x, values, marker, color=colour, label=label, markersize=13 if marker == "_" else 7, mew=2)
        panel.set_xticks(x, list(rows), rotation=40, ha="right")
        panel.set_title(f"median diameter {diameter} voxels")
        panel.grid(axis="y", color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_ylabel("F1, all particles")
    drawn.legend(*panels[0, 0].get_legend_handles_labels(), loc="upper center", ncols=columns, frameon=False)
    drawn.tight_layout(rect=(0, 0, 1, 0.94 if columns == 4 else 0.88))
    drawn.savefig(path, dpi=110)
