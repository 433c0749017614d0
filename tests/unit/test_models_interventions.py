"""The algebra of interventions, seen from outside in the residual stream itself."""

from __future__ import annotations

import pytest
import torch

from forewarn.models.decoding import decode
from forewarn.models.generation import Prompt, generate
from forewarn.models.interventions import EMBEDDING, Ablation, Addition, applied
from forewarn.models.phase import reading
from forewarn.models.sampling import uniforms
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


def test_ablation_at_one_block_acts_there_alone(model, tokens, vector):
    plain, _ = residuals(model, tokens)
    stream, _ = residuals(model, tokens, [Ablation(vector, layer=1)])
    unit = vector / vector.norm()
    assert torch.equal(stream[:2], plain[:2])  # embedding and block 0
    wanted = plain[2] - (plain[2] @ unit)[..., None] * unit
    torch.testing.assert_close(stream[2], wanted, rtol=1e-4, atol=1e-4)
    assert (stream[3] @ unit).abs().max() > 0.01, "the next block may write it again"


def test_affine_ablation_at_one_block_takes_the_mean_of_that_block(model, tokens, vector):
    mean = torch.randn(LAYERS, WIDTH, generator=torch.Generator().manual_seed(2))
    stream, _ = residuals(model, tokens, [Ablation(vector, mean, layer=2)])
    unit = vector / vector.norm()
    wanted = (mean[2] @ unit).expand(2, 20)
    torch.testing.assert_close(stream[3] @ unit, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("wrong", [-1, LAYERS])
def test_an_ablation_at_a_block_that_does_not_exist_is_refused(vector, wrong):
    with pytest.raises(ValueError, match=f"layer {wrong} of a model with 3 blocks"):
        Ablation(vector, layer=wrong).sites(LAYERS)


AT_PROMPT = {
    "addition": lambda vector: Addition(vector, 1, 3.0, "prompt"),
    "ablation everywhere": lambda vector: Ablation(vector, positions="prompt"),
    "ablation at one block": lambda vector: Ablation(vector, layer=2, positions="prompt"),
}
TURNS = [SENTENCES[0], SENTENCES[3], "hi"]
STEPS = 5


@torch.inference_mode()
def by_hand(model, prompt, intervention, choose, phases):
    """Residual streams `[sites, tokens, d]` of one unpadded text that is read anew for every token.

    No cache, no batch: at every length the whole text is read, and the edits are made position by position
    with hooks of this test's own; `phases` are those in which they are made.
    """
    text = list(prompt)
    sites = [EMBEDDING, *range(LAYERS)]
    while True:
        seen = []

        def edit(_module, _inputs, output, seen=seen):
            hidden = (output[0] if isinstance(output, tuple) else output).clone()
            site = sites[len(seen)]
            for place in range(hidden.shape[1]):
                phase = "prompt" if place < len(prompt) else "answer"
                if intervention is not None and site in intervention.sites(LAYERS) and phase in phases:
                    hidden[0, place] = intervention.edit(site, hidden[0, place])
            seen.append(hidden[0])
            return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

        modules = [model.model.embed_tokens, *model.model.layers]
        handles = [module.register_forward_hook(edit) for module in modules]
        logits = model(torch.tensor([text]), use_cache=False).logits[0, -1]
        for handle in handles:
            handle.remove()
        if len(text) == len(prompt) + STEPS - 1:
            return torch.stack(seen), text[len(prompt) :]
        text.append(choose(logits))


@pytest.mark.parametrize("kind", AT_PROMPT)
def test_at_the_prompt_alone_decoding_agrees_with_reading_every_position_anew(model, vector, kind):
    """Left padding in the batch, sliding windows, several samples of a prompt: none of it may matter."""
    tokenizer = tiny_tokenizer()
    prompts = [chat(tokenizer, turn) for turn in TURNS]
    intervention = AT_PROMPT[kind](vector)
    seen = []

    def record(_module, _inputs, output):
        seen.append(output[0] if isinstance(output, tuple) else output)

    with applied(model, [intervention]):
        modules = [model.model.embed_tokens, *model.model.layers]
        handles = [module.register_forward_hook(record) for module in modules]
        chance = uniforms(list(range(6)), STEPS)
        responses = decode(model, prompts, [2, 2, 2], [0.0] * 3, chance, frozenset())
        for handle in handles:
            handle.remove()
    per_pass = len(modules)
    first, steps = torch.stack(seen[:per_pass]), [
        torch.stack(seen[start : start + per_pass]) for start in range(per_pass, len(seen), per_pass)
    ]  # fmt: skip
    for row, prompt in enumerate(prompts):
        stream, said = by_hand(model, prompt, intervention, lambda logits: int(logits.argmax()), ["prompt"])
        for response in responses[2 * row : 2 * row + 2]:
            assert response.token_ids[: STEPS - 1] == said
        read = first[:, row, -len(prompt) :]
        torch.testing.assert_close(read, stream[:, : len(prompt)], rtol=2e-3, atol=2e-3)
        for step, told in enumerate(steps):
            torch.testing.assert_close(
                told[:, 2 * row, 0], stream[:, len(prompt) + step], rtol=2e-3, atol=2e-3
            )
    everywhere, _ = by_hand(
        model, prompts[0], intervention, lambda logits: int(logits.argmax()), ["prompt", "answer"]
    )
    assert not torch.allclose(everywhere[-1, -1], steps[-1][-1, 0, 0], rtol=1e-2, atol=1e-2)


def test_steps_of_the_answer_are_left_untouched_to_the_bit(model, tokens, vector):
    with reading("answer"):
        plain, _ = residuals(model, tokens)
        spared, _ = residuals(model, tokens, [make(vector) for make in AT_PROMPT.values()])
    with reading("prompt"):
        changed, _ = residuals(model, tokens, [make(vector) for make in AT_PROMPT.values()])
    assert torch.equal(spared, plain)
    assert not torch.allclose(changed, plain)


def test_a_prompt_read_in_chunks_is_edited_in_all_of_them(model, vector):
    """The last chunk is one token long, as a step of decoding is; what is said about it decides."""
    from transformers.cache_utils import DynamicCache

    tokens = torch.randint(3, 300, (1, 13), generator=torch.Generator().manual_seed(4))
    edited = applied(model, [AT_PROMPT["ablation everywhere"](vector)])
    with torch.inference_mode(), edited, reading("prompt"):
        whole = model(tokens).logits[:, -1]
        cache = DynamicCache(config=model.config)
        for start, end in ((0, 5), (5, 12), (12, 13)):
            last = model(tokens[:, start:end], past_key_values=cache, use_cache=True).logits[:, -1]
    torch.testing.assert_close(last, whole, rtol=1e-3, atol=1e-3)


def test_a_pass_of_which_nobody_said_what_it_reads_is_refused_not_guessed(model, tokens, vector):
    with pytest.raises(RuntimeError, match="needs to know what the model reads"):
        residuals(model, tokens, [Addition(vector, 0, positions="prompt")])
    residuals(model, tokens, [Addition(vector, 0)])


def test_phases_nest_and_end():
    from forewarn.models.phase import reads_prompt

    with reading("prompt"):
        with reading("answer"):
            assert not reads_prompt()
        assert reads_prompt()
    with pytest.raises(RuntimeError):
        reads_prompt()
