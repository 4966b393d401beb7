"""The interactive scene: the window's doings off-screen, and the page in a real browser."""

import contextlib
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fake_run
import numpy as np
import pandas as pd
import pytest

from morphct.ground.errors import InputError, MissingLibraryError
from morphct.results.run_folder import RunFolder
from morphct.views.scene import Scene, colour_columns, colouring, column_title, meshes, why_no_pictures
from morphct.views.viewer.web import same_origin
from morphct.views.viewer.window import Window, show

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROOT = Path(__file__).parents[2]
CANNOT_DRAW = why_no_pictures()
draws = pytest.mark.skipif(bool(CANNOT_DRAW), reason=CANNOT_DRAW)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("view") / "run"
    fake_run.write(out, n=30, seed=1)
    return RunFolder(out)


@pytest.fixture
def plotter():
    from morphct.views.scene import prepare

    prepare()
    import pyvista as pv

    plotter = pv.Plotter(off_screen=True, window_size=(480, 360))
    yield plotter
    plotter.close()


def picture(plotter) -> np.ndarray:
    plotter.render()
    return np.asarray(plotter.screenshot(return_img=True))[..., :3]


def coloured_share(image: np.ndarray) -> float:
    """Share of pixels that are neither white nor grey."""
    return float((np.ptp(image.astype(int), axis=-1) > 40).mean())


@draws
def test_the_scene_is_drawn_and_recoloured(run, plotter):
    scene = Scene(run, plotter)
    plotter.show(auto_close=False)
    first = picture(plotter)
    assert coloured_share(first) > 0.05
    scene.colour_by("class")
    assert np.abs(first.astype(int) - picture(plotter)).mean() > 1
    scene.colour_by("label")
    scene.colour_by("equivalent_diameter_um")
    assert np.abs(first.astype(int) - picture(plotter)).mean() < 0.5
    with pytest.raises(KeyError):
        scene.colour_by("no_such_column")


@draws
def test_a_pick_finds_the_particle_under_the_mouse(run, plotter):
    """Each particle's middle is projected; what is picked there is in front of it or the particle itself."""
    scene = Scene(run, plotter)
    plotter.show(auto_close=False)
    towards = np.array(plotter.camera.position) - np.array(plotter.camera.focal_point)
    towards /= np.linalg.norm(towards)
    exact = 0
    for label, row in run.particles.iterrows():
        middle = row[["centroid_x_um", "centroid_y_um", "centroid_z_um"]].to_numpy(dtype=float)
        plotter.renderer.SetWorldPoint(*middle, 1.0)
        plotter.renderer.WorldToDisplay()
        x, y, _ = plotter.renderer.GetDisplayPoint()
        found = scene.pick(x, y)
        assert found > 0
        if found != label:
            other = run.particles.loc[found, ["centroid_x_um", "centroid_y_um", "centroid_z_um"]].to_numpy(dtype=float)
            reach = run.particles.loc[[label, found], "semi_axis_a_um"].sum()
            assert (other - middle) @ towards > -reach
        exact += found == label
    assert exact >= 5
    assert scene.pick(1, 1) == 0


@draws
def test_a_cut_hides_from_the_pick_and_is_filled(run, plotter):
    scene = Scene(run, plotter)
    plotter.show(auto_close=False)
    whole = coloured_share(picture(plotter))
    at = (240, 180)
    scene.clip("x", 0.0)
    assert scene.pick(*at) == 0
    assert coloured_share(picture(plotter)) < 0.3 * whole
    scene.clip("y", 0.5)
    filled = picture(plotter)
    plotter.remove_actor("section")
    assert np.abs(filled.astype(int) - picture(plotter)).mean() > 0.3
    scene.clip()
    assert coloured_share(picture(plotter)) == pytest.approx(whole, rel=0.02)


