"""Words for SmolVLA: the tokenizer of a checkpoint, and one trained on the spot for the small configuration.

Where a tokenizer comes from and which special tokens it has. Appending the newline and padding are `policy.processors`'.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from data_contracts.errors import PolicyError
from policy.torchvision_on_cpu import let_torchvision_import

let_torchvision_import()
from transformers import AutoTokenizer, PreTrainedTokenizerFast  # noqa: E402

PAD = "<pad>"
VISION_TOKENS = {
    "image_token": "<image>",
    "fake_image_token": "<fake_token_around_image>",
    "global_image_token": "<global-img>",
    "end_of_utterance_token": "<end_of_utterance>",
}
"""What SmolVLM's processor asks its tokenizer for, by the attribute that it asks for."""


def train_tokenizer(sentences: Iterable[str], vocab_size: int = 1024) -> PreTrainedTokenizerFast:
    """Returns a byte-level BPE tokenizer: words of the sentences become single tokens, any other text is spelt out.

    Case is ignored. Special tokens come first, so their ids do not depend on the sentences.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[PAD, *VISION_TOKENS.values()], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer.train_from_iterator(sorted(set(sentences)), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, padding_side="right", extra_special_tokens=VISION_TOKENS
    )


def load_tokenizer(name: str, beside: Path | None = None) -> PreTrainedTokenizerFast:
    """Returns the tokenizer of a folder (relative to `beside`, the checkpoint), else the one of that name in the Hub's cache.

    Nothing is downloaded: a checkpoint decides `name`, and may come from anyone.

    Raises:
        PolicyError: it is in neither place.
    """
    folder = (beside or Path()) / name
    place = str(folder) if folder.is_dir() else name
    try:
        return AutoTokenizer.from_pretrained(place, local_files_only=True)
    except (OSError, ValueError) as error:
        raise PolicyError(
            f"The tokenizer {name!r} cannot be loaded: {str(error).splitlines()[0]}",
            hint=f"Put its files into {folder}, or fetch it once with `hf download {name}`.",
        ) from error
