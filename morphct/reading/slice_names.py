"""The order of slices by the numbers in their names, as people mean it: signs, decimals, units; odd files are named."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..ground.errors import InputError

_NUMBER = re.compile(r"([-+−]?)(\d+)([.,]\d+)?((?:nm|um|µm|μm|mm)(?![a-z]))?")
_UNITS = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "mm": 1e3}
ANOTHER_STACK = 0.25  # of the largest: so many names of another kind are a stack of their own, not odd files
_FEWEST = 3


class _Number(NamedTuple):
    """A number in a name as it is written."""

    sign: str
    whole: str
    decimals: str
    unit: str
    before: str


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sorting key in which numbers inside names count as numbers."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(1, int(p), p) if p.isdecimal() else (0, 0, p) for p in parts]


def ordered(paths: Sequence[Path], where: str) -> tuple[list[Path], list[str]]:
    """Slices in order without the odd files among them, and notes about names.

    Parameters
    ----------
    paths : sequence of Path
    where : str
        Their folder or pattern, for messages.

    Raises
    ------
    InputError
        When several stacks lie together, or two slices have one number.
    """
    kinds: dict[str, list[Path]] = {}
    for path in sorted(paths, key=natural_key):
        kinds.setdefault(_pattern(path), []).append(path)
    largest = max(kinds, key=lambda k: (len(kinds[k]), "#" in k))
    main, others = kinds[largest], {k: v for k, v in kinds.items() if k != largest}
    if len(kinds) > len(paths) / 2 and len(kinds) > 1:
        note = f"the slices of {where} have {len(kinds)} kinds of names: one stack is read, in alphabetical order"
        return sorted(paths, key=natural_key), [note]
    stacks = [k for k, v in others.items() if len(v) >= max(_FEWEST, ANOTHER_STACK * len(main))]
    if stacks:
        text = " and ".join(f"{len(kinds[k])} like {kinds[k][0].name}" for k in (largest, stacks[0]))
        raise InputError(
            f"{where} holds several stacks of slices ({text}); name one, as in '{_example(main)}', or move the others"
        )
    notes = []
    odd = [path.name for paths in others.values() for path in paths]
    if odd:
        shown = ", ".join(odd[:3]) + (f" and {len(odd) - 3} more" if len(odd) > 3 else "")
        notes.append(f"{shown} in {where} is named unlike the {len(main)} slices ({main[0].name}, ...) and left out")
    found, more = _sorted(main, where)
    return found, notes + more


def _pattern(path: Path) -> str:
    return _NUMBER.sub("#", path.stem.lower())


def _example(paths: Sequence[Path]) -> str:
    """A glob of one stack."""
    name = paths[0].name
    head = re.split(r"[-+−]?\d", name, maxsplit=1)[0]
    return f"{head}*{paths[0].suffix}"


def _sorted(paths: list[Path], where: str) -> tuple[list[Path], list[str]]:
    """Slices whose names differ in their numbers alone."""
    rows = [_numbers(p) for p in paths]
    columns = [list(c) for c in zip(*rows)]
    varying = [c for c in columns if len({n[:4] for n in c}) > 1]
    if not varying:
        if len(paths) > 1:
            raise InputError(f"{where} holds {paths[0].name} and {paths[1].name}, the same slice twice; remove one")
        return paths, []
    values, notes = [], []
    for column in varying:
        found, note = _values(column, where)
        values.append(found)
        notes += note
    keys = list(zip(*values))
    order = sorted(range(len(paths)), key=lambda i: (keys[i], paths[i].name))
    for one, other in itertools.pairwise(order):
        if keys[one] == keys[other]:
            raise InputError(
                f"{where} holds {paths[one].name} and {paths[other].name}, which have the same number; remove one"
            )
    result = [paths[i] for i in order]
    distinct = [v for v in values if len(set(v)) == len(v)]
    if not distinct:
        counts = " and ".join(str(len(set(v))) for v in values)
        return result, [
            *notes,
            f"the names of the slices of {where} count in several places ({counts} values): all are "
            "read as one stack, in that order",
        ]
    return result, notes + _gaps([distinct[-1][i] for i in order], result, where)


def _numbers(path: Path) -> list[_Number]:
    stem = path.stem.lower()
    return [
        _Number(
            m[1].replace("−", "-"),
            m[2],
            (m[3] or "").replace(",", "."),
            m[4] or "",
            stem[max(m.start() - 1, 0) : m.start()],
        )
        for m in _NUMBER.finditer(stem)
    ]


def _values(column: list[_Number], where: str) -> tuple[list[tuple[float, ...]], list[str]]:
    """What the numbers in one place of the names mean."""
    signs = {n.sign for n in column}
    negative, notes = len(signs) > 1 or signs == {"+"}, []
    if signs == {"-"}:  # a hyphen before a number, or minus in each
        negative = all((n.unit or n.before in "zyx") and not re.match(r"0\d", n.whole) for n in column)
        if negative:
            notes = [f"the minus signs in the names of the slices of {where} count: the planes are ordered by them"]
    units = len({n.unit for n in column}) > 1
    factors = [_UNITS.get(n.unit, 1.0) if units else 1.0 for n in column]
    decimal = [
        float(f"{-f if n.sign == '-' and negative else f:.12g}") * (unit or 1.0)
        for n, unit in zip(column, factors)
        for f in [float(n.whole + n.decimals)]
    ]
    places = {len(n.decimals) for n in column}
    if places == {0} or len(places) == 1 or negative or (len(set(decimal)) == len(decimal) and _regular(decimal)):
        return [(round(v, 9),) for v in decimal], notes
    # 1.9, 1.10, 1.11: two whole numbers with a point between them
    return [(float(n.whole), float(n.decimals[1:] or 0)) for n in column], notes


def _regular(values: Sequence[float]) -> bool:
    steps = [b - a for a, b in itertools.pairwise(sorted(values))]
    return max(steps) - min(steps) <= 1e-6 * max(abs(v) for v in (*values, 1e-9))


def _gaps(values: Sequence[tuple[float, ...]], paths: Sequence[Path], where: str) -> list[str]:
    """What the steps from slice to slice say: some missing, or every second one alone."""
    if len(values) < 3 or len(values[0]) > 1:
        return []
    steps = [round(b[0] - a[0], 9) for a, b in itertools.pairwise(values)]
    usual, count = Counter(steps).most_common(1)[0]
    whole = all(v[0] == round(v[0]) for v in values)
    if whole and (count < 0.5 * len(steps) or usual <= 0):
        usual = 1.0
    if usual <= 0:
        return []
    missing = sum(max(round(s / usual) - 1, 0) for s in steps)
    notes = []
    if missing:
        after = paths[next(i for i, s in enumerate(steps) if round(s / usual) > 1)].name
        notes.append(
            f"the numbers of the slices of {where} have gaps: {missing} between the first and the last are missing, "
            f"the first after {after}"
        )
    if whole and usual > 1:
        notes.append(f"the numbers of the slices of {where} go by steps of {usual:g}: is each plane there?")
    return notes
