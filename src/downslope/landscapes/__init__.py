"""The ground around a walk: planes and lines, minima and basins, ways out of a shallow valley.

``in_round`` shows the same ground in round coordinates, where the default walks.
"""
