"""Which columns are computed."""

from dataclasses import dataclass
from typing import ClassVar

from ..ground.options import Options, option


@dataclass(frozen=True)
class DescriptorOptions(Options):
    """Which columns are computed."""

    section: ClassVar[str] = "descriptors"

    names: tuple[str, ...] = option((), "columns or groups of columns to compute; empty: all that can be")
    views: int = option(24, "directions of the silhouettes, in multiples of 24", "", 24, 960)
    compat: str | None = option(
        None, "add columns as other programs define them (group `compat` of the glossary)", choices=("morphometry",)
    )
