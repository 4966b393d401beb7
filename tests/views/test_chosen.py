"""Chosen particles: the table that is printed, the file, the section of the page, and what cannot be chosen."""

import fake_run
import pandas as pd
import pytest

from morphct.ground.errors import InputError
from morphct.results.population import summarise
from morphct.results.run_folder import RunFolder
from morphct.views import report
from morphct.views.report import chosen, tables, words


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("chosen") / "run"
    fake_run.write(out, n=25)
    return RunFolder(out)


def test_table_file_and_page(run):
    frame = chosen.write(run, [6, 2, 1, 7])
    assert frame.index.tolist() == [6, 2, 1, 7]
    again = pd.read_csv(run.path / chosen.FILE, index_col="label")
    pd.testing.assert_frame_equal(again, frame, rtol=1e-8, check_dtype=False)
    found = chosen.table(run, [6, 2, 1, 7])
    assert [name for name, _ in found.heads[:5]] == ["particle", "eq. diameter", "e_yx", "e_zx", "e_zy"]
    assert found.rows[0][0] == "#6"
    lines = chosen.text(found).splitlines()
    assert lines[0].split()[:4] == ["particle", "eq.", "diameter", "[µm]"]
    assert len({len(line) for line in lines}) <= 2, "aligned"
    report.write(run)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    section = page[page.index('id="chosen"') : page.index('id="particles"')]
    assert all(f"#{label}" in section for label in (6, 2, 1, 7))
    (run.path / chosen.FILE).unlink()
    report.write(run)
    assert 'id="chosen"' not in (run.path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("text", "labels"), [("6,2, 1;7", [6, 2, 1, 7]), ("#3,3", [3]), ("12", [12])])
def test_labels_as_people_write_them(text, labels):
    assert chosen.parse_labels(text) == labels


@pytest.mark.parametrize("text", ["", "a", "1.5", "-3", "1 2"])
def test_what_is_no_list_of_labels(text):
    with pytest.raises(InputError, match="6,2,1,7"):
        chosen.parse_labels(text)


def test_a_label_that_is_not_there(run):
    with pytest.raises(InputError, match="particle 999 is not in") as told:
        chosen.write(run, [1, 999])
    assert "\n" not in str(told.value)
    assert chosen.kept(run) == []


def test_command(run, tmp_path, capsys):
    from morphct.cli.entry import main

    assert main(["report", str(run.path), "--particles", "2,1"]) == 0
    told = capsys.readouterr().out
    assert told.index("#2") < told.index("#1") < told.index("report.html")
    assert main(["report", str(run.path), "--particles", "77777"]) == 2
    assert "77777 is not in" in capsys.readouterr().err
    assert main(["report", str(run.path), str(run.path), "--particles", "1"]) == 2
    assert "one at a time" in capsys.readouterr().err


# ---- numbers corrected for the border, beside the raw ones


def test_uncorrected_numbers_stand_beside_the_weighted_ones():
    fake = fake_run.powder(n=60)
    summary = summarise(fake.particles, fake.void_table, fake.aggregates, shape=fake.labels.shape)
    table = tables.sizes(summary)
    assert [name for name, _ in table.heads] == ["", "found", "95 % interval", "uncorrected", "95 % interval"]
    assert [row[0] for row in table.rows][:3] == ["D10 by number (µm)", "D50 by number (µm)", "D90 by number (µm)"]
    d50 = summary["border"]["uncorrected"]["size"]["by_number"]["d50"]["value"]
    assert table.rows[1][3] == words.number(d50)
    assert "uncorrected median" in [name for name, _ in tables.medians(summary).heads]
    assert "Miles and Lantuéjoul" in words.border_story(summary)
    plain = summarise(fake.particles, fake.void_table, fake.aggregates)
    assert len(tables.sizes(plain).heads) == 3
    assert words.border_story(plain) == ""


@pytest.mark.parametrize(
    ("value", "low", "high", "told"),
    [(-0.31, -0.4, -0.22, "falls with size"), (0.3, 0.1, 0.5, "rises"), (0.02, -0.1, 0.1, "no clear trend")],
)
def test_how_sphericity_goes_with_size(value, low, high, told):
    found = words.size_story({"size_correlation": {"sphericity": {"value": value, "low": low, "high": high}}})
    assert told in found
    assert "-0" not in found
    assert words.size_story({}) == ""
