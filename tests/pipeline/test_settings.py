"""Settings: defaults, TOML round trip, overrides by text, and what is refused, in one sentence each."""

import ast
import dataclasses
import tomllib
from pathlib import Path

import pytest

import morphct
from morphct.ground.errors import InputError, SettingsError, UserError
from morphct.pipeline.settings import ONCE, Settings, describe, sections

PACKAGE = Path(morphct.__file__).parent
# the names other people's files depend on
PROMISED = {
    "input": ["voxel_size", "axes", "crop"],
    "denoise": ["method", "sigma"],
    "threshold": ["method", "phases", "low", "high"],
    "particles": ["min_voxels", "border"],
    "split": ["method", "floor", "join", "h"],
    "voids": ["threshold", "min_voxels", "closing_radius"],
    "aggregates": ["weld_ratio", "score"],
    "descriptors": ["names", "views"],
    "output": ["labels_tif", "meshes", "renders", "csv"],
    "qc": [],
    "run": ["memory", "workers", "scheduler", "cluster", "slab", "seed"],
}
CHANGED = [
    "input.voxel_size=75nm,25nm,25nm",
    "denoise.method=gaussian",
    "denoise.sigma=1.25",
    "threshold.method=fixed",
    "threshold.low=60",
    "threshold.high=120.5",
    "particles.min_voxels=64",
    "split.method=watershed",
    "descriptors.names=solidity,feret_max",
    "output.labels_tif=true",
    "qc.solidity.min=0.8",
    "qc.d50_number.min=1",
    "qc.d50_number.max=3.5",
    "run.memory=2GiB",
    "run.workers=3",
    "run.slab=17",
]


@pytest.fixture(scope="module")
def changed() -> Settings:
    return Settings().with_overrides(CHANGED)


@pytest.mark.parametrize("section", PROMISED)
def test_promised_names_are_there(section):
    names = [f.name for f in dataclasses.fields(sections()[section])]
    assert set(PROMISED[section]) <= set(names)


def test_sections_are_those_of_the_settings_in_order():
    assert list(sections()) == [f.name for f in dataclasses.fields(Settings)]
    for name, options in sections().items():
        assert options.section == name
        assert options.__doc__


def test_every_setting_has_a_meaning():
    for options in sections().values():
        for field in dataclasses.fields(options):
            if field.name != "limits":
                assert len(field.metadata["help"]) > 8, f"{options.section}.{field.name}"
                assert "\n" not in describe(field)


def test_every_setting_is_read_somewhere():
    """A setting that no code asks for would be accepted and do nothing."""
    sources = [p for p in PACKAGE.rglob("*.py") if p.parent.name != "cli"]
    read = {n.attr for p in sources for n in ast.walk(ast.parse(p.read_text())) if isinstance(n, ast.Attribute)}
    unread = [f"{o.section}.{f.name}" for o in sections().values() for f in dataclasses.fields(o) if f.name not in read]
    assert not unread, f"settings that nothing reads: {unread}"


def test_overrides_are_typed_by_their_field(changed):
    assert changed.denoise.sigma == 1.25
    assert changed.threshold.low == 60.0
    assert isinstance(changed.threshold.low, float)
    assert changed.particles.min_voxels == 64
    assert changed.output.labels_tif is True
    assert changed.descriptors.names == ("solidity", "feret_max")
    assert changed.run.slab == 17
    assert changed.qc.limits == {"solidity": {"min": 0.8}, "d50_number": {"min": 1.0, "max": 3.5}}


def test_an_empty_override_is_the_empty_value(changed):
    assert changed.with_overrides(["threshold.high=", "run.memory="]).threshold.high is None


@pytest.mark.parametrize("commented", [False, True])
def test_toml_reads_back_exactly(tmp_path, changed, commented):
    for settings in (Settings(), changed):
        path = tmp_path / "s.toml"
        path.write_text(settings.to_toml(commented))
        assert Settings.from_toml(path) == settings
        assert Settings.from_toml(path).to_toml(commented) == settings.to_toml(commented)


def test_texts_with_any_character_read_back(tmp_path):
    odd = 'a "b" \\ \t ü \x7f #[]='
    settings = Settings().with_overrides(["run.scheduler=x"])
    settings = dataclasses.replace(settings, run=dataclasses.replace(settings.run, scheduler=odd))
    (tmp_path / "s.toml").write_text(settings.to_toml(), encoding="utf-8")
    assert Settings.from_toml(tmp_path / "s.toml").run.scheduler == odd


def test_a_commented_file_explains_every_setting():
    lines = Settings().to_toml(commented=True).splitlines()
    for section, options in sections().items():
        start = lines.index(f"[{section}]")
        for field in dataclasses.fields(options):
            if field.name == "limits":
                continue
            at = next(i for i in range(start, len(lines)) if lines[i].startswith(f"{field.name} = "))
            assert lines[at - 1].startswith("# ")
            assert field.metadata["help"] in lines[at - 1]
            assert "default" in lines[at - 1]


def test_what_is_said_for_one_call_is_not_repeated():
    settings = Settings().with_overrides(["run.overwrite=true", "run.resume=true"])
    written = tomllib.loads(settings.to_toml())
    assert not set(ONCE["run"]) & set(written["run"])


def test_a_partial_file_leaves_the_rest_at_its_default(tmp_path):
    (tmp_path / "s.toml").write_text('[threshold]\nmethod = "otsu"\n')
    settings = Settings.from_toml(tmp_path / "s.toml")
    assert settings.threshold.method == "otsu"
    assert settings.denoise == Settings().denoise


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("treshold.method=otsu", "did you mean 'threshold'"),
        ("threshold.metod=otsu", "did you mean 'method'"),
        ("threshold.method=otzu", "did you mean 'otsu'"),
        ("particles.min_voxels=many", "whole number"),
        ("particles.min_voxels=-3", "1 and above"),
        ("particles.min_voxels=", "whole number"),
        ("denoise.sigma=nan", "denoise.sigma"),
        ("run.memory=lots", "800MiB"),
        ("run.slab=thick", "auto"),
        ("run.workers=0", "1 and above"),
        ("qc.solidity=3", "min"),
        ("qc.solidity.most=3", "min"),
        ("qc.solidity.min=high", "numbers"),
        ("output.csv=perhaps", "true or false"),
        ("threshold.method.deep=1", "single value"),
        ("threshold", "section.key=value"),
        ("threshold=otsu", "section.key=value"),
        (".=1", "section.key=value"),
        ("sigma=2", "denoise.sigma=value"),
    ],
)
def test_refusals_say_what_is_allowed(text, wanted):
    with pytest.raises(SettingsError) as refused:
        Settings().with_overrides([text])
    sentence = str(refused.value)
    assert wanted in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("size", ["25", "0nm", "-3nm", "25parsec", "1nm,2nm", "1m", "nan nm"])
def test_a_voxel_size_that_is_none_is_refused_at_once(size):
    with pytest.raises(InputError):
        Settings().with_overrides([f"input.voxel_size={size}"])


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"[threshold\n", "line 1"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"\xff\xfe\x00", "TOML"),
        (b"threshold = 3\n", "[threshold]"),
        (b"[nonsense]\n", "nonsense"),
        (b"[threshold]\nmethod = 3\n", "threshold.method"),
        (b'[run]\nworkers = "two"\n', "whole number"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, content, wanted):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        Settings.from_toml(path)
    assert wanted in str(refused.value)
    assert "bad.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_or_a_folder_is_a_users_error(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UserError, match="morphct init"):
            Settings.from_toml(path)
