"""The training loop that `adapt` and `finetune` share."""
