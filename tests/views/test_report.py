"""Pages: whole without network, every number of the summary in them, nothing unescaped; and looked at in a browser."""

import re
import shutil

import fake_run
import numpy as np
import pandas as pd
import pytest

from morphct.ground.errors import OutputError
from morphct.ground.units import VoxelSize
from morphct.results.population import summarise
from morphct.results.run_folder import RunFolder
from morphct.views import report
from morphct.views.figures import MidPlanes
from morphct.views.report import tables, words
from morphct.views.report.page import tiles

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
GLOSSARY = [
    {"table": "particles", "name": "sphericity", "unit": "", "definition": "A `ratio` <of> radii.", "source": "x",
     "smallest": "20 voxels across", "elsewhere": ""},
    {"table": "particles", "name": "not_there", "unit": "", "definition": "absent", "source": "", "smallest": "",
     "elsewhere": ""},
    {"table": "voids", "name": "depth_um", "unit": "µm", "definition": "How deep.", "source": "", "smallest": "",
     "elsewhere": "Fiji: none"},
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "run"
    extra = {"sample": "lot <7> & co"}
    fake = fake_run.write(out, n=30, **extra)
    run = RunFolder(out)
    (out / "renders").mkdir()
    from PIL import Image

    for name in ("population_class", "population_diameter", "particle_12"):
        Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(out / f"renders/{name}.png")
    report.write(run, MidPlanes.of(fake.grey), GLOSSARY)
    return run, (out / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_beside_it(made):
    _, page = made
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "url(" not in page
    assert len(page) < 4_000_000


def test_the_page_tells_what_was_found(made):
    run, page = made
    text = re.sub(r"<[^>]+>", " ", page)
    for sentence in words.verdict(run.summary):
        assert sentence in text
    assert "lot &lt;7&gt; &amp; co" in page
    assert "<7>" not in page
    assert "The noise is correlated" in text
    assert page.index("Before you use these numbers") < page.index('class="verdict"')
    for name in ("Size distribution", "Ellipticity in three directions", "Grey values and phases", "Three slices"):
        assert name in text
    assert page.count("data:image/jpeg") == 3
    assert "powder.tif" in text
    assert "0" * 64 in text
    assert "method = &#34;deconvolution&#34;" in page
    assert "<code>ratio</code> &lt;of&gt; radii" in page
    assert "absent" not in text
    assert "Fiji: none" in text


def test_figures_are_in_the_folder_too(made):
    run, _ = made
    names = {p.name for p in (run.path / "figures").iterdir()}
    drawn = ["sizes", "ellipticity", "zingg", "sphericity", "voids", "channels", "trust", "histogram", "slices"]
    assert names == {f"{name}.png" for name in drawn}


def test_the_page_again_from_the_folder_alone_is_the_same(made):
    run, page = made
    report.write(RunFolder(run.path), glossary=GLOSSARY)
    assert (run.path / "report.html").read_text(encoding="utf-8") == page


def test_the_page_says_how_far_to_trust(made):
    page = made[1]
    assert "How far to trust each column" in page
    assert "48 bodies of known size and shape" in page
    assert "a blur of σ = 1.20 voxels" in page
    assert "<td>never</td>" in page  # roundness
    assert "≤ 8" in page  # the diameter: good on the smallest bodies tried


def test_the_pictures_by_size_come_first(made):
    _, page = made
    order = [page.index(t) for t in ("coloured by equivalent diameter", "All particles by class", "Particle 12, its")]
    assert order == sorted(order)


@pytest.mark.parametrize(("n", "voids"), [(0, True), (1, True), (12, False)])
def test_pages_of_sparse_runs(tmp_path, n, voids):
    fake_run.write(tmp_path / "run", n=n, size=VoxelSize(1, 1, 1, "px"))
    folder = tmp_path / "run"
    if not voids:  # as `measure` without grey may leave it
        for name in ("voids.csv", "voids.parquet", "histogram.csv", "threshold.json", "settings.toml"):
            (folder / name).unlink()
        shutil.rmtree(folder / "voids.zarr")
    run = RunFolder(folder)
    report.write(run)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "nan" not in re.sub(r"data:[^\"]+", "", page).lower().replace("finan", "")
    if n == 0:
        assert "No particle was found." in page
    if not voids:
        assert "From grey values to particles" in page  # the slices of the labels
        assert "No void was found." in page


def test_limits_are_told(tmp_path):
    fake_run.write(tmp_path / "run", n=12)
    run = RunFolder(tmp_path / "run")
    run.summary["qc"] = [
        {"name": "d50_number", "value": 0.4, "min": 0.1, "max": 1.0, "passed": True},
        {"name": "equivalent_diameter_um", "value": 0.4, "min": 1.0, "max": None, "passed": False},
    ]
    page = report.page(run, [], GLOSSARY)
    assert "equivalent diameter (µm)" in page
    assert "1 and above" in page
    assert page.count('class="fail">broken') == 1
    assert page.count('class="pass">kept') == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (float("inf"), "–"), (12, "12"), (123456, "123,456"), (0.1234, "0.123"),
     (12.346, "12.3"), (1234.5, "1,234"), (0.00001234, "1.23e-05"), (2.0, "2"), (True, "yes"), (-0.5, "-0.500")],
)  # fmt: skip
def test_numbers(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.123, "12 %"), (0.0123, "1.2 %"), (0.000234, "0.023 %"), (0.0, "0 %"), (1.0, "100 %")]
)
def test_percents(share, text):
    assert words.percent(share) == text
    assert words.percent(None) == words.percent(float("nan")) == "–"


