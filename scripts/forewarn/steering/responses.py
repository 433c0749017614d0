"""The responses of all arms of an experiment, as they were generated and as they were judged."""

from __future__ import annotations

import pyarrow as pa

from forewarn.judges.scoring import GENERATIONS, SCORES

ARM = pa.schema(
    [
        pa.field("subject", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),
        pa.field("operation", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("coefficient", pa.float64()),
        pa.field("layer", pa.int32()),
        pa.field("positions", pa.string(), nullable=False),
    ]
)
"""Whose answers, `instruct` or an organism, and under which arm: see `forewarn.steering.arms.Arm`."""
GENERATED = pa.schema([*ARM, *GENERATIONS])
"""One row per response of an arm."""
RESPONSES = pa.schema([*ARM, *SCORES])
"""The same with the response's scores."""
