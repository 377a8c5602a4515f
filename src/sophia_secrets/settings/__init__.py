"""
The layered settings: each value with its source, profiles, declared secrets, trust.

No pydantic here: every command reads the settings, and one table describes them all.
"""

from sophia_secrets.settings.declared import Declared, Group
from sophia_secrets.settings.document import Document
from sophia_secrets.settings.layers import load
from sophia_secrets.settings.paths import Paths, locate
from sophia_secrets.settings.reading import FileStamp, Project, find_project, read_named
from sophia_secrets.settings.result import Layer, Settings, Source
from sophia_secrets.settings.table import BY_KEY, ROWS, Row
from sophia_secrets.settings.trust import TrustStore

__all__ = [
    "BY_KEY",
    "ROWS",
    "Declared",
    "Document",
    "FileStamp",
    "Group",
    "Layer",
    "Paths",
    "Project",
    "Row",
    "Settings",
    "Source",
    "TrustStore",
    "find_project",
    "load",
    "locate",
    "read_named",
]
