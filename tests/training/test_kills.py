"""Processes that are killed at any moment lose nothing but time."""

from . import kills


def test_twenty_kills_change_no_bit_and_damage_no_file(tmp_path):
    hits = kills.kill_often(20, tmp_path)
    assert sum(hits.values()) >= 20
    assert sorted(hits) == sorted(kills.FORMS)
