"""Is the lock whole? Every requirement of every locked distribution must be met by the lock itself.

    python scripts/locked.py installed runtime|development    what is installed here is what the lock says, and whole
    python scripts/locked.py write                            requirements/metadata.json anew (scripts/lock calls it)

The lock is installed as it stands, without a resolver, so nothing else would notice a gap. Distributions for another
Python or another machine are not installed here; what they ask for is kept in requirements/metadata.json, written from
the metadata of the very files whose hashes are locked.
"""

import importlib.metadata
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
PATCHES = (0, 30)  # the first of a minor version, and later than any: markers may fall between two patches
NEWEST_GLIBC = 36  # that of Debian 12, 2.36: wheels that ask for more are no use
EXTRAS = {"runtime": ("web",), "development": ("formats", "web", "cluster", "dev")}  # as scripts/lock has them

Facts = Mapping[str, Mapping[str, object]]  # "name==version" -> {"python": ">=3.11", "requires": ["numpy>=2", ...]}


def environment(python: str, machine: str, patch: int = 0) -> dict[str, str]:
    """The values of environment markers on Linux, for a Python that need not be the one at work."""
    full = f"{python}.{patch}"
    return {
        **{name: str(value) for name, value in default_environment().items()},
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": full,
        "python_version": python,
        "sys_platform": "linux",
    }


def environments() -> Iterator[dict[str, str]]:
    """All that the lock is for."""
    for python in PYTHONS:
        for machine in MACHINES:
            for patch in PATCHES:
                yield environment(python, machine, patch)


def requirements(text: str) -> list[Requirement]:
    """The lines of a requirements file, without their hashes."""
    lines = text.replace("\\\n", " ").splitlines()
    return [Requirement(line.split(" --hash=")[0].strip()) for line in lines if line.strip() and line[0] not in "#- "]


def pins(text: str, here: Mapping[str, str]) -> dict[str, str]:
    """Name to version of what a lock installs in an environment.

    Raises
    ------
    ValueError
        When a line pins no single version, or two lines pin the same name.
    """
    found: dict[str, str] = {}
    for line in requirements(text):
        if line.marker is not None and not line.marker.evaluate(dict(here)):
            continue
        name, exact = canonicalize_name(line.name), [s for s in line.specifier if s.operator == "=="]
        if len(exact) != 1 or len(line.specifier) != 1:
            raise ValueError(f"{line} does not pin one version")
        if name in found:
            raise ValueError(f"{name} is pinned twice, {found[name]} and {exact[0].version}")
        found[name] = exact[0].version
    return found


def project_requirements(project: Mapping[str, object], extras: Iterable[str]) -> list[Requirement]:
    """What pyproject.toml asks for: to run, for these extras, and to build."""
    table = project["project"]
    texts = [
        *table["dependencies"],
        *(text for extra in extras for text in table["optional-dependencies"][extra]),
        *project["dependency-groups"]["build"],
        *project["build-system"]["requires"],
    ]
    return [Requirement(text) for text in texts]


def gaps(roots: Iterable[Requirement], pinned: Mapping[str, str], facts: Facts, here: Mapping[str, str]) -> list[str]:
    """What a lock lacks in an environment, a sentence each; none where it is whole.

    Parameters
    ----------
    roots : Requirements of the project.
    pinned : name -> version (`pins`).
    facts : "name==version" -> what it asks for.
    here : values of the markers.
    """
    where = f"on Python {here['python_full_version']}, {here['platform_machine']}"
    found = []
    for name, version in pinned.items():
        about = facts.get(f"{name}=={version}")
        if about is None:
            found.append(f"nothing is known of {name} {version}: write the lock again with scripts/lock")
        elif not SpecifierSet(str(about["python"] or "")).contains(here["python_full_version"], prereleases=True):
            found.append(f"{name} {version} is for Python {about['python']} and locked {where}")
    asked = [("pyproject.toml", root, "") for root in roots]
    asked += [(name, Requirement(name), "") for name in pinned]  # each for itself, whoever asked for it
    seen = set()
    while asked:
        by, wish, extra = asked.pop()
        if wish.marker is not None and not wish.marker.evaluate({**here, "extra": extra}):
            continue
        name = canonicalize_name(wish.name)
        version = pinned.get(name)
        if version is None:
            found.append(f"{by} asks for {wish}, which is not locked {where}")
            continue
        if not wish.specifier.contains(version, prereleases=True):
            found.append(f"{by} asks for {wish}, and {version} is locked {where}")
        for extra in ["", *sorted(wish.extras)]:
            if (name, extra) not in seen:
                seen.add((name, extra))
                texts = facts.get(f"{name}=={version}", {}).get("requires", [])
                asked += [(f"{name} {version}", Requirement(text), canonicalize_name(extra)) for text in texts]
    return sorted(set(found))


