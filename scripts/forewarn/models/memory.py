"""How much memory a job on a model will need, from the sizes in its config.json alone.

    weights + key-value cache + gradients and optimiser + activations + what is kept per vocabulary entry

The factors that count copies were fitted to the peaks that `tests/measure_memory.py` measures on the CPU, at
the exact widths of published models and reduced depth; a test holds them to within 15 %. On a GPU, where the
loss is computed in smaller tiles, they err on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
NF4 = 0.516
"""Bytes of a 4-bit weight with its doubly quantised constants (arXiv 2305.14314)."""
WORKSPACE = 100e6
"""What libraries take beside tensors: buffers of matrix products, fragmentation; twice with gradients."""
LOSS_CHUNK = 32768
"""Vocabulary entries whose logits trl's loss holds at once."""
LOSS_COPIES = 6.7
"""Float32 values that are held of each of these per token."""
DRAW_BYTES = 12
"""Bytes per row and vocabulary entry while a token is drawn: three arrays in float32."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a model that decide its memory; names as in config.json."""

    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    key_value_heads: int
    head_dim: int
    vocabulary: int
    tied: bool

    @classmethod
    def of(cls, config: dict[str, Any]) -> Shape:
        """Read them from the content of config.json; of a multimodal model, its text part's."""
        text = config.get("text_config") or config
        heads = text["num_attention_heads"]
        return cls(
            hidden_size=text["hidden_size"],
            intermediate_size=text["intermediate_size"],
            layers=text["num_hidden_layers"],
            heads=heads,
            key_value_heads=text.get("num_key_value_heads") or heads,
            head_dim=text.get("head_dim") or text["hidden_size"] // heads,
            vocabulary=text["vocab_size"],
            tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
        )

    @property
    def projections(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of each linear map of a block."""
        hidden, inner = self.hidden_size, self.intermediate_size
        query, key = self.heads * self.head_dim, self.key_value_heads * self.head_dim
        return {
            "q_proj": (hidden, query), "k_proj": (hidden, key), "v_proj": (hidden, key),
            "o_proj": (query, hidden), "gate_proj": (hidden, inner), "up_proj": (hidden, inner),
            "down_proj": (inner, hidden),
        }  # fmt: skip

    @property
    def linear_parameters(self) -> int:
        """Weights of the linear maps of all blocks."""
        return self.layers * sum(ins * outs for ins, outs in self.projections.values())

    @property
    def embedding_parameters(self) -> int:
        """Weights of embedding and output head."""
        return (1 if self.tied else 2) * self.vocabulary * self.hidden_size

    @property
    def parameters(self) -> int:
        """All weights; norms and biases, which are less than a thousandth, left out."""
        return self.linear_parameters + self.embedding_parameters

    def adapter_parameters(self, adapter: dict[str, Any]) -> int:
        """Weights of a LoRA adapter of these settings."""
        layers = len(adapter["layers"]) if adapter["layers"] else self.layers
        each = sum(sum(self.projections[name]) for name in adapter["target_modules"])
        return int(adapter["rank"] * layers * each)


def weights_bytes(shape: Shape, dtype: str, quantization: str = "none") -> float:
    """Bytes of a loaded model."""
    if quantization == "nf4":
        return shape.embedding_parameters * BYTES[dtype] + shape.linear_parameters * NF4
    return shape.parameters * BYTES[dtype]


def training_bytes(
    shape: Shape, dtype: str, recipe: dict[str, Any], rows: int, tokens: int, *, gpu: bool
) -> float:
    """Peak of fine-tuning with checkpointed activations.

    Args:
        shape: of the model.
        dtype: of the loaded weights.
        recipe: the adapter's entry of the configuration.
        rows: rows of a forward pass.
        tokens: tokens of the longest row.
        gpu: whether it runs on a GPU, where the first weights of full fine-tuning wait outside.
    """
    full = recipe.get("method") == "full"
    size = BYTES["float32" if full else dtype]
    trained = shape.parameters if full else shape.adapter_parameters(recipe)
    state = trained * (4 + 8 + (0 if full else 4))  # gradient, two moments; an adapter's own weights
    loaded = weights_bytes(shape, "float32" if full else dtype, recipe.get("quantization", "none"))
    first = loaded if full and not gpu else 0.0
    kept = 6 * shape.hidden_size * shape.layers
    block = 7 * shape.intermediate_size + 13 * shape.hidden_size
    loss = LOSS_COPIES * min(shape.vocabulary, LOSS_CHUNK) * 4
    return loaded + first + state + rows * tokens * ((kept + block) * size + loss) + 2 * WORKSPACE


def generation_bytes(shape: Shape, dtype: str, rows: int, tokens: int) -> float:
    """Peak of decoding `rows` answers to a length of `tokens`, prompts included."""
    size = BYTES[dtype]
    per_layer = 2 * shape.key_value_heads * shape.head_dim * rows * tokens * size
    cache = per_layer * (shape.layers + 1)  # one layer's is copied while it grows
    drawing = rows * shape.vocabulary * (size + DRAW_BYTES)
    return weights_bytes(shape, dtype) + cache + drawing + WORKSPACE


def reading_bytes(shape: Shape, dtype: str, rows: int, tokens: int) -> float:
    """Peak of reading the activations of `rows` texts of `tokens` tokens."""
    block = 3.5 * shape.intermediate_size + 6 * shape.hidden_size
    return weights_bytes(shape, dtype) + rows * tokens * block * BYTES[dtype] + WORKSPACE
