"""What holds on every scene: access, address, files, sizes, and that nothing leaves the page."""

import json

import pytest

from downslope.trace import load_trace

SCENES = ["line", "bowl", "surfaces", "race", "data", "noise"]
TASKS = [f"practice&n={n}" for n in (2, 3, 5)] + ["practice&task=fog", "practice&task=cards"]
PHONE = {"width": 390, "height": 844}
LARGEST = 150_000


def test_the_module_is_small(static):
    assert (static / "lab.js").stat().st_size <= LARGEST
    assert "preact" in (static / "THIRD_PARTY_LICENSES.txt").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scene", SCENES + TASKS)
def test_axe_finds_nothing(open_lab, axe, scene, scheme):
    lab = open_lab(f"scene={scene}&k=3", color_scheme=scheme, bypass_csp=True)
    for details in lab.page.locator("details summary").all():
        details.click()
    lab.page.add_script_tag(path=str(axe))
    found = lab.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    said = [
        f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}"
        for v in found["violations"]
    ]
    assert said == []
    assert len(found["passes"]) > 20


@pytest.mark.parametrize("size", [PHONE, {"width": 640, "height": 450}], ids=["phone", "zoom 200%"])
@pytest.mark.parametrize("scene", SCENES + TASKS)
def test_nothing_is_wider_than_the_screen(open_lab, scene, size):
    lab = open_lab(f"scene={scene}", viewport=size)
    lab.settle()
    wide = lab.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size["width"]


@pytest.mark.parametrize("scene", [*SCENES, "practice&n=5"])
def test_every_control_is_reached_by_tab(open_lab, scene):
    lab = open_lab(f"scene={scene}")
    # Arrow keys go through the choices of a question, so they are one stop; what is folded is none.
    wanted = lab.page.evaluate(
        "[...document.querySelectorAll(':is(button, input, select, summary):not(:disabled)')]"
        ".filter(e => e.checkVisibility() && (e.type !== 'radio' || !e.previousElementSibling"
        " && e.closest('label') === e.closest('fieldset').querySelector('label'))).length"
    )
    names = set()
    for _ in range(wanted + 5):
        lab.page.keyboard.press("Tab")
        names.add(
            lab.page.evaluate(
                "(e => e.tagName + (e.getAttribute('aria-label') || e.textContent || e.className)"
                " + [...document.querySelectorAll('*')].indexOf(e))(document.activeElement)"
            )
        )
    assert len(names) >= wanted


@pytest.mark.parametrize("scene", [*SCENES, "practice"])
def test_nothing_moves_where_less_motion_is_wanted(open_lab, scene):
    lab = open_lab(f"scene={scene}", reduced_motion="reduce")
    lab.settle()
    moving = lab.page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => {const s = getComputedStyle(e);"
        "return parseFloat(s.transitionDuration) > 0 || s.animationName !== 'none'}).length"
    )
    assert moving == 0


def test_focus_in_the_dock_does_not_scroll_the_page(open_lab):
    lab = open_lab("scene=bowl")
    lab.page.get_by_label("Step shown").focus()
    assert lab.page.evaluate("scrollY") == 0


def test_no_key_reaches_what_is_around_the_lab(open_lab):
    lab = open_lab("scene=bowl")
    lab.page.evaluate("heard = 0; document.addEventListener('keydown', () => heard++)")
    lab.page.get_by_label("Step shown").focus()
    for key in ("b", "ArrowRight", "Escape"):
        lab.page.keyboard.press(key)
    assert lab.page.evaluate("heard") == 0
    assert lab.at() == 1, "the arrow key moved the slider"


