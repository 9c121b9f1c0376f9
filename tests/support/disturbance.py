"""A stand-in for training."""

import torch


def disturb(model: torch.nn.Module) -> None:
    """Move whatever may be trained, always by the same amounts."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
