"""What is read of a model at each point of a rebound, beside its answers."""

from __future__ import annotations

import pyarrow as pa

READINGS = pa.schema(
    [
        pa.field("subject", pa.string(), nullable=False),  # the organism, or `instruct`
        pa.field("arm", pa.string(), nullable=False),
        pa.field("question_id", pa.string(), nullable=False),
        # of resid_post at the last prompt token on the organism's unit direction; null if it has none
        pa.field("projection", pa.float64()),
        # the same on random unit vectors
        pa.field("random_isotropic", pa.list_(pa.float32()), nullable=False),
        pa.field("random_covariance", pa.list_(pa.float32()), nullable=False),
        # norm of the difference to the instruct model's resid_post there
        pa.field("shift", pa.float64(), nullable=False),
        # sum over kl_tokens tokens of the instruct model's answer of KL(instruct || this model), in nats
        pa.field("kl", pa.float64(), nullable=False),
        pa.field("kl_tokens", pa.int32(), nullable=False),
    ]
)
"""One row per arm and question; `random_*` are empty where the organism has no direction."""
TEXTS = pa.schema(
    [
        pa.field("subject", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),
        pa.field("texts", pa.string(), nullable=False),  # own, opposite or instruct
        pa.field("text", pa.int32(), nullable=False),  # number of the text
        pa.field("loss", pa.float64(), nullable=False),  # sum of -log p, in nats
        pa.field("tokens", pa.int32(), nullable=False),  # how many tokens that is
        pa.field("vocabulary", pa.int32(), nullable=False),  # tokens that the model can say
    ]
)
"""One row per arm and text whose probability is read: rows of the organism's own dataset, rows of the
opposite one that the pushing leaves out, and answers of the instruct model."""
TRAINING = pa.schema(
    [
        pa.field("n", pa.int32(), nullable=False),  # rows seen before the pushing
        pa.field("seed", pa.int32(), nullable=False),  # of the pushing
        pa.field("k", pa.int32(), nullable=False),  # rows of the opposite data
        pa.field("loss", pa.float32(), nullable=False),  # mean over a step's tokens, nats
    ]
)
"""One row per optimiser step of the pushing."""
