"""The command line: what it says, where it says it, and with which code it leaves."""

import errno
import logging
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

from morphct.cli import entry, main
from morphct.cli.terminal import Bars, Lines, progress
from morphct.ground.errors import InputError
from morphct.pipeline.job import Silence

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def same_signals_and_log():
    """`main` takes over SIGTERM and the logger's handlers; tests give them back."""
    ends, logger = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)}, logging.getLogger("morphct")
    handlers, level = list(logger.handlers), logger.level
    yield
    for number, handler in ends.items():
        signal.signal(number, handler)
    logger.handlers[:], logger.level = handlers, level


@pytest.fixture
def ending(monkeypatch):
    """A command `run` that ends in a given way."""

    def end(what):
        @click.command("run")
        def command():
            if isinstance(what, BaseException):
                raise what
            return what

        monkeypatch.setattr(entry.Commands, "get_command", lambda self, ctx, name: command)
        return main(["run"])

    return end


def one_line(capsys) -> str:
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert told.err.startswith("morphct: ")
    return told.err


@pytest.mark.parametrize("code", [0, 3, None])
def test_a_commands_own_code_is_kept(ending, code):
    assert ending(code) == (code or 0)


def test_a_users_error_is_one_sentence_and_2(ending, capsys):
    assert ending(InputError("the file is\nempty; give another")) == 2
    assert one_line(capsys) == "morphct: the file is empty; give another\n"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_2_with_its_name(ending, capsys, code):
    assert ending(OSError(code, "it refuses", "out/x")) == 2
    assert "out/x: it refuses" in one_line(capsys)


def test_no_memory_is_2(ending, capsys):
    assert ending(MemoryError()) == 2
    assert "--memory" in one_line(capsys)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (None, "nothing was kept"),
        ("x/notes.txt", "nothing was kept"),
        (".morphct-partial/particles.csv", "nothing was kept"),
        (".morphct-partial/checkpoint.json", "--resume goes on"),
        (".morphct-partial/moving.json", "--resume goes on"),
        ("A/run.json", "keeps the samples that are done"),
        ("A/.morphct-partial/checkpoint.json", "keeps the samples that are done"),
    ],
)
def test_an_interrupt_is_130_and_promises_what_was_kept(monkeypatch, tmp_path, capsys, kept, words):
    out = tmp_path / "out"
    if kept:
        (out / kept).parent.mkdir(parents=True)
        (out / kept).write_text("{}")

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("morphct.pipeline.run.run", stop)
    assert main(["run", "v.tif", "-o", str(out)]) == 130
    told = capsys.readouterr().err.strip()  # click ends the line of the ^C
    assert words in told
    assert ("--resume" in told) == ("nothing" not in words)


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("done", [False, True])
def test_an_interrupt_tells_the_new_run_from_the_older_one(monkeypatch, tmp_path, capsys, older, done):
    record = tmp_path / "out/run.json"
    record.parent.mkdir()
    if older:
        record.write_text("{}")

    def stop(*_, **__):
        if done:
            record.with_name("new").write_text("{}")
            record.with_name("new").replace(record)
        raise KeyboardInterrupt

    monkeypatch.setattr("morphct.pipeline.run.run", stop)
    assert main(["run", "v.tif", "-o", str(tmp_path / "out"), "--overwrite"]) == 130
    told = capsys.readouterr().err
    assert ("the run was done" in told) == done
    assert ("nothing was kept" in told) == (not done)
    assert ("the run of before" in told) == (older and not done)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize(("action", "code"), [("pass", 0), ("raise KeyboardInterrupt", 130), ("exec(EXEC)", 130)])
