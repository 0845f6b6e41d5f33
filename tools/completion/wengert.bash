# Completion of the command wengert for bash. Commands and options are asked of the command itself.

_wengert()
{
    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} help words

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$(wengert --help 2>/dev/null | sed -n '/^commands:/,/^$/s/^  \([a-z0-9-]*\) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$cur")
        return
    fi
    help=$(wengert "$command" --help 2>/dev/null)
    case $cur in
    -*)
        words=$(printf '%s\n' "$help" | sed -n 's/^  .\{3,4\}\(--[a-z-]*\).*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        ;;
    *)
        [ "$command" = plot ] && mapfile -t COMPREPLY < <(compgen -W "schedulers activations" -- "$cur")
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
        ;;
    esac
}

complete -o filenames -o bashdefault -F _wengert wengert
