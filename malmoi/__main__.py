"""`python -m malmoi`."""

from malmoi.cli import main

if __name__ == "__main__":
    main()
