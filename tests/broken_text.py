"""Files with a few bytes changed at random, for tests that whatever users give ends well or in one line."""

import os
import random
from collections.abc import Iterator, Sequence

CASES = int(os.environ.get("NETGEN_FUZZ_CASES", "2000" if os.environ.get("CI") else "300"))
"""Mutants of each kind of file: 2,000 in CI; `make fuzz` asks for more."""

TOKENS = (
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe2\x80\xa8", b"\t", b"\n", b"\r", b" "),
    *(b"'", b'"', b",", b";", b":", b": ", b"- ", b"[", b"]", b"{", b"}", b"|", b">", b"%", b"#"),
    *(b"-1", b"0", b"1e999", b".nan", b"-inf", b"1_0", b"1:1", b"9" * 30, b"9" * 5000, b"x" * 1000),
    *(b"null", b"true", b"~", b"2020-99-99", b"*a", b"&a ", b"<<: ", b"? ", b"---\n", b"...\n"),
    *(b"!!int ", b"!!set ", b"!x ", b'"\\U00110000"', b'"\\ud800"'),
)
"""What breaks readers of text."""


def broken(samples: Sequence[bytes], *, seed: int, tokens: Sequence[bytes] = TOKENS) -> Iterator[bytes]:
    """`CASES` mutants of some samples: one to four bytes or spans replaced, inserted, repeated or removed."""
    rng = random.Random(seed)  # noqa: S311 (nothing here is secret)
    for _ in range(CASES):
        blob = bytearray(rng.choice(samples))
        for _ in range(rng.randint(1, 4)):
            start = rng.randrange(len(blob) + 1)
            stop = start + rng.choice((0, 0, 1, 1, 3, 20))
            other = rng.randrange(len(blob) + 1)
            piece = rng.choice((rng.choice(tokens), rng.randbytes(1), bytes(blob[other : other + rng.randint(0, 40)])))
            blob[start:stop] = piece
        yield bytes(blob)