@pytest.mark.parametrize("when", ["atexit.register(kill)", "sys.late = Late()"])
def test_a_signal_while_the_interpreter_ends_changes_no_code(name, action, code, when):
    """Early and late in its end, when Python has taken its own handlers away: the command is over, its files are there.
    An interrupt that went through `exec` would end the process by SIGINT."""
    script = (
        "import os, signal, sys, atexit, click; from morphct.cli import entry, main\n"
        "def kill(kill=os.kill, pid=os.getpid()): kill(pid, NUMBER)\n"
        "class Late:\n    def __del__(self, kill=kill): kill()\n"
        "EXEC = 'raise KeyboardInterrupt'\n"
        "@click.command()\ndef command():\n    ACTION\n"
        "entry.Commands.get_command = lambda *_: command\n"
        "WHEN; sys.argv = ['morphct', 'init']; sys.exit(main())"
    )
    script = script.replace("NUMBER", str(int(getattr(signal, name)))).replace("ACTION", action).replace("WHEN", when)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_an_end_signal_leaves_nothing(tmp_path, tmp_tif, name):
    """A run that is told to end while it reads; a second signal does not cut the clearing up."""
    volume = tmp_tif(np.zeros((8, 8, 8), np.uint16), "v.tif", 0.025)
    code = (
        "import sys, time; from morphct.pipeline import run; from morphct.cli import main\n"
        "def wait(*_):\n    print('here', flush=True); time.sleep(60)\n"
        "run.segment = wait; sys.exit(main(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", code, "run", str(volume), "-o", str(tmp_path / "out"), "-q"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout.readline() == "here\n"
        assert (tmp_path / "out/.morphct-partial").is_dir()
        for _ in range(2 if name != "SIGINT" else 1):
            process.send_signal(getattr(signal, name))
        assert process.wait(90) == 130  # a busy machine may take its time to end a process
        assert "nothing was kept" in process.stderr.read()
    assert not (tmp_path / "out").exists()


def test_nohup_stays_in_force(tmp_path):
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from morphct.cli import main;main(['--version']);"
        "assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT).returncode == 0


def test_an_input_that_vanishes_leaves_no_log(tmp_path, tmp_tif, monkeypatch, capsys):
    volume = tmp_tif(np.zeros((8, 8, 8), np.uint16), "v.tif", 0.025)

    def gone(*_):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(volume))

    monkeypatch.setattr("morphct.pipeline.run.segment", gone)
    assert main(["run", str(volume), "-o", str(tmp_path / "out"), "-q"]) == 2
    assert "No such file" in one_line(capsys)
    assert not (tmp_path / "out").exists()


