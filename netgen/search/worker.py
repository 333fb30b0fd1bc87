"""`python -m netgen.search.worker`: run the trials that come in, a line each, and write an outcome a line.

It ends with its search, even one that is killed: when stdin closes, whatever is under way is dropped.
"""

import os
import queue
import sys
import threading


def main() -> None:
    """Work until stdin closes."""
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an outcome

    def listen() -> None:
        for line in sys.stdin:
            jobs.put(line)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    from netgen.search.trial import run_text

    while True:
        print(run_text(jobs.get()), file=out, flush=True)


if __name__ == "__main__":
    main()
