_sophia_secrets() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="" child="" name i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
            --) return ;;
            --actor|--backend|--command|--config|--expect-head|--file|--format|--from|--from-file|--generate|--html|--ignore|--last|--max-stale|--name|--only|--outcome|--output|--preserve|--profile|--reason|--scope|--since|--timeout|--to|--until|--workflow|-b|-n|-o) ((i++)) ;;
            -*) ;;
            *) if [ -z "$command" ]; then command="${COMP_WORDS[i]}"; elif [ -z "$child" ]; then child="${COMP_WORDS[i]}"; fi ;;
        esac
    done
    case "$before" in
        --backend|--from|--to|-b) COMPREPLY=($(compgen -W "github pulumi fly local env" -- "$word")); return ;;
        --actor|--backend|--command|--config|--expect-head|--file|--format|--from|--from-file|--generate|--html|--ignore|--last|--max-stale|--name|--only|--outcome|--output|--preserve|--profile|--reason|--scope|--since|--timeout|--to|--until|--workflow|-b|-n|-o) return ;;
    esac
    case "$command" in
        rotation|config|cache|audit) ;;
        *) child="" ;;
    esac
    if [ -z "$command" ] && [ "${word#-}" = "$word" ]; then
        COMPREPLY=($(compgen -W "get list explain info set delete copy move sync diff rotate rotation run export render import scan doctor config trust backends cache check audit completion help unset ls rm" -- "$word"))
        return
    fi
    case "$word" in
        -*)
            case "$command${child:+ }$child" in
                "get") COMPREPLY=($(compgen -W "--backend -b --no-cache --raw --explain --clip --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "list") COMPREPLY=($(compgen -W "--backend -b --names --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "explain") COMPREPLY=($(compgen -W "--no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "info") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "set") COMPREPLY=($(compgen -W "--backend -b --from-file --raw --generate --allow-empty --not-as-declared --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "delete") COMPREPLY=($(compgen -W "--backend -b --yes -y --if-exists --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "copy") COMPREPLY=($(compgen -W "--from --to --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "move") COMPREPLY=($(compgen -W "--from --to --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "sync") COMPREPLY=($(compgen -W "--from --to --only --delete --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "diff") COMPREPLY=($(compgen -W "--exit-code --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "rotate") COMPREPLY=($(compgen -W "--backend -b --generate --due --abandon --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "rotation") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "run") COMPREPLY=($(compgen -W "--only --scope --pristine --preserve --file --mask --backend -b --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "export") COMPREPLY=($(compgen -W "--only --format -f --output -o --name --backend -b --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "render") COMPREPLY=($(compgen -W "--output -o --backend -b --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "import") COMPREPLY=($(compgen -W "--format -f --backend -b --only --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "scan") COMPREPLY=($(compgen -W "--staged --install-hook --ignore --backend -b --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "doctor") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "config") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "trust") COMPREPLY=($(compgen -W "--revoke --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "backends") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "cache") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "check") COMPREPLY=($(compgen -W "--workflow --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "audit") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "completion") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "help") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "unset") COMPREPLY=($(compgen -W "--backend -b --yes -y --if-exists --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "ls") COMPREPLY=($(compgen -W "--backend -b --names --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "rm") COMPREPLY=($(compgen -W "--backend -b --yes -y --if-exists --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "rotation status") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "config model") COMPREPLY=($(compgen -W "--output -o --name --force --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "config show") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "config path") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "config init") COMPREPLY=($(compgen -W "--force --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "cache status") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "cache clear") COMPREPLY=($(compgen -W "--backend -b --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "cache warm") COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "audit report") COMPREPLY=($(compgen -W "--since --until --html --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "audit export") COMPREPLY=($(compgen -W "--format --output -o --name --backend -b --outcome --command --actor --since --until --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "audit log") COMPREPLY=($(compgen -W "--name --backend -b --outcome --command --actor --since --until --last -n --follow -f --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                "audit verify") COMPREPLY=($(compgen -W "--head --expect-head --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
                *) COMPREPLY=($(compgen -W "--profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version" -- "$word")) ;;
            esac
            return ;;
    esac
    case "$command${child:+ }$child" in
        "rotation") COMPREPLY=($(compgen -W "status" -- "$word")) ;;
        "config") COMPREPLY=($(compgen -W "model show path init" -- "$word")) ;;
        "cache") COMPREPLY=($(compgen -W "status clear warm" -- "$word")) ;;
        "audit") COMPREPLY=($(compgen -W "report export log verify" -- "$word")) ;;
        completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
        help) COMPREPLY=($(compgen -W "get list explain info set delete copy move sync diff rotate rotation run export render import scan doctor config trust backends cache check audit completion help unset ls rm" -- "$word")) ;;
        diff) COMPREPLY=($(compgen -W "github pulumi fly local env" -- "$word")) ;;
        get|set|delete|explain|info|copy|move|rotate|export|unset|rm)
            while IFS= read -r name; do
                case "$name" in "$word"*) COMPREPLY+=("$(printf %q "$name")") ;; esac
            done < <(sophia-secrets completion --names 2>/dev/null) ;;
    esac
}
complete -o default -F _sophia_secrets sophia-secrets
