"""`python -m acrnn …`."""

from acrnn.cli import main

main()
