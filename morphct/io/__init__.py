"""Readers: one a family of file formats. `open_volume` opens any of them lazily."""

from .hashing import ContentHash, content_hash
from .labels import open_labels, require_same_shape
from .opening import open_volume
from .readers import format_lines, format_names, formats
from .voxel_size import require_voxel_size

__all__ = [
    "ContentHash",
    "content_hash",
    "format_lines",
    "format_names",
    "formats",
    "open_labels",
    "open_volume",
    "require_same_shape",
    "require_voxel_size",
]
