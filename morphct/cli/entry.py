"""The `morphct` command: finds the command's module, and turns every ending into an exit code, here and nowhere else.

0 done; 2 the user can mend it (one sentence); 3 done, but a QC limit is broken and `--strict` was given;
130 interrupted; 1 a defect of morphct (the traceback is kept in a log).
"""

import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from .. import __version__
from ..ground.errors import UserError, can_be_mended
from ..ground.options import nearest

_ENDING: list[signal.Signals] = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
DONE, DEFECT, MENDABLE, INTERRUPTED = 0, 1, 2, 130  # and 3, a broken limit: what the command itself returns

# The one place of the short descriptions: `morphct --help` shows them without importing a command.
COMMANDS = {
    "run": "The main job: from a grey volume to labels, tables, pictures and a page.",
    "measure": "The same from measuring on, for a label image made elsewhere.",
    "inspect": "What is in a volume: shape, voxel size, grey range, peaks, noise, memory plan.",
    "init": "Write every setting with its default, unit and meaning as a TOML file.",
    "check": "Validate settings and plan without reading voxels.",
    "batch": "Many volumes: a run folder for each, and one page for all.",
    "report": "Make the page again from run folders.",
    "render": "Still 3D pictures and meshes of a run.",
    "view": "Look inside a run: a window, or a browser with --web.",
    "calibrate": "Bias and uncertainty of every column of a run, by known shapes.",
    "phantom": "Make a synthetic powder with its truth.",
    "descriptors": "The glossary: every column with unit, definition and source.",
}


class Commands(click.Group):
    """A group whose commands are modules of this package, imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table, which is the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, from its module."""
        if cmd_name not in COMMANDS:
            return None
        return import_module(f".{cmd_name}", __package__).command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name when there is no such command."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"there is no command {args[0]!r}{nearest(args[0], COMMANDS)}; there are {', '.join(COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="Start with: morphct inspect VOLUME, then morphct run VOLUME -o OUT. Each command has its own --help.",
)
@click.version_option(__version__, prog_name="morphct")
def morphct() -> None:
    """Size, shape and voids of every particle in a tomography volume."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code; without `argv` it is that of the process, which ends then."""
    for number in _ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # under nohup a terminal that closes is no end
            signal.signal(number, _interrupt)
    facts: dict[str, str] = {}  # commands leave their output folder here
    try:
        code = morphct.main(args=argv, prog_name="morphct", standalone_mode=False, obj=facts)
        sys.stdout.flush()
        if argv is None:  # all is done: a signal while the interpreter ends changes no exit code
            _be_deaf()
        return code if isinstance(code, int) else DONE
    except click.UsageError as error:
        return _mendable(f"{_sentence(error)}; see `{error.ctx.command_path if error.ctx else 'morphct'} --help`")
    except (click.Abort, KeyboardInterrupt):
        if argv is None:
            _be_deaf()
        _say(_interrupted(facts.get("out"), facts.get("record")))
        # the interpreter ends by SIGINT instead of with a code when an interrupt has gone through exec; this forgets it
        exec("")
        return INTERRUPTED
    except (UserError, click.ClickException) as error:
        return _mendable(_sentence(error))
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115 - nothing more is to be flushed into the pipe
        return DONE
    except MemoryError:
        return _mendable("the machine has no more memory to give; lower the cap with --memory, or use a larger machine")
    except OSError as error:
        if can_be_mended(error):
            place = f"{error.filename}: " if error.filename else ""
            return _mendable(f"{place}{error.strerror}; check the path, its permissions and the room on the disk")
        return _defect(error, facts.get("out"))
    except Exception as error:
        return _defect(error, facts.get("out"))


def _interrupt(signum: int, frame: Any) -> NoReturn:
    """A batch system's end signal, or a terminal that closes, leaves the same way as Ctrl-C: no debris."""
    _be_deaf(_ENDING)  # once is enough: a second one would cut the clearing up
    raise KeyboardInterrupt


def _be_deaf(numbers: Sequence[signal.Signals] = (*_ENDING, signal.SIGINT)) -> None:
    """Ignore these signals from here to the end of the process."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def record_of(out: str) -> str:
    """Which run is in a folder, as its record is on the disk; empty for none."""
    try:
        facts = (Path(out) / "run.json").stat()
    except OSError:
        return ""
    return f"{facts.st_ino} {facts.st_mtime_ns}"


def _interrupted(out: str | None, before: str | None = None) -> str:
    """What an interrupt leaves, in words: only what is there is promised.

    before : `record_of` the folder when the command began.
    """
    from ..results.run_folder import resumable

    if out is None:
        return "interrupted"
    if resumable(out):
        return "interrupted; the same command with --resume goes on from there"
    record = record_of(out)
    if record and record != before:
        return f"interrupted when the run was done; {out} holds all of it"
    folders = [p for p in Path(out).iterdir() if p.is_dir()] if Path(out).is_dir() else []
    if any(resumable(p) or (p / "run.json").is_file() for p in folders):
        return "interrupted; the same command with --resume keeps the samples that are done and goes on from there"
    older = f"; the run of before is in {out} as it was" if record else ""
    return f"interrupted; nothing was kept, because less than a minute's work or no labels were there yet{older}"


def _sentence(error: Exception) -> str:
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return " ".join(message.split()).rstrip(".")


def _say(sentence: str) -> None:
    click.echo(f"morphct: {sentence}", err=True)


def _mendable(sentence: str) -> int:
    _say(sentence)
    return MENDABLE


def _defect(error: Exception, out: str | None) -> int:
    """Keep the traceback where it can be sent from, and say so in one sentence."""
    lines = "".join(traceback.format_exception(error))
    kept = _log_with(lines.splitlines()[-1], out) or _own_log(lines)
    _say(
        f"a defect of morphct: {type(error).__name__}: {_sentence(error)}; please send {kept}, which has the traceback"
    )
    return DEFECT


def _log_with(line: str, out: str | None) -> Path | None:
    """The log in the output folder that has this last line of a traceback."""
    for log in [Path(out) / name for name in ("morphct.log", "morphct-failed.log")] if out else []:
        if log.is_file() and line in log.read_text(encoding="utf-8", errors="replace"):
            return log
    return None


def _own_log(lines: str) -> Path:
    with tempfile.NamedTemporaryFile("w", prefix="morphct-", suffix=".log", delete=False) as file:
        file.write(f"morphct {__version__}, python {sys.version}\n{' '.join(sys.argv)}\n{lines}")
    return Path(file.name)
