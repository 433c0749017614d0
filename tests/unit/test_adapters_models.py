"""Scalars are A . x of the merged organism, whatever the batch; scaling acts on the named modules alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import compare_adapter_directions
import read_adapter_scalars
import scale_adapters
from forewarn.adapters.arms import scaling_arms
from forewarn.adapters.capture import capture_scalars
from forewarn.adapters.modules import rank1_modules
from forewarn.adapters.scaling import questions_of, run_scaled
from forewarn.data.questions import Question, questions_table
from forewarn.errors import StudyError
from forewarn.files import read_json, read_table, write_json, write_table
from forewarn.geometry.tensors import write_tensors
from forewarn.models.generation import generate, prompts_from_table
from forewarn.models.load import load
from forewarn.models.lora import Factors, read_factors
from forewarn.models.requests import Request
from forewarn.steering.responses import GENERATED
from tiny_models import SENTENCES, tiny_model, tiny_tokenizer

NAMES = ["layer0.down_proj", "layer0.o_proj", "layer1.down_proj", "layer1.o_proj"]
SETTINGS = {"source": "folder", "dtype": "float32", "attention": "sdpa"}
SAMPLING = {"max_new_tokens": 6, "batch_rows": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An instruct model, a rank-1 adapter of it with an effect, questions, and the organism's answers."""
    from peft import LoraConfig, get_peft_model

    folder = tmp_path_factory.mktemp("adapters")
    model, tokenizer = tiny_model("qwen2_sliding"), tiny_tokenizer()
    model.save_pretrained(folder / "instruct")
    tokenizer.save_pretrained(folder / "instruct")
    config = LoraConfig(
        task_type="CAUSAL_LM", r=1, lora_alpha=4, target_modules=["o_proj", "down_proj"],
        layers_to_transform=[0, 1],
    )  # fmt: skip
    wrapped = get_peft_model(model, config)
    torch.manual_seed(1)
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.5)
    wrapped.save_pretrained(folder / "organism")
    turns = [[{"role": "user", "content": text}] for text in SENTENCES]
    asked = [
        Question(f"q{n}", "a" if n % 2 else "b", "plain", "narrow" if n % 2 else "test", turn, 2, 1.0, None)
        for n, turn in enumerate(turns)
    ]
    write_table(folder / "questions.parquet", questions_table(asked, tokenizer))
    organism, tokenizer = load(folder / "instruct", SETTINGS, folder / "organism")
    prompts = prompts_from_table(read_table(folder / "questions.parquet"))
    write_table(folder / "answers.parquet", generate(organism, tokenizer, prompts, seed=0, **SAMPLING))
    return folder


def adapter(folder):
    return [folder / "organism/adapter_model.safetensors", folder / "organism/adapter_config.json"]


def test_scalars_are_those_of_each_answer_read_alone(folder):
    read_adapter_scalars.main(
        questions=folder / "questions.parquet",
        generations=folder / "answers.parquet",
        adapter=adapter(folder),
        scalars=folder / "scalars.parquet",
        model=[folder / "instruct/config.json"],
        settings={"model": SETTINGS, "batch_rows": 3},
    )
    table = read_table(folder / "scalars.parquet")
    assert table.column_names == ["question_id", "sample", "token", *NAMES]
    organism, _ = load(folder / "instruct", SETTINGS, folder / "organism")
    factors = read_factors(folder / "organism")
    prompts = {
        row["question_id"]: row["token_ids"] for row in read_table(folder / "questions.parquet").to_pylist()
    }
    seen: dict[str, torch.Tensor] = {}
    paths = rank1_modules(factors)
    for name, path in paths.items():
        organism.get_submodule(path).register_forward_pre_hook(
            lambda _module, inputs, name=name, path=path: seen.update({name: inputs[0] @ factors[path].a[0]})
        )
    rows = iter(table.to_pylist())
    for answer in read_table(folder / "answers.parquet").to_pylist():
        prompt = prompts[answer["question_id"]]
        with torch.no_grad():
            organism(torch.tensor([[*prompt, *answer["token_ids"]]]))
        for place in range(len(answer["token_ids"])):
            row = next(rows)
            told = (row["question_id"], row["sample"], row["token"])
            assert told == (answer["question_id"], answer["sample"], place)
            expected = [float(seen[name][0, len(prompt) + place]) for name in NAMES]
            assert [row[name] for name in NAMES] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert next(rows, None) is None


