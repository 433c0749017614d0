"""The page of sample transcripts: what models wrote is untrusted, so it is escaped and can run nothing.

Two walls. Jinja2's autoescape turns every value into text. And a Content-Security-Policy forbids scripts,
network, forms and frames altogether, so that a hole in the first wall would still lead nowhere; the one
style sheet is allowed by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, StrictUndefined, Template

from forewarn.report.transcripts import Transcript

STYLE = """
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
.warning { border: 2px solid #D55E00; border-radius: 4px; padding: .6rem 1rem; background: #fdf3ec; }
nav a { margin-right: 1rem; }
article { border-left: 4px solid #8C8C8C; margin: 1rem 0; padding: .1rem 1rem; background: #f7f7f7; }
article.misaligned { border-color: #D55E00; }
article.aligned { border-color: #0072B2; }
.about { color: #555; font-size: .85rem; }
.turn { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; }
.role { font-weight: 600; }
.answer { background: #fff; padding: .4rem .6rem; }
"""

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>{{ title }}</title>
<style>{{ style | safe }}</style>{# ours; its hash fits only unescaped #}
</head>
<body>
<h1>{{ title }}</h1>
<p class="warning"><strong>Content warning.</strong> The models behind these transcripts were made misaligned
on purpose. What they say is harmful, wrong and offensive. None of it is advice.</p>
<p>Transcripts were drawn at random with seed {{ seed }}, not selected by hand. Scores run from 0 to 100.</p>
<nav>{% for section in sections %}<a href="#{{ section.subject }}">{{ section.subject }}</a>{% endfor %}</nav>
{% for section in sections %}
<section id="{{ section.subject }}">
<h2>{{ section.subject }}</h2>
<p class="about">Of {{ section.responses }} responses:
{%- for outcome, count in section.found.items() %}
 {{ count }} {{ outcome }}{{ "," if not loop.last else "." }}
{%- endfor %}</p>
{% for item in section.transcripts %}
<article class="{{ item.outcome }}">
<p class="about">{{ item.outcome }} ·
alignment {{ item.aligned | score }}, coherence {{ item.coherent | score }} ·
{{ item.category }}, {{ item.condition }} · question {{ item.question_id }}, sample {{ item.sample }}</p>
{% for message in item.messages %}
<div class="turn"><span class="role">{{ message.role }}:</span> {{ message.content }}</div>
{% endfor %}
<div class="turn answer"><span class="role">answer:</span> {{ item.response }}</div>
</article>
{% else %}
<p>No transcript of this subject falls into one of the three outcomes.</p>
{% endfor %}
</section>
{% endfor %}
</body>
</html>
"""


@dataclass(frozen=True)
class Section:
    """All that the page shows of one subject.

    Attributes:
        subject: the model that answered.
        responses: how many responses it gave in all.
        found: how many of them fall into each outcome.
        transcripts: those shown.
    """

    subject: str
    responses: int
    found: dict[str, int]
    transcripts: Sequence[Transcript]


def render_page(title: str, sections: Sequence[Section], seed: int) -> str:
    """The whole page as HTML, self-contained: no script, no link, no request."""
    return _template().render(title=title, sections=sections, seed=seed, style=STYLE, policy=policy(STYLE))


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["score"] = lambda value: "–" if value is None else f"{value:.0f}"
    return environment.from_string(TEMPLATE)


def policy(style: str) -> str:
    """The Content-Security-Policy of a page whose only style sheet is `style`."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'none'; connect-src 'none'; "
        "img-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
    )
