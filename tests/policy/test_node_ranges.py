"""Node ranges as OpenClaw writes them are read without npm's grammar, and mean the same."""

import nodesemver
from hypothesis import given
from hypothesis import strategies as st

from upgrader.domain.table.concern import satisfies

numbers = st.integers(0, 30)
versions = st.tuples(numbers, numbers, numbers).map(lambda parts: ".".join(map(str, parts)))
signs = st.sampled_from([">=", "<"])
bounds = st.builds(lambda sign, parts: sign + ".".join(map(str, parts)), signs, st.lists(numbers, min_size=1, max_size=3))
ranges = st.lists(st.lists(bounds, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=3).map(" || ".join)


@given(versions, ranges)
def test_plain_ranges_mean_what_npm_says(version: str, engines: str) -> None:
    assert satisfies(version, engines) == bool(nodesemver.satisfies(version, engines, loose=True))
