"""`python -m morphct.cli`: the command line, as `python -m morphct` and `morphct` are."""

import sys

from . import main

sys.exit(main())
