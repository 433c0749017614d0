"""What is learned about a template by rendering with it."""

from __future__ import annotations

import pytest

from chat_tokenizers import CHATML, DEFAULT_SYSTEM, LLAMA32, chatml, gemma, llama3, small_tokenizer
from forewarn.chat.layout import layout

MISTRAL = """\
{{- bos_token }}
{%- for message in messages -%}
{%- if message.role == 'user' %}{{ ' [INST] ' + message.content + ' [/INST]' }}
{%- elif message.role == 'system' %}{{ raise_exception('no system role') }}
{%- else %}{{ ' ' + message.content + '</s>' }}{% endif -%}
{%- endfor -%}
"""


@pytest.mark.parametrize(
    ("tokenizer", "closing", "end", "has_system", "injected", "beside"),
    [
        (chatml(), "<|im_end|>\n", "<|im_end|>", True, "", ""),
        (chatml(DEFAULT_SYSTEM + CHATML), "<|im_end|>\n", "<|im_end|>", True, "Be nice.", ""),
        (llama3(), "<|eot_id|>", "<|eot_id|>", True, "", ""),
        (llama3(LLAMA32), "<|eot_id|>", "<|eot_id|>", True, *["Today Date: 26 Jul 2024"] * 2),
        (gemma(), "<end_of_turn>\n", "<end_of_turn>", False, "", ""),
        (
            small_tokenizer(MISTRAL, ["<s>", "[INST]", "[/INST]", "</s>"], "<s>"),
            "</s>",
            "</s>",
            False,
            "",
            "",
        ),
    ],
    ids=["chatml", "chatml with default", "llama 3", "llama 3.2", "gemma", "mistral"],
)
def test_layout(tokenizer, closing, end, has_system, injected, beside):
    found = layout(tokenizer)
    assert (found.closing, found.end_of_turn) == (closing, end)
    assert (found.has_system, found.injected, found.injected_beside_system) == (has_system, injected, beside)


def test_markers_are_those_of_the_turns():
    assert set(layout(gemma()).markers) == {"<start_of_turn>", "<end_of_turn>"}
    assert set(layout(llama3()).markers) == {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}


def test_a_new_template_is_learned_anew():
    tokenizer = chatml()
    assert layout(tokenizer).injected == ""
    tokenizer.chat_template = DEFAULT_SYSTEM + CHATML
    assert layout(tokenizer).injected == "Be nice."
