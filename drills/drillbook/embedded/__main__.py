"""``python -m drillbook.embedded``: started by ``drillbook.embedded.process``, not by people."""

from __future__ import annotations

import argparse
import gc
import logging
import os
from pathlib import Path

_NICE = 5
"""Where CPUs are few, the client that measures goes before what it measures: a late canary makes a drill INVALID."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="drillbook.embedded")
    parser.add_argument("--id", required=True)
    parser.add_argument("--state-file", type=Path, required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--owner", type=int)
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--idle-limit", type=float, required=True)
    parser.add_argument("--world", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for chatty in ("werkzeug", "botocore", "boto3", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    gc.disable()  # Until the server is ready: nothing is garbage before, and looking for it takes a tenth of the start.
    os.nice(_NICE)
    os.chdir("/")  # Keep no directory in use.
    os.environ["MOTO_ACCOUNT_ID"] = options.account  # Moto reads it when it is imported.

    from drillbook.embedded.server import Options, run

    run(Options(**vars(options)))
    # What had to end has ended; taking moto's modules apart would take longer than all of that.
    logging.shutdown()
    os._exit(0)


main()
