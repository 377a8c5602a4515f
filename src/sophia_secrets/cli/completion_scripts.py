"""The completion scripts, which contain all words and call the program only for names of secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sophia_secrets.cli.completion_words import BACKENDS, NAMED, SHELLS, CommandPath, Option, Vocabulary

# `compgen -W` would expand the names, so they are compared and quoted one by one.
_BASH = """\
_sophia_secrets() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="" child="" name i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
            --) return ;;
            @VALUED@) ((i++)) ;;
            -*) ;;
            *) if [ -z "$command" ]; then command="${COMP_WORDS[i]}"; elif [ -z "$child" ]; then child="${COMP_WORDS[i]}"; fi ;;
        esac
    done
    case "$before" in
        @BACKEND_OPTIONS@) COMPREPLY=($(compgen -W "@BACKENDS@" -- "$word")); return ;;
        @VALUED@) return ;;
    esac
    case "$command" in
        @GROUPS@) ;;
        *) child="" ;;
    esac
    if [ -z "$command" ] && [ "${word#-}" = "$word" ]; then
        COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word"))
        return
    fi
    case "$word" in
        -*)
            case "$command${child:+ }$child" in
@OPTIONS@
                *) COMPREPLY=($(compgen -W "@ANYWHERE@" -- "$word")) ;;
            esac
            return ;;
    esac
    case "$command${child:+ }$child" in
@CHILDREN@
        completion) COMPREPLY=($(compgen -W "@SHELLS@" -- "$word")) ;;
        help) COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word")) ;;
        diff) COMPREPLY=($(compgen -W "@BACKENDS@" -- "$word")) ;;
        @NAMED@)
            while IFS= read -r name; do
                case "$name" in "$word"*) COMPREPLY+=("$(printf %q "$name")") ;; esac
            done < <(sophia-secrets completion --names 2>/dev/null) ;;
    esac
}
complete -o default -F _sophia_secrets sophia-secrets
"""

_ZSH = """\
#compdef sophia-secrets
_sophia_secrets() {
    local word=${words[CURRENT]} before=${words[CURRENT-1]} command="" child="" i
    for ((i = 2; i < CURRENT; i++)); do
        case ${words[i]} in
            --) _files; return ;;
            @VALUED@) ((i++)) ;;
            -*) ;;
            *) if [[ -z $command ]]; then command=${words[i]}; elif [[ -z $child ]]; then child=${words[i]}; fi ;;
        esac
    done
    case $before in
        @BACKEND_OPTIONS@) compadd -- @BACKENDS@; return ;;
        @VALUED@) _files; return ;;
    esac
    case $command in
        @GROUPS@) ;;
        *) child="" ;;
    esac
    if [[ -z $command && $word != -* ]]; then
        compadd -- @COMMANDS@
        return
    fi
    if [[ $word == -* ]]; then
        case "$command${child:+ }$child" in
@OPTIONS@
            *) compadd -- @ANYWHERE@ ;;
        esac
        return
    fi
    case "$command${child:+ }$child" in
@CHILDREN@
        completion) compadd -- @SHELLS@ ;;
        help) compadd -- @COMMANDS@ ;;
        diff) compadd -- @BACKENDS@ ;;
        @NAMED@) compadd -- ${(f)"$(sophia-secrets completion --names 2>/dev/null)"} ;;
        *) _files ;;
    esac
}
if [[ ${funcstack[1]} == _sophia[_-]secrets ]]; then
    _sophia_secrets "$@"
else
    (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit -i }
    compdef _sophia_secrets sophia-secrets
fi
"""

_FISH = """\
function __sophia_secrets_words
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case @VALUED@
                set skip 1
            case '-*'
            case '*'
                echo $word
        end
    end
end
function __sophia_secrets_at
    set -l found (__sophia_secrets_words)
    test "$found" = "$argv"
end
function __sophia_secrets_in
    set -l found (__sophia_secrets_words)
    set -l wanted (count $argv)
    test (count $found) -ge $wanted; or return 1
    set -l first $found[1..$wanted]
    test "$first" = "$argv"
