"""Invalidating cached records, after a write or when a credential has lost its rights."""

from __future__ import annotations

import os

from sophia_secrets import errors
from sophia_secrets.state import atomic, files
from sophia_secrets.state.cache import RECORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sophia_secrets.state.cache import Cache
    from sophia_secrets.state.record import Identity


def bump(cache: Cache, identity: Identity) -> str | None:
    """See `Cache.bump`."""
    generation = cache.generation_file(identity)

    def renew(directory: int) -> None:
        try:
            atomic.replace(directory, generation, cache.new_generation(generation))
        except OSError:
            # On a full disk a file can still be removed, and without it every record is a miss.
            files.remove(directory, generation)
            files.sync_directory(directory)
        files.remove(directory, cache.file(identity, RECORD))

    return _in_directory(cache, renew)


def forget(cache: Cache, identity: Identity) -> str | None:
    """See `Cache.forget`."""
    return _in_directory(cache, lambda directory: files.remove(directory, cache.file(identity, RECORD)))


def _in_directory(cache: Cache, work: Callable[[int], object]) -> str | None:
    """Run `work` in the cache's directory, if it exists; returns None, or why it failed."""
    try:
        directory = files.open_directory(cache.directory, create=False)
    except FileNotFoundError:
        return None
    except (errors.UnsafeState, OSError) as error:
        return cache.warn(error)
    try:
        work(directory)
        return None
    except OSError as error:
        return cache.warn(error)
    finally:
        os.close(directory)
