"""A two-layer BERT of random weights and a workspace that runs the pipeline with it in seconds."""

from pathlib import Path

from ruamel.yaml import YAML

from emotion_slm import workspace
from emotion_slm.corpus.sample import write_sample
from emotion_slm.corpus.tsv import read_corpus
from emotion_slm.files import sha256_file

HIDDEN = 32


def save_tiny_bert(folder: Path, scratch: Path) -> dict:
    """Write the model and a word-piece tokenizer; return its section of params.yaml."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    write_sample(scratch, seed=1)
    texts = read_corpus(scratch)["text"].tolist()
    pieces = BertWordPieceTokenizer()
    pieces.train_from_iterator(texts, vocab_size=2000, show_progress=False)
    tokenizer = BertTokenizerFast(tokenizer_object=pieces._tokenizer)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=2000,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {
        "id": str(folder),
        "revision": None,
        "sha256": sha256_file(folder / "model.safetensors"),
        "loader": "transformers",
        "four_bit": False,
    }


def create_tiny_workspace(folder: Path, backbone: dict) -> None:
    """A workspace whose profile `sample` and a frozen `recipe` run on `backbone`, in one thread."""
    workspace.create(Path(), folder, profile="sample")
    params = read_params(folder)
    params["threads"] = 1
    sample, recipe = params["profiles"]["sample"], params["profiles"]["recipe-minilm"]
    sample["encoder"].update(backbone, max_length=32)
    sample["finetune"]["training"]["epochs"] = 2
    recipe["fetch"] = dict(sample["fetch"])
    recipe["encoder"].update(backbone, max_length=32)
    recipe["undersample"] = dict(sample["undersample"])
    recipe["ismote"] = dict(sample["ismote"])
    recipe["finetune"]["classifier"]["backbone"].update(backbone)
    recipe["finetune"]["training"]["epochs"] = 1
    params["profiles"] = {"sample": sample, "recipe": recipe}
    write_params(folder, params)


def read_params(folder: Path) -> dict:
    return YAML(typ="safe").load(folder / "params.yaml")


def write_params(folder: Path, params: dict) -> None:
    YAML(typ="safe").dump(params, folder / "params.yaml")