end
complete -c sophia-secrets -f
"""


def bash(known: Vocabulary) -> str:
    """For bash 3.2 and newer."""
    return _filled(_BASH, known, '{0}) COMPREPLY=($(compgen -W "{1}" -- "$word")) ;;')


def zsh(known: Vocabulary) -> str:
    """For zsh, evaluated or installed as `_sophia-secrets` in a directory of `fpath`."""
    return _filled(_ZSH, known, "{0}) compadd -- {1} ;;")


def _filled(script: str, known: Vocabulary, offer: str) -> str:
    def block(rows: Iterable[tuple[str, str]], indent: int) -> str:
        return "\n".join(" " * indent + offer.format(f'"{place}"', offered) for place, offered in rows)

    every = [*known.places, *(place for children in known.groups.values() for place in children)]
    options = [(place.words, _spelled((*place.options, *known.anywhere))) for place in every]
    children = [(name, " ".join(_last(each) for each in below)) for name, below in known.groups.items()]
    filling = {
        "VALUED": "|".join(_valued(known)),
        "BACKEND_OPTIONS": "|".join(_taking(known, "B")),
        "BACKENDS": " ".join(BACKENDS),
        "GROUPS": "|".join(known.groups),
        "COMMANDS": " ".join(place.words for place in known.places),
        "ANYWHERE": _spelled(known.anywhere),
        "OPTIONS": block(options, 16 if script is _BASH else 12),
        "CHILDREN": block(children, 8),
        "SHELLS": " ".join(SHELLS),
        "NAMED": "|".join((*NAMED, "unset", "rm")),
    }
    for name, text in filling.items():
        script = script.replace(f"@{name}@", text)
    return script


def fish(known: Vocabulary) -> str:
    """For fish, each word with its description."""
    return _FISH.replace("@VALUED@", " ".join(_valued(known))) + "".join(
        f"complete -c sophia-secrets {line}\n" for line in _fish_lines(known)
    )


def _fish_lines(known: Vocabulary) -> Iterator[str]:
    for option in known.anywhere:
        yield _fish_option(option)
    for place in known.places:
        yield f"-n __sophia_secrets_at -a {place.words} -d {_quoted(place.about)}"
        yield from _fish_place(place)
    for name, children in known.groups.items():
        for child in children:
            yield f"-n '__sophia_secrets_at {name}' -a {_last(child)} -d {_quoted(child.about)}"
            yield from _fish_place(child)
    for name in (*NAMED, "unset", "rm"):
        yield f"-n '__sophia_secrets_in {name}' -a '(sophia-secrets completion --names 2>/dev/null)'"
    for name in ("import", "render", "scan", "trust", "run"):
        yield f"-n '__sophia_secrets_in {name}' -F"
    yield f"-n '__sophia_secrets_in diff' -a '{' '.join(BACKENDS)}'"
    yield f"-n '__sophia_secrets_at completion' -a '{' '.join(SHELLS)}'"
    yield f"-n '__sophia_secrets_at help' -a '{' '.join(place.words for place in known.places)}'"


def _fish_place(place: CommandPath) -> Iterator[str]:
    for option in place.options:
        yield f"-n '__sophia_secrets_in {place.words}' {_fish_option(option)}"


def _fish_option(option: Option) -> str:
    parts = [f"-l {each[2:]}" if each.startswith("--") else f"-s {each[1:]}" for each in option.spellings]
    if option.value == "B":
        parts.append(f"-x -a '{' '.join(BACKENDS)}'")
    elif option.value:
        parts.append("-r -F" if option.value == "FILE" else "-x")
    return f"{' '.join(parts)} -d {_quoted(option.about)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _last(place: CommandPath) -> str:
    return place.words.rpartition(" ")[2]


def _spelled(options: Iterable[Option]) -> str:
    return " ".join(dict.fromkeys(each for option in options for each in option.spellings))


def _valued(known: Vocabulary) -> list[str]:
    """The options that always take a value."""
    options = [*known.anywhere, *(option for place in _all(known) for option in place.options)]
    flags = {each for option in options if not option.value for each in option.spellings}
    return sorted({each for option in options if option.value for each in option.spellings} - flags)


def _taking(known: Vocabulary, value: str) -> list[str]:
    return sorted(
        {
            each
            for place in _all(known)
            for option in place.options
            if option.value == value
            for each in option.spellings
        }
    )


def _all(known: Vocabulary) -> Iterator[CommandPath]:
    yield from known.places
    for children in known.groups.values():
        yield from children
