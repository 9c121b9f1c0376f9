import pytest
import torch
from torch import nn

from emotion_slm.training.ema import MovingAverage


def test_average_follows_the_weights_by_hand():
    weight = nn.Parameter(torch.tensor([1.0, 2.0]))
    average = MovingAverage({"w": weight}, decay=0.75)
    for value in ([5.0, 2.0], [9.0, 6.0]):
        with torch.no_grad():
            weight.copy_(torch.tensor(value))
        average.update()
    # 0.75·1 + 0.25·5 = 2; 0.75·2 + 0.25·9 = 3.75.   0.75·2 + 0.25·2 = 2; 0.75·2 + 0.25·6 = 3.
    assert average.tensors["w"].tolist() == [3.75, 3.0]
    assert weight.tolist() == [9.0, 6.0]


def test_average_is_in_place_only_inside_the_block_even_if_it_fails():
    weight = nn.Parameter(torch.tensor([1.0]))
    average = MovingAverage({"w": weight}, decay=0.5)
    with torch.no_grad():
        weight.fill_(3.0)
    average.update()
    with pytest.raises(KeyboardInterrupt), average.in_place():
        assert weight.item() == 2.0
        raise KeyboardInterrupt
    assert weight.item() == 3.0
    assert average.tensors["w"].item() == 2.0
