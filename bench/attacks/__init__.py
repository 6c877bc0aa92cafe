"""Attacks on the dashboards: what is sent, and what must not come of it."""