def test_the_verdict_in_words():
    summary = {
        "unit": "um",
        "statistics_on": "interior",
        "counts": {"particles": 1341, "interior": 823, "border": 518, "used": 823, "voids": 1},
        "size": {
            "by_number": {"d10": {"value": 0.9}, "d50": {"value": 1.9, "low": 1.8, "high": 2.0}, "d90": {"value": 3.9}},
            "by_volume": {"d50": {"value": 4.4}},
        },
        "void_fraction": {"value": 0.041, "low": 0.03, "high": 0.05},
        "porous_fraction": {"value": 0.12},
        "aggregate_fraction": {"value": 0.05},
    }
    text = " ".join(words.verdict(summary))
    assert text == (
        "1,341 particles found; 518 of them are cut by the border of the volume, so sizes and shapes are those of the "
        "other 823. Half of them are smaller than 1.90 µm (D50 by number; 95 % interval 1.80 to 2), and eight of ten "
        "lie between 0.900 and 3.90 µm. Half of the volume is in particles below 4.40 µm. 1 closed void was found; "
        "void fills 4.1 % of the volume of all particles (95 % interval 3.0 to 5.0 %). 5.0 % of the whole particles "
        "belong to an aggregate and 12 % are porous."
    )
    summary["void_fraction"] = {"value": None}
    assert "not reliable" in " ".join(words.verdict(summary))
    summary["counts"]["cut_voids"] = 3
    assert "1 closed void was found, and 3 that the border cuts" in " ".join(words.verdict(summary))
    summary["counts"] |= {"voids": 0, "cut_voids": 0}
    assert "No closed void" in " ".join(words.verdict(summary))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"method": "otsu", "level": 120.0, "denoise": {"method": "none"}}, "after Otsu"),
        ({"method": "fixed", "low": 60, "high": 120}, "from 60 to 120"),
        ({"method": "fixed", "low": None, "high": 120}, "Grey values to 120"),
        ({"method": "deconvolution", "level": 5.0, "level_range": [4.0, 6.0]}, "runs from 4"),
        ({"denoise": {"method": "gaussian", "sigma": [1.0, 2.0, 2.0], "target_reached": False}}, "1, 2, 2 (z, y, x)"),
        ({"cnr": 2.28, "snr": 8.8, "denoise": {"noise_correlation": 0.4}}, "share 40 %"),
        ({"voids": {"detection_diameter_50": 0.08, "detection_diameter_95": 0.09, "unit": "um"}}, "every second time"),
        ({"phases": [{"name": "air", "mean": 1}, {"name": "particle", "mean": 5}], "separation": 4.1}, "2 phases: air"),
    ],
)
def test_the_grey_story(found, sentence):
    assert sentence in " ".join(words.grey_story(found))
    assert words.grey_story({}) == []


