"""Orders in which an epoch visits rows held in memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from downslope.errors import InputError
from downslope.sources.memory import AHEAD, NEIGHBOURS, ORDERS, MemoryRows


@pytest.mark.parametrize("order", ORDERS)
@given(n=st.integers(1, 3 * NEIGHBOURS), seed=st.integers(0, 99), epoch=st.integers(0, 3))
def test_every_epoch_visits_every_row_once(order, n, seed, epoch):
    rows = MemoryRows(np.zeros((n, 1)), np.arange(n), order=order)
    assert sorted(rows.visits(seed, epoch)) == list(range(n))
    seen = np.concatenate([batch.y for batch in rows.batches(max(1, n // 2), seed, epoch)])
    assert (seen == rows.visits(seed, epoch)).all()


@pytest.mark.parametrize("order", ["random", "block"])
def test_orders_differ_between_epochs_and_repeat_with_the_seed(order):
    rows = MemoryRows(np.zeros((1000, 1)), np.zeros(1000), order=order)
    assert (rows.visits(1, 0) == rows.visits(1, 0)).all()
    assert (rows.visits(1, 0) != rows.visits(1, 1)).any()
    assert (rows.visits(1, 0) != rows.visits(2, 0)).any()


def test_block_order_keeps_neighbours_together():
    n = 40 * NEIGHBOURS
    order = MemoryRows(np.zeros((n, 1)), np.zeros(n), order="block").visits(3, 0)
    apart = np.abs(np.diff(order))
    near = (apart < NEIGHBOURS) | (apart > n - NEIGHBOURS)
    assert near.mean() > 0.99


def test_an_unknown_order_is_refused():
    with pytest.raises(InputError, match="'sorted' is unknown; choose one of random, block"):
        MemoryRows(np.zeros((1, 1)), np.zeros(1), order="sorted")


@pytest.mark.parametrize("n", [1, 5, 255, 256, 257, 3000])
@pytest.mark.parametrize("order", ORDERS)
def test_every_row_to_come_is_asked_for_before_its_use(order, n):
    rows = MemoryRows(np.zeros((n, 1)), np.zeros(n), order=order)
    visits = rows.visits(0, 0)
    asked, soon = rows.ahead(visits)
    lead = AHEAD if soon else NEIGHBOURS
    assert asked.shape == visits.shape
    assert asked.min() >= 0  # machine code looks nothing up twice
    assert asked.max() < n
    if order != "block":
        assert (asked[: max(0, n - lead)] == visits[lead:]).all()
        return
    for k in range(0, n - lead, NEIGHBOURS):
        block, after = asked[k : k + NEIGHBOURS], visits[k + NEIGHBOURS : k + 2 * NEIGHBOURS]
        assert (np.diff(block) >= 0).all()
        wraps = after.max() - after.min() >= NEIGHBOURS  # from the last row on to the first
        assert wraps or set(after) <= set(block)
