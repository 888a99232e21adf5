"""`python -m ozrules`."""

import sys

from ozrules.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
