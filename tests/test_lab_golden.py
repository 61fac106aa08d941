"""The golden traces that the lab's engine repeats are what the Python engine walks today."""

import json

import numpy as np
import pytest
from lab_golden import GOLDEN, golden
from lab_practice_golden import GOLDEN as PRACTICE
from lab_practice_golden import golden as practice_golden


def test_golden_traces_are_current():
    written, today = json.loads(GOLDEN.read_text()), golden()
    assert written.keys() == today.keys()
    for name, case in today.items():
        for key in case.keys() - {"steps", "limit"}:
            assert written[name][key] == case[key], (name, key)
        limits = [limit for limit in (written[name].get("limit"), case.get("limit")) if limit]
        assert len(limits) != 1
        assert limits[:1] == pytest.approx(limits[1:], rel=1e-9)
        for column in ("w", "value", "gradient", "direction", "rate"):
            then = np.array([step[column] for step in written[name]["steps"]])
            now = np.array([step[column] for step in case["steps"]])
            np.testing.assert_allclose(now, then, rtol=1e-13, atol=1e-13, err_msg=name)


def test_golden_exercises_are_current():
    written, today = json.loads(PRACTICE.read_text()), practice_golden()
    for then, now in zip(written["verdicts"], today["verdicts"], strict=True):
        assert then["item"]["question"] == now["item"]["question"]
        assert [a["explanation"] for a in then["answers"]] == [
            a["explanation"] for a in now["answers"]
        ]
    assert [probe["floor"] for probe in written["probes"]] == [p["floor"] for p in today["probes"]]
    seen = [[probe["seen"] for probe in part["probes"]] for part in (written, today)]
    np.testing.assert_allclose(*seen, rtol=1e-12)
    for then, now in zip(written["schedules"], today["schedules"], strict=True):
        assert [review["card"]["due"] for review in then] == [r["card"]["due"] for r in now]
