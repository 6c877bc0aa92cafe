"""What `make bench-places` holds its figures against: printed figures of every method, and what is asked of ours."""

from __future__ import annotations

# Figures measured once by an independent script on the same data: hit rate % / PAI / log score.
PRINTED: dict[str, dict[str, tuple[float, float, float]]] = {
    "ny_1km": {
        "count_4w": (13.1, 4.66, -0.6777), "count_12m": (19.4, 7.26, -0.2881), "count_24m": (19.7, 7.56, -0.2802),
        "count_36m": (19.6, 7.62, -0.2777), "count_all": (19.1, 7.48, -0.2742), "ewma": (20.3, 7.55, -0.2723),
        "kde": (20.3, 7.53, -0.2723), "prospective": (17.0, 6.26, -0.3367), "etas": (20.2, 7.57, -0.2752),
        "empirical_bayes": (20.6, 7.57, -0.2718), "negative_binomial_glm": (20.0, 7.48, -0.2731),
        "lightgbm": (20.1, 7.64, -0.2720), "random_forest": (19.6, 7.63, -0.2729), "oracle": (21.6, 7.95, -0.2562),
    },
    "ny_707m": {
        "count_4w": (7.3, 4.55, -0.4501), "count_12m": (10.9, 7.17, -0.1885), "count_24m": (11.9, 7.59, -0.1811),
        "count_36m": (11.8, 7.60, -0.1789), "count_all": (10.5, 7.44, -0.1750), "ewma": (11.5, 7.72, -0.1740),
        "kde": (11.8, 7.69, -0.1737), "prospective": (9.8, 6.27, -0.2029), "etas": (11.6, 7.68, -0.1771),
        "empirical_bayes": (11.5, 7.68, -0.1733), "negative_binomial_glm": (11.2, 7.67, -0.1741),
        "lightgbm": (11.5, 7.65, -0.1732), "random_forest": (11.3, 7.48, -0.1745), "oracle": (13.9, 8.44, -0.1607),
    },
    "to_robbery_1km": {
        "count_4w": (20.9, 5.21, -1.0896), "count_12m": (25.2, 6.47, -0.5008), "count_24m": (26.0, 6.47, -0.4861),
        "count_36m": (26.0, 6.50, -0.4817), "count_all": (25.3, 6.43, -0.4811), "ewma": (25.9, 6.56, -0.4782),
        "kde": (25.9, 6.59, -0.4797), "prospective": (22.8, 5.37, -0.5900), "etas": (25.7, 6.39, -0.4895),
        "empirical_bayes": (25.8, 6.59, -0.4778), "negative_binomial_glm": (26.4, 6.61, -0.4756),
        "lightgbm": (26.2, 6.61, -0.4754), "random_forest": (26.0, 6.60, -0.4765), "oracle": (27.2, 6.83, -0.4549),
    },
    "to_robbery_707m": {
        "count_4w": (14.3, 4.84, -0.7171), "count_12m": (20.3, 6.62, -0.3259), "count_24m": (21.0, 6.70, -0.3166),
        "count_36m": (21.0, 6.79, -0.3131), "count_all": (20.9, 6.71, -0.3113), "ewma": (21.0, 6.77, -0.3098),
        "kde": (20.8, 6.79, -0.3132), "prospective": (18.4, 5.35, -0.3720), "etas": (20.2, 6.55, -0.3202),
        "empirical_bayes": (20.8, 6.83, -0.3097), "negative_binomial_glm": (21.0, 7.03, -0.3072),
        "lightgbm": (20.9, 7.01, -0.3068), "random_forest": (20.9, 6.93, -0.3083), "oracle": (21.6, 7.36, -0.2877),
    },
    "to_both_707m": {
        "count_24m": (20.5, 7.05, -1.0363), "count_36m": (20.4, 7.02, -1.0330), "count_all": (20.3, 7.01, -1.0352),
        "ewma": (20.5, 7.06, -1.0292), "etas": (20.2, 6.85, -1.1089), "empirical_bayes": (20.4, 7.06, -1.0312),
        "negative_binomial_glm": (20.5, 7.07, -1.0263), "lightgbm": (20.5, 7.06, -1.0268),
        "random_forest": (20.5, 7.06, -1.0292), "oracle": (20.6, 7.11, -1.0006),
    },
}  # fmt: skip
# What a trial of such a procedure reached, the goal, and the goal for the error of the force's total (%).
ASKED: dict[str, tuple[float, float, float]] = {
    "ny_1km": (-0.26930, -0.2689, 13.4),
    "ny_707m": (-0.17178, -0.1715, 13.4),
    "to_robbery_1km": (-0.47184, -0.4711, 17.5),
    "to_robbery_707m": (-0.30484, -0.3041, 17.5),
    "to_both_707m": (-1.02015, -1.0201, 6.8),
}
# By hexagons and by an LSOA layer no peer was printed; asked there is only to beat the 24-month count.
SECONDS, MEMORY_MB = 60.0, 1024.0
PIT_DEVIATION, COVERAGE = 0.05, (0.88, 0.92)
# The design's row 'short member: build': points of the gap to the oracle that are closed, to be met within .2 (decisions).
BUILD = {"ny_1km": 45.0, "ny_707m": 44.2, "to_robbery_1km": 47.6, "to_robbery_707m": 42.8, "to_both_707m": 45.7}
VICTIMS_GAIN = 70.0
TOP20_GAP, TOP20_YEAR_GAP, LIST_HELD = 0.02, 0.06, (33, 38)
PLAIN = ("count_24m", "count_36m", "count_all", "ewma")
PEERS = ("kde", "prospective", "lee_o_eck", "etas", "empirical_bayes", "negative_binomial_glm", "lightgbm", "random_forest")
