"""
What the program keeps on disk: the key, the cache, the audit log, the metadata.

House style of this package and of `errors.py`, said once: they are lean, because the commands
that the cache alone can answer import nothing else. No `typing`, `re`, `enum`, `dataclasses`,
`json`, `pathlib`, `subprocess`, `logging`, `hashlib`, `datetime` or `tomllib` is imported at run
time; `TYPE_CHECKING = False` guards what only a type checker needs (it knows that name);
annotations cost nothing (`from __future__ import annotations`); values are classes with
`__slots__`; what a warm `get` imports names errors as `sophia_secrets.errors.X`, so that their
module is imported when the first is raised; files are read and written with `os`. The rooms speak bytes, numbers and plain
strings, and know nothing of backends.
"""
