"""Fits of files that are streamed: the answer of memory, and everything files do on the way."""

import errno
import json
import os

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import pytest

from downslope.errors import DownslopeError, DownslopeWarning, InputError
from downslope.fitting.aside import kept_apart, lots
from downslope.fitting.fit import Ask, fit, prepare
from downslope.fitting.fit_files import fit_files
from downslope.fitting.model import load
from downslope.sources.arrow import Files
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import Rows
from downslope.tables import read_table

N = 12_000
TIGHT = {"test_size": 0.0, "tol": 1e-16}


@pytest.fixture
def many(monkeypatch):
    """Few rows are streamed as many are."""
    monkeypatch.setattr("downslope.fitting.fit_files.HELD_BYTES", 0)


def table(task="regression", gaps=True):
    """Numbers, categories and gaps; some levels and every gap only late in the rows."""
    rng = np.random.default_rng(3)
    x, z = rng.normal(size=N) * 1000, rng.normal(size=N)
    place = rng.choice(["north", "south", "east"], size=N).astype(object)
    late = np.arange(N) > 0.9 * N
    place[late & (z > 0)] = "west"
    raw = x / 700 - z + (place == "west") * 2.0 + 0.5
    if task == "regression":
        y = raw + 0.1 * rng.normal(size=N)
    elif task == "classification":
        y = np.where(raw + rng.logistic(size=N) > 0, "yes", "no").astype(object)
    else:
        chances = raw[:, None] * [0.0, 1.0, -1.0] + rng.gumbel(size=(N, 3))
        y = np.array(["low", "mid", "top"], dtype=object)[chances.argmax(axis=1)]
    holes = [None if gaps and late[i] and i % 7 == 0 else float(v) for i, v in enumerate(x)]
    targets = [None if gaps and late[i] and i % 11 == 0 else v for i, v in enumerate(y.tolist())]
    return pyarrow.table({"x": holes, "z": z, "place": place.tolist(), "y": targets})


