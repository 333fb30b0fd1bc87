"""The energy of layers on an accelerator with a hierarchy of memories."""

import pytest
from five_neurons import five_neurons

from netgen.energy import EnergySettings, LayerCounts, accelerated, accesses_of, energy_of
from netgen.errors import DataError

MAC, FILE, ARRAY, BUFFER, DRAM = "MAC", "register file", "array", "buffer", "DRAM"


def dense(number: int, inputs: int, outputs: int) -> LayerCounts:
    return LayerCounts(number, inputs * outputs, inputs * outputs, inputs, outputs)


def convolution(
    number: int, channels: int, size: int, kernel: int, filters: int, side: int, groups: int = 1
) -> LayerCounts:
    """A layer of `filters` square kernels on `channels` maps of `size`, that gives maps of `side`."""
    weights = kernel * kernel * channels // groups * filters
    return LayerCounts(number, weights * side * side, weights, channels * size * size, filters * side * side)


def test_lenet_300_100_costs_what_it_costs_on_paper() -> None:
    """784-300-100-10 in 16 bits. A weight is used once (P = 1), one filter uses an input once (k = 1), so F = O.

    Layer 1: M = W = 784 x 300 = 235,200, I = 784, O = 300; terms 784 = 12 x 12 x 5.444.
    - file: M, M, 2 M. Array: M; M / 16 = 14,700; 300 x 5.444 x 11 = 17,966.67.
    - buffer: M; 14 columns hold other filters, 14,700 / 14 = 1,050; 2 x 300 x 4.444 = 2,666.67.
    - DRAM: 235,200; 784; 300. The 784 inputs fit in the buffer, so nothing is read twice.
    - MACs: 5 M + 2 x 267,866.67 + 6 x 238,916.67 + 200 x 236,284 = 50,402,033.33 (1,176,000 + 535,733.33 + 1,433,500 +
      47,256,800).

    Layer 2: M = W = 30,000, I = 300, O = 100; terms 300 = 12 x 12 x 2.0833.
    - array: 30,000; 1,875; 100 x 2.0833 x 11 = 2,291.67. Buffer: 30,000; 100 / 16 = 6.25 columns, 1,875 / 6.25 = 300;
      2 x 100 x 1.0833 = 216.67. DRAM: 30,000; 300; 100.
    - MACs: 150,000 + 68,333.33 + 183,100 + 6,080,000 = 6,481,433.33.

    Layer 3: M = W = 1,000, I = 100, O = 10; a PE holds 10 filters; terms 100 = 12 x 8.333 x 1.
    - array: 1,000; 100; 10 x 7.333 = 73.33. Buffer: 1,000; 100; 0. DRAM: 1,000; 100; 10.
    - MACs: 5,000 + 2,346.67 + 6,600 + 222,000 = 235,946.67.
    """
    found = accelerated([dense(1, 784, 300), dense(2, 300, 100), dense(3, 100, 10)])
    assert [found.amount_of(layer=layer) for layer in (1, 2, 3)] == pytest.approx(
        [50_402_033.3333, 6_481_433.3333, 235_946.6667]
    )
    assert found.amount_of(layer=1, kind=ARRAY) == pytest.approx(535_733.3333)
    assert found.amount_of(layer=1, kind=BUFFER) == pytest.approx(1_433_500)
    assert found.amount_of(layer=1, kind=DRAM) == 47_256_800
    assert found.amount == pytest.approx(57_119_413.3333)
    assert found.unit == "MACs of 16 bits"