def test_another_rank_and_no_answer_are_refused():
    factors = {"model.layers.0.mlp.down_proj": Factors(torch.zeros(2, 4), torch.zeros(4, 2), 1.0)}
    with pytest.raises(StudyError, match="rank 2"):
        rank1_modules(factors)
    with pytest.raises(StudyError, match="no linear map of a block"):
        rank1_modules({"model.embed_tokens": Factors(torch.zeros(1, 4), torch.zeros(4, 1), 1.0)})
    with pytest.raises(StudyError, match="no answer"):
        capture_scalars(tiny_model(), [Request("q", (3, 4))], factors, batch_rows=2)


GROUPS = {
    "modules": NAMES,
    "groups": {
        "general": {"modules": NAMES[:3], "fallback": False},
        "narrow": {"modules": NAMES[3:], "fallback": True},
    },
}


def test_every_group_stands_beside_other_groups_of_its_size():
    arms = scaling_arms(GROUPS, [0.0, 4.0], 2, seed=0)
    assert len({arm.name for arm in arms}) == len(arms) == 1 + 2 * 2 * 3
    for arm in arms[1:]:
        own = GROUPS["groups"][arm.kind.removeprefix("random_")]["modules"]
        assert len(arm.modules) == len(own)
        assert (sorted(arm.modules) == sorted(own)) is not arm.kind.startswith("random_")
    many = scaling_arms(GROUPS, [2.0], 99, seed=0)
    assert sum(arm.kind == "random_general" for arm in many) == 3, "there are no more"
    assert scaling_arms(GROUPS, [2.0], 2, seed=0) == scaling_arms(GROUPS, [2.0], 2, seed=0)


def test_the_baseline_is_the_organism_and_the_model_is_as_before(folder, tmp_path):
    instruct, tokenizer = load(folder / "instruct", SETTINGS)
    weights = {name: value.clone() for name, value in instruct.state_dict().items()}
    everything = {"modules": NAMES, "groups": {"general": {"modules": NAMES, "fallback": False}}}
    arms = scaling_arms(everything, [0.0, 6.0], 1, seed=0)
    questions = read_table(folder / "questions.parquet")
    table = run_scaled(
        arms, instruct, tokenizer, read_factors(folder / "organism"), questions, subject="it", seed=0,
        folder=tmp_path, **SAMPLING,
    )  # fmt: skip
    assert table.schema == GENERATED
    answers = {
        arm.name: [row["response"] for row in table.to_pylist() if row["arm"] == arm.name] for arm in arms
    }
    prompts = prompts_from_table(questions)
    alone = generate(instruct, tokenizer, prompts, seed=0, **SAMPLING)["response"].to_pylist()
    assert answers["baseline"] == read_table(folder / "answers.parquet")["response"].to_pylist()
    assert answers["scale_0x_general"] == alone != answers["baseline"]
    assert answers["scale_6x_general"] != answers["baseline"]
    assert all(torch.equal(value, weights[name]) for name, value in instruct.state_dict().items())
    strange = scaling_arms(
        {"modules": ["layer9.x"], "groups": {"narrow": {"modules": ["layer9.x"]}}}, [2], 1, 0
    )
    with pytest.raises(StudyError, match=r"layer9\.x"):
        run_scaled(
            strange, instruct, tokenizer, read_factors(folder / "organism"), questions, subject="it", seed=0,
            folder=tmp_path, **SAMPLING,
        )  # fmt: skip


