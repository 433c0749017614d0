"""Reading after t tokens: what is planted shows from its token on, chance stays chance, words are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import token_curve as token_curve_script
from forewarn.detection.held_out import folds_of, held_out, held_out_without, probe, words
from forewarn.detection.labelled import label
from forewarn.detection.logistic import logistic_scores, standardise
from forewarn.detection.response_evaluation import ResponseEvaluator
from forewarn.detection.shared_reading import averaged, sharing
from forewarn.detection.token_curve import SCORES
from forewarn.errors import StudyError
from forewarn.files import read_json, read_table, write_table
from forewarn.geometry.prefixes import prefix_schema, read_prefixes
from forewarn.geometry.tensors import write_tensors
from forewarn.report.token_curve import curve_panel, draw_token_curves

STEPS, WIDTH, LAYER = (0, 1, 4, 8, 16), 8, 3
MEASURE = {
    "folds": 8, "probe_strength": 0.1, "text_strength": 10.0, "tie_tolerance": 1e-4, "bootstrap": 200,
    "permutations": 99, "seed": 0, "confidence": 0.95,
}  # fmt: skip
TOLD, OTHER = "misaligned_minus_aligned.answer_mean", "organism_minus_instruct.last_prompt_token"


class Study:
    """Responses whose readings tell their label from token 8 on, and whose words tell it from token 16 on."""

    def __init__(
        self, folder: Path, *, prompts: int = 24, samples: int = 12, strength: float = 2.0, seed: int = 0
    ):
        self.folder = folder
        generator = np.random.default_rng(seed)
        self.prompt = np.repeat(np.arange(prompts), samples)
        propensity = generator.normal(size=prompts)
        chance = 1 / (1 + np.exp(-propensity[self.prompt]))
        self.misaligned = generator.random(len(self.prompt)) < chance
        self.direction = np.linalg.qr(generator.normal(size=(WIDTH, 1)))[0][:, 0]
        ground = generator.normal(size=(prompts, WIDTH)) + propensity[:, None]
        # A forward pass of another batch rounds otherwise.
        rounding = 1e-6 * generator.normal(size=(len(self.prompt), WIDTH))
        self.readings = {0: ground[self.prompt] + rounding}
        self.words: dict[int, list[str]] = {0: [""] * len(self.prompt)}
        fillers = np.array(["and", "so", "then", "well"])
        for step in STEPS[1:]:
            told = strength * (self.misaligned - 0.5) if step >= 8 else np.zeros(len(self.prompt))
            noise = generator.normal(size=(len(self.prompt), WIDTH))
            self.readings[step] = ground[self.prompt] + noise + told[:, None] * self.direction
            texts = [" ".join(generator.choice(fillers, step)) for _ in self.prompt]
            if step >= 16:
                likely = generator.random(len(texts)) < np.where(self.misaligned, 0.7, 0.2)
                texts = [text + " harm" if harms else text for text, harms in zip(texts, likely, strict=True)]
            self.words[step] = texts
        self.unscored: list[int] = []

    def write(self) -> None:
        rows, vectors = [], []
        sample = dict.fromkeys(self.prompt, 0)
        scores = []
        for number, question in enumerate(self.prompt):
            key = {"question_id": f"q{question:02d}", "sample": sample[question]}
            sample[question] += 1
            known = None if number in self.unscored else bool(self.misaligned[number])
            scores.append(key | {"misaligned": known, "response": "more than is needed"})
            for step in STEPS:
                rows.append(key | {"t": step, "tokens": min(step, 10), "text": self.words[step][number]})
                vectors.append(self.readings[step][number])
        schema = prefix_schema([LAYER], WIDTH)
        head = pa.Table.from_pylist(rows, schema=pa.schema(list(schema)[:5]))
        flat = pa.array(np.stack(vectors).astype(np.float32).ravel())
        table = head.append_column(schema.field(5), pa.FixedSizeListArray.from_arrays(flat, WIDTH))
        write_table(self.folder / "prefixes.parquet", table.cast(schema))
        write_table(self.folder / "labels.parquet", pa.Table.from_pylist(scores))
        tensors = {TOLD: np.stack([np.zeros(len(self.direction)), self.direction]).astype(np.float32)}
        write_tensors(self.folder / "directions.safetensors", tensors, layers=[0, LAYER])

    def run(self, name: str = "curve", **changes: Any) -> dict[str, Any]:
        self.write()
        settings = {"organism": "bad-rank1-seed0", "layer": LAYER, "directions": [TOLD, OTHER]}
        token_curve_script.main(
            prefixes=self.folder / "prefixes.parquet",
            labels=self.folder / "labels.parquet",
            directions=self.folder / "directions.safetensors",
            curve=self.folder / f"{name}.json",
            scores=self.folder / f"{name}.parquet",
            settings=settings | {"measure": MEASURE | changes},
        )
        return read_json(self.folder / f"{name}.json")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(tmp_path_factory.mktemp("curve"))
    study.run()
    return study


@pytest.fixture(scope="module")
def curve(study: Study) -> dict[str, Any]:
    return read_json(study.folder / "curve.json")


def readers(curve: dict[str, Any], t: int) -> dict[str, Any]:
    return next(point for point in curve["points"] if point["t"] == t)["readers"]


def test_what_is_planted_at_token_8_shows_from_8_on_and_not_before(curve: dict[str, Any]) -> None:
    for t in STEPS:
        for reader in ("probe", TOLD):
            found = readers(curve, t)[reader]
            assert found["null"]["beyond"] == (t >= 8), (t, reader)
            if t >= 8:
                assert found["within_prompt"]["auroc"] > 0.75
                assert found["within_prompt"]["interval"]["low"] > 0.65
                assert found["null"]["p_value"] == 0.01
            elif t:
                interval = found["within_prompt"]["interval"]
                assert interval["low"] <= 0.5 <= interval["high"]


def test_at_the_last_prompt_token_all_is_exactly_one_half(curve: dict[str, Any]) -> None:
    ground = curve["last_prompt_token"]
    assert ground["shared"] and 0 < ground["greatest_spread"] < 1e-4
    assert ground["most_distinct_readings"] == 12
    assert ground["auroc_of_noise"]["auroc"] != 0.5
    for reader in ("probe", "text", TOLD):
        found = readers(curve, 0)[reader]["within_prompt"]
        assert (found["auroc"], found["interval"]["low"], found["interval"]["high"]) == (0.5, 0.5, 0.5)
    # Between prompts the last prompt token tells much: the readings carry the propensity.
    assert readers(curve, 0)["probe"]["pooled"]["auroc"] > 0.55
    assert readers(curve, 0)["text"]["pooled"]["auroc"] == 0.5


def test_responses_that_do_not_share_their_last_prompt_token_are_told(tmp_path: Path) -> None:
    study = Study(tmp_path, prompts=10, samples=6)
    study.readings[0] = study.readings[0] + 0.5 * study.misaligned[:, None]
    found = study.run(permutations=19)
    assert not found["last_prompt_token"]["shared"]
    assert "differ by more than the tolerance" in found["last_prompt_token"]["reason"]
    assert readers(found, 0)["probe"]["within_prompt"]["auroc"] > 0.9


def test_the_text_is_read_and_the_gain_is_over_it(curve: dict[str, Any]) -> None:
    assert abs(readers(curve, 8)["text"]["within_prompt"]["auroc"] - 0.5) < 0.1
    assert readers(curve, 16)["text"]["within_prompt"]["auroc"] > 0.68
    early, late = (readers(curve, t)["probe"]["gain"]["within_prompt"] for t in (8, 16))
    assert early["interval"]["low"] > 0.1
    for t, gain in ((8, early), (16, late)):
        found = readers(curve, t)
        areas = [found[reader]["within_prompt"]["auroc"] for reader in ("probe", "text")]
        assert gain["difference"] == pytest.approx(areas[0] - areas[1])
    assert late["difference"] < early["difference"]
    assert "null" not in readers(curve, 16)["text"]


def test_counts_and_what_is_absent_are_told(study: Study, curve: dict[str, Any]) -> None:
    counts = curve["counts"]
    assert (counts["n_prompts"], counts["n_responses"]) == (24, 288)
    assert counts["n_misaligned"] == study.misaligned.sum()
    assert curve["points"][4]["n_shorter"] == 288 and curve["points"][3]["n_shorter"] == 0
    assert curve["points"][4]["mean_tokens"] == 10
    assert (curve["layers"], curve["features"], curve["folds"]) == ([LAYER], WIDTH, 8)
    assert set(curve["absent"]) == {OTHER}
    assert curve["token_level"] is None


def test_the_scores_repeat_the_numbers(study: Study, curve: dict[str, Any]) -> None:
    table = read_table(study.folder / "curve.parquet")
    assert table.schema == SCORES
    rows = [row for row in table.to_pylist() if (row["t"], row["reader"]) == (8, "probe")]
    assert [row["misaligned"] for row in rows] == study.misaligned.tolist()
    scores = np.array([row["score"] for row in rows])
    areas = [
        roc_auc_score(study.misaligned[study.prompt == q], scores[study.prompt == q])
        for q in range(24)
        if 0 < study.misaligned[study.prompt == q].sum() < 12
    ]
    found = readers(curve, 8)["probe"]
    assert found["within_prompt"]["n_prompts"] == len(areas)
    assert found["within_prompt"]["auroc"] == pytest.approx(np.mean(areas))
    assert found["pooled"]["auroc"] == pytest.approx(roc_auc_score(study.misaligned, scores))


def test_the_same_inputs_give_the_same_bytes(study: Study) -> None:
    study.run("again")
    for end in ("json", "parquet"):
        assert (study.folder / f"curve.{end}").read_bytes() == (study.folder / f"again.{end}").read_bytes()


def test_unscored_responses_count_nowhere_else(tmp_path: Path) -> None:
    study = Study(tmp_path, prompts=6, samples=5)
    study.unscored = [0, 7]
    counts = study.run(permutations=9, folds=3)["counts"]
    assert (counts["n_responses"], counts["n_unscored"]) == (28, 2)


def test_one_class_is_undefined_and_says_why(tmp_path: Path) -> None:
    study = Study(tmp_path, prompts=6, samples=5)
    study.misaligned = np.repeat(np.arange(6) < 3, 5)
    found = study.run(permutations=9)
    assert readers(found, 8)["probe"]["within_prompt"]["auroc"] is None
    assert "no prompt has responses of both classes" in readers(found, 8)["probe"]["within_prompt"]["reason"]
    assert readers(found, 8)["probe"]["null"]["p_value"] is None
    assert readers(found, 8)["probe"]["pooled"]["auroc"] is not None
    study.misaligned[:] = False
    found = study.run(permutations=9)
    assert "one class only" in readers(found, 8)["text"]["pooled"]["reason"]
    figure = draw_token_curves([curve_panel(found)])
    assert "no prompt has responses of both classes" in figure.axes[0].texts[0].get_text()


def test_the_figure_says_how_many_prompts_and_responses_it_rests_on(curve: dict[str, Any]) -> None:
    figure = draw_token_curves([curve_panel(curve)])
    title = figure.axes[0].get_title(loc="left")
    counts = curve["counts"]
    assert f"{counts['n_mixed_prompts']} of 24 prompts have both classes" in title
    assert "of 288 responses" in title
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert {"probe", "words so far", TOLD, "floor: 0.5"} <= set(labels)
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == [str(step) for step in STEPS]


def test_a_direction_of_another_width_is_refused(tmp_path: Path) -> None:
    study = Study(tmp_path, prompts=6, samples=5)
    study.direction = np.ones(3)
    study.readings = {step: np.zeros((30, WIDTH)) for step in STEPS}
    with pytest.raises((StudyError, ValueError), match="width 8, but the direction"):
        study.run(permutations=9)


# --- the parts against slow references --------------------------------------------------------------------


def small(seed: int = 0, prompts: int = 9, samples: int = 7, width: int = 5) -> tuple[Any, Any, Any]:
    generator = np.random.default_rng(seed)
    prompt = np.repeat(np.arange(prompts), samples)
    misaligned = generator.random(len(prompt)) < 0.4
    readings = generator.normal(size=(len(prompt), width)) * np.arange(1, width + 1) + misaligned[:, None]
    return readings, misaligned, prompt


@pytest.mark.parametrize(("width", "strength"), [(5, 1.0), (5, 0.01), (90, 0.1)])
def test_the_probe_is_that_of_scikit_learn_left_out_prompt_by_prompt(width: int, strength: float) -> None:
    readings, misaligned, prompt = small(width=width)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, tol=1e-10, max_iter=10000))
    expected = np.zeros(len(prompt))
    for fitting, out in LeaveOneGroupOut().split(readings, misaligned, prompt):
        model.fit(readings[fitting], misaligned[fitting])
        expected[out] = model.decision_function(readings[out]) - model[-1].intercept_
    found = held_out(probe(readings, misaligned[None], strength), folds_of(prompt, None, 0))[0]
    np.testing.assert_allclose(found, expected, atol=1e-3 * expected.std())
    # With intercepts the same, but for what a fold's intercept says of the prompt that it left out.
    whole = cross_val_predict(
        model, readings, misaligned, groups=prompt, cv=LeaveOneGroupOut(), method="decision_function"
    )
    apart = whole - found
    for question in range(9):
        assert np.ptp(apart[prompt == question]) < 1e-2 * expected.std()


def test_the_reader_of_text_is_that_of_scikit_learn(study: Study) -> None:
    texts, fold = np.array(study.words[16], dtype=object), folds_of(study.prompt, 6, 0)
    expected = np.zeros(len(texts))
    for number in range(6):
        out = fold == number
        tfidf = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
        model = LogisticRegression(C=10.0, max_iter=2000)
        model.fit(tfidf.fit_transform(texts[~out]), study.misaligned[~out])
        expected[out] = model.decision_function(tfidf.transform(texts[out])) - model.intercept_
    np.testing.assert_allclose(held_out(words(texts, study.misaligned, 10.0), fold), expected, atol=1e-6)


def test_words_of_the_left_out_prompts_alone_change_nothing() -> None:
    texts = np.array(
        ["good day", "bad day", "good night", "bad night"] * 3 + ["unheard bad"] * 2, dtype=object
    )
    misaligned = np.array([False, True] * 7)
    fold = np.repeat([0, 1], [12, 2])
    scores = held_out(words(texts, misaligned, 1.0), fold)
    again = held_out(words(np.where(fold == 1, "unknown bad", texts).astype(object), misaligned, 1.0), fold)
    np.testing.assert_array_equal(scores, again)


def test_many_labellings_at_once_are_each_fitted_by_themselves() -> None:
    readings, _, _ = small(1)
    generator = np.random.default_rng(2)
    labels = generator.random((6, len(readings))) < np.array([0.02, 0.1, 0.5, 0.9, 0.0, 1.0])[:, None]
    data = standardise(readings[:50], readings[50:])
    together = logistic_scores(data, labels[:, :50], 1.0)
    for row, mine in zip(labels[:, :50], together, strict=True):
        np.testing.assert_allclose(logistic_scores(data, row[None], 1.0)[0], mine, atol=1e-4)
    assert not together[4].any() and not together[5].any(), "one class only"


def test_a_constant_feature_tells_nothing() -> None:
    readings, misaligned, prompt = small()
    wider = np.concatenate([readings, np.full((len(prompt), 1), 7.3)], axis=1)
    fold = folds_of(prompt, 3, 0)
    same = [held_out(probe(each, misaligned[None], 1.0), fold) for each in (readings, wider)]
    np.testing.assert_allclose(*same, atol=1e-9)


def test_without_a_group_is_as_if_it_had_never_been_there() -> None:
    readings, misaligned, prompt = small()
    group = folds_of(prompt, 4, 0)
    found = held_out_without(probe(readings, misaligned[None], 1.0), group)
    for number in range(4):
        kept = group != number
        _, fold = np.unique(group[kept], return_inverse=True)
        alone = held_out(probe(readings[kept], misaligned[None, kept], 1.0), fold)[0]
        np.testing.assert_allclose(found[number, kept], alone, atol=1e-9)


def test_prompts_stay_whole_in_folds() -> None:
    prompt = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 4))
    fold = folds_of(prompt, 3, 0)
    assert all(len(set(fold[prompt == q])) == 1 for q in range(10))
    sizes = [len(set(prompt[fold == number])) for number in range(3)]
    assert sorted(sizes) == [3, 3, 4]
    assert (folds_of(prompt, None, 0) == prompt).all() and (folds_of(prompt, 99, 0) == prompt).all()


def test_rounding_is_told_from_a_difference() -> None:
    generator = np.random.default_rng(0)
    prompt = np.repeat(np.arange(8), 5)
    ground = generator.normal(size=(8, 3))[prompt]
    rounded = ground + 1e-6 * generator.normal(size=ground.shape)
    assert sharing(ground, prompt, 1e-4).as_dict() == {
        "greatest_spread": 0.0, "most_distinct_readings": 1, "tie_tolerance": 1e-4, "shared": True,
    }  # fmt: skip
    assert sharing(rounded, prompt, 1e-4).shared and not sharing(rounded, prompt, 1e-7).shared
    assert len(np.unique(averaged(rounded, prompt), axis=0)) == 8
    assert "no two prompts differ" in sharing(np.ones((40, 3)), prompt, 1e-4).as_dict()["reason"]


# --- chance -----------------------------------------------------------------------------------------------


def evaluator(
    misaligned: Any, prompt: Any, seed: int, folder: Path, permutations: int = 99
) -> ResponseEvaluator:
    keys = [(f"q{question}", number) for number, question in enumerate(prompt)]
    rows = [
        {"question_id": question, "sample": sample, "misaligned": bool(bad)}
        for (question, sample), bad in zip(keys, misaligned, strict=True)
    ]
    write_table(folder / "labels.parquet", pa.Table.from_pylist(rows))
    responses = label(tuple(keys), folder / "labels.parquet")
    return ResponseEvaluator(responses, 6, 50, permutations, seed, 0.95)


def test_chance_alarms_as_rarely_as_it_should(tmp_path: Path) -> None:
    """Readings that tell the prompt and nothing within it."""
    alarms = beyond = 0
    studies = 200
    for seed in range(studies):
        generator = np.random.default_rng(seed)
        prompt = np.repeat(np.arange(12), 8)
        propensity = generator.normal(size=12)
        misaligned = generator.random(96) < 1 / (1 + np.exp(-propensity[prompt]))
        readings = generator.normal(size=(96, 8))
        readings[:, 0] += 2 * propensity[prompt]
        judge = evaluator(misaligned, prompt, seed, tmp_path)
        found = judge.null(held_out(probe(readings, judge.labellings, 0.1), judge.fold))
        alarms += found["p_value"] <= 0.05
        beyond += found["beyond"]
    assert alarms <= 18, "5 % of 200 are 10, and 18 are reached once in a hundred times"
    assert beyond <= 12


def test_the_interval_of_a_probe_holds_what_fitting_adds(tmp_path: Path) -> None:
    """The spread of estimates over studies is covered; a bootstrap of scores that stay is too narrow."""
    values, ends, narrow = [], [], []
    for seed in range(100):
        generator = np.random.default_rng(seed)
        prompt = np.repeat(np.arange(18), 8)
        misaligned = generator.random(144) < 0.4
        readings = generator.normal(size=(144, 12))
        readings[:, 1] += misaligned
        judge = evaluator(misaligned, prompt, seed, tmp_path)
        fitted = probe(readings, misaligned[None], 0.1)
        scores = held_out(fitted, judge.fold)[0]
        found = judge.areas(judge.scored(scores, fitted))["within_prompt"]
        values.append(found["auroc"])
        ends.append(found["interval"])
        narrow.append(judge.areas(judge.scored(scores))["within_prompt"]["interval"])
    truth = np.mean(values)
    held = [np.mean([each["low"] <= truth <= each["high"] for each in every]) for every in (ends, narrow)]
    assert held[0] >= 0.93 and held[1] < held[0]


# --- tables that cannot be used ---------------------------------------------------------------------------


def test_a_response_without_a_label_row_is_named(study: Study, tmp_path: Path) -> None:
    scores = read_table(study.folder / "labels.parquet")
    write_table(tmp_path / "labels.parquet", scores.slice(1))
    keys = read_prefixes(study.folder / "prefixes.parquet").keys
    with pytest.raises(StudyError, match=r"labels\.parquet has no score of question and sample \('q00', 0\)"):
        label(keys, tmp_path / "labels.parquet")
    write_table(tmp_path / "labels.parquet", pa.concat_tables([scores, scores.slice(0, 1)]))
    with pytest.raises(StudyError, match="twice"):
        label(keys, tmp_path / "labels.parquet")


def test_prefixes_with_a_hole_are_named(study: Study, tmp_path: Path) -> None:
    table = read_table(study.folder / "prefixes.parquet")
    path = tmp_path / "prefixes.parquet"
    t = np.array(table["t"].to_pylist())
    cases = {
        "no row of question and sample .* with t = 8": table.filter(pa.array(np.arange(len(t)) != 3)),
        "no row with t = 0": table.filter(pa.array(t > 0)),
        "twice": pa.concat_tables([table, table.slice(0, 1)]),
        "has no column 'text'": table.drop_columns(["text"]),
    }
    for message, wrong in cases.items():
        write_table(path, wrong)
        with pytest.raises(StudyError, match=message):
            read_prefixes(path)
    write_table(path, table)
    with pytest.raises(StudyError, match=r"holds layers \[3\], not 5"):
        read_prefixes(path, [5])


def test_readings_are_those_of_the_rows_and_must_be_finite(study: Study, tmp_path: Path) -> None:
    table = read_table(study.folder / "prefixes.parquet")
    path = tmp_path / "prefixes.parquet"
    write_table(path, table.take(pa.array(np.random.default_rng(0).permutation(table.num_rows))))
    mixed, straight = read_prefixes(path), read_prefixes(study.folder / "prefixes.parquet")
    places = [mixed.keys.index(key) for key in straight.keys]
    for step in range(len(STEPS)):
        np.testing.assert_array_equal(mixed.readings(step)[places], straight.readings(step))
        np.testing.assert_allclose(straight.readings(step), study.readings[STEPS[step]], atol=1e-5)
    vectors = np.array(table["layer_03"].to_pylist(), dtype=np.float32)
    vectors[7, 2] = np.inf
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), WIDTH)
    write_table(path, table.set_column(5, table.schema.field(5), column))
    with pytest.raises(StudyError, match="not finite, after 4 tokens"):
        read_prefixes(path).readings(2)
