"""``python -m drillbook.cli``: what ./drillbook runs."""

import sys

from drillbook.cli.main import main

sys.exit(main())