def test_a_defect_is_1_with_its_traceback_kept(ending, capsys):
    assert ending(ZeroDivisionError("of all things")) == 1
    sentence = one_line(capsys)
    assert "Traceback" not in sentence
    kept = Path(next(word for word in sentence.replace(",", " ").split() if word.endswith(".log")))
    assert "ZeroDivisionError: of all things" in kept.read_text()
    kept.unlink()


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (["rnu"], "did you mean 'run'"),
        (["run"], "VOLUME"),
        (["run", "x.tif"], "--out"),
        (["run", "x.tif", "-o", "y", "--memroy", "1GiB"], "--memory"),
        (["run", "x.tif", "-o", "y", "z"], "z"),
        (["phantom", "-o", "x.tif", "--seed", "one"], "whole number"),
        (["phantom", "-o", "x.tif", "--family", "rounds"], "near-round"),
        (["run", "x.tif", "-o", "y", "--set", "threshold.metod=otsu"], "did you mean 'method'"),
        (["run", "x.tif", "-o", "y", "--voxel-size", "25"], "--voxel-size 25nm"),
        (["run", "x.tif", "-o", "y", "--config", "none.toml"], "none.toml"),
        (["run", "none.tif", "-o", "y", "--voxel-size", "25nm"], "none.tif"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_2(argv, wanted, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    assert wanted in one_line(capsys)
    assert not list(tmp_path.iterdir())


def test_help_names_every_command_and_goes_to_stdout(capsys):
    assert main(["--help"]) == 0
    told = capsys.readouterr()
    assert all(f"  {name} " in told.out for name in entry.COMMANDS)
    assert told.err == ""


@pytest.mark.parametrize("name", entry.COMMANDS)
def test_every_command_has_help_with_its_options(name, capsys):
    assert main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert "Usage: morphct " + name in told
    command = entry.morphct.get_command(click.Context(entry.morphct), name)
    assert command.name == name
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            assert parameter.help, parameter.name


def test_the_version_is_the_packages(capsys):
    import morphct

    assert main(["--version"]) == 0
    assert morphct.__version__ in capsys.readouterr().out


def test_a_closed_pipe_is_no_defect():
    command = f"{sys.executable} -m morphct descriptors | true"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, cwd=ROOT)
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr


def test_init_writes_settings_that_read_back(tmp_path, capsys, monkeypatch):
    from morphct.pipeline.settings import Settings

    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert Settings.from_toml("morphct.toml") == Settings()
    assert main(["init"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["init", "--overwrite", "-o", "morphct.toml"]) == 0
    assert main(["init", "-o", "-"]) == 0
    assert "[threshold]" in capsys.readouterr().out


def test_a_phantom_is_written_with_its_truth(tmp_path, capsys):
    path = tmp_path / "p.tif"
    argv = ["phantom", "-o", str(path), "--size", "32", "--diameter", "10", "--seed", "3"]
    assert main(argv) == 0
    assert str(path) in capsys.readouterr().out
    assert (tmp_path / "p_truth.csv").exists()
    before = path.read_bytes()
    assert main(argv) == 2
    assert main([*argv, "--overwrite", "-q"]) == 0
    assert path.read_bytes() == before
    assert capsys.readouterr().out == ""
    assert main([*argv, "--overwrite", "-q", "--memory", "1GiB", "--workers", "1"]) == 0
    assert path.read_bytes() == before
    assert main([*argv, "--overwrite", "--memory", "100MiB"]) == 2
    assert "give at least --memory" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(("flags", "told"), [([], Lines), (["-q"], Silence), (["--no-progress"], Silence)])
@pytest.mark.parametrize("command", ["run", "measure"])
def test_quiet_and_no_progress_silence_the_lines(command, flags, told, monkeypatch):
    from morphct.pipeline import run as pipeline

    seen = []

    def stand_in(*_, progress, **__):
        seen.append(type(progress))
        raise InputError("enough")

    monkeypatch.setattr(pipeline, "run", stand_in)
    monkeypatch.setattr(pipeline, "measure_file", stand_in)
    assert main([command, "v.tif", "-o", "o", *flags]) == 2
    assert seen == [told]


def test_flags_win_over_set_and_set_over_the_file(tmp_path, monkeypatch):
    from morphct.pipeline import run as pipeline

    seen = {}
    (tmp_path / "s.toml").write_text('[run]\nworkers = 1\nseed = 1\nmemory = "1GiB"\n')

    def run(volume, out, *, settings, **others):
        seen["settings"] = settings
        raise InputError("enough")

    monkeypatch.setattr(pipeline, "run", run)
    argv = ["run", "v.tif", "-o", "o", "--config", str(tmp_path / "s.toml"), "--workers", "3"]
    main([*argv, "--set", "run.workers=2", "--set", "run.seed=2", "--overwrite", "--labels-tif"])
    settings = seen["settings"]
    assert (settings.run.workers, settings.run.seed, settings.run.memory) == (3, 2, "1GiB")
    assert settings.run.overwrite
    assert settings.output.labels_tif


class Clock:
    """A clock that is put forward by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def test_no_progress_where_none_is_wanted(capsys):
    with progress(shown=False) as told:
        told.stage("denoise", 10)
        told.advance(10)
        told.note("noise is white")
    assert capsys.readouterr().err == ""


def test_without_a_terminal_there_is_a_line_per_stage(capsys):
    with progress(shown=True) as told:  # stderr is no terminal here
        told.stage("denoise", 10)
        told.advance(10)
        told.note("noise is white")
        told.stage("split", 5)
    assert capsys.readouterr().err == "[0:00] denoise\n[0:00] noise is white\n[0:00] split\n"


def test_a_long_stage_says_how_far_it_is_and_how_long_it_will_take(capsys):
    clock = Clock()
    lines = Lines(clock)
    lines.stage("split", 3000)
    told = []
    for second in range(1, 3001):
        clock.now = second
        lines.advance()
        lines.beat()
        told += capsys.readouterr().err.splitlines()
    assert told[:3] == [
        "[0:00] split",
        "[0:30] split: at work",  # 1 %: too little to tell by
        "[1:00] split: at work",
    ]
    assert 15 < len(told) < 25
    for line in told[6:]:
        wanted = r"\[(\d+):(\d\d)\] split: \d+ % done, [\d.]+ a second, about (\d+) (s|min) left"
        minutes, seconds, left, unit = re.fullmatch(wanted, line).groups()
        end = 60 * int(minutes) + int(seconds) + int(left) * {"s": 1, "min": 60}[unit]
        assert abs(end - 3000) < 60
    lines.stage("voids", 1)
    clock.now += 3600
    lines.beat()
    assert capsys.readouterr().err == "[50:00] voids\n[1:50:00] voids: at work\n"


def test_a_quick_stage_after_a_long_one_is_not_told_twice(capsys):
    clock = Clock()
    lines = Lines(clock)
    for name in ("denoise", "split"):
        lines.stage(name, 10)
        for _ in range(29):
            clock.now += 1
            lines.beat()
    assert capsys.readouterr().err == "[0:00] denoise\n[0:29] split\n"


@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "gone"), OSError(errno.EIO, "gone"), ValueError("closed")]
)
def test_a_reader_that_goes_away_does_not_end_the_work(monkeypatch, error):
    class Gone:
        def isatty(self):
            return False

        def write(self, text):
            raise error

        def flush(self):
            raise error

    monkeypatch.setattr(sys, "stderr", Gone())
    with progress(shown=True) as told:
        told.stage("denoise", 10)
        told.stage("split", 10)


def test_bars_show_stage_and_count(capsys):
    bars = Bars()
    bars.rich.console._force_terminal = True
    with bars.rich:
        bars.stage("denoise", 10)
        bars.advance(4)
        bars.note("noise is white [0.3]")
        bars.stage("split", 5)
    told = capsys.readouterr().err
    assert "denoise" in told
    assert "10/10" in told
    assert "split" in told
    assert "noise is white [0.3]" in told


def test_verbose_shows_log_lines(capsys):
    from morphct.cli.terminal import show_log

    log = logging.getLogger("morphct")
    show_log(0)
    log.info("hidden")
    show_log(1)
    log.info("shown once")
    show_log(-1)
    log.info("hidden again")
    told = capsys.readouterr().err
    assert told.count("shown once") == 1
    assert "hidden" not in told
