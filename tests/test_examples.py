"""The examples run, at a reduced size, and show what they say."""

import importlib.util
import math
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_run_here():
    here = Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f'load("{path.stem}")' in here


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_says_what_it_is(path, monkeypatch, capsys):
    if path.stem == "transformer":
        pytest.importorskip("torch")
    monkeypatch.setattr(sys, "argv", [path.name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0
    assert path.stem in capsys.readouterr().out


def test_logistic_regression(capsys):
    found = load("logistic_regression").main()
    assert found["default"] > 0.95
    assert found["textbook"] > 0.93
    assert "unscaled features" in capsys.readouterr().out


def test_svm():
    found = load("svm").main()
    assert found["score"] > 0.95
    assert 3 <= found["support_vectors"] < 100


def test_xor(capsys):
    found = load("xor").main(starts=3)
    assert found["line"] == pytest.approx(math.log(2.0), abs=1e-6)
    assert found["solved"] == 1.0
    assert "1 xor 0: 0.9" in capsys.readouterr().out


def test_digits(capsys):
    assert load("digits").main(max_iter=8)["score"] > 0.95
    assert "mistakes:" in capsys.readouterr().out


def test_transformer(tmp_path, capsys):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")
    torch.set_num_threads(1)
    settings = "--sentences 1500 --width 32 --layers 1 --context 32 --steps 150 --trial-steps 5"
    found = load("transformer").main([*settings.split(), "--figure", str(tmp_path / "loss.svg")])
    assert found["held_out"] < 0.75 * found["unigram"]
    assert (tmp_path / "loss.svg").stat().st_size > 1000
    out = capsys.readouterr().out
    assert "before:" in out
    assert "after:" in out


def test_transformer_reads_a_file(tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")
    text = tmp_path / "text.txt"
    text.write_text("so it goes. " * 400)
    settings = "--width 16 --layers 1 --context 16 --batch 8 --steps 40 --trial-steps 2 --file"
    found = load("transformer").main([*settings.split(), str(text)])
    assert found["held_out"] < found["unigram"]
