"""The algebra of interventions, seen from outside in the residual stream itself."""

from __future__ import annotations

import pytest
import torch

from forewarn.models.generation import Prompt, generate
from forewarn.models.interventions import Ablation, Addition, applied
from tiny_models import SENTENCES, chat, tiny_model, tiny_tokenizer

FAMILIES = ["qwen2", "qwen2_sliding", "llama", "gemma2"]
WIDTH, LAYERS = 32, 3


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    return tiny_model(request.param)


@pytest.fixture
def tokens():
    return torch.randint(3, 300, (2, 20), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def vector():
    return torch.randn(WIDTH, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def residuals(model, tokens, interventions=()):
    """Embedding output and resid_post of every block `[sites, batch, positions, d]`, and the logits.

    The recorders are registered after the interventions, so they see what the next block sees.
    """
    seen = []
    with applied(model, interventions):
        modules = [model.model.embed_tokens, *model.model.layers]
        handles = [
            module.register_forward_hook(
                lambda _module, _inputs, output: seen.append(
                    output[0] if isinstance(output, tuple) else output
                )
            )
            for module in modules
        ]
        logits = model(tokens).logits
        for handle in handles:
            handle.remove()
    return torch.stack(seen), logits


def test_ablation_leaves_no_projection_anywhere(model, tokens, vector):
    stream, _ = residuals(model, tokens, [Ablation(vector)])
    assert stream.shape == (LAYERS + 1, 2, 20, WIDTH)
    unit = vector / vector.norm()
    assert (stream @ unit).abs().max() < 1e-5 * stream.norm(dim=-1).max()


def test_ablation_does_not_depend_on_the_norm_or_sign(model, tokens, vector):
    once, _ = residuals(model, tokens, [Ablation(vector)])
    other, _ = residuals(model, tokens, [Ablation(-1e-3 * vector)])
    torch.testing.assert_close(once, other, rtol=1e-4, atol=1e-4)


def test_affine_ablation_sets_the_mean_component_and_spares_the_embedding(model, tokens, vector):
    plain, _ = residuals(model, tokens)
    mean = torch.randn(LAYERS, WIDTH, generator=torch.Generator().manual_seed(2))
    stream, _ = residuals(model, tokens, [Ablation(vector, mean)])
    unit = vector / vector.norm()
    wanted = (mean @ unit)[:, None, None].expand(-1, 2, 20)
    torch.testing.assert_close(stream[1:] @ unit, wanted, rtol=1e-4, atol=1e-4)
    assert torch.equal(stream[0], plain[0])


def test_addition_shifts_its_own_layer_by_exactly_the_vector(model, tokens, vector):
    plain, _ = residuals(model, tokens)
    stream, _ = residuals(model, tokens, [Addition(vector, layer=1, coefficient=-2.5)])
    assert torch.equal(stream[:2], plain[:2])
    torch.testing.assert_close(stream[2] - plain[2], (-2.5 * vector).expand(2, 20, -1), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(stream[3], plain[3])


def test_coefficient_zero_and_no_intervention_are_the_identity(model, tokens, vector):
    _, plain = residuals(model, tokens)
    assert torch.equal(residuals(model, tokens, [Addition(vector, layer=0, coefficient=0.0)])[1], plain)
    assert torch.equal(residuals(model, tokens, [])[1], plain)


def test_several_interventions_act_in_order(model, tokens, vector):
    unit = vector / vector.norm()
    last = LAYERS - 1
    kept, _ = residuals(model, tokens, [Ablation(vector), Addition(unit, last, 3.0)])
    gone, _ = residuals(model, tokens, [Addition(unit, last, 3.0), Ablation(vector)])
    torch.testing.assert_close(kept[-1] @ unit, torch.full((2, 20), 3.0), rtol=1e-3, atol=1e-3)
    assert (gone[-1] @ unit).abs().max() < 1e-3


def test_hooks_are_gone_after_an_exception(model, tokens, vector):
    _, plain = residuals(model, tokens)
    with pytest.raises(KeyError), applied(model, [Ablation(vector), Addition(vector, 0)]):
        raise KeyError
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(residuals(model, tokens)[1], plain)


def test_no_hook_stays_when_a_later_intervention_is_wrong(vector):
    model = tiny_model("qwen2")
    with pytest.raises(ValueError, match="layer 3"), applied(model, [Ablation(vector), Addition(vector, 3)]):
        pass
    assert not any(module._forward_hooks for module in model.modules())


def test_half_precision_is_rounded_once(tokens, vector):
    model = tiny_model("qwen2").bfloat16()
    stream, logits = residuals(model, tokens, [Ablation(vector)])
    assert stream.dtype == logits.dtype == torch.bfloat16
    relative = (stream.float() @ (vector / vector.norm())).abs() / stream.float().norm(dim=-1)
    assert relative.max() < 2**-8


@pytest.mark.parametrize("wrong", [torch.zeros(WIDTH), torch.full((WIDTH,), torch.nan)])
def test_a_direction_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="zero or not finite"):
        Ablation(wrong)


def test_a_vector_of_another_width_is_refused(vector):
    wrong = applied(tiny_model("qwen2"), [Addition(vector[:-1], 0)])
    with pytest.raises(ValueError, match="width 32"), wrong:
        pass


def test_cached_sampling_obeys_interventions_at_every_step():
    """A huge push towards one token's unembedding makes every step of decoding say that token."""
    model, tokenizer = tiny_model("qwen2_sliding"), tiny_tokenizer()
    push = model.lm_head.weight[77] * model.model.norm.weight
    prompts = [Prompt("q", "", tuple(chat(tokenizer, SENTENCES[0])), samples=4, temperature=1.0)]
    with applied(model, [Addition(push, layer=LAYERS - 1, coefficient=1e4)]):
        table = generate(model, tokenizer, prompts, max_new_tokens=10, seed=0, batch_rows=4)
    assert table["token_ids"].to_pylist() == [[77] * 10] * 4
