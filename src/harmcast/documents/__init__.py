"""Typed records that runs write and pages, answers and Qlik read."""
