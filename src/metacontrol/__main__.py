"""`python -m metacontrol`: the command line."""

from metacontrol.cli import main

main()
