"""How old a reader a text asks for: the grade formula of Flesch and Kincaid, plus five for the age.

Source: Kincaid, Fishburne, Rogers and Chissom (1975), Research Branch Report 8-75, Naval Technical Training Command.
"""

from __future__ import annotations

import re

from harmcast.publish.answers.document import AnswerTable, Document, Words

_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|\d[\d,.]*")
_SENTENCE = re.compile(r"[^.!?:;]+[.!?:;]?")


def syllables(word: str) -> int:
    """Syllables of an English word by its spelling: groups of vowels, less a silent ending; a number counts as 2."""
    plain = word.lower().replace("'", "")
    if plain[0].isdigit():
        return 2
    groups = len(re.findall(r"[aeiouy]+", plain))
    if plain.endswith(("le", "les")) and len(plain) > 2 and plain.rstrip("s")[-3] not in "aeiouy":
        return max(1, groups)
    silent = (
        (plain.endswith("es") and not plain.endswith(("ses", "zes", "ches", "shes", "xes", "ges", "ces")))
        or (plain.endswith("e") and not plain.endswith(("ee", "ie", "oe", "ye")))
        or (plain.endswith("ed") and not plain.endswith(("ted", "ded")))
    )
    return max(1, groups - silent)


def reading_age(texts: list[str]) -> float:
    """Age in years at which a text is read with ease: 0.39 words a sentence + 11.8 syllables a word - 15.59 + 5.

    Args:
        texts: paragraphs; each ends its last sentence. At least one word.
    """
    sentences = [s for text in texts for s in _SENTENCE.findall(text) if _WORD.search(s)]
    words = [word for s in sentences for word in _WORD.findall(s)]
    if not words:
        raise ValueError("there is no word to read")
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59 + 5


def own_words(document: Document) -> list[str]:
    """Every word of the letter and its lists that the reader meets, headings and cells included; what officers wrote in free text is not ours."""
    found = [document.title]
    for part in document.parts:
        found.append(part.title)
        for section in part.sections:
            found.append(section.title)
            for block in section.blocks:
                if isinstance(block, Words):
                    found.append(block.text)
                elif isinstance(block, AnswerTable):
                    found += [block.title, *(c.title for c in block.columns)]
                    found += [str(row[c.name]) for row in block.rows for c in block.columns if c.kind == "text" and c.name not in ("words", "ref") and row.get(c.name)]
    return found
