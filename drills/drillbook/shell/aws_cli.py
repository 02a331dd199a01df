"""The AWS CLI, pointed at an emulated target.

Version 1 does not heed AWS_ENDPOINT_URL for rds, docdb and neptune in us-east-1, nor for sqs, emr and health: it sets
their address itself unless --endpoint-url is given (awscli/customizations/overridesslcommonname.py). A script of the
same name before it on PATH gives that option; one that is given on the command line comes later and wins.
"""

from __future__ import annotations

from pathlib import Path

_SCRIPT = """\
#!/bin/sh
# Version 1 of the AWS CLI ignores AWS_ENDPOINT_URL for rds, sqs and emr. Made by drillbook.
own=$(cd "$(dirname "$0")" && pwd)
rest=
IFS=:
for folder in $PATH; do
  [ "$folder" = "$own" ] || rest="$rest:$folder"
done
unset IFS
PATH=${rest#:}
export PATH
exec aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"
"""


def wrapper(folder: Path) -> Path:
    """A folder for the beginning of PATH, made below ``folder``. Whole at any instant: commands may run meanwhile."""
    place = folder / "bin"
    if not (place / "aws").exists():
        place.mkdir(parents=True, exist_ok=True)
        draft = place / ".aws"
        draft.write_text(_SCRIPT)
        draft.chmod(0o700)
        draft.replace(place / "aws")
    return place.resolve()
