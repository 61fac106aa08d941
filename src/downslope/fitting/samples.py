"""Two real tables that ship inside scikit-learn, as a person would find them in a file.

diabetes: 442 patients, ten measurements, disease progression a year later (Efron et al. 2004).
cancer: 569 tumours, thirty measurements, malignant or benign (Street et al. 1993).
"""

import csv
import io
from collections.abc import Iterable, Sequence

from downslope.files import write_atomically

DIABETES = (
    "age",
    "sex",
    "bmi",
    "blood_pressure",
    "total_cholesterol",
    "ldl",
    "hdl",
    "cholesterol_ratio",
    "log_triglycerides",
    "glucose",
)


def diabetes_csv() -> str:
    """Measurements in their own units, and ``progression``."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    rows = [[*map(float, x), float(y)] for x, y in zip(data.data, data.target, strict=True)]
    return _text([*DIABETES, "progression"], rows)


def cancer_csv() -> str:
    """Measurements, and ``diagnosis``."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    rows = [
        [*map(float, x), str(data.target_names[y])]
        for x, y in zip(data.data, data.target, strict=True)
    ]
    return _text([*names, "diagnosis"], rows)


def write_samples(folder: str) -> dict[str, str]:
    """Write both tables into a folder; their files by name."""
    files = {}
    for name, text in (("diabetes", diabetes_csv()), ("cancer", cancer_csv())):
        files[name] = f"{folder}/{name}.csv"
        write_atomically(files[name], text.encode())
    return files


def _text(names: list[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()
