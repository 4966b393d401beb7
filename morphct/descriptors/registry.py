"""One place per descriptor: the decorator, and what it keeps beside the function.

The function's name is the column (its unit ending follows from `power`), its parameters are other columns or results of
passes, its docstring is the definition. Tables, glossary, flags and contract tests are made from this.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import Any

from ..ground.errors import SettingsError
from ..ground.options import nearest

NO_BOUNDS = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)
SHARE = (0.0, 1.0)


@dataclass(frozen=True)
class Descriptor:
    """What is known about a column.

    Attributes
    ----------
    name : str
        Column without unit ending.
    function : callable
        Arrays of its inputs to an array, one value a row.
    group : str
        Name of the module it stands in.
    inputs : tuple of str
        Other descriptors, or results of passes.
    power : int
        Power of length of its unit: 1 length, 2 area, 3 volume, 0 none.
    unit : str
        Unit in words where power is 0 (`voxels`, `grey`), "" for a plain number.
    symbol : str
        Symbol or formula.
    source : str
        Where the definition comes from.
    bounds : (float, float)
        Legal range, inclusive.
    smallest : float
        Equivalent diameter in voxels from which it is good to about 5 %; 0: always.
    empty : str
        Flag that tells why a value of its own making is missing.
    also : mapping
        What other programs call or mean by it.
    """

    name: str
    function: Callable[..., Any]
    group: str
    inputs: tuple[str, ...]
    power: int = 0
    unit: str = ""
    symbol: str = ""
    source: str = ""
    bounds: tuple[float, float] = NO_BOUNDS
    smallest: float = 0.0
    empty: str = "out_of_range"
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def definition(self) -> str:
        """The docstring as one line."""
        return " ".join((inspect.getdoc(self.function) or "").split())

    def column(self, suffix: str) -> str:
        """Column name for lengths in `suffix` (`um` or `px`); an uncertainty is named after its whole column."""
        unit = {0: "", 1: f"_{suffix}"}.get(self.power, f"_{suffix}{self.power}")
        return f"{self.name[:-2]}{unit}_u" if self.name.endswith("_u") else self.name + unit

    def unit_text(self, suffix: str) -> str:
        """Unit in words."""
        if self.power == 0:
            return self.unit
        return {"um": "µm"}.get(suffix, suffix) + {1: "", 2: "²", 3: "³"}[self.power]


def descriptor(**about: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as a column; `about` as in `Descriptor`. A trailing `_` of its name is dropped."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__.rstrip("_")  # `class` is a word of the language
        group = function.__module__.rpartition(".")[2]
        inputs = tuple(inspect.signature(function).parameters)
        function.descriptor = Descriptor(name, function, group, inputs, **about)  # type: ignore[attr-defined]
        return function

    return mark


def found_in(*modules: ModuleType) -> list[Descriptor]:
    """The descriptors of some modules, in the order in which they stand there."""
    found = []
    for module in modules:
        for value in vars(module).values():
            about = getattr(value, "descriptor", None)
            if isinstance(about, Descriptor) and value.__module__ == module.__name__:
                found.append(about)
    return found


def registry(items: Iterable[Descriptor]) -> Mapping[str, Descriptor]:
    """Descriptors by name, read-only, in order.

    Raises
    ------
    ValueError
        When a name stands twice.
    """
    items = list(items)
    by_name = {d.name: d for d in items}
    if len(by_name) != len(items):
        raise ValueError("two descriptors of one name")
    return MappingProxyType(by_name)


def chosen(known: Mapping[str, Descriptor], names: Iterable[str]) -> list[str]:
    """Names of descriptors asked for by column, by column without unit ending, or by group; in order of the registry.

    Raises
    ------
    SettingsError
        For a name that is none of these.
    """
    wanted: set[str] = set()
    for name in names:
        matching = {d.name for d in known.values() if name in (d.name, d.group, d.column("um"), d.column("px"))}
        if not matching:
            words = [*known, *{d.group: None for d in known.values()}]
            raise SettingsError(
                f"descriptors.names holds {name!r}, which is no column and no group{nearest(name, words)}; "
                "`morphct descriptors` lists them all"
            )
        wanted |= matching
    return [name for name in known if name in wanted]


def inputs_of(known: Mapping[str, Descriptor], names: Iterable[str]) -> set[str]:
    """Everything that `names` need that is no descriptor: the passes to be run."""
    needed: set[str] = set()
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in known:
            waiting += known[name].inputs
        else:
            needed.add(name)
    return needed
