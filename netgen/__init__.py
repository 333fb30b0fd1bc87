"""netgen: from a trained PyTorch network to a placed, bit-exact hardware circuit."""

__version__ = "0.1.0"
