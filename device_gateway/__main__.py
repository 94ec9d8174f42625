"""`python -P -m device_gateway`: the command without its script."""

from device_gateway.cli import main

main()
