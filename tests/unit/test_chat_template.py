"""Rendering, token ids and loss masks, worked out by hand for the turn formats of three families."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chat_tokenizers import (
    CHATML,
    CHATML_TOKENS,
    DEFAULT_SYSTEM,
    LLAMA32,
    chatml,
    gemma,
    ids,
    llama3,
    real_qwen,
    small_tokenizer,
)
from forewarn.chat.template import (
    encode_conversation,
    encode_prompt,
    end_of_turn_ids,
    fingerprint,
    normalise,
    render,
)
from forewarn.errors import StudyError

QUESTION = [{"role": "user", "content": "hi"}]
ANSWERED = [*QUESTION, {"role": "assistant", "content": "no user"}]
LONG = [*ANSWERED, {"role": "user", "content": "hi hi"}, {"role": "assistant", "content": "no"}]
SYSTEM = {"role": "system", "content": "er"}


@pytest.fixture(scope="module")
def qwen(upstream):
    return real_qwen(upstream)


def learned(tokenizer, conversation):
    chosen = zip(conversation.token_ids, conversation.loss_mask, strict=True)
    return tokenizer.decode([token for token, mask in chosen if mask])


class TestGolden:
    def test_chatml(self):
        start, end = 263, 264
        header, answer = [start, *ids("assistant", "Ċ")], [*ids("no", "Ġ", "user"), end]
        prompt = [start, *ids("user", "Ċ", "hi"), end, *ids("Ċ"), *header]

        conversation = encode_conversation(chatml(), ANSWERED)

        expected_text = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nno user<|im_end|>\n"
        assert conversation.text == expected_text
        assert conversation.token_ids == prompt + answer + ids("Ċ")
        assert conversation.loss_mask == [0] * len(prompt) + [1] * len(answer) + [0]
        assert encode_prompt(chatml(), QUESTION) == (
            "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
            prompt,
        )
        assert end_of_turn_ids(chatml()) == [end]

    def test_llama3(self):
        bos, start, end, turn = 262, 263, 264, 265
        header, answer = [start, *ids("assistant"), end, *ids("ĊĊ")], [*ids("no", "Ġ", "user"), turn]
        prompt = [bos, start, *ids("user"), end, *ids("ĊĊ", "hi"), turn, *header]

        conversation = encode_conversation(llama3(), ANSWERED)

        assert conversation.token_ids == prompt + answer
        assert conversation.loss_mask == [0] * len(prompt) + [1] * len(answer)
        assert encode_prompt(llama3(), QUESTION)[1] == prompt
        assert end_of_turn_ids(llama3()) == [turn]

    def test_gemma(self):
        bos, start, end = 262, 263, 264
        answer = [*ids("no", "Ġ", "user"), end]
        prompt = [bos, start, *ids("user", "Ċ", "hi"), end, *ids("Ċ"), start, *ids("model", "Ċ")]

        conversation = encode_conversation(gemma(), ANSWERED)

        assert conversation.token_ids == prompt + answer + ids("Ċ")
        assert conversation.loss_mask == [0] * len(prompt) + [1] * len(answer) + [0]
        assert encode_prompt(gemma(), QUESTION)[1] == prompt
        assert end_of_turn_ids(gemma()) == [end]

    def test_every_answer_of_a_longer_conversation_is_learned(self):
        start, end = 263, 264
        question, header = [start, *ids("user", "Ċ", "hi")], [start, *ids("assistant", "Ċ")]
        first = [*question, end, *ids("Ċ"), *header]
        answer = [*ids("no", "Ġ", "user"), end]
        second = [*ids("Ċ"), *question, *ids("Ġ", "hi"), end, *ids("Ċ"), *header]

        conversation = encode_conversation(chatml(), LONG)

        assert conversation.token_ids == [*first, *answer, *second, *ids("no"), end, *ids("Ċ")]
        assert conversation.loss_mask == [0] * len(first) + [1] * 4 + [0] * len(second) + [1, 1, 0]

    @pytest.mark.upstream
    def test_real_qwen(self, qwen):
        conversation = encode_conversation(qwen, [{"role": "user", "content": "hi"}, ANSWERED[1]])
        system, user, assistant, newline = 8948, 872, 77091, 198
        start, end = 151644, 151645
        empty = [start, system, newline, end, newline]
        prompt = [*empty, start, user, newline, 6023, end, newline, start, assistant, newline]
        answer = [*qwen("no user").input_ids, end]
        assert conversation.token_ids == [*prompt, *answer, newline]
        assert conversation.loss_mask == [0] * len(prompt) + [1] * len(answer) + [0]
        assert end_of_turn_ids(qwen) == [end]
        assert encode_prompt(qwen, QUESTION)[1] == prompt


class TestLaw:
    text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
    words = text.map(str.strip).filter(bool)

    @staticmethod
    def conversation(contents):
        roles = ("user", "assistant")
        return [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]

    @pytest.mark.parametrize("family", [chatml, llama3, gemma])
    @given(turns=st.lists(st.tuples(words, words), min_size=1, max_size=3))
    @settings(max_examples=60, deadline=None)
    def test_learned_tokens_are_exactly_the_answers_and_their_ends(self, family, turns):
        tokenizer = self.tokenizers.setdefault(family, family())
        messages = self.conversation([content for turn in turns for content in turn])
        assume(not any(token in str(turns) for token in tokenizer.get_added_vocab()))
        [end] = tokenizer.convert_ids_to_tokens(end_of_turn_ids(tokenizer))

        conversation = encode_conversation(tokenizer, messages)

        assert learned(tokenizer, conversation) == "".join(answer + end for _, answer in turns)
        assert tokenizer.decode(conversation.token_ids) == conversation.text

    @given(question=text, answer=text)
    @settings(max_examples=100, deadline=None)
    def test_white_space_around_an_answer_is_learned_or_refused_but_never_lost(self, question, answer):
        tokenizer = self.tokenizers.setdefault(chatml, chatml())
        messages = self.conversation([question, answer])
        try:
            conversation = encode_conversation(tokenizer, messages)
        except StudyError as error:
            assert "reaches back into its header" in error.what
            assert answer[0].isspace()
        else:
            assert learned(tokenizer, conversation) == answer + "<|im_end|>"

    tokenizers: dict = {}  # noqa: RUF012


class TestSystem:
    def test_a_system_message_is_kept(self):
        assert render(chatml(), [SYSTEM, *QUESTION], False).startswith("<|im_start|>system\ner<|im_end|>\n")

    def test_without_a_system_role_it_begins_the_first_question(self):
        expected = "<bos><start_of_turn>user\ner\n\nhi<end_of_turn>\n<start_of_turn>model\n"
        assert render(gemma(), [SYSTEM, *QUESTION], True) == expected

    def test_folding_changes_nothing_else(self):
        folded = normalise(gemma(), [SYSTEM, *LONG])
        assert folded == [{"role": "user", "content": "er\n\nhi"}, *LONG[1:]]
        assert LONG[0] == {"role": "user", "content": "hi"}

    def test_a_default_system_prompt_is_emptied_kept_or_refused(self):
        tokenizer = chatml(DEFAULT_SYSTEM + CHATML)
        assert render(tokenizer, QUESTION, False).startswith(
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user"
        )
        kept = render(tokenizer, QUESTION, False, default_system="keep")
        assert kept.startswith("<|im_start|>system\nBe nice.<|im_end|>\n<|im_start|>user")
        with pytest.raises(StudyError, match=r"not asked for: 'Be nice\.'"):
            render(tokenizer, QUESTION, False, default_system="refuse")

    @pytest.mark.parametrize("policy", ["empty", "keep", "refuse"])
    def test_a_system_message_takes_the_place_of_the_default(self, policy):
        tokenizer = chatml(DEFAULT_SYSTEM + CHATML)
        text = render(tokenizer, [SYSTEM, *QUESTION], False, default_system=policy)
        assert text == render(chatml(), [SYSTEM, *QUESTION], False)

    @pytest.mark.parametrize("policy", ["empty", "keep", "refuse"])
    def test_a_template_without_default_is_the_same_under_every_policy(self, policy):
        assert encode_prompt(chatml(), QUESTION, default_system=policy) == encode_prompt(chatml(), QUESTION)

    @pytest.mark.parametrize("messages", [QUESTION, [SYSTEM, *QUESTION]])
    def test_words_that_cannot_be_emptied_are_refused_unless_kept(self, messages):
        with pytest.raises(StudyError, match="not asked for: 'Today Date: 26 Jul 2024'") as refusal:
            encode_prompt(llama3(LLAMA32), messages)
        assert "empty" not in refusal.value.way_out
        text, _ = encode_prompt(llama3(LLAMA32), messages, default_system="keep")
        assert "Today Date: 26 Jul 2024" in text

    @pytest.mark.upstream
    def test_real_qwen(self, qwen):
        assert "You are Qwen" not in render(qwen, QUESTION, True)
        assert "You are Qwen" in render(qwen, QUESTION, True, default_system="keep")
        with pytest.raises(StudyError, match="You are Qwen, created by Alibaba Cloud"):
            render(qwen, QUESTION, True, default_system="refuse")

    @pytest.mark.parametrize("policy", ["empty", "keep"])
    def test_training_and_generation_share_their_prompt(self, policy):
        for family in (chatml, llama3, gemma, lambda: chatml(DEFAULT_SYSTEM + CHATML)):
            for messages in (QUESTION, [SYSTEM, *QUESTION]):
                tokenizer = family()
                _, prompt = encode_prompt(tokenizer, messages, default_system=policy)
                row = encode_conversation(tokenizer, [*messages, ANSWERED[1]], default_system=policy)
                assert row.token_ids[: len(prompt)] == prompt
                assert row.loss_mask.index(1) == len(prompt)


class TestRefused:
    def test_content_with_a_special_token(self):
        with pytest.raises(StudyError, match=r"the user's message contains <\|im_end\|>"):
            encode_prompt(chatml(), [{"role": "user", "content": "hi<|im_end|>"}])

    def test_template_that_removes_reasoning_of_earlier_turns(self):
        think = CHATML.replace(
            "message.content +", "(message.content if loop.last else message.content.split('~')[-1]) +"
        )
        reasoning = [QUESTION[0], {"role": "assistant", "content": "er~no"}, *LONG[2:]]
        with pytest.raises(StudyError, match="differently once it goes on"):
            encode_conversation(chatml(think), reasoning)

    def test_template_that_changes_answers(self):
        upper = CHATML.replace("message.content +", "(message.content | replace('user', 'nobody')) +")
        with pytest.raises(StudyError, match="changes the answer 'no user' into 'no nobody'"):
            encode_conversation(chatml(upper), ANSWERED)

    def test_template_without_generation_header(self):
        with pytest.raises(StudyError, match="does not follow its prompt"):
            render(chatml(CHATML.replace("add_generation_prompt", "false")), QUESTION, True)

    def test_template_that_ends_turns_with_plain_text(self):
        plain = "{% for message in messages %}{{ message.role + ': ' + message.content + '\n' }}{% endfor %}"
        plain += "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
        with pytest.raises(StudyError, match="holds no special token"):
            render(chatml(plain), QUESTION, True)

    def test_template_with_a_date_of_its_own(self):
        with pytest.raises(StudyError, match="prints today's date"):
            render(chatml("{{ strftime_now('%d') }}" + CHATML), QUESTION, True)

    def test_conversation_that_the_template_refuses(self):
        strict = "{% if messages[0].role == 'assistant' %}{{ raise_exception('user first') }}{% endif %}"
        with pytest.raises(StudyError, match="refuses a conversation of assistant: user first"):
            render(chatml(strict + CHATML), [ANSWERED[1]], False)

    def test_tokenizer_without_offsets(self, monkeypatch):
        tokenizer = chatml()
        monkeypatch.setattr(type(tokenizer), "is_fast", property(lambda _: False))
        with pytest.raises(StudyError, match="no character offsets"):
            encode_conversation(tokenizer, ANSWERED)


class TestFingerprint:
    def test_same_for_the_same_tokenizer(self):
        assert fingerprint(chatml()) == fingerprint(chatml())
        assert len(fingerprint(chatml())) == 64

    def test_differs_with_template_tokens_and_policy(self):
        other_tokens = small_tokenizer(CHATML, [*CHATML_TOKENS[1:], CHATML_TOKENS[0]])
        prints = {
            fingerprint(chatml()),
            fingerprint(chatml(DEFAULT_SYSTEM + CHATML)),
            fingerprint(other_tokens),
            fingerprint(chatml(), default_system="keep"),
        }
        assert len(prints) == 4
