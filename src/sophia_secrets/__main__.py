"""The program: the hot path where the cache alone can answer, else the command line."""

import os
import sys


def _secure_start() -> None:
    """
    Descriptors 0 to 2 exist (F7), the current directory is not on the import path (I10), and
    no core file is written (E7; `run` puts the limit back for its command).
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            if os.open(os.devnull, os.O_RDONLY if fd != 0 else os.O_WRONLY) != fd:
                os._exit(1)
    here = os.getcwd() if sys.argv[0].endswith("__main__.py") else None
    sys.path[:] = [entry for entry in sys.path if entry not in ("", here)]


def main() -> int:
    """Run the program and return its exit code."""
    try:
        _secure_start()
    except OSError:
        sys.path[:] = [entry for entry in sys.path if entry]
    if sys.platform == "win32":
        sys.stderr.write("sophia-secrets runs on Linux and macOS; Windows is not supported.\n")
        return 2
    from sophia_secrets import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
