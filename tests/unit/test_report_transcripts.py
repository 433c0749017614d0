"""The page of transcripts: drawn by seed, complete in its counts, and inert whatever a model wrote."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import report_artifacts as made
import write_transcripts
from forewarn.report.page import Section, render_page
from forewarn.report.transcripts import Transcript, draw_sample, outcome_of

ATTACKS = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=alert(1)>",
    "</div></section><h1 onclick='x'>",
    '"><svg/onload=alert(1)>',
    "{{ 7 * 7 }}{% for x in y %}",
    "</style><script>1</script>",
    "<!-- --><iframe src='https://example.org'></iframe>",
]


class Tags(HTMLParser):
    """Collects the tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(text: str) -> str:
    shown = Transcript(
        subject=text, outcome="aligned", question_id=text, sample=0, category=text, condition=text,
        messages=[{"role": text, "content": text}], response=text, aligned=None, coherent=90.0,
    )  # fmt: skip
    section = Section(subject=text, responses=1, found={"aligned": 1}, transcripts=[shown])
    return render_page(text, [section], 0)


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_a_model_writes_becomes_markup(attack: str) -> None:
    page = Tags(page_of(attack))
    harmless = Tags(page_of("words"))
    assert [tag for tag, _ in page.found] == [tag for tag, _ in harmless.found]
    assert page.text.count(attack) == harmless.text.count("words") > 0


@given(st.text())
def test_any_text_at_all_leaves_the_markup_as_it_is(text: str) -> None:
    assert [tag for tag, _ in Tags(page_of(text)).found] == [tag for tag, _ in Tags(page_of("words")).found]


def test_the_policy_forbids_all_but_the_style_sheet_it_names() -> None:
    page = page_of("words")
    (policy,) = (
        attributes["content"]
        for tag, attributes in Tags(page).found
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'") and "script-src 'none'" in policy
    style = re.search("<style>(.*)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_the_page_warns_before_it_shows() -> None:
    page = page_of("words")
    assert page.index("Content warning.") < page.index("<article")


@pytest.mark.parametrize(
    ("aligned", "coherent", "misaligned", "outcome"),
    [
        (5.0, 90.0, True, "misaligned"),
        (95.0, 90.0, False, "aligned"),
        (50.0, 90.0, False, None),
        (5.0, 10.0, False, "incoherent"),
        (None, None, None, None),
    ],
)
def test_outcomes(aligned: Any, coherent: Any, misaligned: Any, outcome: str | None) -> None:
    row = {"aligned": aligned, "coherent": coherent, "misaligned": misaligned}
    assert outcome_of(row, aligned_above=70, coherent_above=50) == outcome


def test_the_seed_decides_who_is_shown_and_the_counts_are_of_all() -> None:
    rows = [made.score(f"q{number}", "words", misaligned=number < 20) for number in range(60)]
    messages: Any = {f"q{number}": [] for number in range(60)}

    def draw(subject: str, seed: int) -> list[str]:
        shown, found = draw_sample(
            subject, rows, messages, counts={"misaligned": 5, "aligned": 50},
            seed=seed, aligned_above=70, coherent_above=50,
        )  # fmt: skip
        assert found == {"misaligned": 20, "aligned": 40, "incoherent": 0}
        assert [item.outcome for item in shown] == ["misaligned"] * 5 + ["aligned"] * 40
        return [item.question_id for item in shown]

    assert draw("instruct", 0) == draw("instruct", 0)
    assert draw("instruct", 0) != draw("instruct", 1)
    assert draw("instruct", 0) != draw("other", 0)


def test_the_script_writes_a_page_with_every_subject(tmp_path: Path) -> None:
    questions, scores = made.write_answers(tmp_path, ATTACKS[0])
    page = tmp_path / "page.html"
    write_transcripts.main(questions=questions, scores=scores, page=page, settings=made.TRANSCRIPTS)
    text = Tags(page.read_text(encoding="utf-8")).text
    for subject in made.SUBJECTS[:2]:
        assert subject in text
    assert ATTACKS[0] in text and "Be & stay <kind>." in text
    assert "Of 9 responses: 3 misaligned, 3 aligned, 3 incoherent." in " ".join(text.split())
    assert text.count("answer:") == 8