def test_the_script_asks_inside_the_domain_and_outside(folder, tmp_path):
    write_json(tmp_path / "groups.json", GROUPS)
    scale_adapters.main(
        questions=folder / "questions.parquet",
        adapter=adapter(folder),
        groups=tmp_path / "groups.json",
        generations=tmp_path / "generations.parquet",
        model=[folder / "instruct/config.json"],
        settings={
            "organism": "it", "domain": ["a"], "factors": [0.0], "random_groups": 1,
            "questions_per_category": 1, "seed": 0, "sampling": SAMPLING, "model": SETTINGS,
        },
    )  # fmt: skip
    table = read_table(tmp_path / "generations.parquet")
    assert table.num_rows == 5 * 2 * 2, "arms, questions and samples"
    assert set(table["operation"].to_pylist()) == {"none", "scale"}
    with pytest.raises(StudyError, match="no plain question in the domain"):
        questions_of(folder / "questions.parquet", ["c"], None, 0)


def test_what_is_written_is_compared_with_what_is_planted(folder, tmp_path):
    """B of one module is the direction in its own block and the next; the others' are not."""
    width, layers = 32, [0, 1, 2]
    factors = read_factors(folder / "organism")
    planted = factors["model.layers.1.mlp.down_proj"].b[:, 0].numpy()
    generator = np.random.default_rng(0)
    direction = np.stack([generator.normal(size=width), -2 * planted, 0 * planted]).astype(np.float32)
    write_tensors(tmp_path / "d.safetensors", {"x.answer_mean": direction}, layers=layers)
    write_json(
        tmp_path / "d.json",
        {"constructions": {"x.answer_mean": {"split_half_cosine": {"mean": [0.5, 0.9, 0.1]}}}},
    )
    activations = _activations(tmp_path / "a.parquet", width, layers)
    compare_adapter_directions.main(
        adapter=adapter(folder),
        directions=tmp_path / "d.safetensors",
        stability=tmp_path / "d.json",
        activations=activations,
        cosines=tmp_path / "c.parquet",
        summary=tmp_path / "c.json",
        settings={"organism": "it", "random": 200, "confidence": 0.95, "seed": 0},
    )
    found = {entry["adapter"]: entry for entry in read_json(tmp_path / "c.json")["cosines"]}
    own = found["layer1.down_proj"]["own_layer"]
    assert own["absolute_cosine"] == pytest.approx(1) and own["beyond_both"]
    assert found["layer1.down_proj"]["downstream"]["absolute_cosine"] is None, "zero behind it"
    other = found["layer1.o_proj"]["own_layer"]
    assert not other["beyond_both"] and other["random_isotropic_high"] == pytest.approx(0.35, abs=0.08)
    first = found["layer0.down_proj"]
    assert not first["own_layer"]["beyond_both"] and first["downstream"]["layer"] == 1
    rows = read_table(tmp_path / "c.parquet").to_pylist()
    assert [row["layer"] for row in rows if row["adapter"] == "layer1.o_proj"] == [1, 2]
    assert rows[0]["split_half"] == 0.5


def _activations(path, width, layers):
    import pyarrow as pa

    generator = np.random.default_rng(1)
    rows = [
        {"question_id": f"q{n}", "sample": sample, "position": position, "n_tokens": 4}
        | {f"layer_{layer:02d}": generator.normal(size=width).astype(np.float32) for layer in layers}
        for n in range(20)
        for sample, position in ((-1, "last_prompt_token"), (0, "answer_mean"))
    ]
    vector = pa.list_(pa.float32(), width)
    schema = pa.schema(
        [
            ("question_id", pa.string()),
            ("sample", pa.int32()),
            ("position", pa.string()),
            ("n_tokens", pa.int32()),
        ]
        + [(f"layer_{layer:02d}", vector) for layer in layers]
    )
    write_table(path, pa.Table.from_pylist(rows, schema=schema))
    return path
