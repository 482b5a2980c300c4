"""`python -m acrnn …`."""

from acrnn.cli.main import main

main()
