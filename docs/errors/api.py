"""What the Python functions raise, printed by a few lines that catch it."""

from __future__ import annotations

from docs.errors.scene import Says, Scene

_CATCH = """cat > app.py <<'END'
import asyncio

from sophia_secrets import errors
{imports}

{models}
async def main() -> None:
    {call}


try:
    asyncio.run(main())
except errors.SophiaError as problem:
    print(f"error: {{problem.message}}\\nhint: {{problem.hint}}")
    raise SystemExit(problem.exit_code)
END
python3 app.py"""
_MODEL = """
class Settings(SecretsModel):
    {field}

"""


def _loaded(kind: str, field: str, says: Says | None = None) -> Scene:
    imports = "from sophia_secrets.config import Secret, SecretsModel, load_config, setting"
    return Scene(
        kind,
        _CATCH.format(
            imports=imports, models=_MODEL.format(field=field), call="print(await load_config(Settings))"
        ),
        says,
    )


SCENES = (
    _loaded("not_found", "smtp_password: Secret[str]"),
    _loaded("bad_settings", 'port: int = setting("OPENAI_API_KEY")'),
    _loaded(
        "unreachable",
        "smtp_password: Secret[str]",
        Says("pulumi", "error: opening environment: [503] Service Unavailable"),
    ),
)
