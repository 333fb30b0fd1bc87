"""Inner loops of the placers and of exact search, compiled by numba.

A kernel runs a bounded amount of work and returns to Python, where interrupts are noticed; all that the next call
needs is in its arguments. So a search in many short calls gives the same placement as one in a single call.
"""
