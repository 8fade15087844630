"""Entry point of the installed command: a Ctrl-C while Python still loads the rest ends it with one line, too."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from cohortsmith.app.cli import main as run

        run()
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        sys.exit(130)
