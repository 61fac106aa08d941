"""The lab as a file and in a notebook."""

import json
import re
from urllib.parse import parse_qsl

import pytest

import downslope.lab
from downslope.errors import MissingExtraError, TableError
from downslope.lab import page
from downslope.lab.widget import Frame
from downslope.practice import make_item

pytestmark = pytest.mark.skipif(
    not (page.STATIC / "lab.js").exists(), reason="the lab is not built; run make lab"
)
NASTY = "</script><script>hit = 1</script><!--"
ROWS = {"x": [1.0, 2.0, None], "y": [1.0, 3.0, 2.0], "word": [NASTY, "b", "c"]}


def embedded(html):
    """The data block of a page."""
    found = re.search(r'<script type="application/json" id="lab-data">(.*?)</script>', html, re.S)
    return json.loads(found[1])


def test_saved_page_holds_everything(tmp_path):
    path = tmp_path / "lab.html"
    downslope.lab.save(path, ROWS, "y")
    html = path.read_text(encoding="utf-8")
    assert html.count("</script") == 2
    assert "<!--" not in html, "it would hide the end of the script from the browser"
    assert "default-src 'none'" in html
    assert "src=" not in html.partition('id="lab-script"')[0]
    data = embedded(html)
    assert len(data["practice"]["items"]) == 32
    assert "scene=data" in data["settings"]
    assert "target=y" in data["settings"]
    [table] = data["tables"]
    assert table["columns"][0] == {"name": "x", "numbers": [1.0, 2.0, None]}
    assert table["columns"][2]["words"][0] == NASTY
    assert list(tmp_path.iterdir()) == [path]


def test_settings_are_kept_as_given(tmp_path):
    path = tmp_path / "lab.html"
    downslope.lab.save(path, settings="scene=bowl&f=w^2</script>")
    assert embedded(path.read_text())["settings"] == "scene=bowl&f=w^2</script>"


def test_the_seed_chooses_the_exercises(tmp_path):
    path = tmp_path / "lab.html"
    downslope.lab.save(path, seed=9)
    first = embedded(path.read_text(encoding="utf-8"))["practice"]["items"][0]
    assert first["question"] == make_item(first["kind"], 9).question


def test_data_and_settings_go_together(tmp_path):
    path = tmp_path / "lab.html"
    downslope.lab.save(path, ROWS, "y", settings="scene=data&rate=0.3")
    settings = dict(parse_qsl(embedded(path.read_text(encoding="utf-8"))["settings"]))
    assert (settings["target"], settings["rate"]) == ("y", "0.3")


def test_a_target_that_is_not_there_is_said(tmp_path):
    with pytest.raises(TableError, match="no column 'z'"):
        downslope.lab.save(tmp_path / "lab.html", ROWS, "z")
    assert list(tmp_path.iterdir()) == []


def test_frame_can_reach_nothing():
    html = Frame("scene=bowl")._repr_html_()
    assert 'sandbox="allow-scripts allow-downloads"' in html
    assert html.count("<") == 2, "the page inside is escaped"


def test_the_package_is_called_to_open_the_lab(monkeypatch):
    monkeypatch.setattr("downslope.lab.widget.find_spec", lambda name: None)
    frame = downslope.lab(ROWS, "y", height=500, seed=9)
    assert isinstance(frame, Frame)
    assert (frame.height, frame.seed) == (500, 9)
    assert "table=" in frame.settings


def test_widget_has_its_settings_as_a_trait():
    pytest.importorskip("anywidget")
    widget = downslope.lab(settings="scene=bowl", seed=9)
    assert widget.settings == "scene=bowl"
    assert widget.trait_metadata("settings", "sync")
    assert widget.practice["items"][0]["seed"] == 9
    widget.close()


def test_a_lab_that_is_not_built_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(page, "STATIC", tmp_path)
    with pytest.raises(MissingExtraError, match="make lab"):
        page.one_file()
