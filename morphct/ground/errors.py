"""Every error morphct raises on purpose: one sentence that says what was found, what is allowed and what to do.

A `UserError` is one the user can mend: the command line prints its sentence and leaves with exit code 2.
"""

import errno

# what a disk or a path can do to a user, as against a defect of ours
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR}
_OF_THE_MACHINE |= {errno.EISDIR, errno.EIO, errno.ENAMETOOLONG, errno.EMFILE, errno.EFBIG, errno.ESTALE}


class MorphctError(Exception):
    """Base of all errors raised on purpose; bytes of file names that are no UTF-8 are shown as question marks."""

    def __str__(self) -> str:
        return super().__str__().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class UserError(MorphctError):
    """Something the user can mend; the message is one sentence with the remedy in it."""


class InputError(UserError):
    """A file, array or voxel size that cannot be read or makes no sense."""


class SettingsError(UserError):
    """An unknown, unreadable or illegal setting."""


class OutputError(UserError):
    """The output folder cannot be written."""


class MemoryCapError(UserError):
    """The work cannot be done within the memory cap."""


class SegmentationError(UserError):
    """The grey values do not allow an honest segmentation with these settings."""


class ClusterError(UserError):
    """A scheduler, a worker or a queue is not there, or not such that it can take part."""


class MissingLibraryError(UserError):
    """An optional library or system package is not there."""


def can_be_mended(error: BaseException) -> bool:
    """Whether the user can mend it: an error raised on purpose, a disk or path that refuses, no memory left."""
    if isinstance(error, OSError):
        return error.errno in _OF_THE_MACHINE
    return isinstance(error, (UserError, MemoryError))