def test_lenet_5_costs_what_it_costs_on_paper() -> None:
    """20 kernels of 5 x 5 on 28 x 28, 50 of 5 x 5 on 20 maps of 12 x 12, then 800-500-10, in 16 bits; pools are free.

    Layer 1: W = 500, P = 24 x 24, M = 288,000, I = 784, O = 11,520. F = 20; k = 288,000 / 784 / 20 = (30 / 7)^2.
    - file: 288,000 twice and 576,000. Array: 288,000 / 24 = 12,000; a PE uses an input 16 x 30 / 7 = 68.571 times,
      4,200; 25 terms = 12 x 2.0833, 11,520 x 1.0833 = 12,480.
    - buffer: 12,000 / 14 = 857.14; 20 / 16 filters, but no column is left over, 4,200 / (30 / 7) = 980; 0.
    - DRAM: 500; 784; 11,520.
    - MACs: 5 x 288,000 + 2 x 28,680 + 6 x 1,837.14 + 200 x 12,804 = 4,069,182.86.

    Layer 2: W = 25,000, P = 8 x 8, M = 1,600,000, I = 2,880, O = 3,200. F = 50; k = M / 2,880 / 50 = (10 / 3)^2.
    - array: 200,000; 16 x 10 / 3 = 53.333 times, 30,000; 500 terms = 12 x 12 x 3.4722, 3,200 x 3.4722 x 11 =
      122,222.22.
    - buffer: 200,000 / 8 = 25,000; 14 / 8 = 1.75 squares in the columns, 30,000 / (1.75 x 10 / 3) = 5,142.86;
      2 x 3,200 x 2.4722 = 15,822.22. DRAM: 25,000; 2,880; 3,200.
    - MACs: 8,000,000 + 704,444.44 + 275,790.48 + 6,216,000 = 15,196,234.92.

    Layer 3: M = W = 400,000, I = 800, O = 500; terms 800 = 144 x 5.5556.
    - array: 400,000; 25,000; 500 x 5.5556 x 11 = 30,555.56. Buffer: 400,000; 25,000 / 14 = 1,785.71;
      2 x 500 x 4.5556 = 4,555.56. DRAM: 401,300.
    - MACs: 2,000,000 + 911,111.11 + 2,438,047.62 + 80,260,000 = 85,609,158.73.

    Layer 4: M = W = 5,000, I = 500, O = 10; 10 filters; terms 500 = 144 x 3.4722.
    - array: 5,000; 500; 10 x 3.4722 x 11 = 381.94. Buffer: 5,000; 500; 2 x 10 x 2.4722 = 49.44. DRAM: 5,510.
    - MACs: 25,000 + 11,763.89 + 33,296.67 + 1,102,000 = 1,172,060.56.
    """
    layers = [convolution(1, 1, 28, 5, 20, 24), convolution(2, 20, 12, 5, 50, 8), dense(3, 800, 500), dense(4, 500, 10)]
    found = accelerated(layers)
    assert [found.amount_of(layer=layer) for layer in found.layers] == pytest.approx(
        [4_069_182.8571, 15_196_234.9206, 85_609_158.7302, 1_172_060.5556]
    )
    assert accesses_of(layers[0])[ARRAY, "inputs"] == pytest.approx(4_200)
    assert accesses_of(layers[1])[BUFFER, "sums"] == pytest.approx(15_822.2222)


ALEXNET = [
    convolution(1, 3, 227, 11, 96, 55),
    convolution(2, 96, 27, 5, 256, 27, groups=2),
    convolution(3, 256, 13, 3, 384, 13),
    convolution(4, 384, 13, 3, 384, 13, groups=2),
    convolution(5, 384, 13, 3, 256, 13, groups=2),
    dense(6, 9216, 4096),
    dense(7, 4096, 4096),
    dense(8, 4096, 1000),
]


def test_alexnet_shows_the_published_order_of_its_layers() -> None:
    """Chen, Emer and Sze 2016, batch of 16: in the convolutions register files take most, in the dense layers DRAM;
    the convolutions take most of all. Yang, Chen and Sze 2017: feature maps take more than weights in the
    convolutions, and weights more in the dense layers.
    """
    found = accelerated(ALEXNET, batch=16)
    for layer in found.layers:
        most = max(found.kinds, key=lambda kind: found.amount_of(layer=layer, kind=kind))
        weights = found.amount_of(layer=layer, data="weights")
        maps = found.amount_of(layer=layer, data="inputs") + found.amount_of(layer=layer, data="sums")
        assert most == (FILE if layer <= 5 else DRAM)
        assert (maps > weights) == (layer <= 5)
    convolutions = sum(found.amount_of(layer=layer) for layer in range(1, 6)) / found.amount
    assert convolutions > 0.7
    assert sum(shape.macs for shape in ALEXNET[:5]) == 665_784_864  # "666 million", Chen et al., ISSCC 2016