def recorded() -> dict[str, dict[str, object]]:
    """What requirements/metadata.json says of each locked distribution."""
    return json.loads((ROOT / "requirements" / "metadata.json").read_text())


def installed_facts(pinned: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """The same as read from what is installed, of the locked distributions that are there in the locked version."""
    found = {}
    for name, version in pinned.items():
        try:
            there = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if there.version == version:
            python, texts = there.metadata.get("Requires-Python"), there.requires
            found[f"{name}=={version}"] = {"python": python, "requires": sorted(texts or [])}
    return found


def check_installed(name: str) -> list[str]:
    """What is wrong with this environment by the lock `name`: missing, of another version, or a gap."""
    here = {key: str(value) for key, value in default_environment().items()}
    pinned = pins((ROOT / "requirements" / f"{name}.txt").read_text(), here)
    facts = installed_facts(pinned)
    missing = [f"{n} {v} is locked and not installed" for n, v in pinned.items() if f"{n}=={v}" not in facts]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return missing or gaps(project_requirements(project, EXTRAS[name]), pinned, facts, here)


def _asked_of_the_index(pinned: Mapping[str, str], python: str, machine: str) -> list[dict]:
    """pip's report on the wheels of these pins for a Python and a machine; no resolver, nothing installed."""
    glibc = [f"manylinux_2_{minor}_{machine}" for minor in range(17, NEWEST_GLIBC + 1)]
    old = ["manylinux2014", *(["manylinux2010", "manylinux1"] if machine == "x86_64" else [])]
    platforms = [f"--platform={tag}" for tag in [*glibc, *(f"{tag}_{machine}" for tag in old), f"linux_{machine}"]]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--dry-run",
            "--ignore-installed", "--no-deps", "--ignore-requires-python", "--only-binary=:all:", *platforms,
            f"--python-version={python}", "--implementation=cp", f"--target={folder}", f"--report={report}",
            *(f"{name}=={version}" for name, version in pinned.items()),
        ]  # fmt: skip
        told = subprocess.run(command, capture_output=True, text=True)
        if told.returncode:
            sys.exit("\n".join(line for line in told.stderr.splitlines() if not line.startswith("WARNING: Location")))
        return json.loads(report.read_text())["install"]


def write() -> None:
    """Write requirements/metadata.json: of every locked wheel, on every Python and machine, what it asks for.

    Raises
    ------
    SystemExit
        When a file is not one that the lock has the hash of, or two wheels of one version ask for different things.
    """
    text = (ROOT / "requirements" / "development.txt").read_text()
    facts: dict[str, dict[str, object]] = {}
    for python in PYTHONS:
        for machine in MACHINES:
            for wheel in _asked_of_the_index(pins(text, environment(python, machine)), python, machine):
                about, hashes = wheel["metadata"], wheel["download_info"]["archive_info"]["hashes"]
                key = f"{canonicalize_name(about['name'])}=={about['version']}"
                if f"sha256:{hashes['sha256']}" not in text:
                    sys.exit(f"the wheel of {key} for Python {python} on {machine} is not one of those locked")
                if wheel.get("is_yanked"):
                    sys.exit(f"{key} was withdrawn by its authors: exclude it in pyproject.toml and lock again")
                found = {"python": about.get("requires_python"), "requires": sorted(about.get("requires_dist", []))}
                if facts.setdefault(key, found) != found:
                    sys.exit(f"the wheels of {key} differ in what they ask for; the lock cannot be checked")
    (ROOT / "requirements" / "metadata.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        write()
    elif len(sys.argv) == 3 and sys.argv[1] == "installed" and sys.argv[2] in EXTRAS:
        wrong = check_installed(sys.argv[2])
        print("\n".join(wrong[:3]), file=sys.stderr)
        sys.exit(1 if wrong else 0)
    else:
        sys.exit(__doc__)
