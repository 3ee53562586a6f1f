"""The door `python -m autotrader`."""

import sys

from autotrader.cli import main

sys.exit(main())
