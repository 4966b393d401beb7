"""The house as a whole: floors, the map in the README, the rooms' habits. All of it read from the sources."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "morphct"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()

# libraries with one address each, or a few: the rooms that may import them, inside functions or not
HOMES = {
    "numba": {"kernels"},
    "click": {"cli"},
    "rich": {"cli"},
    "dask": {"executors"},
    "distributed": {"executors"},
    "psutil": {"planning"},
    "porespy": {"snow"},
    "skimage": {"snow", "conventions"},
    "edt": {"phase_choice", "closeup"},
    "cc3d": {"crop_pass", "closeup", "phase_choice", "phantom"},
    "matplotlib": {"figures", "scene"},
    "jinja2": {"report"},
    "pyvista": {"render", "scene", "view"},
    "vtk": {"scene"},
    "vtkmodules": {"scene"},
    "trame": {"view"},
    "trame_pyvista": {"view"},
    "h5py": {"io"},
    "tifffile": {"io", "result", "phantom"},
    "zarr": {"io", "result"},
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
LONGEST_MODULE, LONGEST_FUNCTION, MOST_ARGUMENTS = 400, 60, 10


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


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


def floors() -> list[tuple[set[str], bool]]:
    """(rooms, whether they may see each other) from the top floor down, as import-linter reads them."""
    (contract,) = [c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    return [({r.strip(" ()") for r in re.split(r"[|:]", layer)}, ":" in layer) for layer in contract["layers"]]


def test_every_room_has_one_floor():
    rooms = {room_of(p) for p in modules()} - {"__init__"}
    (contract,) = [c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    to_come = set(re.findall(r"\((\w+)\)", " ".join(contract["layers"])))
    placed = [room for floor, _ in floors() for room in floor if room in rooms or room not in to_come]
    assert len(placed) == len(set(placed))
    assert set(placed) == rooms


def test_imports_only_point_down():
    level = {room: i for i, (floor, _) in enumerate(floors()) for room in floor}
    open_floor = [seen for _, seen in floors()]
    wrong = []
    for path in modules():
        room = room_of(path)
        if room == "__init__":
            continue
        for line, target in imports(path):
            other = f"{target}.".split(".")[1] if target.split(".")[0] == "morphct" else room
            if other in ("", "__version__", room):
                continue
            if other not in level:
                wrong.append(f"{name_of(path)}:{line} imports {target}, which is no room")
            elif level[other] < level[room] or (level[other] == level[room] and not open_floor[level[room]]):
                wrong.append(f"{name_of(path)}:{line} imports {other}, which is not below {room}")
    assert not wrong, "\n".join(wrong)


def test_libraries_have_one_address():
    wrong = [
        f"{name_of(path)}:{line} imports {target}; it belongs in {', '.join(sorted(HOMES[target.split('.')[0]]))}"
        for path in modules()
        for line, target in imports(path)
        if target.split(".")[0] in HOMES and room_of(path) not in HOMES[target.split(".")[0]]
    ]
    assert not wrong, "\n".join(wrong)


def test_readme_maps_every_module_and_no_other():
    """The map is the table under "The house"; a package may stand for its modules by listing them in its row."""
    section = re.search(r"^## The house\n(.*?)(?=^## )", README, re.S | re.M)
    assert section, "README.md has no section 'The house'"
    rows = re.findall(r"^\| `([\w/]+)` \| (.*) \|$", section[1], re.M)
    named = set()
    for name, text in rows:
        named.add(name.rstrip("/"))
        if name.endswith("/"):
            named |= {f"{name}{inner}" for inner in re.findall(r"`(\w+)`", text)}
    there = {name_of(p) for p in modules()} - {"__init__", "__main__"}
    assert there - named == set(), "modules the map does not name"
    assert named - there == set(), "names in the map that are no modules"


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


def test_only_the_command_line_prints_and_exits():
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules()
        if room_of(path) not in ("cli", "__main__")
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
        if room_of(path) == "kernels":
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            assert len(arguments) <= MOST_ARGUMENTS, f"{node.name} has {len(arguments)} arguments"


def test_stages_are_imported_lightly():
    """`import morphct` and `morphct --help` bring none of the heavy libraries."""
    code = f"import sys, morphct, morphct.cli.entry\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_the_librarys_names_stay_what_they_are():
    """A module of the name of a function would take its place as soon as it is imported."""
    asked = "print([callable(getattr(morphct, name)) for name in morphct.__all__])"
    code = f"import morphct, morphct.settings, morphct.pipeline\n{asked}"
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
