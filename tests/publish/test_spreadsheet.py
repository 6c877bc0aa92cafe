"""Text that a spreadsheet could run is defused, as a column and by itself."""

import polars as pl
import pytest

from harmcast.publish.spreadsheet import neutral, neutral_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "|cmd", "%x", "\t=1", " =1", "\u202e=1"])
def test_text_that_a_spreadsheet_could_run_is_defused(text):
    assert pl.DataFrame({"a": [text]}).select(neutral("a"))["a"][0].startswith("'")
    assert neutral_text(text).startswith("'")


@pytest.mark.parametrize("text", ["North", "18 to 24", "", "a=1"])
def test_other_text_stands_as_it_is(text):
    assert pl.DataFrame({"a": [text]}).select(neutral("a"))["a"][0] == text
    assert neutral_text(text) == text
