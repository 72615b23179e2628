"""`python -m deftworks` is `deftworks`."""

from deftworks.cli import main

main()
