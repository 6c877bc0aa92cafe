"""Wilson's interval, held against SciPy's and against what a hand gets."""

import numpy as np
import pytest
from scipy.stats import binomtest

from harmcast.statistics import share_interval, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (0, 12), (3, 40), (40, 40), (120, 1000), (170, 900)])
def test_the_interval_of_a_share_is_that_of_scipy(hits, n):
    theirs = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert share_interval(hits, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_range_worked_out_by_hand():
    low, high = share_interval(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)


def test_nobody_counted_has_no_range():
    assert share_interval(0, 0) is None
    low, high = wilson(np.array([0.0, 0.0, 5.0]), np.array([0.0, 5.0, 5.0]))
    assert np.isnan([low[0], high[0]]).all()
    assert (low[1], high[2]) == (0.0, 1.0)
