"""Which variables are dangerous in a child process, hold credentials or configure this program: pure."""

from __future__ import annotations

# Prefixes only where no ordinary secret begins so: `SSH_PRIVATE_KEY`, `NODE_AUTH_TOKEN` and
# `RUBYGEMS_API_KEY` are secrets, so their families are named one by one below.
_DANGEROUS_PREFIXES = (
    "BASH_FUNC_",
    "COMPLUS_",
    "CORECLR_",
    "DOTNET_",
    "DYLD_",
    "GIT_",
    "GITHUB_",
    "LD_",
    "LUA_CPATH",
    "LUA_INIT",
    "LUA_PATH",
    "NPM_CONFIG_",
    "PERL5",
    "PYTHON",
    "RUSTC",
)
# In groups: what a loader or a shell runs; what an interpreter or build tool runs before its own
# work; which helper is started; which proxy, certificate or service is used; whom the process
# takes itself to be.
_DANGEROUS_WORDS = """
PATH IFS ENV BASH_ENV BASHOPTS SHELLOPTS PROMPT_COMMAND PS0 PS1 PS2 PS4 CDPATH GLOBIGNORE ZDOTDIR
FPATH SHELL GCONV_PATH GETCONF_DIR LOCPATH NLSPATH HOSTALIASES RES_OPTIONS LOCALDOMAIN MALLOC_CONF
GLIBC_TUNABLES TERMINFO TERMINFO_DIRS TERMCAP
NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_REPL_EXTERNAL_MODULE
RUBYOPT RUBYLIB RUBYPATH RUBYSHELL GEM_HOME GEM_PATH BUNDLE_GEMFILE BUNDLE_PATH PERLLIB PERL_UNICODE
PERLIO PHPRC PHP_INI_SCAN_DIR JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS CLASSPATH MAVEN_OPTS
MAVEN_ARGS GRADLE_OPTS CATALINA_OPTS CARGO_HOME RUSTFLAGS RUSTDOCFLAGS RUSTUP_TOOLCHAIN RUSTUP_HOME
GOFLAGS GOPATH GOROOT GOENV GOTOOLCHAIN GOPROXY MAKEFLAGS MFLAGS GNUMAKEFLAGS CC CXX OPENSSL_CONF
OPENSSL_MODULES OPENSSL_ENGINES ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ELIXIR_ERL_OPTIONS VIRTUAL_ENV
PIP_CONFIG_FILE PIP_INDEX_URL PIP_EXTRA_INDEX_URL UV_INDEX_URL UV_CONFIG_FILE
EDITOR VISUAL PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE SUDO_ASKPASS SSH_ASKPASS SSH_AUTH_SOCK
DISPLAY DBUS_SESSION_BUS_ADDRESS
HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY FTP_PROXY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE
REQUESTS_CA_BUNDLE CURL_HOME WGETRC DOCKER_HOST DOCKER_CONFIG KUBECONFIG
HOME USER LOGNAME PWD OLDPWD TMPDIR TMP TEMP XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR
"""
_DANGEROUS = frozenset(_DANGEROUS_WORDS.split())
_CREDENTIAL = ("TOKEN", "SECRET", "PASSWORD", "PASSPHRASE", "KEY")
_CONTROL_VARIABLES = frozenset({"SOPHIA_GITHUB_SECRETS_JSON"})


def is_dangerous(name: str) -> bool:
    """
    Whether this variable can make a child process run, load or connect to something else (I8).

    A list of what is known: it stops accidents and the usual attacks, not every program's own
    variable.
    """
    upper = name.upper()
    return not name or upper in _DANGEROUS or upper.startswith(_DANGEROUS_PREFIXES) or is_ours(upper)


def may_be_credential(name: str) -> bool:
    """Whether a variable of this name is likely to hold a credential of a vendor."""
    return name.endswith(_CREDENTIAL)


def is_ours(name: str) -> bool:
    """Whether this variable configures this program, or holds its key or secrets: never an entry."""
    return name in _CONTROL_VARIABLES or name.startswith("SOPHIA_SECRETS_")
