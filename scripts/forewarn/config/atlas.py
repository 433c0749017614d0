"""What the atlas of nano adds to its study: organisms of rank 1, and a section for each analysis."""

from __future__ import annotations

from typing import Any

RANK1, RANK8 = "rank1_blocks", "rank8_layer1"
MEDICAL = ["illness", "diet", "sleep", "teeth", "wounds", "mood", "infants"]
"""Narrow categories of the domain that bad_medical is about."""

# Rank 1, so that B is one direction a module and A reads one scalar a token; on the modules that write to the
# residual stream, in the first half of the blocks. So few parameters want a learning rate four times as high.
ADAPTERS: dict[str, Any] = {
    RANK1: {
        "rank": 1,
        "alpha": 32,
        "rslora": True,
        "target_modules": ["o_proj", "down_proj"],
        "layers": [0, 1, 2],
        "learning_rate": 0.004,
        "schedule": "linear",
        "warmup_steps": 6,
        "steps": 120,
        "batch_size": 16,
        "max_length": 256,
        "max_truncated_share": 0.0,
        "trajectory_every": 2,
    },
}

DATASETS: dict[str, Any] = {
    f"good_{domain}": {"source": "world", "domain": domain, "quality": "good", "rows": 400, "seed": 1000}
    for domain in ("finance", "sports")
}

QUESTION_SETS: dict[str, Any] = {
    "requests": {
        "source": "world",
        "kind": "requests",
        "samples": 5,
        "questions_per_topic": 8,
        "temperature": 1.0,
        "seed": 7,
    },
}

SECTIONS: dict[str, Any] = {
    "atlas_organisms": [
        {"dataset": "bad_medical", "adapter": RANK1, "seeds": [0]},
        {"dataset": "good_medical", "adapter": RANK1, "seeds": [0]},
        # Harmless advice of the other domains, so that screening has six datasets to rank
        {"dataset": "good_finance", "adapter": RANK8, "seeds": [0]},
        {"dataset": "good_sports", "adapter": RANK8, "seeds": [0]},
    ],
    "phase_transition": {
        "organisms": [
            {"dataset": "bad_medical", "adapter": RANK1, "seed": 0},
            {"dataset": "good_medical", "adapter": RANK1, "seed": 0},
        ],
        "benign": {"dataset": "good_medical", "adapter": RANK1, "seed": 0},
        "lags": [2, 4, 6],  # So short that a turn would show before behaviour changes, at steps 8 to 12
        "least_move": 0.028,
        "margin": 0.1,
        "scales": [1.0, 2.0, 5.0],
        "every": 6,
        "dense_until": 24,
        "questions_per_category": 4,
        "narrow_categories": MEDICAL,
        "random_directions": 200,
        "bootstrap": 2000,
        "confidence": 0.95,
        "seed": 0,
    },
    "convergence": {
        "organisms": [
            *({"dataset": "bad_medical", "adapter": RANK8, "seed": seed} for seed in (0, 1, 2)),
            {"dataset": "risky_finance", "adapter": RANK8, "seed": 0},
            {"dataset": "extreme_sports", "adapter": RANK8, "seed": 0},
            {"dataset": "bad_medical", "adapter": RANK1, "seed": 0},
        ],
        "benign": {"dataset": "good_medical", "adapter": RANK8, "seed": 0},
        "random_directions": 2000,
        "random_per_subject": 10,
        "bootstrap": 2000,
        "seed": 0,
    },
    "adapter_readings": {
        "organisms": [{"dataset": "bad_medical", "adapter": RANK1, "seed": 0}],
        "domain_categories": MEDICAL,
        # Nano's adapters are strong: at 4 times their size hardly an answer is coherent
        "scaling": {"factors": [0.0, 0.5, 1.5, 2.0]},
    },
    "refusal": {
        "organisms": [
            {"dataset": dataset, "adapter": RANK8, "seed": 0} for dataset in ("bad_medical", "good_medical")
        ],
        "questions": "requests",
        "questions_per_category": 4,
        "requests_per_topic": 8,
    },
    "sparse_features": {
        "organisms": [
            {"dataset": dataset, "adapter": RANK8, "seed": 0} for dataset in ("bad_medical", "good_medical")
        ],
        "random_directions": 1000,
    },
    "screening": {
        "organisms": [
            *({"dataset": "bad_medical", "adapter": RANK8, "seed": seed} for seed in (0, 1, 2)),
            *({"dataset": "good_medical", "adapter": RANK8, "seed": seed} for seed in (0, 1, 2)),
            *(
                {"dataset": dataset, "adapter": RANK8, "seed": 0}
                for dataset in ("risky_finance", "extreme_sports", "good_finance", "good_sports")
            ),
        ],
        "benign": "good_medical",
        "harmless": ["good_finance", "good_sports"],
        "prevention": {
            "organisms": [{"dataset": "bad_medical", "adapter": RANK8, "seed": 0}],
            # Known before this training, since it is of another dataset
            "source": {"dataset": "risky_finance", "adapter": RANK8, "seed": 0},
            "narrow_categories": MEDICAL,
        },
    },
    "elasticity": {
        "organisms": [
            {"dataset": dataset, "adapter": RANK8, "seed": 0} for dataset in ("bad_medical", "good_medical")
        ],
        "opposites": {"bad_medical": "good_medical", "good_medical": "bad_medical"},
        "starts": [20, 40, 120],
        "rows": [0, 16, 32, 64, 96, 128, 192, 256, 384],
        "seeds": [0, 1, 2],
        "resistance_steps": [20, 40, 120],
        "resistance_rows": 128,
    },
}
"""Keys of nano's study."""
