"""Options that several commands share, each with its help, in one place."""

from typing import Annotated, Any

import typer

READING = "How to read the table"
LEARNING = "What to learn"
WALKING = "How to walk"
SCALING_UP = "Large data"
KEEPING = "What to keep"

Data = Annotated[
    str,
    typer.Argument(
        help="Table: CSV, TSV, Parquet, Arrow, libsvm, packed or not; - for standard input."
    ),
]
Sources = Annotated[
    list[str],
    typer.Argument(
        help="Table: CSV, TSV, Parquet, Arrow, libsvm, packed or not; - for standard input. Or a "
        "folder, several files, 'a pattern*' or an address (s3://...) of CSV, Parquet or Feather: "
        "these are streamed and may be larger than memory."
    ),
]
Target = Annotated[
    str | None,
    typer.Option("--target", "-t", help="Column to predict.", rich_help_panel=LEARNING),
]
Task = Annotated[
    str,
    typer.Option(help="auto, regression or classification.", rich_help_panel=LEARNING),
]
FeatureNames = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="Columns to learn from, with commas between; all that inform by default.",
        rich_help_panel=LEARNING,
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(help="Column not to use; may be repeated.", rich_help_panel=LEARNING),
]
Kind = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=KIND",
        help="Take a column for a number, boolean, date, category or text; may be repeated.",
        rich_help_panel=LEARNING,
    ),
]
Loss = Annotated[
    str,
    typer.Option(
        help="auto, or one of mse, squared_error, huber, absolute_error, quantile, poisson, gamma, "
        "epsilon_insensitive, squared_epsilon_insensitive; log_loss, hinge, squared_hinge, "
        "modified_huber, perceptron.",
        rich_help_panel=LEARNING,
    ),
]
Parameter = Annotated[
    float | None,
    typer.Option(
        help="Epsilon of huber and the insensitive losses, or the quantile.",
        rich_help_panel=LEARNING,
    ),
]
PenaltyName = Annotated[
    str, typer.Option(help="l2, l1, elasticnet or none.", rich_help_panel=LEARNING)
]
Alpha = Annotated[
    float | None,
    typer.Option(
        help="Weight of the penalty: 0 for numbers, 1e-4 for classes by default.",
        rich_help_panel=LEARNING,
    ),
]
TestSize = Annotated[
    float, typer.Option(help="Share of rows kept aside to judge by.", rich_help_panel=LEARNING)
]
Seed = Annotated[int, typer.Option(help="Which rows those are.", rich_help_panel=LEARNING)]

BatchSize = Annotated[
    str,
    typer.Option(help="Rows per step: full, auto or a number.", rich_help_panel=WALKING),
]
RuleName = Annotated[
    str,
    typer.Option(
        help="auto, plain, momentum, nesterov, adagrad, adadelta, rmsprop, adam, amsgrad, nadam or "
        "adamw.",
        rich_help_panel=WALKING,
    ),
]
LearningRate = Annotated[
    str,
    typer.Option(
        "--learning-rate",
        "-r",
        help="auto, a number, or constant, invscaling, optimal, adaptive, step, exponential, "
        "cosine, onecycle, armijo, adaptive_descent, polyak.",
        rich_help_panel=WALKING,
    ),
]
Eta0 = Annotated[
    float, typer.Option(help="First rate of the named schedules.", rich_help_panel=WALKING)
]
Scaling = Annotated[str, typer.Option(help="auto, standardize or none.", rich_help_panel=WALKING)]
MaxIter = Annotated[int, typer.Option(help="Most passes over the rows.", rich_help_panel=WALKING)]
MaxSeconds = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Most seconds of training; the best weights so far are kept. No limit by default.",
        rich_help_panel=WALKING,
    ),
]
Tol = Annotated[
    str,
    typer.Option(help="When to stop: auto, none or a number.", rich_help_panel=WALKING),
]

Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header", help="Whether the first row has names.", rich_help_panel=READING
    ),
]
Separator = Annotated[str | None, typer.Option(help="One sign, or tab.", rich_help_panel=READING)]
Encoding = Annotated[str | None, typer.Option(help="Such as latin-1.", rich_help_panel=READING)]
Decimal = Annotated[
    str | None, typer.Option(help="The decimal sign: . or ,", rich_help_panel=READING)
]
DayFirst = Annotated[
    bool | None,
    typer.Option(
        "--day-first/--month-first",
        help="How dates such as 05/04/2024 read.",
        rich_help_panel=READING,
    ),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(help="Another sign for a missing cell; may be repeated.", rich_help_panel=READING),
]
SkipLines = Annotated[int, typer.Option(help="Lines before the header.", rich_help_panel=READING)]
SkipLast = Annotated[
    int | None, typer.Option(help="Rows at the end to leave out.", rich_help_panel=READING)
]
SkipBadRows = Annotated[
    bool,
    typer.Option("--skip-bad-rows", help="Leave malformed lines out.", rich_help_panel=READING),
]
Comment = Annotated[
    str | None, typer.Option(help="Sign that starts a comment line.", rich_help_panel=READING)
]

Stream = Annotated[
    bool,
    typer.Option(
        "--stream",
        help="Read one file in blocks, like a folder; so are files beyond 1 GB in any case.",
        rich_help_panel=SCALING_UP,
    ),
]
Cache = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Where rows that are streamed, beyond 96 MiB, are kept as numbers for later passes, "
        "at most 20 GB; none to keep none; the user's cache folder by default.",
        rich_help_panel=SCALING_UP,
    ),
]
Within = Annotated[
    float | None,
    typer.Option(
        metavar="HEIGHT",
        help="Of large files, read only as many rows, from places all over them, as bring the mean "
        "loss so near its lowest value; all rows are read by default.",
        rich_help_panel=SCALING_UP,
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Dask scheduler, tcp://host:8786, whose workers read the files; local:2 starts two.",
        rich_help_panel=SCALING_UP,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Where the passes over one table in memory run, such as cuda; needs PyTorch.",
        rich_help_panel=SCALING_UP,
    ),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Folder for checkpoints, so that a run that is killed can go on.",
        rich_help_panel=SCALING_UP,
    ),
]
Every = Annotated[
    float, typer.Option(help="Seconds between checkpoints.", rich_help_panel=SCALING_UP)
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on from the checkpoint.", rich_help_panel=SCALING_UP),
]

Out = Annotated[
    str | None, typer.Option("--out", "-o", help="File for the model.", rich_help_panel=KEEPING)
]
Report = Annotated[
    str | None,
    typer.Option(help="File for the report, one HTML page.", rich_help_panel=KEEPING),
]
TraceFile = Annotated[
    str | None,
    typer.Option("--trace", help="File for every step: .csv, .parquet or .json.",
                 rich_help_panel=KEEPING),
]  # fmt: skip
Figures = Annotated[
    str | None,
    typer.Option(help="Folder for the figures, SVG and PNG.", rich_help_panel=KEEPING),
]
InRound = Annotated[
    bool,
    typer.Option("--in-round", help="Show the walk in round coordinates too, in the report and the "
                 "figures; the weights of --trace are then the round ones.",
                 rich_help_panel=KEEPING),
]  # fmt: skip
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Say one JSON object and nothing else.")]


def reading(options: dict[str, Any]) -> dict[str, Any]:
    """The reading options among a command's, as ``read_table`` takes them."""
    names = (
        "header",
        "separator",
        "encoding",
        "decimal",
        "day_first",
        "skip_lines",
        "skip_last",
        "comment",
        "skip_bad_rows",
    )
    return {name: options[name] for name in names} | {"missing": tuple(options["missing"] or ())}
