"""TransformerLens' bridge around a model that is loaded already: its hooks, and nothing of its loading."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from forewarn.errors import StudyError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def boot(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Any:
    """TransformerLens' bridge around a loaded model, whose modules it replaces in place; offline.

    Raises:
        StudyError: TransformerLens does not know the model's architecture.
    """
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.model_bridge.sources.transformers import source

    # Only tokens are fed in. Without a BOS token, the bridge takes the (copied) tokenizer as it is;
    # with one, it would load another by name, perhaps over the network.
    bystander = copy.deepcopy(tokenizer)
    bystander.bos_token = None
    try:
        # For a model that also sees (Gemma 3), the bridge would load a processor of images, and to that end
        # have pip install torchvision, which brings another torch into the environment that is computing.
        with patch.object(source, "load_modality_processor", lambda *_: None):
            return TransformerBridge.boot_transformers(
                str(model.config.name_or_path or "model"),
                hf_model=model,
                tokenizer=bystander,
                device=str(model.device),
                dtype=model.dtype,
            )
    except (ValueError, KeyError, NotImplementedError) as error:
        raise StudyError(
            f"TransformerLens cannot read a {model.config.model_type} model: {error}",
            "use a model of an architecture that its TransformerBridge supports",
        ) from error
