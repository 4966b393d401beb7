"""The lock is whole: what every locked distribution asks for is locked too, on every Python and machine; no network."""

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from scripts import locked

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {name: (ROOT / "requirements" / f"{name}.txt").read_text() for name in locked.EXTRAS}
HERE = list(locked.environments())
NAMES = [f"{e['python_full_version']}-{e['platform_machine']}" for e in HERE]


def gaps(text, facts, here, name="development"):
    return locked.gaps(locked.project_requirements(PROJECT, locked.EXTRAS[name]), locked.pins(text, here), facts, here)


@pytest.fixture(scope="module")
def facts():
    return locked.recorded()


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("here", HERE, ids=NAMES)
def test_every_requirement_of_what_is_locked_is_locked(name, here, facts):
    assert gaps(LOCKS[name], facts, here, name) == []


@pytest.mark.parametrize("here", HERE, ids=NAMES)
def test_to_go_from_the_runtime_to_development_only_adds(here):
    """`scripts/test` after `scripts/demo` installs into the same place."""
    assert locked.pins(LOCKS["runtime"], here).items() <= locked.pins(LOCKS["development"], here).items()


def test_the_pythons_are_those_of_the_project():
    supported = locked.SpecifierSet(PROJECT["project"]["requires-python"])
    assert [f"3.{minor}" for minor in range(8, 30) if f"3.{minor}.0" in supported] == list(locked.PYTHONS)
    for extras in locked.EXTRAS.values():
        assert set(extras) <= set(PROJECT["project"]["optional-dependencies"])


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_has_one_version_and_hashes_and_no_address(name):
    assert "://" not in LOCKS[name]
    for block in re.split(r"\n(?=\S)", LOCKS[name].strip()):
        assert block.splitlines()[0].count("==") >= 1
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block.splitlines()[0]


def test_what_is_recorded_is_what_the_installed_files_say(facts):
    """The record tells of other Pythons' distributions as well; of those installed here it can be compared."""
    here = locked.environment("{}.{}".format(*sys.version_info), os.uname().machine, sys.version_info[2])
    pinned = locked.pins(LOCKS["development"], here)
    installed = locked.installed_facts(pinned)
    for key, found in installed.items():
        assert {"python": facts[key]["python"], "requires": sorted(facts[key]["requires"])} == found, key
    if len(installed) < len(pinned):
        pytest.skip(f"{len(pinned) - len(installed)} of {len(pinned)} locked distributions are not installed here")


def test_nothing_is_recorded_that_is_not_locked(facts):
    asked = {f"{name}=={version}" for here in HERE for name, version in locked.pins(LOCKS["development"], here).items()}
    assert set(facts) == asked


def without(name):
    """The development lock without the lines of a distribution."""
    return re.sub(rf"(?m)^{re.escape(name)}(\[\w+\])?==.*\n(    --hash.*\n)+", "", LOCKS["development"])


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (without("coverage"), "pytest-cov 7"),
        (without("editables"), "pyproject.toml asks for editables"),
        (without("llvmlite"), r"numba .* asks for llvmlite"),
        (LOCKS["development"].replace("llvmlite==", "llvmlite==9"), "is locked on Python"),
        (LOCKS["development"].replace("numpy==", "numpy==0.1.", 1), "nothing is known of numpy"),
    ],
    ids=["lost", "lost-build", "lost-deep", "wrong", "unknown"],
)
def test_a_broken_lock_is_seen(broken, words, facts):
    assert broken != LOCKS["development"]
    assert re.search(words, "\n".join(gaps(broken, facts, locked.environment("3.11", "x86_64"))))


def made_up(requires):
    """Facts of three distributions, the first of which asks for something."""
    facts = {"a==1": requires, "b==2": ["c>=1 ; extra == 'more'"], "c==3": []}
    return {key: {"python": ">=3.8", "requires": texts} for key, texts in facts.items()}


@pytest.mark.parametrize(
    ("pins", "requires", "words"),
    [
        ("a==1\nb==2", ["b>=2"], None),
        ("a==1\nb==2", ["b>=2.1"], "a 1 asks for b>=2.1, and 2 is locked"),
        ("a==1\nb==2", ["b[more]>=1"], r"b 2 asks for c>=1; extra == \"more\", which is not locked"),
        ("a==1\nb==2\nc==3", ["b[more]>=1"], None),
        ("a==1\nb==2", ["c; python_version < '3.12'"], None),
        ("a==1\nb==2", ["c; python_version < '3.13'"], "a 1 asks for c"),
        ("a==1\nb==2", ["c; platform_machine == 'aarch64'"], None),
        ("a==1\nb==2 ; python_version < '3.12'", ["B"], "a 1 asks for B, which is not locked on Python 3.12.0, x86_64"),
    ],
)
def test_extras_and_markers_are_followed(pins, requires, words):
    here = locked.environment("3.12", "x86_64")
    found = locked.gaps([locked.Requirement("a")], locked.pins(pins, here), made_up(requires), here)
    assert (re.search(words, found[0]) and len(found) == 1) if words else found == []


@pytest.mark.parametrize("line", ["a>=1", "a", "a==1,<2"])
def test_a_line_that_leaves_a_choice_is_no_lock(line):
    with pytest.raises(ValueError, match="does not pin"):
        locked.pins(line, HERE[0])
    with pytest.raises(ValueError, match="twice"):
        locked.pins("a==1\na==2", HERE[0])


def test_a_distribution_for_another_python_is_seen():
    here, facts = locked.environment("3.11", "x86_64"), made_up([]) | {"b==2": {"python": ">=3.12", "requires": []}}
    assert "is for Python >=3.12" in locked.gaps([], locked.pins("b==2", here), facts, here)[0]
