"""How much memory there is, and what is said where there is too little."""

import os
from pathlib import Path

import pytest

from downslope import memory_room
from downslope.errors import InputError


def test_there_is_some_memory_and_less_than_all_of_it():
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 1e6 < memory_room.available() <= whole


@pytest.mark.parametrize(
    "said", [None, "", "MemTotal: 5 kB", "MemAvailable: lots", "MemAvailable:"]
)
def test_a_system_without_meminfo_is_asked_for_its_pages(said, monkeypatch):
    def read_text(path):
        if said is None:
            raise FileNotFoundError(path)
        return said

    monkeypatch.setattr(Path, "read_text", read_text)
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory_room.available() == whole
    monkeypatch.delattr(os, "sysconf")
    assert memory_room.available() is None
    memory_room.check_room(1e30, "It", "wait")  # nothing to hold it against


def test_more_than_there_is_is_refused_with_both_numbers(monkeypatch):
    monkeypatch.setattr(memory_room, "available", lambda: 2**31)
    memory_room.check_room(2.0**31, "The table", "add --stream")
    with pytest.raises(
        InputError, match=r"^The table needs about 3\.0 GiB .* 2\.0 GiB are free; add"
    ):
        memory_room.check_room(3.0 * 2**30, "The table", "add --stream")