@draws
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_click_on_a_cut_face_takes_the_particle_that_is_drawn_there(run, plotter, axis):
    """Touching particles share one wall, and behind the cut other particles lie: neither may be taken instead."""
    from morphct.views.scene.section import sampled

    scene = Scene(run, plotter)
    plotter.show(auto_close=False)
    scene.clip(axis, 0.5)
    plotter.render()
    rng = np.random.default_rng("xyz".index(axis))
    low, high = np.array(scene.bounds[::2]), np.array(scene.bounds[1::2])
    points = rng.uniform(low, high, (4000, 3))
    points[:, "xyz".index(axis)] = (low + 0.5 * (high - low))["xyz".index(axis)]
    drawn = sampled(scene.labels, points)
    rims = sampled(scene.labels, points[:, None] + 0.05 * run.voxel_size.smallest * rng.normal(size=(1, 8, 3)))
    clear = np.flatnonzero((drawn > 0) & (rims == drawn[:, None]).all(1))[:1000]
    assert len(clear) > 100
    for point, label in zip(points[clear], drawn[clear]):
        plotter.renderer.SetWorldPoint(*point, 1.0)
        plotter.renderer.WorldToDisplay()
        x, y, _ = plotter.renderer.GetDisplayPoint()
        assert scene.pick(x, y) == label


@draws
def test_section_shows_the_labels_of_the_plane(run):
    from morphct.views.scene.section import sampled

    thin = meshes.population(run)
    labels = run.labels[:]
    size = run.voxel_size.spacing[0]
    z, y, x = np.argwhere(labels > 0)[::997].T
    points = np.stack([x, y, z], -1) * size
    np.testing.assert_array_equal(sampled(thin, points), labels[z, y, x])
    assert (sampled(thin, points + 100) == 0).all()


@draws
def test_voids_through_the_solid_and_one_particle_alone(run, plotter):
    scene = Scene(run, plotter)
    plotter.show(auto_close=False)
    solid = picture(plotter)
    scene.see_through(True)
    assert np.abs(solid.astype(int) - picture(plotter)).mean() > 1
    porous = int(run.voids["label"].iloc[0])
    row = scene.choose(porous)
    assert row["label"] == str(porous)
    assert list(row)[1] == "equivalent diameter (µm)"
    scene.isolate(True)
    assert scene.alone
    alone = picture(plotter)
    assert 0.01 < coloured_share(alone) < 0.9
    scene.isolate(False)
    scene.see_through(False)
    assert scene.choose(0) == {}
    assert np.abs(solid.astype(int) - picture(plotter)).mean() < 0.5


@draws
def test_an_empty_run_can_be_looked_at(tmp_path, plotter):
    fake = fake_run.write(tmp_path / "run", n=0)
    assert len(fake.particles) == 0
    scene = Scene(RunFolder(tmp_path / "run"), plotter)
    plotter.show(auto_close=False)
    picture(plotter)
    assert scene.pick(100, 100) == 0
    scene.clip("z", 0.5)
    scene.see_through(True)


@draws
def test_window_keys_clicks_and_drags(run, plotter):
    window = Window(run, plotter)
    plotter.show(auto_close=False)
    interactor = plotter.iren.interactor

    def mouse(x: int, y: int, moved: int = 0) -> None:
        interactor.SetEventInformation(x, y)
        interactor.InvokeEvent("LeftButtonPressEvent")
        interactor.SetEventInformation(x + moved, y)
        interactor.InvokeEvent("LeftButtonReleaseEvent")

    at = next((x, y) for x in range(200, 280, 8) for y in range(140, 220, 8) if window.scene.pick(x, y))
    mouse(*at)
    chosen = window.scene.chosen
    assert chosen > 0
    mouse(*at, moved=40)
    assert window.scene.chosen == chosen  # a drag chooses nothing
    mouse(2, 2)
    assert window.scene.chosen == 0
    keys = window.keys()
    assert all(len(plotter.iren._key_press_event_callbacks[key]) == 1 for key in keys)  # pyvista's own are gone
    keys["i"]()
    assert not window.scene.alone
    before = window.scene.colouring.column
    keys["c"]()
    assert window.scene.colouring.column != before
    keys["C"]()
    assert window.scene.colouring.column == before
    keys["v"]()
    assert window.scene.voids_shown
    keys["x"]()
    assert window.axis == "x"
    window.move_cut(0.0)
    assert window.scene.pick(*at) == 0
    keys["x"]()
    assert window.axis == ""
    assert window.scene.pick(*at) == chosen


