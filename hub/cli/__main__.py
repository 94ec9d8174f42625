"""``python -m hub.cli`` is ``rpmhub``."""

from hub.cli import main

main()
