"""Options: a frozen dataclass beside each stage, each field with its meaning, unit and legal range.

A default stands once, in the field; settings files, flags, messages and tables are made from the fields.
"""

import dataclasses
import difflib
import math
import tomllib
import types
import typing
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from .errors import SettingsError


def option(
    default: Any,
    help: str,
    unit: str = "",
    min: float | None = None,
    max: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A documented dataclass field.

    Parameters
    ----------
    default : object
        The one place where the default stands; None means "empty".
    help : str
        What it does, one line.
    unit : str
        Unit of the value, "" for none.
    min, max : float, optional
        Legal range, inclusive.
    choices : tuple of str, optional
        Legal words.
    """
    return field(default=default, metadata={"help": help, "unit": unit, "min": min, "max": max, "choices": choices})


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """` (did you mean X?)` for the closest known name, or an empty text."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


@dataclass(frozen=True)
class Options:
    """Base of the options of a stage; `section` is its TOML table."""

    section: ClassVar[str] = ""

    def __post_init__(self) -> None:
        self.validate()

    @classmethod
    def from_mapping(cls, values: typing.Mapping[str, Any]) -> Self:
        """Options from plain values (a TOML table); texts are converted to the field's type.

        Raises
        ------
        SettingsError
            For an unknown name (with the nearest known one) or an illegal value.
        """
        known = {f.name: f for f in dataclasses.fields(cls)}
        for name in values:
            if name not in known:
                names = ", ".join(known)
                raise SettingsError(
                    f"the setting {cls.section}.{name} is not known{nearest(name, known)}; "
                    f"[{cls.section}] has {names or 'no settings'}"
                )
        types_ = typing.get_type_hints(cls)
        return cls(**{n: _convert(f"{cls.section}.{n}", v, types_[n]) for n, v in values.items()})

    def validate(self) -> None:
        """Refuse values outside the range or the choices of their field.

        Raises
        ------
        SettingsError
            One sentence: what was found and what is allowed.
        """
        for f in dataclasses.fields(self):
            value, meta = getattr(self, f.name), f.metadata
            name = f"{self.section}.{f.name}"
            if value is None or not meta:
                continue
            if meta["choices"] and value not in meta["choices"]:
                words = ", ".join(meta["choices"])
                raise SettingsError(f"{name} is {value!r}{nearest(str(value), meta['choices'])}; allowed are {words}")
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                low, high = meta["min"], meta["max"]
                if not math.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
                    raise SettingsError(f"{name} is {value:g}; allowed is {_range(low, high)}{_unit(meta['unit'])}")

    def to_mapping(self) -> dict[str, Any]:
        """Plain values by field name, None where empty."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"{low:g} and above" if low is not None else f"{high:g} and below" if high is not None else "a finite number"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _members(annotation: Any) -> list[Any]:
    origin = typing.get_origin(annotation)
    return list(typing.get_args(annotation)) if origin in (typing.Union, types.UnionType) else [annotation]


def _convert(name: str, value: Any, annotation: Any) -> Any:
    """`value` in the first member of the annotation that takes it; an empty text is None where None is allowed."""
    members = _members(annotation)
    if value is None or (isinstance(value, str) and value.strip() == "" and type(None) in members):
        if type(None) in members:
            return None
        raise SettingsError(f"{name} is empty; give it a value")
    for member in sorted((m for m in members if m is not type(None)), key=lambda m: m is str):
        converted = _as(value, member)
        if converted is not None:
            return converted
    wanted = " or ".join(_word(m) for m in members if m is not type(None))
    raise SettingsError(f"{name} is {value!r}; {wanted} is wanted")


def _word(member: Any) -> str:
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return words.get(member, "a list of words, comma-separated")


def _toml_list(text: str) -> list[Any] | None:
    """A list as TOML writes it, None when it is none."""
    try:
        return list(tomllib.loads(f"value = {text}")["value"])
    except (tomllib.TOMLDecodeError, TypeError):
        return None


def _as(value: Any, member: Any) -> Any:
    if member is bool:
        if isinstance(value, bool):
            return value
        return {"true": True, "false": False, "yes": True, "no": False}.get(str(value).strip().lower())
    if isinstance(value, bool):
        return None
    if member is int or member is float:
        if member is int and isinstance(value, float) and not value.is_integer():
            return None
        try:
            return member(value)
        except (TypeError, ValueError):
            return None
    if member is str:
        return value if isinstance(value, str) else None
    # tuples of words or numbers; typing.get_args gives (str, ...) or (float, float, float)
    inner = typing.get_args(member)
    if typing.get_origin(member) is tuple and inner:
        if isinstance(value, str) and value.strip().startswith("["):
            return _as(_toml_list(value), member)
        if value is None:
            return None
        parts = [p.strip() for p in value.split(",") if p.strip()] if isinstance(value, str) else list(value)
        items = [_as(p, inner[0]) for p in parts]
        return None if any(i is None for i in items) else tuple(items)
    if typing.get_origin(member) is dict and isinstance(value, dict):
        return value
    return None
