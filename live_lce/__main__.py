"""``python -m live_lce``: the command line."""

from live_lce.cli.app import main

if __name__ == "__main__":
    main()
