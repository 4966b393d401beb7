"""Readers: one a family of file formats. `open_volume` opens any of them lazily."""

from .channels import channel_files, check_channels, costly_boxes, open_channels
from .hashing import ContentHash, content_hash
from .labels import open_labels, require_same_shape
from .opening import open_volume
from .readers import format_lines, format_names, formats, missing_libraries
from .voxel_size import require_voxel_size

__all__ = [
    "ContentHash",
    "channel_files",
    "check_channels",
    "content_hash",
    "costly_boxes",
    "format_lines",
    "format_names",
    "formats",
    "missing_libraries",
    "open_channels",
    "open_labels",
    "open_volume",
    "require_same_shape",
    "require_voxel_size",
]
