"""Names, values and settings that are refused."""

from __future__ import annotations

from docs.errors.scene import Scene


def _settings(text: str, command: str = "sophia-secrets list") -> str:
    return f"cat > sophia-secrets.toml <<'END'\n{text}\nEND\n{command}"


def _mine(text: str, command: str = "sophia-secrets list") -> str:
    return f"mkdir -p ~/.config/sophia-secrets; cat > ~/.config/sophia-secrets/config.toml <<'END'\n{text}\nEND\n{command}"


SCENES = (
    Scene("bad_name", "sophia-secrets get 'my key'"),
    Scene("bad_name", "sophia-secrets get ''"),
    Scene("bad_name", "sophia-secrets get A=B"),
    Scene("bad_name", "sophia-secrets set my-key --backend local --generate uuid"),
    Scene("bad_name", "sophia-secrets set 2FA_KEY --backend local --generate uuid"),
    Scene("not_found", "sophia-secrets get OPENAI_KEY"),
    Scene("not_found", "sophia-secrets get NO_SUCH_KEY"),
    Scene("bad_value", "printf '\\xff' | sophia-secrets set OPENAI_API_KEY --backend local"),
    Scene("bad_value", "printf 'a\\0b' | sophia-secrets set OPENAI_API_KEY --backend local"),
    Scene("not_supported", "sophia-secrets set OPENAI_API_KEY --backend env --generate uuid"),
    Scene("not_configured", "sophia-secrets set OPENAI_API_KEY --backend fly --generate uuid"),
    Scene("not_configured", "sophia-secrets get OPENAI_API_KEY --backend github"),
    Scene("not_configured", "sophia-secrets copy OPENAI_API_KEY --from local --to pulumi --yes"),
    Scene("not_supported", "DB_KEY=x sophia-secrets rotate DB_KEY --generate uuid --yes"),
    Scene("not_supported", "DB_KEY=x sophia-secrets rotate DB_KEY --backend env --generate uuid --yes"),
    Scene("bad_settings", _settings('[github]\nrepo = "octo/app"')),
    Scene("bad_settings", _settings('[githb]\nrepository = "octo/app"')),
    Scene("bad_settings", _settings("strict = maybe")),
    Scene("bad_settings", _settings('strict = "maybe"')),
    Scene("bad_settings", _settings('chain = ["github", "vault"]')),
    Scene("bad_settings", _settings('[audit]\nmode = "off"')),
    Scene("bad_settings", _settings('timeout = "soon"')),
    Scene("bad_settings", _settings('[secrets.API_KEY]\npattern = "("')),
    Scene("bad_settings", _settings("[tool]\n", "printf '\\xff' > sophia-secrets.toml; sophia-secrets list")),
    Scene("bad_settings", "sophia-secrets --config other.toml list"),
    Scene("bad_settings", "sophia-secrets --profile production list"),
    Scene(
        "bad_settings",
        _settings("[profiles.prod]\nstrict = true", "sophia-secrets --profile production list"),
    ),
    Scene("bad_settings", _settings('[secrets.A_KEY]\nrequired = ["prod"]', "sophia-secrets check")),
    Scene("usage", "sophia-secrets --timeout soon list"),
    Scene("bad_settings", "SOPHIA_SECRETS_CACHE_TTL=soon sophia-secrets list"),
    Scene("bad_settings", "SOPHIA_SECRETS_HOME=state sophia-secrets list"),
    Scene("bad_settings", "SOPHIA_SECRETS_CACHE_KEY=hunter2 sophia-secrets get OPENAI_API_KEY"),
    Scene("bad_settings", "mkdir sophia-secrets.toml\nsophia-secrets list"),
    Scene("bad_settings", _mine('[backends]\nextra = ["Vault"]')),
    Scene(
        "bad_settings",
        _mine(
            '[backends]\nextra = ["vault"]',
            """mkdir -p lib/vault-1.dist-info; printf 'Name: vault\\nVersion: 1\\n' > lib/vault-1.dist-info/METADATA
printf '[sophia_secrets.backends]\\nvault = no_such_module:Vault\\n' > lib/vault-1.dist-info/entry_points.txt
PYTHONPATH=$PWD/lib sophia-secrets get A_KEY --backend vault""",
        ),
    ),
    Scene(
        "bad_settings", _mine('[backends]\nextra = ["vault"]\n', "sophia-secrets get A_KEY --backend vault")
    ),
    Scene(
        "bad_settings",
        _mine('[local]\nrecipients = ["ssh-ed25519 AAAA"]', "sophia-secrets get OPENAI_API_KEY"),
    ),
    Scene("bad_name", "GITHUB_REPOSITORY='octo app' sophia-secrets list"),
    Scene("bad_name", "FLY_APP_NAME='My App' sophia-secrets list"),
    Scene("bad_name", "PULUMI_ENVIRONMENT=a/b/c/d sophia-secrets list"),
    Scene("bad_name", "PULUMI_ENVIRONMENT='acme/app/a b' sophia-secrets list"),
    Scene(
        "bad_name",
        _mine(
            '[pulumi]\nstack = "a/b/c/d"\ndirectory = "~/app"',
            "echo 'name: app' > Pulumi.yaml; sophia-secrets get A_KEY --backend pulumi",
        ),
    ),
    Scene(
        "bad_settings",
        _mine('[github]\nrepository = "octo/app"\nenvironment = "production"\napp = "dependabot"'),
    ),
    Scene("bad_settings", _mine('[github]\nrepository = "octo/app"\napp = "pages"')),
    Scene("bad_settings", _mine('[github]\nrepository = "a.example/octo/app"\nhost = "b.example"')),
    Scene("bad_settings", _mine('[github]\norganization = "octo"\nenvironment = "production"')),
    Scene(
        "not_trusted",
        _settings(
            '[github]\nrepository = "octo/app"', "sophia-secrets set A_KEY --backend local --generate uuid"
        ),
    ),
    Scene(
        "not_trusted",
        _settings('[profiles.prod.fly]\napp = "my-app"', "sophia-secrets --profile prod list"),
    ),
    Scene("not_trusted", _settings("strict = true", "chmod 666 sophia-secrets.toml; sophia-secrets trust")),
    Scene(
        "usage",
        _settings(
            "[secrets.A_KEY]\n",
            "sophia-secrets config model --output model.py > /dev/null; sophia-secrets config model --output model.py",
        ),
    ),
    Scene("check_failed", _settings("[secrets.DATABASE_URL]\nrequired = true", "sophia-secrets check")),
    Scene(
        "check_failed",
        _settings('[secrets.OPENAI_API_KEY]\npattern = "^sk-live-"', "sophia-secrets check"),
    ),
    Scene(
        "bad_value",
        _settings(
            '[secrets.PORT]\ntype = "port"', "sophia-secrets set PORT --backend local --generate hex:8"
        ),
    ),
    Scene("check_failed", "A_KEY=x sophia-secrets diff local env --exit-code"),
    Scene(
        "not_configured",
        "mkdir -p .github/workflows; printf 'on: push\\njobs:\\n  a:\\n    steps:\\n      - run: echo ${{ secrets.A_KEY }}\\n' > .github/workflows/ci.yml\nsophia-secrets check --workflow .github/workflows/ci.yml",
    ),
)
