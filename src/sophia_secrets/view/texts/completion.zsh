#compdef sophia-secrets
_sophia_secrets() {
    local word=${words[CURRENT]} before=${words[CURRENT-1]} command="" child="" i
    for ((i = 2; i < CURRENT; i++)); do
        case ${words[i]} in
            --) _files; return ;;
            --actor|--backend|--command|--config|--expect-head|--file|--format|--from|--from-file|--generate|--html|--ignore|--last|--max-stale|--name|--only|--outcome|--output|--preserve|--profile|--reason|--scope|--since|--timeout|--to|--until|--workflow|-b|-n|-o) ((i++)) ;;
            -*) ;;
            *) if [[ -z $command ]]; then command=${words[i]}; elif [[ -z $child ]]; then child=${words[i]}; fi ;;
        esac
    done
    case $before in
        --backend|--from|--to|-b) compadd -- github pulumi fly local env; return ;;
        --actor|--backend|--command|--config|--expect-head|--file|--format|--from|--from-file|--generate|--html|--ignore|--last|--max-stale|--name|--only|--outcome|--output|--preserve|--profile|--reason|--scope|--since|--timeout|--to|--until|--workflow|-b|-n|-o) _files; return ;;
    esac
    case $command in
        rotation|config|cache|audit) ;;
        *) child="" ;;
    esac
    if [[ -z $command && $word != -* ]]; then
        compadd -- get list explain info set delete copy move sync diff rotate rotation run export render import scan doctor config trust backends cache check audit completion help unset ls rm
        return
    fi
    if [[ $word == -* ]]; then
        case "$command${child:+ }$child" in
            "get") compadd -- --backend -b --no-cache --raw --explain --clip --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "list") compadd -- --backend -b --names --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "explain") compadd -- --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "info") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "set") compadd -- --backend -b --from-file --raw --generate --allow-empty --not-as-declared --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "delete") compadd -- --backend -b --yes -y --if-exists --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "copy") compadd -- --from --to --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "move") compadd -- --from --to --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "sync") compadd -- --from --to --only --delete --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "diff") compadd -- --exit-code --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "rotate") compadd -- --backend -b --generate --due --abandon --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "rotation") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "run") compadd -- --only --scope --pristine --preserve --file --mask --backend -b --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "export") compadd -- --only --format -f --output -o --name --backend -b --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "render") compadd -- --output -o --backend -b --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "import") compadd -- --format -f --backend -b --only --not-as-declared --dry-run --yes -y --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "scan") compadd -- --staged --install-hook --ignore --backend -b --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "doctor") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "config") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "trust") compadd -- --revoke --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "backends") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "cache") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "check") compadd -- --workflow --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "audit") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "completion") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "help") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "unset") compadd -- --backend -b --yes -y --if-exists --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "ls") compadd -- --backend -b --names --no-cache --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "rm") compadd -- --backend -b --yes -y --if-exists --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "rotation status") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "config model") compadd -- --output -o --name --force --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "config show") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "config path") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "config init") compadd -- --force --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "cache status") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "cache clear") compadd -- --backend -b --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "cache warm") compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "audit report") compadd -- --since --until --html --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "audit export") compadd -- --format --output -o --name --backend -b --outcome --command --actor --since --until --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "audit log") compadd -- --name --backend -b --outcome --command --actor --since --until --last -n --follow -f --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            "audit verify") compadd -- --head --expect-head --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
            *) compadd -- --profile --config --timeout --strict --offline --max-stale --reason --json --no-color --verbose -v --debug --version ;;
        esac
        return
    fi
    case "$command${child:+ }$child" in
        "rotation") compadd -- status ;;
        "config") compadd -- model show path init ;;
        "cache") compadd -- status clear warm ;;
        "audit") compadd -- report export log verify ;;
        completion) compadd -- bash zsh fish ;;
        help) compadd -- get list explain info set delete copy move sync diff rotate rotation run export render import scan doctor config trust backends cache check audit completion help unset ls rm ;;
        diff) compadd -- github pulumi fly local env ;;
        get|set|delete|explain|info|copy|move|rotate|export|unset|rm) compadd -- ${(f)"$(sophia-secrets completion --names 2>/dev/null)"} ;;
        *) _files ;;
    esac
}
if [[ ${funcstack[1]} == _sophia[_-]secrets ]]; then
    _sophia_secrets "$@"
else
    (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit -i }
    compdef _sophia_secrets sophia-secrets
fi
