"""`config model`: the typed module of what is declared."""

from __future__ import annotations

import ast
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.cli.model import field_names, module_text
from sophia_secrets.settings.declared import DECLARED, Declared
from tests.program import Program

TOML = """\
[secrets.OPENAI_API_KEY]
required = true
description = "Key of the provider"
[secrets.APP_PORT]
type = "port"
[secrets.TENANT]
type = "uuid"
"""


def test_the_module_is_whole_and_loads_the_secrets(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text(TOML)
    done = sophia("config", "model", "--output", "app_secrets.py", "--name", "AppSecrets")
    assert done.code == 0, done.said
    written = sophia.cwd / "app_secrets.py"
    assert stat.S_IMODE(written.stat().st_mode) == 0o644
    assert sophia("config", "model", "--name", "AppSecrets").out == written.read_text()
    again = sophia("config", "model", "--output", "app_secrets.py")
    assert (again.code, "--force" in again.err) == (2, True)
    sophia.store("OPENAI_API_KEY", "sk-canary")
    use = (
        "import asyncio, sophia_secrets\nfrom app_secrets import AppSecrets\n"
        "c = asyncio.run(sophia_secrets.load_config(AppSecrets))\n"
        "print(c.openai_api_key == 'sk-canary', c.app_port + 1, c.tenant, c)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", use],
        cwd=sophia.cwd,
        env={**sophia.full_environment(), "APP_PORT": "8080", "PYTHONPATH": str(sophia.cwd)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == ("True 8081 None openai_api_key=<secret> app_port=<secret> tenant=None\n"), (
        ran.stderr
    )


def test_without_a_declared_secret_or_with_a_bad_name_it_is_2(sophia: Program) -> None:
    assert sophia("config", "model").code == 2
    (sophia.cwd / "sophia-secrets.toml").write_text(TOML)
    for name in ("class", "1x", "a b", "É"):
        assert sophia("config", "model", "--name", name).code == 2
    assert sophia("config", "model", "--json").json["schema"] == 1


def test_fields_are_identifiers_and_each_its_own() -> None:
    names = [
        "API_KEY",
        "api-key",
        "api.key",
        "1ST",
        "CLASS",
        "MATCH",
        "COPY",
        "MODEL_DUMP",
        "É",
        "__X__",
        "_",
    ]
    assert list(field_names(names).values()) == [
        "api_key", "api_key_2", "api_key_3", "secret_1st", "class_", "match_", "copy_", "model_dump_",
        "secret", "x", "secret_2",
    ]  # fmt: skip


TYPES = next(row.choices for row in DECLARED if row.key == "type")


@given(
    st.lists(
        st.builds(
            Declared,
            st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20),
            description=st.text(max_size=60),
            required=st.sampled_from([True, False, ("production",)]),
            type=st.sampled_from(TYPES),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda secret: secret.name,
    )
)
def test_any_declaration_gives_a_module_that_only_declares_its_fields(secrets: list[Declared]) -> None:
    tree = ast.parse(module_text({secret.name: secret for secret in secrets}, "Secrets"))
    (model,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    fields = [node for node in model.body if isinstance(node, ast.AnnAssign)]
    assert len(fields) == len(secrets)
    assert len(model.body) == len(fields) + 1
    named = [ast.literal_eval(field.value.args[0]) for field in fields if isinstance(field.value, ast.Call)]
    assert named == [secret.name for secret in secrets]


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_can_be_written_and_imported(kind: str) -> None:
    space: dict[str, object] = {"__name__": "written"}
    exec(compile(module_text({"X": Declared("X", type=kind)}, "Secrets"), "written", "exec"), space)
    model = space["Secrets"]
    model.model_rebuild(_types_namespace=space)  # type: ignore[attr-defined]
    assert model().x is None  # type: ignore[operator]
