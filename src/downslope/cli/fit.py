"""``downslope fit``: from a table to a trained, judged and explained model."""

import downslope.cli.options as o
from downslope.cli.asking import ask_from, check_sources
from downslope.cli.files import are_streamed, check_memory, checkpointing, fit_streamed
from downslope.cli.keeping import Keeping
from downslope.cli.learning import learn
from downslope.cli.screen import Screen


def fit(
    data: o.Sources,
    target: o.Target = None,
    task: o.Task = "auto",
    features: o.FeatureNames = None,
    drop: o.Drop = None,
    kind: o.Kind = None,
    loss: o.Loss = "auto",
    parameter: o.Parameter = None,
    penalty: o.PenaltyName = "l2",
    alpha: o.Alpha = None,
    test_size: o.TestSize = 0.25,
    seed: o.Seed = 42,
    batch_size: o.BatchSize = "auto",
    rule: o.RuleName = "auto",
    learning_rate: o.LearningRate = "auto",
    eta0: o.Eta0 = 0.01,
    scaling: o.Scaling = "auto",
    max_iter: o.MaxIter = 1000,
    max_seconds: o.MaxSeconds = None,
    tol: o.Tol = "auto",
    stream: o.Stream = False,
    cache: o.Cache = None,
    within: o.Within = None,
    cluster: o.Cluster = None,
    device: o.Device = None,
    checkpoint: o.Checkpoint = None,
    every: o.Every = 30.0,
    resume: o.Resume = False,
    out: o.Out = None,
    report: o.Report = None,
    trace: o.TraceFile = None,
    figures: o.Figures = None,
    in_round: o.InRound = False,
    header: o.Header = None,
    separator: o.Separator = None,
    encoding: o.Encoding = None,
    decimal: o.Decimal = None,
    day_first: o.DayFirst = None,
    missing: o.Missing = None,
    skip_lines: o.SkipLines = 0,
    skip_last: o.SkipLast = None,
    skip_bad_rows: o.SkipBadRows = False,
    comment: o.Comment = None,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> int:
    """Train a model on a table, judge it on rows kept aside, and explain how it went.

    Example: downslope fit cars.csv --target price --out model --report report.html
    """
    given = dict(locals())
    keeping = Keeping(out, report, trace, figures, in_round=in_round)
    keeping.check()
    check_sources(data, target)
    screen = Screen(quiet, json)
    if are_streamed(data, stream or cluster is not None or within is not None):
        return fit_streamed(given, keeping, screen)
    check_memory(data[0])
    from downslope.tables import read_table

    table = read_table(data[0], **o.reading(given))
    return learn(table, ask_from(given), keeping, screen, checkpointing(given), device)
