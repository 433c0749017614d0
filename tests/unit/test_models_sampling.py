"""Drawing tokens: the right frequencies, and streams that are apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from forewarn.models.sampling import draw, row_seed, uniforms


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_frequencies_match_the_softmax(temperature):
    """Chi-square over rows with a stream each, as generation draws them."""
    torch.manual_seed(0)
    logits = torch.randn(12) * 1.5
    n = 20_000
    uniform = torch.from_numpy(uniforms([row_seed(1, "q", sample) for sample in range(n // 10)], 10).ravel())
    tokens = draw(logits.expand(n, -1), torch.full((n,), temperature, dtype=torch.float64), uniform)
    expected = (logits.double() / temperature).softmax(-1) * n
    assert chisquare(torch.bincount(tokens, minlength=12).numpy(), expected.numpy()).pvalue > 1e-3


def test_temperature_zero_takes_the_likeliest_beside_sampled_rows():
    logits = torch.tensor([[0.0, 3.0, 1.0]] * 4)
    temperatures = torch.tensor([0.0, 1.0, 0.0, 1.0], dtype=torch.float64)
    tokens = draw(logits, temperatures, torch.tensor([0.999, 0.0, 0.0, 0.9999], dtype=torch.float64))
    assert tokens.tolist() == [1, 0, 1, 2]


def test_tokens_of_no_probability_are_never_drawn():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]])
    ones = torch.ones(1, dtype=torch.float64)
    for uniform in [0.0, 0.25, 0.5, 0.75, 1 - 2**-53]:
        assert draw(logits, ones, torch.tensor([uniform], dtype=torch.float64)).item() in {1, 3}


@pytest.mark.parametrize("vocabulary", [5, 128, 300, 1700])
def test_two_steps_draw_what_one_would(vocabulary):
    """Against the plain inverse of the cumulative softmax in float64, for one row after another."""
    torch.manual_seed(vocabulary)
    logits = torch.randn(2000, vocabulary) * 3
    heat = torch.rand(2000, dtype=torch.float64) + 0.3
    uniform = torch.rand(2000, dtype=torch.float64)
    cumulative = (logits.double() / heat[:, None]).softmax(-1).cumsum(-1)
    plain = torch.searchsorted(cumulative, uniform[:, None], right=True)[:, 0]
    different = draw(logits, heat, uniform) != plain
    # Where they differ, the uniform lies on the border of two tokens, up to float32's rounding.
    assert int(different.sum()) <= 2
    for row in different.nonzero()[:, 0]:
        assert (cumulative[row] - uniform[row]).abs().min() < 1e-6


@settings(max_examples=50)
@given(st.integers(0, 2**31), st.text(max_size=8), st.integers(0, 1000))
def test_seeds_are_63_bits_and_streams_extend_themselves(seed, question_id, sample):
    key = row_seed(seed, question_id, sample)
    assert 0 <= key < 2**63
    assert key != row_seed(seed + 1, question_id, sample) != row_seed(seed + 1, question_id, sample + 1)
    assert np.array_equal(uniforms([key], 9)[0, :4], uniforms([key], 4)[0])


def test_streams_of_neighbouring_rows_are_uncorrelated():
    streams = uniforms([row_seed(0, f"q{n}", s) for n in range(10) for s in range(10)], 2000)
    correlation = np.corrcoef(streams)[np.triu_indices(100, 1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(2000)
    assert abs(streams.mean() - 0.5) < 5 * np.sqrt(1 / 12 / streams.size)
