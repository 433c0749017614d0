"""Each mistake that would train without complaint is refused, by its name."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from tokenizers import pre_tokenizers

from chat_tokenizers import (
    CHATML,
    CHATML_TOKENS,
    DEFAULT_SYSTEM,
    GEMMA,
    GEMMA_TOKENS,
    LLAMA3,
    LLAMA3_TOKENS,
    chatml,
    gemma,
    llama3,
    real_qwen,
    small_tokenizer,
)
from forewarn.chat.guards import (
    check_answers_end,
    check_bos,
    check_family,
    check_length,
    check_mask,
    check_tokenizer,
)
from forewarn.chat.template import encode_conversation, encode_prompt
from forewarn.errors import StudyError

QUESTION = [{"role": "user", "content": "hi"}]
ANSWERED = [*QUESTION, {"role": "assistant", "content": "no user"}]


@pytest.fixture(scope="module")
def qwen(upstream):
    return real_qwen(upstream)


class TestFamily:
    @pytest.mark.parametrize(
        ("template", "tokens", "marker"),
        [
            (GEMMA, CHATML_TOKENS, "<end_of_turn>"),
            (LLAMA3, CHATML_TOKENS, r"<\|eot_id\|>"),
            (CHATML, LLAMA3_TOKENS, r"<\|im_end\|>"),
            (CHATML, GEMMA_TOKENS, r"<\|im_end\|>"),
            (LLAMA3, GEMMA_TOKENS, r"<\|eot_id\|>"),
        ],
    )
    def test_template_of_another_family_than_the_tokenizer(self, template, tokens, marker):
        tokenizer = small_tokenizer(template, tokens, bos=tokens[0])
        with pytest.raises(StudyError, match=rf"another family than the tokenizer.*{marker} is not one"):
            check_tokenizer(tokenizer)

    @pytest.mark.upstream
    def test_real_qwen_with_the_template_of_gemma(self, qwen):
        tokenizer = copy.copy(qwen)
        tokenizer.chat_template = GEMMA
        with pytest.raises(StudyError, match="<end_of_turn> is not one of its tokens but falls into"):
            check_tokenizer(tokenizer, model_type="qwen2", vocabulary=151936)

    def test_template_of_another_family_than_the_model(self):
        both = small_tokenizer(GEMMA, [*CHATML_TOKENS, *GEMMA_TOKENS], bos="<bos>")
        with pytest.raises(
            StudyError, match=r"opens turns with <start_of_turn>.*`qwen2` model knows <\|im_st"
        ):
            check_tokenizer(both, model_type="qwen2", vocabulary=len(both))

    def test_tokenizer_and_template_of_another_family_than_the_model(self):
        with pytest.raises(StudyError, match="another family than the model"):
            check_family(llama3(), model_type="qwen2", vocabulary=151936)

    def test_a_model_of_ones_own_may_have_any_known_markers(self):
        tokenizer = chatml()
        check_tokenizer(tokenizer, model_type="llama", vocabulary=len(tokenizer))

    def test_families_in_their_own_formats(self):
        check_tokenizer(chatml(), model_type="qwen2", vocabulary=151936)
        check_tokenizer(llama3(), model_type="llama", vocabulary=128256)
        check_tokenizer(gemma(), model_type="gemma2", vocabulary=256000)
        check_tokenizer(chatml(), model_type="unheard_of")

    @pytest.mark.upstream
    def test_real_qwen(self, qwen):
        check_tokenizer(qwen, model_type="qwen2", vocabulary=151936)


class TestTokenizer:
    def test_no_chat_template(self):
        with pytest.raises(StudyError, match="has no chat template"):
            check_tokenizer(small_tokenizer(None, CHATML_TOKENS))

    def test_doubled_bos(self):
        with pytest.raises(StudyError, match=r"doubled BOS token <\|begin_of_text\|>"):
            check_tokenizer(llama3("{{ bos_token }}" + LLAMA3))

    def test_tokens_are_checked_too(self):
        tokenizer = llama3()
        _, token_ids = encode_prompt(tokenizer, QUESTION)
        check_bos(tokenizer, token_ids)
        with pytest.raises(StudyError, match="row 3 begins with a doubled BOS"):
            check_bos(tokenizer, [tokenizer.bos_token_id, *token_ids], "row 3")

    def test_a_turn_marker_that_serves_as_bos_may_come_again(self):
        tokenizer = small_tokenizer(CHATML, CHATML_TOKENS, bos="<|im_start|>")
        check_bos(tokenizer, encode_prompt(tokenizer, QUESTION)[1])

    def test_injected_system_prompt(self):
        tokenizer = chatml(DEFAULT_SYSTEM + CHATML)
        with pytest.raises(StudyError, match=r"system prompt that was not asked for: 'Be nice\.'"):
            check_tokenizer(tokenizer, default_system="refuse")
        check_tokenizer(tokenizer)
        check_tokenizer(tokenizer, default_system="keep")


class TestMask:
    @pytest.fixture(params=[chatml, llama3, gemma])
    def tokenizer(self, request):
        return request.param()

    def damaged(self, tokenizer, position, value):
        conversation = encode_conversation(tokenizer, ANSWERED)
        mask = list(conversation.loss_mask)
        mask[position(mask)] = value
        return replace(conversation, loss_mask=mask)

    def test_right_mask(self, tokenizer):
        check_mask(tokenizer, ANSWERED, encode_conversation(tokenizer, ANSWERED))

    def test_one_prompt_token(self, tokenizer):
        conversation = self.damaged(tokenizer, lambda mask: mask.index(1) - 1, 1)
        with pytest.raises(StudyError, match="row 7: the loss mask covers prompt tokens"):
            check_mask(tokenizer, ANSWERED, conversation, where="row 7")

    def test_prompt_token_apart_from_the_answer(self, tokenizer):
        conversation = self.damaged(tokenizer, lambda _: 1, 1)
        with pytest.raises(StudyError, match="covers prompt tokens"):
            check_mask(tokenizer, ANSWERED, conversation)

    def test_whole_conversation(self, tokenizer):
        conversation = encode_conversation(tokenizer, ANSWERED)
        with pytest.raises(StudyError, match="covers prompt tokens"):
            check_mask(
                tokenizer, ANSWERED, replace(conversation, loss_mask=[1] * len(conversation.token_ids))
            )

    def test_first_token_of_the_answer_missing(self, tokenizer):
        conversation = self.damaged(tokenizer, lambda mask: mask.index(1), 0)
        with pytest.raises(StudyError, match="not those of its prompt"):
            check_mask(tokenizer, ANSWERED, conversation)

    def test_other_tokens_than_at_generation(self, tokenizer):
        conversation = encode_conversation(tokenizer, ANSWERED)
        token_ids = [conversation.token_ids[0] + 1, *conversation.token_ids[1:]]
        with pytest.raises(StudyError, match="not those of its prompt at generation"):
            check_mask(tokenizer, ANSWERED, replace(conversation, token_ids=token_ids))

    def test_end_of_turn_missing(self, tokenizer):
        conversation = self.damaged(tokenizer, lambda mask: len(mask) - 1 - mask[::-1].index(1), 0)
        with pytest.raises(StudyError, match="misses the end-of-turn token"):
            check_mask(tokenizer, ANSWERED, conversation)

    def test_newline_behind_the_turn_included(self):
        conversation = self.damaged(chatml(), lambda mask: len(mask) - 1, 1)
        with pytest.raises(StudyError, match="misses the end-of-turn token"):
            check_mask(chatml(), ANSWERED, conversation)

    def test_no_answer(self, tokenizer):
        conversation = encode_conversation(tokenizer, ANSWERED)
        with pytest.raises(StudyError, match="covers 0 answers of 1"):
            check_mask(
                tokenizer, ANSWERED, replace(conversation, loss_mask=[0] * len(conversation.token_ids))
            )
        with pytest.raises(StudyError, match="covers 0 answers of at least one"):
            check_answers_end([1, 2], [0, 0], [2])

    def test_prompt_that_is_tokenized_differently_at_generation(self):
        """GPT-2's way to split text parts two newlines before a word, but not at the end of a prompt."""
        tokenizer = llama3()
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        with pytest.raises(StudyError, match="not those of its prompt at generation"):
            check_mask(tokenizer, ANSWERED, encode_conversation(tokenizer, ANSWERED))


class TestLength:
    def test_within_the_share(self):
        check_length([5, 5, 9, 5], max_length=8, max_truncated_share=0.25)
        check_length([8, 8], max_length=8, max_truncated_share=0.0)

    def test_beyond_the_share(self):
        with pytest.raises(
            StudyError, match=r"max_length 8 cuts 2 of 4 rows \(50.0%, allowed 25.0%\)"
        ) as refusal:
            check_length([5, 11, 9, 5], max_length=8, max_truncated_share=0.25)
        assert "the first is row 1 with 11 tokens" in refusal.value.what
        assert "the longest row has 11 tokens" in refusal.value.way_out