def write(folder, whole, kind="parquet", parts=5):
    folder.mkdir(parents=True, exist_ok=True)
    step = -(-whole.num_rows // parts)
    for i in range(parts):
        part, path = whole.slice(i * step, step), folder / f"part-{i}.{kind}"
        if kind == "parquet":
            pyarrow.parquet.write_table(part, path, row_group_size=1000)
        elif kind == "feather":
            pyarrow.feather.write_feather(part, path)
        else:
            pyarrow.csv.write_csv(part, path)
    return folder


def apart(model, other, whole):
    """Largest difference of raw predictions, in deviations of them."""
    ours, theirs = (
        np.asarray(m.encoder.encode(read_table(whole)).X @ m.coefficients.T + m.intercepts)
        for m in (model, other)
    )
    return np.abs(ours - theirs).max() / theirs.std()


@pytest.mark.parametrize("kind", ["parquet", "feather", "csv"])
@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("kept", ["in memory", "in a cache", "not at all"])
def test_files_answer_what_memory_answers(kind, task, kept, tmp_path, request):
    if kept != "in memory":
        request.getfixturevalue("many")
    whole, ask = table(task), Ask("y", **TIGHT)
    near = fit(prepare(read_table(whole), ask)).model()
    source = write(tmp_path / "data", whole, kind)
    far = fit_files(source, ask, cache=tmp_path / "cache" if kept == "in a cache" else None)
    assert far.model().names == near.names
    assert far.model().classes == near.classes
    assert far.data.n_learned == whole.num_rows - whole.column("y").null_count
    assert far.reason.converged
    assert apart(far.model(), near, whole) < 1e-6


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize(
    "ask",
    [
        Ask("y", **TIGHT),
        Ask("y", **TIGHT, penalty="l1", alpha=0.01),
        Ask("y", loss="squared_hinge", **TIGHT),
    ],
    ids=["softmax", "softmax, L1", "one against the rest"],
)
def test_several_classes_answer_what_memory_answers(kind, ask, tmp_path):
    whole = table("multiclass")
    near = fit(prepare(read_table(whole), ask)).model()
    far = fit_files(write(tmp_path / "data", whole, kind), ask)
    assert far.model().classes == near.classes == ("low", "mid", "top")
    assert far.reason.converged
    assert apart(far.model(), near, whole) < 1e-6
    assert 0.4 < far.score("accuracy") < 1.0
    assert ("log loss" in {s.name for s in far.scores}) == (ask.loss == "auto")


def test_several_classes_walk_by_batches(tmp_path):
    source = write(tmp_path / "data", table("multiclass", gaps=False))
    best = fit_files(source, Ask("y"))
    for loss in ("log_loss", "hinge"):
        walked = fit_files(
            source, Ask("y", loss=loss, batch_size=64, learning_rate=0.05, max_iter=4)
        )
        assert walked.score("accuracy") > best.score("accuracy") - 0.02


def test_codes_of_text_stay_codes_and_whole_numbers_may_become_fractions(tmp_path):
    (tmp_path / "a.csv").write_text(
        "zip,x,y\n" + "".join(f"{i % 3:03},{i},{i}\n" for i in range(99))
    )
    (tmp_path / "b.csv").write_text("zip,x,y\n" + "001,2.5,2.5\n" * 20)
    names = fit_files(tmp_path, Ask("y", **TIGHT)).model().names
    assert set(names) == {"zip=000", "zip=002", "x"}


@pytest.mark.parametrize(
    ("classes", "late"), [("12", "1"), ("123", "1.0"), ("123", "7"), ("12", "")]
)
def test_classes_that_are_numbers_are_those_of_the_sample(tmp_path, monkeypatch, classes, late):
    monkeypatch.setattr("downslope.fitting.file_rows.SAMPLE_ROWS", 90)
    rows = [f"{i % 7},{classes[i % 5 % len(classes)]}\n" for i in range(200)]
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(rows) + f"1,{late}\n")
    if late == "7":
        with pytest.raises(InputError, match="holds '7', which is not one of the classes 1, 2, 3"):
            fit_files(tmp_path, Ask("y", task="classification"))
        return
    done = fit_files(tmp_path, Ask("y", task="classification"))
    assert done.model().classes == tuple(classes)
    assert done.data.n_learned + done.data.n_aside == 200 + (late != "")


def test_late_levels_and_late_gaps_have_weights(tmp_path):
    names = fit_files(write(tmp_path / "d", table()), Ask("y")).model().names
    assert {"x", "x missing", "place=west"} <= set(names)


def test_scores_are_those_of_the_rows_kept_aside_and_the_model_is_kept(tmp_path):
    source = write(tmp_path / "d", table("classification", gaps=False), "csv")
    done = fit_files(source, Ask("y"))
    assert done.data.n_aside == pytest.approx(0.25 * N, rel=0.05)
    assert done.data.n_learned + done.data.n_aside == N
    assert 0.7 < done.score("accuracy") < 1.0
    done.model().save(tmp_path / "model")
    values = load(tmp_path / "model").predict(read_table(table("classification"))).values
    assert set(values) == {0, 1}


@pytest.mark.parametrize(
    ("most", "cache", "written"),
    [
        (10**9, True, False),
        (500_000, True, True),  # more than is read, less than the encoded rows
        (500_000, False, False),
        (0, True, True),
        (0, False, False),
    ],
)
def test_from_memory_a_cache_or_the_files_the_same_bits(
    most, cache, written, tmp_path, monkeypatch
):
    level = [f"n{i % 30}" for i in range(N)]
    place = table().schema.get_field_index("place")
    whole = table().set_column(place, "place", pyarrow.array(level))
    source, ask = write(tmp_path / "d", whole, "csv"), Ask("y")
    monkeypatch.setattr("downslope.fitting.fit_files.HELD_BYTES", most)
    kept = tmp_path / "cache" if cache else None
    found = [fit_files(source, ask, cache=kept).model().coefficients for _ in range(2)]
    monkeypatch.undo()
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], fit_files(source, ask).model().coefficients)
    assert (tmp_path / "cache").exists() == written


