"""LoRA factors installed in a loaded model: as merged at scale 1, at any scale by module, gone afterwards."""

from __future__ import annotations

import pytest
import torch

from forewarn.errors import StudyError
from forewarn.models.load import load_model
from forewarn.models.lora import Factors, factors_of, read_factors, scaled_adapter, scaling_of
from tiny_models import tiny_model

MODULES = ["model.layers.0.self_attn.o_proj", "model.layers.1.mlp.down_proj"]
TOKENS = torch.arange(3, 19)[None]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """An instruct model and an adapter of it, as they lie on disk."""
    from peft import LoraConfig, get_peft_model

    folder = tmp_path_factory.mktemp("lora")
    model = tiny_model("qwen2")
    model.save_pretrained(folder / "instruct")
    config = LoraConfig(
        task_type="CAUSAL_LM", r=2, lora_alpha=8, use_rslora=True,
        target_modules=["o_proj", "down_proj"], layers_to_transform=[0, 1],
    )  # fmt: skip
    wrapped = get_peft_model(model, config)
    torch.manual_seed(1)
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.3)
    wrapped.save_pretrained(folder / "adapter")
    return folder / "instruct", folder / "adapter"


def logits(model):
    with torch.no_grad():
        return model(TOKENS).logits


def test_at_scale_1_it_is_the_merged_organism_and_afterwards_the_model_itself_to_the_bit(folders):
    source, adapter = folders
    model = load_model(source)
    before = logits(model)
    with scaled_adapter(model, read_factors(adapter)):
        assert torch.equal(logits(model), logits(load_model(source, adapter=adapter)))
    assert torch.equal(logits(model), before)


def test_scales_by_module_leave_the_others_out(folders):
    source, adapter = folders
    model, factors = load_model(source), read_factors(adapter)
    before = logits(model)
    with scaled_adapter(model, factors, dict.fromkeys(factors, 0.0)):
        assert torch.equal(logits(model), before)
    name = "model.layers.1.mlp.down_proj"
    weights = {module: model.get_submodule(module).weight.clone() for module in factors}
    with scaled_adapter(model, factors, {name: 5}):
        for module, weight in weights.items():
            added = model.get_submodule(module).weight - weight
            expected = 5 * 8 / 2**0.5 * factors[module].b @ factors[module].a if module == name else 0 * added
            assert torch.allclose(added, expected, atol=1e-5)
    with pytest.raises(ValueError, match="does not have: elsewhere"), scaled_adapter(
        model, factors, {"elsewhere": 1.0}
    ):  # fmt: skip
        pass


def test_the_model_is_itself_again_after_an_error(folders):
    source, adapter = folders
    model = load_model(source)
    before = logits(model)
    with pytest.raises(RuntimeError, match="stopped"), scaled_adapter(model, read_factors(adapter), 2.0):
        raise RuntimeError("stopped")
    assert torch.equal(logits(model), before)


def test_what_does_not_fit_is_refused(folders):
    model = load_model(folders[0])
    matrices = {"elsewhere.lora_A": torch.zeros(1, 32), "elsewhere.lora_B": torch.zeros(32, 1)}
    with pytest.raises(StudyError, match="has no elsewhere"), scaled_adapter(model, factors_of(matrices, 1)):
        pass
    wrong = {MODULES[0]: Factors(torch.zeros(1, 5), torch.zeros(32, 1), 1.0)}
    with pytest.raises(StudyError, match="does not fit"), scaled_adapter(model, wrong):
        pass
    with pytest.raises(StudyError, match="pairs"):
        factors_of({"elsewhere.lora_A": torch.zeros(1, 2)}, 1.0)
    with pytest.raises(StudyError, match="use_dora"):
        scaling_of({"r": 1, "lora_alpha": 2, "use_dora": True})
    with pytest.raises(StudyError, match="adapter"):
        read_factors(folders[0])
