"""The report in a real browser: it renders, shows its figures, runs no transcript and fetches nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import browser
import report_artifacts as made
import write_transcripts
from jobs import parameters

pytestmark = pytest.mark.browser

ATTACK = (
    "<script>document.title='owned';alert('owned')</script>"
    "<img src='https://example.org/pixel' onerror=\"document.title='owned'\">"
    "</div><iframe src='https://example.org/frame'></iframe><svg onload=alert('owned')>"
    "<link rel=stylesheet href='https://example.org/style.css'>"
)

WORKFLOW = """
report: "{captions}/workflow.rst"

rule all:
    input: "results/nano/report/rates.svg", "results/nano/report/transcripts.html"

rule rates:
    input: rates={rates}
    output:
        figure=report(
            "results/{{model}}/report/rates.svg", caption="{captions}/rates.rst",
            category="Emergent misalignment", labels={{"figure": "rates"}},
        ),
        domains=report(
            "results/{{model}}/report/domains.svg", caption="{captions}/domains.rst",
            category="Emergent misalignment", labels={{"figure": "domains"}},
        ),
    params: job={rates_job}
    script: "{scripts}/plot_rates.py"

rule transcripts:
    input: questions="{questions}", scores={scores}
    output:
        page=report(
            "results/{{model}}/report/transcripts.html", caption="{captions}/transcripts.rst",
            category="Transcripts", labels={{"page": "transcripts"}},
        )
    params: job={transcripts_job}
    script: "{scripts}/write_transcripts.py"
"""


def write_workflow(folder: Path, repository: Path) -> Path:
    """A workflow of two rules of the report, with its inputs, in `folder`."""
    rates = made.write_rates(folder)
    questions, scores = made.write_answers(folder, ATTACK)
    text = WORKFLOW.format(
        captions=repository / "rules/report", scripts=repository / "scripts",
        rates=[str(path) for path in rates],
        rates_job=parameters("plot_rates.py", {"subjects": made.SUBJECTS}).job,
        questions=questions, scores=[str(path) for path in scores],
        transcripts_job=parameters("write_transcripts.py", made.TRANSCRIPTS).job,
    )  # fmt: skip
    snakefile = folder / "Snakefile"
    snakefile.write_text(text)
    return snakefile


def snakemake(folder: Path, *arguments: str) -> None:
    """Run Snakemake in `folder`, with what it said in the failure."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--profile", "none", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A report page of a small workflow whose transcripts attack the reader."""
    browser.chromium()
    folder = tmp_path_factory.mktemp("a study")
    write_workflow(folder, repository)
    snakemake(folder)
    snakemake(folder, "--report", "report.html")
    return folder / "report.html"


def test_the_page_of_transcripts_shows_the_attack_and_lets_nothing_of_it_happen(tmp_path: Path) -> None:
    questions, scores = made.write_answers(tmp_path, ATTACK)
    written = tmp_path / "transcripts.html"
    write_transcripts.main(
        questions=questions,
        scores=scores,
        page=written,
        settings=made.TRANSCRIPTS,
    )
    with browser.page(tmp_path) as page:
        page.open(written)
        page.settle(0.5)
        assert page.ask("document.body.innerText").count(ATTACK) == 4
        assert page.ask("document.title") == made.TRANSCRIPTS["title"]
        assert page.ask("document.querySelectorAll('script, img, iframe, svg, link').length") == 0
        assert page.ask("getComputedStyle(document.querySelector('.warning')).borderTopStyle") == "solid"
        assert not page.dialogs and not page.foreign_requests() and not page.messages


def test_the_policy_holds_even_where_escaping_would_not(tmp_path: Path) -> None:
    questions, scores = made.write_answers(tmp_path, "PLANTED")
    written = tmp_path / "transcripts.html"
    write_transcripts.main(
        questions=questions,
        scores=scores,
        page=written,
        settings=made.TRANSCRIPTS,
    )
    written.write_text(written.read_text(encoding="utf-8").replace("PLANTED", ATTACK), encoding="utf-8")
    with browser.page(tmp_path) as page:
        page.open(written)
        page.settle(0.5)
        assert page.ask("document.querySelectorAll('script').length") > 0, (
            "the attack is in the page this time"
        )
        assert page.ask("document.title") == made.TRANSCRIPTS["title"]
        assert not page.dialogs
        assert page.messages, "the browser tells what the policy kept it from"


def test_the_browser_would_notice_an_attack(tmp_path: Path) -> None:
    written = tmp_path / "unprotected.html"
    written.write_text(f"<title>plain</title>{ATTACK.replace('alert', 'void')}")
    with browser.page(tmp_path) as page:
        page.open(written)
        page.until("document.title === 'owned'")
        page.settle(0.5)
        assert any(url.startswith("https://example.org/pixel") for url in page.foreign_requests())


def test_the_report_renders_with_its_figures_and_asks_for_nothing(report: Path, tmp_path: Path) -> None:
    check_report(report, tmp_path, figures=2, pages=1)


def check_report(report: Path, folder: Path, *, figures: int, pages: int) -> None:
    """Open every result of a `snakemake --report` page, as a click does.

    Args:
        report: the HTML file.
        folder: an empty folder for the browser.
        figures: how many figures it must hold.
        pages: how many HTML results it must hold.
    """
    with browser.page(folder) as page:
        page.open(report)
        page.until("document.querySelector('#app') && document.querySelector('#app').innerText.length > 50")
        assert "Content warning" in page.ask("document.body.innerText")
        results = json.loads(
            page.ask(
                "JSON.stringify(Object.entries(results).map(([path, entry]) =>"
                " ({path, mime: entry.mime_type, caption: entry.caption})))"
            )
        )
        images = [item["path"] for item in results if item["mime"] == "image/svg+xml"]
        embedded = [item["path"] for item in results if item["mime"] == "text/html"]
        assert (len(images), len(embedded)) == (figures, pages)
        assert all(item["caption"] for item in results)
        for path in images:
            page.ask(show(path, "img"))
            page.until("document.querySelector('#app .p-3 > img')?.complete")
            assert page.ask("document.querySelector('#app .p-3 > img').naturalWidth") > 200
        for path in embedded:
            page.ask(show(path, "html"))
            page.until("document.querySelector('#app iframe') !== null")
            page.settle(1)
        assert sum(url.startswith("data:text/html") for url in page.requests) == pages
        assert page.ask("document.title") == "Snakemake Report"
        assert len(page.screenshot()) > 10_000
        assert not page.dialogs and not page.foreign_requests()


def show(path: str, content: str) -> str:
    """What a click on a result's button does in a report of Snakemake."""
    name = json.dumps(path)
    return (
        f"app.setView({{content: '{content}', contentPath: results[{name}].data_uri,"
        f" resultPath: {name}}}), null"
    )