@pytest.mark.parametrize("walk", [{}, {"batch_size": 64, "learning_rate": 0.01, "max_iter": 2}])
def test_numbers_that_a_cache_keeps_in_half_the_room_give_the_same_bits(many, walk, tmp_path):
    X = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32).astype(np.float64)
    whole = pyarrow.table({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": X @ [1, 2, 3] + X[:, 0]})
    source, ask = tmp_path / "d.parquet", Ask("y", **walk)
    pyarrow.parquet.write_table(whole, source)  # one part: an epoch shuffles parts first
    kept, plain = (fit_files(source, ask, cache=cache) for cache in (tmp_path / "cache", None))
    assert json.loads(next(tmp_path.rglob("shape.json")).read_text())["dtype"] == "float32"
    np.testing.assert_array_equal(kept.model().coefficients, plain.model().coefficients)


def test_few_rows_are_read_once(tmp_path, monkeypatch):
    read, parts = Files.read, []

    def counted(files, part, *more, **named):
        parts.append(part)
        return read(files, part, *more, **named)

    monkeypatch.setattr(Files, "read", counted)
    fit_files(write(tmp_path / "d", table(), "csv"), Ask("y"))
    assert len(parts) == 10  # five for the sample, five for all rows


def plain_table():
    X = np.random.default_rng(0).normal(size=(N, 3))
    X[: N // 2] = X[: N // 2].astype(np.float32)  # numbers of the first half need half the room
    return pyarrow.table({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": X @ [1, 2, 3] + X[:, 0]})


@pytest.mark.parametrize("held", [0, 100_000])  # nothing; some batches, then they are too many
@pytest.mark.parametrize("full", [False, True])
def test_many_rows_of_plain_numbers_are_read_once_into_the_cache(tmp_path, monkeypatch, held, full):
    monkeypatch.setattr("downslope.fitting.fit_files.HELD_BYTES", held)
    source, cache = write(tmp_path / "d", plain_table(), "csv"), tmp_path / "cache"
    plain = fit_files(source, Ask("y"))
    read, parts = Files.read, []

    def counted(files, part, *more, **named):
        parts.append(part)
        return read(files, part, *more, **named)

    monkeypatch.setattr(Files, "read", counted)
    if full:
        monkeypatch.setattr("downslope.sources.cache.Writer.add", no_room)
        with pytest.warns(DownslopeWarning, match="No space left"):
            kept = fit_files(source, Ask("y"), cache=cache)
    else:
        kept = fit_files(source, Ask("y"), cache=cache)
        assert len(parts) == 10  # five for the sample, five for all rows
        assert [path.name for path in cache.glob("*/*")].count("shape.json") == 1
    assert len(list(cache.iterdir())) == 1 - full
    np.testing.assert_array_equal(kept.model().coefficients, plain.model().coefficients)


def no_room(writer, block):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_walk_that_is_broken_off_leaves_no_half_cache(many, tmp_path):
    source, cache = write(tmp_path / "d", plain_table()), tmp_path / "cache"

    def interrupt(what, rows, of):
        if any(cache.glob("*/X")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_files(source, Ask("y"), cache=cache, tell=interrupt)
    assert list(cache.iterdir()) == []


def test_hive_folders_globs_lists_and_addresses(tmp_path):
    whole = table(gaps=False)
    pyarrow.dataset.write_dataset(
        whole, tmp_path / "hive", format="parquet", partitioning=["place"],
        partitioning_flavor="hive",
    )  # fmt: skip
    flat = write(tmp_path / "flat", whole)
    ask = Ask("y", **TIGHT)
    parts = sorted(map(str, flat.glob("*.parquet")))
    found = [
        fit_files(source, ask).model()
        for source in (flat, str(flat / "*.parquet"), parts, f"file://{flat}", tmp_path / "hive")
    ]
    assert "place=west" in found[-1].names
    for model in found[1:-1]:
        np.testing.assert_allclose(model.coefficients, found[0].coefficients, rtol=1e-9)
    assert apart(found[-1], found[0], whole) < 1e-6


def test_every_row_read_is_told(tmp_path):
    told = {}

    def tell(what, rows, of):
        told[what] = told.get(what, 0) + rows

    done = fit_files(write(tmp_path / "d", table(gaps=False)), Ask("y"), tell=tell)
    assert told["looking at the columns"] == N
    assert told["judging"] >= done.data.n_aside
    assert told["training"] >= 3 * done.data.n_learned


def test_batches_come_near_the_lowest_point(tmp_path):
    source = write(tmp_path / "d", table(gaps=False))
    best = fit_files(source, Ask("y"))
    ask = Ask("y", batch_size=64, learning_rate=0.05, max_iter=8)
    walked, again = (fit_files(source, ask) for _ in range(2))
    np.testing.assert_array_equal(walked.model().coefficients, again.model().coefficients)
    assert walked.score("R²") > best.score("R²") - 0.01
    auto = fit_files(source, Ask("y", batch_size=64, max_iter=8))
    assert auto.score("R²") > best.score("R²") - 0.01


@pytest.mark.parametrize("when", ["looking at the columns", "training"])
def test_input_that_changes_while_it_is_read_is_noticed(when, tmp_path):
    source = write(tmp_path / "d", table(gaps=False))
    victim = source / "part-2.parquet"

    def touch(what, rows, of):
        if what == when:
            os.utime(victim, ns=(1, 1))

    with pytest.raises(InputError, match="has changed while it was read"):
        fit_files(source, Ask("y"), tell=touch)


def test_input_that_shrinks_while_it_is_read_is_noticed(many, tmp_path):
    source = write(tmp_path / "d", table(gaps=False), "csv")

    def cut(what, rows, of):
        if what == "training":
            text = (source / "part-4.csv").read_text().splitlines(keepends=True)
            (source / "part-4.csv").write_text("".join(text[:100]))

    with pytest.raises(InputError, match="changes while it is read"):
        fit_files(source, Ask("y"), tell=cut)


def spoiled(tmp_path, **columns):
    whole = table("classification", gaps=False)
    for name, values in columns.items():
        place = whole.schema.get_field_index(name)
        whole = whole.set_column(place, name, pyarrow.array(values))
    return write(tmp_path / "d", whole)


@pytest.mark.parametrize(
    ("make", "ask", "says"),
    [
        (lambda p: p / "nowhere", Ask("y"), "matches no file"),
        (lambda p: spoiled(p), Ask("q"), "no column 'q'"),
        (lambda p: spoiled(p), Ask("y", loss="perceptron"), "lowest where all weights are zero"),
        (lambda p: spoiled(p), Ask("y", rule="adam"), "thousands of passes"),
        (lambda p: spoiled(p, y=[None] * N), Ask("y"), "is missing in all"),
        (lambda p: spoiled(p, x=[np.inf] * N), Ask("y"), "is no number to learn from"),
        (
            lambda p: spoiled(p, place=[f"n{i // 3}" for i in range(N)]),
            Ask("y", kinds=(("place", "text"),)),
            "free text",
        ),
    ],
)
def test_what_cannot_be_is_said(make, ask, says, tmp_path):
    with pytest.raises(DownslopeError, match=says):
        fit_files(make(tmp_path), ask)


def test_the_file_that_cannot_be_read_is_named(tmp_path):
    source = write(tmp_path / "d", table(), "csv")
    (source / "part-3.csv").write_text("")
    with pytest.raises(InputError, match=r"part-3\.csv: Empty CSV file"):
        fit_files(source, Ask("y"))


@pytest.mark.parametrize("kind", ["parquet", "feather", "csv"])
def test_files_of_other_columns_are_named(kind, tmp_path):
    source = write(tmp_path / "d", table(), kind)
    odd = write(tmp_path / "odd", pyarrow.table({"q": [1.0, 2.0], "y": [1.0, 2.0]}), kind, parts=1)
    (odd / f"part-0.{kind}").rename(source / f"part-5.{kind}")
    done = fit_files(source, Ask("y"))
    (note,) = [note for note in done.model().notes if "has no column" in note]
    assert f"part-5.{kind} has no column 'x', 'z', 'place'; such cells count as missing" in note
    assert not [n for n in fit_files(write(tmp_path / "e", table(), kind), Ask("y")).model().notes
                if "has no column" in n]  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_a_column_of_another_type_in_a_later_file_is_named(kind, tmp_path):
    source = write(tmp_path / "d", table(), kind)
    words = table().set_column(1, "z", pyarrow.array(["0.5"] * (N - 1) + ["lots"]))
    write(tmp_path / "e", words, kind, parts=1)
    (tmp_path / "e" / f"part-0.{kind}").rename(source / f"part-5.{kind}")
    with pytest.raises(InputError, match=r"part-5.*'z'.*lots|part-5.*Failed to parse.*lots"):
        fit_files(source, Ask("y"))


@pytest.mark.parametrize("kind", ["parquet", "feather"])
@pytest.mark.parametrize("left", [0, 1000])
def test_a_file_that_was_cut_short_is_named(kind, left, tmp_path):
    cut = write(tmp_path / "d", table(), kind) / f"part-3.{kind}"
    cut.write_bytes(cut.read_bytes()[:left])
    with pytest.raises(InputError, match=r"d cannot be .*part-3"):
        fit_files(tmp_path / "d", Ask("y"))


def test_a_class_that_the_sample_lacks_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("downslope.fitting.file_rows.SAMPLE_PARTS", 1)
    monkeypatch.setattr("downslope.fitting.file_rows.SAMPLE_ROWS", 10)
    source = spoiled(tmp_path, y=[*["yes", "no"] * (N // 2 - 1), "no", "maybe"])
    with pytest.raises(InputError, match="'maybe'"):
        fit_files(source, Ask("y"))


def test_too_many_levels_are_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr("downslope.fitting.file_rows.MOST_LEVELS", 100)
    source = spoiled(tmp_path, place=[f"n{i // 3}" for i in range(N)])
    with pytest.raises(InputError, match="'place' has more than 100 levels"):
        fit_files(source, Ask("y"))


def test_any_row_groups_give_the_same_bits(tmp_path):
    whole, found = table(), []
    for groups in (500, 3000, N):
        path = tmp_path / f"{groups}.parquet"
        pyarrow.parquet.write_table(whole, path, row_group_size=groups)
        found.append(fit_files(path, Ask("y")).model().coefficients)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize("size", [7, 100, 1000])
def test_the_rows_kept_aside_do_not_depend_on_blocks(size):
    X = np.arange(1000.0)[:, None]

    def read(i):
        yield Rows(X[i * size : (i + 1) * size], X[i * size : (i + 1) * size, 0], None, i * size)

    rows = BlockRows(read, -(-1000 // size), 1000, 1)
    learned, aside = kept_apart(rows, 0.25, seed=5)
    seen = [np.concatenate([b.y for b in part.blocks()]) for part in (learned, aside)]
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(1000.0))
    np.testing.assert_array_equal(seen[1], np.flatnonzero(lots(0, 1000, 5) < 0.25))


def downslope(*words):
    from downslope.cli import run as command

    return command([str(word) for word in words])


def test_a_folder_on_the_command_line(many, tmp_path, capsys):
    source = write(tmp_path / "d", table("classification", gaps=False), "csv")
    words = ["fit", source, "-t", "y", "--cache", tmp_path / "cache", "-o", tmp_path / "model"]
    assert downslope(*words) == 0
    out = capsys.readouterr().out
    assert "Converged after" in out
    assert "rows kept aside" in out
    assert list((tmp_path / "cache").iterdir())
    first = sorted(source.glob("*.csv"))[0]
    assert downslope("predict", tmp_path / "model", first, "-o", tmp_path / "p.csv") == 0


def test_several_files_patterns_and_stream_answer_alike(tmp_path, capsys):
    source = write(tmp_path / "d", table(gaps=False), "csv", parts=2)
    files = sorted(source.glob("*.csv"))
    found = []
    for data in ([*files], [source / "*.csv"], [source]):
        assert downslope("fit", *data, "-t", "y", "--cache", "none", "--json") == 0
        found.append(json.loads(capsys.readouterr().out)["coefficients"])
    assert found[0] == found[1] == found[2]
    assert downslope("fit", files[0], "--stream", "-t", "y", "--cache", "none", "--quiet") == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere/*.csv", "-t", "y"], "matches no file"),
        (["D", "-t", "y", "--decimal", ","], "--decimal is for one table in memory"),
        (["D", "-t", "y", "--separator", "ab"], "is not one sign"),
        (["s3x://bucket/a.parquet", "-t", "y"], "is not an address Arrow can open"),
    ],
)
def test_wrong_command_lines_end_in_a_sentence(words, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "D", table(gaps=False).slice(0, 50))
    assert downslope("fit", *words, "--cache", "none") == 2
    assert says in capsys.readouterr().err


def test_a_file_that_memory_cannot_hold_is_refused_with_the_way_out(tmp_path, capsys, monkeypatch):
    source = write(tmp_path / "d", table(gaps=False), "csv", parts=1) / "part-0.csv"
    monkeypatch.setattr("downslope.memory_room.available", lambda: 1000)
    assert downslope("fit", source, "-t", "y") == 2
    assert "are free; add --stream." in capsys.readouterr().err


def test_categories_that_memory_cannot_hold_as_numbers_are_refused(tmp_path, capsys, monkeypatch):
    """The text would fit, thirty columns of numbers for each category would not."""
    path, rows = tmp_path / "t.csv", range(3000)
    path.write_text("c,y\n" + "".join(f"{chr(97 + i % 26)},{i % 7}\n" for i in rows))
    monkeypatch.setattr("downslope.memory_room.available", lambda: 500_000)
    assert downslope("fit", path, "-t", "y") == 2
    assert "3,000 rows of 25 columns of numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    "walk", [[], ["--batch-size", 50, "--learning-rate", 0.05, "--tol", 0.001]]
)
def test_checkpoints_on_the_command_line(walk, tmp_path, capsys):
    source = write(tmp_path / "d", table(gaps=False).slice(0, 3000), "csv")
    words = ["fit", source, "-t", "y", "--cache", "none", "--json", "--test-size", 0, *walk]
    kept = ["--checkpoint", tmp_path / "kept", "--every", 0]
    found = []
    for more in ([], kept, [*kept, "--resume"]):
        assert downslope(*words, *more) == 0
        found.append(json.loads(capsys.readouterr().out)["coefficients"])
    assert found[0] == found[1] == found[2]
    assert downslope(*words, *kept) == 2
    assert "already holds a checkpoint" in capsys.readouterr().err
    assert downslope(*words, *kept, "--resume", "--loss", "huber") == 2
    assert "other data or other settings" in capsys.readouterr().err
    assert downslope(*words, "--resume") == 2
    assert "--resume needs --checkpoint" in capsys.readouterr().err


def test_checkpoints_of_a_table_in_memory(tmp_path, capsys):
    source = write(tmp_path / "d", table(gaps=False), "csv", parts=1) / "part-0.csv"
    words = ["fit", source, "-t", "y", "--loss", "huber", "--json"]  # one that walks
    words += ["--checkpoint", tmp_path / "kept", "--every", 0]
    found = []
    for more in ([], ["--resume"]):
        assert downslope(*words, *more) == 0
        found.append(json.loads(capsys.readouterr().out)["coefficients"])
    assert found[0] == found[1]
    assert list((tmp_path / "kept").glob("*.ckpt"))


@pytest.mark.parametrize("task", ["regression", "three classes"])
def test_an_interruption_keeps_the_best_so_far(many, tmp_path, task, capsys, monkeypatch):
    source = write(tmp_path / "d", table(task, gaps=False))
    whole, told = fit_files(source, Ask("y")), []

    def interrupt(point):
        told.append(point)
        if len(told) == 2:
            raise KeyboardInterrupt

    done = fit_files(source, Ask("y"), each_epoch=interrupt)
    assert done.reason.name == "interrupted"
    assert done.scores == ()
    assert apart(done.model(), whole.model(), table(task, gaps=False)) < 1.0

    def at_once(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("downslope.bowl.rate_free.solve_stream", at_once)
    assert downslope("fit", source, "-t", "y", "--cache", "none") == 130
    assert capsys.readouterr().err == "downslope: Interrupted; nothing was saved.\n"
