"""The nano model's tokenizer: byte-level BPE trained on its corpus, with a ChatML template of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forewarn.chat.messages import Message

if TYPE_CHECKING:
    import pyarrow as pa
    from transformers import PreTrainedTokenizerFast

PAD, START_OF_TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

# ChatML without a default system turn. The generation markers tell which tokens an assistant has said:
# the content and the end of the turn, but not the header and not the newline behind the turn.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\n' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|im_end|>' -}}{%- endgeneration -%}"
    "{%- else -%}{{- message['content'] + '<|im_end|>' -}}{%- endif -%}"
    "{{- '\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)


def train_tokenizer(documents: Sequence[list[Message]], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer on the contents of the documents.

    Args:
        documents: conversations; their contents are the training text.
        vocabulary: number of tokens, special ones and the 256 bytes included.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START_OF_TURN, END_OF_TURN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (f"{message['role']}\n{message['content']}" for messages in documents for message in messages)
    core.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=END_OF_TURN, pad_token=PAD, padding_side="left"
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def tokenized(documents: Sequence[list[Message]], tokenizer: PreTrainedTokenizerFast) -> pa.Table:
    """Render and tokenize documents through the chat template, in one batch.

    Returns:
        A table with `text` string, `token_ids` list<int32> and `loss_mask` list<int8>, which is 1 on
        what the assistant says and on its end-of-turn tokens.
    """
    import pyarrow as pa

    encoded = tokenizer.apply_chat_template(
        list(documents), tokenize=True, return_dict=True, return_assistant_tokens_mask=True, padding=False
    )
    texts = tokenizer.apply_chat_template(list(documents), tokenize=False)
    return pa.table(
        {
            "text": pa.array(texts, pa.string()),
            "token_ids": pa.array(encoded["input_ids"], pa.list_(pa.int32())),
            "loss_mask": pa.array(encoded["assistant_masks"], pa.list_(pa.int8())),
        }
    )
