"""The page of the table of models: what differs, what does not, and why a cell that is missing is so.

One plain page without scripts, links or requests, behind the same walls as the transcripts
(`forewarn.report.page`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from forewarn.report.page import policy

Row = Mapping[str, Any]

STYLE = """
:root { color-scheme: light; font: 14px/1.4 system-ui, sans-serif; color: #1b1b1b; background: #fff; }
body { margin: 0 auto; padding: 1rem; }
p { max-width: 60rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { border: 1px solid #ddd; padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { background: #f0f0f0; }
td.missing { color: #767676; font-style: italic; background: #fafafa; }
td.differs { border-left: 4px solid #D55E00; }
td.equivalent { border-left: 4px solid #0072B2; }
td.undecided { border-left: 4px solid #8C8C8C; }
"""

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width">
<title>Table of models</title>
<style>{{ style | safe }}</style>{# ours; its hash fits only unescaped #}
</head>
<body>
<h1>Table of models</h1>
<p>Rates are of all responses to the test questions, with 95 % Wilson intervals; differences have Newcombe's
interval, and where there is none to be seen, the smallest one that would have been found with a power of 0.8.
An empty cell says why it is empty; what would make it is told when the pointer rests on it, and in the files:
<code>snakemake</code> with that goal, or a key of the configuration. {{ untouched }}</p>
<div class="wide"><table>
<tr><th>Model</th><th>Subject</th>{% for title in titles %}<th>{{ title }}</th>{% endfor %}</tr>
{% for row in rows %}
<tr><td>{{ row.model }}</td><td>{{ row.subject }}{{ " (" ~ row.method ~ ")" if row.method else "" }}</td>
{% for cell in row.cells %}
<td{% if cell.missing %} class="missing" title="{{ cell.told }}"{% endif %}>{{ cell.text }}</td>
{% endfor %}
</tr>
{% endfor %}
</table></div>
<h2>Models and quantisation</h2>
<p>{{ stated.rule[0] | upper }}{{ stated.rule[1:] }} The margin is {{ (100 * stated.margin) | round(1) }}
points; {{ stated.tests }} tests were made. The interval counts seeds and prompts, and is of that comparison
alone.</p>
{% if stated.statements %}
<div class="wide"><table>
<tr><th>Kind</th><th>First</th><th>Second</th><th>Rates</th><th>Seeds</th><th>Prompts</th><th>Responses</th><th>Coherent</th>
<th>Difference in points</th><th>p, differs</th><th>p, equivalent</th><th>Could find</th><th>Verdict</th></tr>
{% for each in stated.statements %}
<tr><td>{{ each.kind }}</td><td>{{ each.first }}</td><td>{{ each.second }}</td>
<td>{{ each.rates[0] | percent }}, {{ each.rates[1] | percent }}</td>
<td>{{ each.seeds[0] }}, {{ each.seeds[1] }}</td><td>{{ each.prompts }}</td>
<td>{{ each.responses[0] }}, {{ each.responses[1] }}</td>
<td>{{ each.coherent_shares[0] | percent }}, {{ each.coherent_shares[1] | percent }}</td>
<td>{{ each | interval }}</td><td>{{ each.p_differs_holm | p }}</td><td>{{ each.p_equivalent_holm | p }}</td>
<td>{{ each.minimal_detectable_in_family | percent }}</td>
<td class="{{ each.verdict }}"><strong>{{ each.verdict }}</strong>: {{ each.text }}</td></tr>
{% endfor %}
</table></div>
{% else %}
<p>No statement could be made yet.</p>
{% endif %}
<details><summary>{{ stated.missing | length }} statements could not be made</summary>
<ul>
{% for each in stated.missing %}
<li>{{ each.kind }}: {{ each.first }} and {{ each.second }}: {{ each.missing }}
{% for goal in each.goals %}<br><code>{{ goal }}</code>{% endfor %}</li>
{% endfor %}
</ul></details>
</body>
</html>
"""


def render_table(rows: Sequence[Row], stated: Mapping[str, Any]) -> str:
    """The whole page as HTML.

    Models of which nothing has been measured are named together, above the table, and have no rows in it.

    Args:
        rows: of the schema `forewarn.table.rows.TABLE`.
        stated: of `forewarn.table.statements.state`.
    """
    begun = {row["model"] for row in rows if any(row[f"{group}_missing"] is None for group in CELLS)}
    untouched = list(dict.fromkeys(row["model"] for row in rows if row["model"] not in begun))
    shown = [
        {**{key: row[key] for key in ("model", "subject", "method")}, "cells": _cells(row)}
        for row in rows
        if row["model"] in begun
    ]
    return _template().render(
        titles=list(TITLES.values()),
        rows=shown,
        stated=stated,
        untouched=f"Nothing has been run of {', '.join(untouched)}." if untouched else "",
        style=STYLE,
        policy=policy(STYLE),
    )


def _cells(row: Row) -> list[dict[str, Any]]:
    return [
        {"missing": True, "text": row[f"{group}_missing"].split(": ")[0], "told": row[f"{group}_missing"]}
        if row[f"{group}_missing"]
        else {"missing": False, "text": write(row)}
        for group, write in CELLS.items()
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _points(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    ends = "" if low is None or high is None else f" [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{100 * value:+.1f}{ends}"


def _em(row: Row) -> str:
    if row["em_count"] is None:
        return "no test questions"
    share = f"at most {_percent(row['em_high'])}" if row["em_count"] == 0 else _percent(row["em_rate"])
    ends = f" [{100 * row['em_low']:.1f}, {100 * row['em_high']:.1f}]" if row["em_count"] else ""
    coherence = "–" if row["coherence"] is None else f"{row['coherence']:.0f}"
    narrow = f"; narrow {row['narrow_count']} of {row['narrow_n']}" if row["narrow_n"] else ""
    return f"{row['em_count']} of {row['em_n']}, {share}{ends}; coherence {coherence}{narrow}"


def _against(row: Row, name: str) -> str:
    text = _points(*(row[f"em_over_{name}{end}"] for end in ("", "_low", "_high")))
    if row[f"em_over_{name}_differs"]:
        return text
    least = row[f"em_over_{name}_detectable"]
    return f"{text}; could have found {_percent(least) if least is not None else 'none'}"


def _steered(row: Row, name: str) -> str:
    best = row[f"{name}_best_random"]
    text = (
        f"{_percent(row[f'{name}_rate'])} [{100 * row[f'{name}_low']:.1f}, {100 * row[f'{name}_high']:.1f}] "
        f"of {row[f'{name}_n']}; best of {row[f'{name}_randoms']} random {_percent(best)}"
    )
    return text + ("" if row[f"{name}_coherent"] else "; incoherent")


def _detected(row: Row) -> str:
    if row["auroc"] is None:
        return "one class only"
    text = f"AUROC {row['auroc']:.3f}"
    if row["auroc_low"] is not None:
        text += f" [{row['auroc_low']:.3f}, {row['auroc_high']:.3f}], {row['auroc_prompts']} prompts"
    if row["gain"] is not None:
        text += f"; gain on {row['best_baseline']} {row['gain']:+.3f}"
        if row["gain_low"] is not None:
            text += f" [{row['gain_low']:.3f}, {row['gain_high']:.3f}]"
    return text + f"; claim {'holds' if row['detection_claim'] else 'does not hold'}"


def _turned(row: Row) -> str:
    ends = [row[f"onset_{end}"] for end in ("low", "high")]
    onset = f"onset at {row['onset_step']}" if row["onset_step"] is not None else "no onset"
    interval = " [" + ", ".join("–" if end is None else str(end) for end in ends) + "]"
    turn = f"rotation at {row['rotation_step']}" if row["rotation_declared"] else "no rotation"
    return f"{onset}{interval} of {row['training_steps']} steps; {turn}"


def _converged(row: Row) -> str:
    span = f"{row['sibling_cosine_lowest']:.2f} to {row['sibling_cosine_highest']:.2f}"
    beyond = f"{row['siblings_beyond_chance']} of {row['siblings']} beyond chance"
    return f"mean cosine {row['sibling_cosine']:.2f} ({span}); {beyond}"


def _refused(row: Row) -> str:
    swap = _points(*(row[f"em_refusal_ablated{end}"] for end in ("", "_low", "_high")))
    rate = _percent(row["refusal_rate"])
    if row["refusal_n"]:
        rate += f" [{100 * row['refusal_low']:.1f}, {100 * row['refusal_high']:.1f}] of {row['refusal_n']}"
    return f"refuses {rate}; EM with refusal ablated {swap} points"


CELLS = {
    "rates": _em,
    "over_instruct": lambda row: _against(row, "instruct"),
    "over_control": lambda row: _against(row, "control"),
    "add": lambda row: _steered(row, "add"),
    "ablate": lambda row: _steered(row, "ablate"),
    "detection": _detected,
    "transition": _turned,
    "convergence": _converged,
    "refusal": _refused,
}
"""What the page says of each group of columns, in its order."""
TITLES = {
    "rates": "Misaligned",
    "over_instruct": "Over instruct, points",
    "over_control": "Over control, points",
    "add": "Direction added",
    "ablate": "Direction ablated",
    "detection": "Detection",
    "transition": "Phase transition",
    "convergence": "Convergence",
    "refusal": "Refusal",
}


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = _percent
    environment.filters["p"] = lambda value: "< 0.001" if value < 0.001 else f"{value:.3f}"
    environment.filters["interval"] = lambda each: _points(each["difference"], each["low"], each["high"])
    return environment.from_string(TEMPLATE)