def test_no_display_is_told(run, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if not sys.platform.startswith("linux"):
        pytest.skip("other systems always have a display")
    with pytest.raises(MissingLibraryError, match="--web"):
        show(run)


def test_columns_titles_and_colours(run):
    columns = colour_columns(run)
    assert columns[0] == "equivalent_diameter_um"
    assert {"class", "label", "touches_border", "n_voxels"} <= set(columns)
    assert len(columns) == len(set(columns))
    assert column_title("surface_area_um2") == "surface area (µm²)"
    assert column_title("volume_px3") == "volume (voxel³)"
    assert column_title("n_voxels") == "n voxels"
    if CANNOT_DRAW:
        return
    found = colouring(run, "class")
    assert found.categories == ("single", "porous", "aggregate")
    assert len(found.stops()) == 3
    assert colouring(run, "touches_border").categories == ("no", "yes")
    low, high = colouring(run, "sphericity_wadell").span
    assert 0 < low < high < 1
    assert re.fullmatch(r"#[0-9a-f]{6}", colouring(run, "sphericity").stops()[0])


def test_an_unknown_particle_is_told(run):
    with pytest.raises(InputError, match="no particle 9999"):
        meshes.particle(run, 9999)


@pytest.mark.parametrize(
    ("host", "origin", "ours"),
    [
        ("127.0.0.1:8080", None, True),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("localhost:9000", "http://localhost:9000", True),
        ("[::1]:80", "http://[::1]:80", True),
        ("127.0.0.1:8080", "http://127.0.0.1:3000", False),
        ("127.0.0.1:8080", "http://localhost:8080", False),
        ("127.0.0.1:8080", "https://evil.example", False),
        ("127.0.0.1:8080", "null", False),
        ("evil.example:8080", "http://evil.example:8080", False),
        ("evil.example:8080", None, False),
        ("", None, False),
    ],
)
def test_only_our_own_page_is_served(host, origin, ours):
    assert same_origin(host, origin) is ours


@pytest.fixture(scope="module")
def address(run):
    """A server of its own process; the address it tells."""
    with served(run) as line:
        yield line


@contextlib.contextmanager
def served(run):
    """The address of a server of its own process."""
    code = (
        "import sys; from morphct.results.run_folder import RunFolder; from morphct.views.viewer import serve;"
        "serve(RunFolder(sys.argv[1]), told=lambda a: print(a, flush=True))"
    )
    arguments = [sys.executable, "-c", code, str(run.path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            line = server.stdout.readline().strip()
            assert line.startswith("http://127.0.0.1:"), line or server.stderr.read()
            yield line
        finally:
            server.kill()


@pytest.fixture
def page(address):
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        yield page
        browser.close()


def shot(page) -> np.ndarray:
    from PIL import Image

    content = page.locator("#picture").screenshot()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def settled(page, differs_from: np.ndarray | None = None) -> np.ndarray:
    """The picture once it shows something, is unlike another one, and has stopped changing."""
    last = shot(page)
    for _ in range(60):
        page.wait_for_timeout(250)
        now = shot(page)
        changed = differs_from is None or np.abs(now - differs_from).mean() > 0.3
        shown = (now < 245).any(-1).mean() > 0.05
        if np.array_equal(now, last) and shown and changed:
            return now
        last = now
    raise AssertionError("the picture did not change, or did not settle")


@draws
def test_the_page_in_a_browser(page, address, run):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector("#picture canvas")
    first = settled(page)
    assert coloured_share(first) > 0.05
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {address.split("/")[2]}

    page.locator(".v-select").click()
    page.get_by_role("option", name="class", exact=True).click()
    by_class = settled(page, first)
    assert page.locator("#names").inner_text().split() == ["single", "porous", "aggregate"]

    box = page.locator("#picture").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    for i in range(6):
        page.mouse.move(middle[0] + 12 * i, middle[1])
    page.mouse.up()
    turned = settled(page, by_class)
    assert page.locator("#row").count() == 0  # a drag is no click

    page.mouse.click(*middle)
    page.wait_for_selector("#row")
    marked = settled(page, turned)
    label = int(page.locator("#chosen").inner_text().split()[-1])
    cells = page.locator("#row td").all_inner_texts()
    row = dict(zip(cells[::2], cells[1::2]))
    assert row["label"] == str(label)
    assert float(row["equivalent diameter (µm)"]) == pytest.approx(
        run.particles.loc[label, "equivalent_diameter_um"], rel=1e-3
    )
    page.get_by_role("button", name="y", exact=True).click()
    cut = settled(page, marked)
    page.get_by_label("Voids through the solid").click()
    settled(page, cut)


@draws
def test_without_the_key_nothing_is_shown(page, address):
    page.goto(address.split("?")[0])
    page.wait_for_timeout(2500)
    assert page.locator("#picture").count() == 0


@draws
def test_a_foreign_page_is_refused(address):
    import urllib.error
    import urllib.request

    base = address.split("?")[0]
    with urllib.request.urlopen(base) as answer:
        assert answer.status == 200
    for headers in ({"Origin": "http://127.0.0.1:1"}, {"Host": "evil.example"}):
        request = urllib.request.Request(base, headers=headers)
        with pytest.raises(urllib.error.HTTPError) as told:
            urllib.request.urlopen(request)
        assert told.value.code == 403


HOSTILE = "<img src=x onerror=window.ran=1> {{ [].constructor.constructor('window.ran=2')() }} ${window.ran=3} `a`"


@draws
def test_no_text_of_a_run_folder_is_a_template(page, tmp_path):
    """Names and cells are shown as they are; nothing in them runs."""
    fake_run.write(tmp_path / "run", n=30, seed=1, sample=HOSTILE)
    folder = tmp_path / "run"
    for file in ("particles", "voids"):
        frame = pd.read_parquet(folder / f"{file}.parquet")
        if "class" in frame:
            frame["class"] = HOSTILE
            frame["flags"] = HOSTILE
            frame[HOSTILE] = 1.5
        frame.to_parquet(folder / f"{file}.parquet")
    with served(RunFolder(folder)) as address:
        page.goto(address)
        page.wait_for_selector("#picture canvas")
        page.wait_for_timeout(1500)
        assert page.locator("#name").inner_text().strip() == HOSTILE
        page.locator(".v-select").click()
        page.get_by_role("option", name="class", exact=True).click()
        page.wait_for_selector("#names")
        settled(page)
        box = page.locator("#picture").bounding_box()
        for across, up in np.random.default_rng(0).uniform(0.3, 0.7, (20, 2)):
            page.mouse.click(box["x"] + across * box["width"], box["y"] + up * box["height"])
            page.wait_for_timeout(1000)
            if page.locator("#row").count():
                break
        assert HOSTILE in page.locator("#row").inner_text()
        assert page.evaluate("window.ran") is None
        assert page.locator("img[src=x]").count() == 0


def test_no_text_of_a_run_folder_is_markup_of_the_pages(tmp_path):
    from morphct.views.report import batch
    from morphct.views.report.page import page as page_of

    fake_run.write(tmp_path / "run", n=6, seed=1, sample=HOSTILE, warnings=[HOSTILE], notes=[HOSTILE])
    found = RunFolder(tmp_path / "run")
    row = batch.Row(HOSTILE, found, facts={HOSTILE: HOSTILE})
    failed = batch.Row(HOSTILE, error=HOSTILE, facts={HOSTILE: HOSTILE})
    for text in (page_of(found, []), batch.page(tmp_path, [row, failed], HOSTILE)):
        assert "&lt;img src=x" in text
        assert "<img src=x" not in text


def test_a_busy_port_gives_way_to_a_free_one(caplog):
    import socket

    from morphct.views.viewer.web import HOST, _free_or_any

    with socket.socket() as busy:
        busy.bind((HOST, 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert _free_or_any(port) == 0
    assert f"port {port} cannot be used" in caplog.text
    assert _free_or_any(port) == port
    assert _free_or_any(0) == 0
