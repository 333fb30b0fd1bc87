"""Exact layers with gradients, shared by training and quantizing."""
