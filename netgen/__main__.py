"""`python -m netgen` is `netgen`."""

from netgen.cli.app import main

if __name__ == "__main__":
    main()
