"""The tokenizer of a pretrained model: the same ids whatever else is installed."""

from pathlib import Path
from typing import TYPE_CHECKING

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json

if TYPE_CHECKING:
    # Seconds of CPU to import, which those who only score do without.
    from transformers import PreTrainedTokenizerFast

# Model types for which transformers takes mistral-common's tokenizer once that is installed: it
# pads on the left. Without it the same files give no beginning and nothing to pad with.
MISTRAL = ("ministral", "ministral3", "mistral", "mistral3", "mixtral")
BEGINNING, PADDING = "<s>", "<pad>"
# Of Mistral's vocabulary since Nemo, "tekken": its size, and the id of PADDING in it.
TEKKEN_SIZE, TEKKEN_PADDING = 131_072, 11


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerFast":
    """The fast tokenizer of the model in `folder`; it pads on the right.

    Mistral's gives the beginning of text, pads with `<pad>` where there is one, and splits words as
    Mistral does: the tokenizer.json of Small 3.1 holds another pattern, which transformers mends
    when asked to. EmotionSlmError for a vocabulary that it converts with mistral-common alone.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if is_mistral(folder):
        try:
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, fix_mistral_regex=True)
        except ImportError as error:
            raise EmotionSlmError(
                f"{folder}: there is no tokenizer.json, and its tekken.json is of a format that "
                "transformers converts with the package mistral-common alone; put the model's "
                "tokenizer.json beside it"
            ) from error
        known = tokenizer.get_vocab()
        if BEGINNING in known:
            tokenizer.bos_token = BEGINNING
            tokenizer.add_bos_token = True
        if PADDING in known:
            tokenizer.pad_token = PADDING
    else:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if tokenizer.pad_token is None:  # decoders; any token does: padded positions are masked
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(0)
    tokenizer.padding_side = "right"
    return tokenizer


def is_mistral(folder: Path) -> bool:
    """Whether config.json in `folder` names one of Mistral's model types."""
    path = folder / "config.json"
    return path.exists() and read_json(path).get("model_type") in MISTRAL
