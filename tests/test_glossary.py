"""One word, one thing: each word of the glossary once, and none of the words it replaced as a name in the code."""

import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPLACED = {
    "folk": "people",
    "goal_of_merge": "surviving record",
    "bearing": "impact on groups",
    "sheet": "person page",
    "silence": "coverage of the monitor",
    "silence_says": "coverage of the monitor",
    "what_came": "outcome",
    "Said": "result of a command",
    "Odd": "volume check",
}


def words():
    text = (ROOT / "GLOSSARY.md").read_text()
    return re.findall(r"^\| `(\w+)` \|", text, re.M) + [" ".join(word.lower().split()) for word in re.findall(r"\*\*([^*]+)\*\*", text)]


def names(path):
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return {token.string for token in tokens if token.type == tokenize.NAME}


def test_each_word_has_one_meaning():
    found = words()
    assert len(found) > 30
    assert not {word for word in found if found.count(word) > 1}


def test_each_word_that_replaced_another_is_in_the_glossary():
    missing = set(REPLACED.values()) - set(words()) - {"people"}
    assert not missing


def test_no_word_that_was_replaced_names_anything():
    used = {
        path.relative_to(ROOT).as_posix(): sorted(bad)
        for path in (ROOT / "src" / "harmcast").rglob("*.py")
        if (bad := names(path) & set(REPLACED))
    }
    assert not used, {path: [f"{word}: say {REPLACED[word]}" for word in bad] for path, bad in used.items()}
