"""The glossary and the crosswalk: every column told, words about columns that are there, the document up to date."""

import json
import re
from pathlib import Path

import pytest

from morphct.cli.entry import main
from morphct.descriptors import AGGREGATES, VOIDS, crosswalk, glossary, particle_rows
from morphct.descriptors.crosswalk import FIELDS, TOPICS
from morphct.descriptors.formulas import as_html, plain

ROOT = Path(__file__).parents[2]
ROWS = particle_rows(("NAME",), "morphometry")
KNOWN = {name for rows in (ROWS, VOIDS, AGGREGATES) for name in rows.columns}
# columns of the contract that the words are about too, whether they are there already or not
TO_COME = {"sphericity_silhouette", "roundness", "roundness_3d", "thickness_mean", "thickness_median"}


def printed(capsys, *arguments: str) -> str:
    assert main(["descriptors", *arguments]) == 0
    return capsys.readouterr().out


def test_words_are_about_columns():
    for topic, words in TOPICS.items():
        for word in words:
            assert set(word.columns) <= KNOWN | TO_COME, f"{topic}: {word.word}"
            assert word.meaning
            assert word.conversion
            told = set(re.findall(r"`(\w+)`", word.conversion + word.meaning))
            assert told <= KNOWN | TO_COME | {"defective_fraction"}, f"{topic}: {word.word}"


def test_every_program_of_old_tables_has_its_words():
    programs = {row["program"] for row in crosswalk()}
    wanted = {"reference study", "MorphoLibJ", "BoneJ", "Fiji", "PoreSpy", "SPAM", "ITK, SimpleITK", "GeoDict"}
    assert wanted <= programs
    sphericities = {row["program"] for row in crosswalk() if row["topic"] == "sphericity"}
    assert wanted - {"Fiji"} <= sphericities, "the word that most programs mean differently"


def test_words_of_columns():
    assert {row["topic"] for row in crosswalk(["feret_max"])} == {"size and place"}
    assert crosswalk(["no_such_column"]) == []
    assert all(set(row) == set(FIELDS) for row in crosswalk())


def test_glossary_as_text(capsys):
    text = printed(capsys, "sphericity_wadell")
    assert "sphericity_wadell" in text
    assert "grey_mean" not in text
    assert "MorphoLibJ" not in text.split("the same words")[0]
    assert "true sphericity" in text
    whole = printed(capsys)
    assert "NAME_core_shell" in whole
    assert "compat, with --compat morphometry" in whole
    assert max(len(line) for line in whole.splitlines()) <= 130


def test_glossary_as_json(capsys):
    found = json.loads(printed(capsys, "--json", "--unit", "px"))
    assert found["columns"] == glossary("px")
    assert found["crosswalk"] == crosswalk()


def test_glossary_as_markdown(capsys):
    text = printed(capsys, "--markdown")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, "every row of a table has as many cells"
    for row in glossary():
        assert f"| `{row['name']}` |" in text


def test_the_document_is_up_to_date(capsys):
    path = ROOT / "docs" / "glossary.md"
    if not path.is_file():
        pytest.skip("no docs beside the tests")
    told = path.read_text(encoding="utf-8")
    assert told.endswith(printed(capsys, "--markdown").rstrip() + "\n"), "run scripts/make_glossary"


def test_what_is_no_column(capsys):
    assert main(["descriptors", "sphericty"]) == 2
    assert "did you mean 'sphericity'" in capsys.readouterr().err


@pytest.mark.parametrize("about", [d for rows in (ROWS, VOIDS, AGGREGATES) for d in rows], ids=lambda d: d.name)
def test_formulas_can_be_read(about):
    for text in (plain(about.symbol), as_html(about.symbol)):
        assert not re.search(r"[\\\\{}]", text), text
        assert text.count("(") == text.count(")")
        assert as_html(about.symbol).count("<su") == as_html(about.symbol).count("</su")


def test_formulas_by_example():
    assert plain(r"\psi = \pi^{1/3}(6V)^{2/3}/A") == "ψ = π^(1/3)(6V)^(2/3)/A"
    assert plain(r"d_{eq} = \sqrt[3]{6V/\pi}") == "d_eq = ∛(6V/π)"
    assert as_html(r"36\pi V^2/A_{13}^3") == "36πV<sup>2</sup>/A<sub>13</sub><sup>3</sup>"
    assert as_html("a < b") == "a &lt; b"
    assert plain(r"\bar g") == "g\u0304"