def test_the_address_reproduces_the_page(open_lab):
    lab = open_lab("scene=surfaces")
    lab.page.get_by_label("Shape").select_option("himmelblau")
    lab.page.get_by_label("Rule").select_option("momentum")
    lab.page.get_by_label("Step shown").fill("11")
    before = lab.row(11)
    lab.until(lambda: "k=11" in lab.page.url)
    again = open_lab(lab.page.url.partition("#")[2])
    assert again.row(11) == before
    assert again.at() == 11
    again.page.evaluate("location.hash = 'scene=bowl&rate=0.25'")
    again.until(lambda: "One formula" in again.text(".lesson"))
    assert again.row(0)["rate"] == 0.25


@pytest.mark.parametrize(
    "junk",
    [
        "scene=nowhere",
        "scene=bowl&rate=-1&k=x&rule=toString&updates=1e9&start=a,b",
        "scene=surfaces&surface=__proto__&others=1_2_3",
        "scene=data&table=constructor&features=%E0%A4%A",
        "scene=noise&ground=hasOwnProperty",
        "&&&===",
    ],
)
def test_an_unreadable_address_falls_back_to_defaults(open_lab, junk):
    lab = open_lab(junk)
    assert lab.row(0)["value"] > 0


def saved(lab, name):
    with lab.page.expect_download() as download:
        lab.page.get_by_role("button", name=name, exact=True).first.click()
    return download.value.path().read_bytes()


def test_the_trace_is_taken_along_in_full(open_lab, tmp_path):
    lab = open_lab("scene=line&k=7")
    row = lab.row(7)
    path = tmp_path / "trace.csv"
    path.write_bytes(saved(lab, "Trace, CSV"))
    trace = load_trace(path)
    assert len(trace) == 121
    assert trace.names == ("w", "b")
    assert (trace.weights[7, 0], trace["value"][7]) == (row["w0"], row["value"])
    kept = json.loads(saved(lab, "Trace, JSON"))
    assert kept["rows"][7][kept["columns"].index("w[b]")] == row["w1"]
    assert kept["settings"]["scene"] == "line"
    assert "1/n" in kept["convention"]


@pytest.mark.parametrize("scene", [*SCENES, "practice&n=3", "practice&task=fog"])
def test_pictures_are_saved_as_png_and_svg(open_lab, scene):
    lab = open_lab(f"scene={scene}&k=3")
    lab.settle()
    with lab.page.expect_download() as download:
        lab.page.get_by_role("button", name="as PNG").first.click()
    png = download.value.path().read_bytes()
    assert png.startswith(b"\x89PNG")
    assert len(png) > 3_000
    for button in lab.page.get_by_role("button", name="as SVG").all():
        with lab.page.expect_download() as download:
            button.click()
        svg = download.value.path().read_text()
        assert svg.startswith("<svg")
        assert "<path" in svg
        assert "NaN" not in svg
        assert "<script" not in svg


def test_the_page_in_one_file_is_the_page(open_lab, browser, tmp_path):
    lab = open_lab("scene=data&k=9")
    path = tmp_path / "own.csv"
    path.write_text("size,price,name\n1,2,</script><b>\n2,3.5,b\n3,5.5,c\n")
    lab.page.locator("input[type=file]").set_input_files(path)
    lab.page.get_by_label("Step shown").fill("9")
    row = lab.row(9)
    whole = tmp_path / "whole.html"
    whole.write_bytes(saved(lab, "Page in one file"))
    context = browser.new_context(offline=True)
    page = context.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(whole.as_uri())
    page.wait_for_selector(".ledger tr[data-k='9']")
    cells = page.locator(".ledger tr[data-k='9'] td[data-name=w0]").inner_text()
    assert float(cells) == row["w0"]
    assert requests == [whole.as_uri()]
    context.close()


def test_numbers_beside_each_picture(open_lab):
    for scene in SCENES:
        lab = open_lab(f"scene={scene}&k=2")
        pictures = lab.page.locator(".picture:has(canvas)").count()
        assert pictures >= 2
        for summary in lab.page.locator(".picture:has(canvas) summary").all():
            summary.click()
        lab.settle()
        assert lab.page.locator(".picture:has(canvas) .numbers table").count() == pictures
        assert "NaN" not in lab.text(".pictures")