def test_cells_of_flags_and_tables(made):
    assert tables.cell("border;not_resolved:a+b+c") == "border, not resolved (3 columns)"
    assert tables.cell(np.nan) == "–"
    assert tables.cell(None) == ""
    assert tables.cell(np.bool_(False)) == "no"
    found = tables.particles(made[0])
    assert len(found.rows) == 12
    assert found.heads[0] == ("label", "")
    assert found.heads[2] == ("equivalent diameter", "µm")
    sizes = [float(row[2]) for row in found.rows]
    assert sizes == sorted(sizes, reverse=True)


def test_a_folder_that_cannot_be_written_is_told(made, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("morphct.results.run_folder.files.os.fsync", refuse)
    with pytest.raises(OutputError, match="cannot be written"):
        report.write(made[0])


def test_the_batch_page(tmp_path):
    runs = []
    for i in range(3):
        fake_run.write(tmp_path / f"s{i}", n=14, seed=i)
        runs.append(RunFolder(tmp_path / f"s{i}"))
    runs[1].summary["qc"] = [{"name": "d50_number", "value": 0.4, "min": 1.0, "max": None, "passed": False}]
    rows = [report.Row(f"sample {i}", run, facts={"lot": f"L{i}"}) for i, run in enumerate(runs)]
    rows.append(report.Row("bad <one>", error="the file is empty; give another"))
    path = report.write_batch(tmp_path / "out", rows)
    page = path.read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", " ", page)
    assert "4 samples: 3 measured, 1 failed. 1 of 1 broke a limit." in text
    assert "bad &lt;one&gt;" in page
    assert "the file is empty; give another" in text
    assert "L2" in text
    assert 'href="../s0/report.html"' in page
    runs[0].provenance["settings"] = {"output": {"tables_only": True}}  # its page was left out
    assert 'href="../s0/' not in report.write_batch(tmp_path / "out", rows).read_text(encoding="utf-8")
    assert page.count("<circle") == 3 * len(re.findall(r'class="scale"', page))
    assert "Limit broken:" in text
    assert "data:image/svg+xml" in page


def test_a_batch_of_failures_and_one_of_nothing(tmp_path):
    page = report.write_batch(tmp_path, [report.Row("a", error="no")]).read_text(encoding="utf-8")
    assert "1 sample: 0 measured, 1 failed." in page
    assert "0 samples" in report.write_batch(tmp_path, []).read_text(encoding="utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (400, "dark")])
def test_the_page_in_a_browser(made, width, scheme):
    playwright = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{made[0].path / 'report.html'}")
        page.wait_for_timeout(200)
        assert [url for url in asked if not url.startswith("data:")] == [f"file://{made[0].path / 'report.html'}"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out
        shown = page.evaluate("[...document.images].map(i => [i.naturalWidth, i.getBoundingClientRect().width])")
        assert len(shown) == 12
        assert all(natural > 0 and 0 < width_ <= width for natural, width_ in shown)
        browser.close()


def test_tiles_tell_whom_each_number_is_of():
    """Shares of volume are of all particles, the rest of whole ones."""
    rows = {"volume_um3": [1000.0, 2.0], "void_fraction": [0.1, 0.0], "touches_border": [True, False]}
    particles = pd.DataFrame(
        {"equivalent_diameter_um": [12.0, 1.5], "class": ["porous", "single"], **rows}, index=[1, 2]
    )
    found = summarise(particles)
    assert found["void_fraction"]["value"] == pytest.approx(100 / 1002)
    assert found["whole_volume_share"] == pytest.approx(2 / 1002)
    told = {what: (value, about) for what, value, about in tiles(found)}
    assert told["void fraction"] == ("10.0 %", "all 2 particles")
    assert told["porous particles"][1].endswith("1 whole particle")
    assert told["D50 by number"] == ("1.50 µm", "1 whole particle")
