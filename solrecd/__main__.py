"""``python -m solrecd``: the recorder."""

import sys

from solrecd.cli.solrecd import main

sys.exit(main())
