"""The log-linear correction of the pool: silent without evidence, right where the pool keeps being wrong."""

import numpy as np
import pytest

from harmcast.forecast import correction, pool

UNITS, WINDOWS = 40, 60


def world(crimes: float, wrong: float = 0.0, seed: int = 3):
    """Pools of two members over windows whose true shares are `wrong` sharper than the pool, and what came."""
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.full(UNITS, 2.0)), rng.dirichlet(np.full(UNITS, 2.0))
    members = np.stack([first, second]).astype(np.float32)
    said = pool.pooled(np.array([0.5, 0.5]), members)
    truth = said ** (1.0 + wrong)
    counts = rng.poisson(crimes * truth / truth.sum(), (WINDOWS, UNITS))
    return members, [said] * (WINDOWS + 1), list(counts), truth / truth.sum()


def learned(members, pools, counts, windows=WINDOWS):
    surprises = correction.surprises(pools, counts, 1.0)
    xs = [correction.features(share, members, one) for share, one in zip(pools, surprises, strict=True)]
    b = np.zeros(len(correction.prior_sd(len(members))))
    for k in range(windows + 1):
        b = correction.learn(pools[:k], xs[:k], counts[:k], np.ones(k), b)
    return b, xs


def test_no_coefficients_leave_the_pool_as_it_is():
    members, pools, counts, _ = world(200.0)
    _, xs = learned(members, pools, counts, 0)
    b = np.zeros(xs[0].shape[1])
    assert np.allclose(correction.corrected(pools[0], xs[0], b), pools[0], rtol=1e-12)
    assert len(correction.feature_names(["one", "two"])) == len(b)


def test_features_have_no_mean_under_the_pool():
    members, pools, counts, _ = world(200.0)
    _, xs = learned(members, pools, counts, 0)
    assert np.abs(pools[-1] @ xs[-1]).max() < 1e-5


@pytest.mark.parametrize("crimes", [0.0, 3.0])
def test_few_crimes_leave_it_nearly_alone(crimes):
    members, pools, counts, _ = world(crimes)
    b, xs = learned(members, pools, counts)
    assert np.abs(np.log(correction.corrected(pools[-1], xs[-1], b) / pools[-1])).max() < 0.15
    if not crimes:
        assert not b.any()


def test_a_pool_that_stays_too_flat_is_sharpened():
    members, pools, counts, truth = world(2000.0, wrong=0.3)
    b, xs = learned(members, pools, counts)
    found = correction.corrected(pools[-1], xs[-1], b)
    assert found.sum() == pytest.approx(1.0)
    apart = [float(truth @ np.log(truth / one)) for one in (found, pools[-1])]
    assert apart[0] < 0.2 * apart[1]


def test_surprises_know_only_what_came_before():
    _, pools, counts, _ = world(200.0)
    other = [*counts[:20], *(7 * one for one in counts[20:])]
    one, two = (correction.surprises(pools, came, 1.0) for came in (counts, other))
    assert all(np.array_equal(a, b) for a, b in zip(one[:21], two[:21], strict=True))
    assert not one[0].any()