def test_five_neurons_cost_what_they_cost_on_paper() -> None:
    """Weights of 3 bits and an index of 5, so half a word each; a and b have 3 bits, h1 and h2 4, y 5.

    Layer 1: M = W = 3, I = O = 2; P = 1, F = 2, k = 3 / 2 / 2 = 0.75, so an input meets 1.5 weights in a PE.
    - MAC 3 x 3 x 3 / 256 = 0.10546875. File: 3 / 2, 3 x 3 / 16, 6 x 4 / 16: 3.5625. Array: 3 / 2, 2 x 3 / 16, 0, each
      twice: 3.75. Buffer: 3 / 2, 2 x 3 / 16, 0, each six times: 11.25. DRAM: 3 / 2, 2 x 3 / 16, 2 x 4 / 16: 475.

    Layer 2: M = W = I = 2, O = 1; P = F = k = 1.
    - MAC 2 x 3 x 4 / 256 = 0.09375. File: 1, 2 x 4 / 16, 4 x 5 / 16: 2.75. Array: 2 x (1 + 0.5) = 3. Buffer:
      6 x (1 + 0.5) = 9. DRAM: 1, 0.5, 5 / 16: 362.5.
    """
    found = energy_of("eyeriss", five_neurons())
    assert [found.amount_of(layer=1, kind=kind) for kind in found.kinds] == [0.10546875, 3.5625, 3.75, 11.25, 475]
    assert [found.amount_of(layer=2, kind=kind) for kind in found.kinds] == [0.09375, 2.75, 3, 9, 362.5]
    assert found.amount == 871.01171875


def test_zeros_included_an_accelerator_multiplies_them_and_needs_no_index() -> None:
    """Layer 1 is 2 x 2, of which one weight is zero: DRAM 4 x 3 / 16, 2 x 3 / 16, 2 x 4 / 16 words."""
    found = energy_of("eyeriss", five_neurons(), EnergySettings(zeros="included"))
    assert found.amount_of(layer=1, kind=DRAM) == 200 * (12 + 6 + 8) / 16
    assert found.amount_of(layer=1, kind=MAC) == 4 * 9 / 256


def test_energy_follows_the_widths() -> None:
    """Half the bits of everything: accesses cost half, multiplications a quarter."""
    wide = accelerated([LayerCounts(1, 600, 600, 30, 20)])
    narrow = accelerated([LayerCounts(1, 600, 600, 30, 20, False, 8, 8, 8, 8)])
    for kind in (FILE, ARRAY, BUFFER, DRAM):
        assert narrow.amount_of(kind=kind) == pytest.approx(wide.amount_of(kind=kind) / 2)
    assert narrow.amount_of(kind=MAC) == wide.amount_of(kind=MAC) / 4


def test_weights_and_inputs_that_both_exceed_the_buffer_are_read_again() -> None:
    """108 kB hold 55,296 words. Inputs of 60,000 fill it twice, weights of 170,000 four times: reading the weights once
    more costs 170,000 words, reading the inputs three times more 180,000.
    """
    found = accesses_of(LayerCounts(1, 17_000_000, 170_000, 60_000, 60_000))
    assert found[DRAM, "weights"] == 340_000
    assert found[DRAM, "inputs"] == 60_000


def test_picojoules_span_what_is_published() -> None:
    """A MAC of 16 bits: 4 x 0.2 + 0.05 = 0.85 pJ. DRAM: 200 MACs, or 2,600 pJ for 64 bits, so 170 to 650 pJ for 16."""
    found = accelerated([dense(1, 10, 10)])
    assert found.picojoules_of(kind=MAC) == pytest.approx((85, 85))
    assert found.picojoules_of(kind=DRAM) == pytest.approx((120 * 170, 120 * 650))


def test_counts_that_no_layer_has_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"^layer 2: 3 multiplications with 4 weights, 1 inputs and 1 outputs; each takes"
    ):
        LayerCounts(2, 3, 4, 1, 1)


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(DataError, match=r"^batch of 0 samples; use 1 or more$"):
        EnergySettings(batch=0)
