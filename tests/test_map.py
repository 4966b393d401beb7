"""The house as a whole: floors, the maps of folders and rooms, their habits. All of it read from the sources."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "morphct"
README = (ROOT / "README.md").read_text()

# libraries with one address each, or a few: the folders or rooms that may import them, inside functions or not
HOMES = {
    "numba": ["kernels"],
    "click": ["cli"],
    "rich": ["cli"],
    "dask": ["ground/cluster"],
    "distributed": ["ground/cluster"],
    "dask_jobqueue": ["ground/cluster"],
    "psutil": ["pipeline/machine"],
    "porespy": ["segment/split/snow"],
    "skimage": ["measurement/other_programs", "segment/split/snow"],
    "edt": ["segment/mask/middle_box", "segment/mask/phase_choice"],
    "cc3d": ["measurement/crop_pass", "segment/mask/middle_box", "segment/mask/phase_choice", "truth/phantom"],
    "matplotlib": ["views/figures", "views/scene"],
    "jinja2": ["views/report"],
    "pyvista": ["views/render", "views/scene", "views/viewer"],
    "vtk": ["views/scene"],
    "vtkmodules": ["views/scene"],
    "trame": ["views/viewer"],
    "trame_pyvista": ["views/viewer"],
    "h5py": ["reading"],
    "tifffile": ["reading", "results/run_folder", "truth/phantom"],
    "zarr": ["reading", "results/run_folder"],
}
# what `import morphct` must not bring with it
HEAVY = [
    "numba",
    "scipy",
    "pandas",
    "skimage",
    "matplotlib",
    "pyvista",
    "vtkmodules",
    "h5py",
    "tifffile",
    "zarr",
    "dask",
    "porespy",
]
LONGEST_MODULE, LONGEST_FUNCTION, MOST_PARAMETERS = 400, 60, 8


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__")


def folder_of(path: Path) -> str:
    """The folder of morphct/ in which a file lies, "" for the package itself."""
    return path.relative_to(PACKAGE).parts[0] if path.parent != PACKAGE else ""


def folders() -> list[Path]:
    return sorted(p.parent for p in PACKAGE.rglob("__init__.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, absolute module) of every import in a file, those inside functions too, those for types alone not."""
    package = ["morphct", *path.relative_to(PACKAGE).parent.parts]
    found = []
    for node in _running(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            # `from . import x` names modules, `from .x import y` names what is in one
            found += [(node.lineno, f"{stem}.{a.name}" if not node.module else stem) for a in node.names]
    return found


def _running(node: ast.AST):
    """All nodes that run: those under `if TYPE_CHECKING` do not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _running(child)


def test_imports_only_point_down():
    """The contracts of pyproject.toml: folders, the stages within segment, the folders within kernels."""
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_libraries_have_one_address():
    wrong = []
    for path in modules():
        for line, target in imports(path):
            places = HOMES.get(target.split(".")[0])
            if places is not None and not any(f"{name_of(path)}/".startswith(f"{place}/") for place in places):
                wrong.append(f"{name_of(path)}:{line} imports {target}; it belongs in {', '.join(places)}")
    assert not wrong, "\n".join(wrong)


def test_only_the_door_is_at_the_top():
    assert {p.name for p in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("folder", folders(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_folders_name_their_rooms(folder):
    """The docstring of a folder lists each of its modules and folders, "- `name`: what it is", and no other."""
    text = ast.get_docstring(tree_of(folder / "__init__.py")) or ""
    named = re.findall(r"^- `(\w+/?)`: \S", text, re.M)
    there = {p.stem for p in folder.glob("*.py")} - {"__init__", "__main__"}
    there |= {f"{p.parent.name}/" for p in folder.glob("*/__init__.py")}
    assert set(named) == there, f"the list in {folder.name}/__init__.py against its files"
    assert len(named) == len(there), "a room listed twice"
    lines = re.search(r"^- `.*", text, re.M | re.S)
    assert lines is None or len(text) > len(lines[0]) + 40, "what flows in and out, and where to start"


def test_every_folder_of_modules_is_a_package():
    assert {p.parent for p in modules()} == set(folders())


def test_readme_maps_the_folders():
    """The table under "The house" has the folders of morphct/ and those of segment/, and where to start names rooms."""
    section = re.search(r"^## The house\n(.*?)(?=^## )", README, re.S | re.M)
    assert section, "README.md has no section 'The house'"
    rows = re.findall(r"^\| `([\w/]+)/` \|.*\| ([^|]*) \|$", section[1], re.M)
    there = {p.relative_to(PACKAGE).as_posix() for p in folders() if p != PACKAGE}
    assert {name for name, _ in rows} == {n for n in there if "/" not in n or n.startswith("segment/")}
    for name, start in rows:
        for room in re.findall(r"`([\w/]+)`", start):
            inside, outside = PACKAGE / name / room, PACKAGE / room
            assert any(p.with_suffix(".py").is_file() or p.is_dir() for p in (inside, outside)), f"{name}: {room}"


def test_tests_lie_in_the_folders_of_what_they_test():
    tests = ROOT / "tests"
    for path in tests.rglob("test_*.py"):
        folder = path.parent.relative_to(tests)
        assert (PACKAGE / folder / "__init__.py").is_file(), f"{path.relative_to(ROOT)}: there is no morphct/{folder}"
    for path in (tests / "naive").rglob("*.py"):
        folder = path.relative_to(tests / "naive").with_suffix("")
        folder = folder.parent if path.stem == "__init__" or not (PACKAGE / "kernels" / folder).is_dir() else folder
        assert (PACKAGE / "kernels" / folder).is_dir(), f"{path.relative_to(ROOT)}: there is no kernels/{folder}"


def test_readme_commands_exist():
    from morphct.cli.entry import COMMANDS

    told = set(
        re.findall(
            r"(?<!import )\bmorphct ([a-z]+)\b(?= |`|$|\n)", "\n".join(re.findall(r"`[^`]+`|^    .*$", README, re.M))
        )
    )
    assert told & set(COMMANDS) == set(COMMANDS), "commands the README does not show"
    assert told <= set(COMMANDS), "commands that do not exist"
    for script in re.findall(r"\bscripts/\w+|\.ci/run", README):
        assert (ROOT / script).is_file(), script
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", README):
        assert (ROOT / link).exists(), link


def test_readme_names_every_file_of_a_run_folder():
    from morphct.results.run_folder.writer import OWN_NAMES

    told = README.partition("## The run folder")[2].partition("\n## ")[0]
    missing = [name for name in OWN_NAMES if f"`{name.replace('.parquet', '.csv')}" not in told]
    assert not missing, f"files that the README's table of the run folder does not name: {missing}"


def test_readme_names_every_format():
    """The table of inputs has each format that is read, by the first word of its name or its first ending."""
    from morphct.reading import formats

    table = re.search(r"^Inputs, .*?\n(\|.*?\n)\n", README, re.S | re.M)
    assert table, "README.md has no table of inputs"
    words = set(re.findall(r"\.?\w+(?:\.\w+)*", table[1]))
    missing = [f.name for f in formats() if not {f.name.split()[0], *f.suffixes[:1]} & words]
    assert not missing, f"formats that the README's table of inputs does not name: {missing}"


def test_only_the_command_line_prints_and_exits():
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules()
        if folder_of(path) != "cli" and path.name != "__main__.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "exit", "quit", "sys.exit", "os._exit")
    ]
    assert not wrong, f"print or exit outside cli: {wrong}"


def test_no_bare_except():
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not wrong


def test_no_dumping_places():
    assert not {Path(name_of(p)).name for p in modules()} & {
        "utils",
        "util",
        "helpers",
        "helper",
        "core",
        "common",
        "misc",
    }


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_sizes(path):
    lines = path.read_text().count("\n")
    assert lines <= LONGEST_MODULE, f"{lines} lines: two rooms in one"
    assert ast.get_docstring(tree_of(path)), "a module says in its first lines what it is"
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        doc = node.body[0] if ast.get_docstring(node) else None
        if doc is not None:  # what is read is counted, not what explains it
            length -= (doc.end_lineno or doc.lineno) - doc.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


def test_no_function_takes_many_parameters():
    """A function that needs more than eight things wants some of them as one."""
    many = set()
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                taken = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
                taken = [a for a in taken if a.arg not in ("self", "cls")]
                if len(taken) > MOST_PARAMETERS:
                    many.add(f"{name_of(path)}.{getattr(node, 'name', 'lambda')}")
    assert not many


def test_stages_are_imported_lightly():
    """`import morphct` and `morphct --help` bring none of the heavy libraries."""
    code = f"import sys, morphct, morphct.cli.entry\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_the_librarys_names_stay_what_they_are():
    """A module of the name of a function would take its place as soon as it is imported."""
    asked = "print([callable(getattr(morphct, name)) for name in morphct.__all__])"
    code = "import morphct\n" + "".join(f"import morphct.{p.name}\n" for p in folders() if p.parent == PACKAGE) + asked
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "False" not in out.stdout


def test_the_tree_names_no_machine_and_no_registry():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout")
    banned = re.compile(
        "py" + r"pi\.org|python" + r"hosted\.org|deb\." + r"debian\.org|--index" + "-url|/ro" + "ot/|/home/" + r"\w"
    )
    for name in listed.stdout.split():
        path = ROOT / name
        if path.is_file() and path.stat().st_size < 2_000_000:
            content = path.read_bytes()
            if b"\0" not in content:
                assert not banned.search(content.decode("utf-8", "replace")), name
