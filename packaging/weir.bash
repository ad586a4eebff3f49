# bash completion for weir: commands, their options and files, asked of the binary itself so that it cannot drift.
_weir() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} offered
    if [ "$COMP_CWORD" -eq 1 ]; then
        offered=$(weir help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')
    elif [ "$command" = help ]; then
        offered=$(weir help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')
    elif [[ $word == -* ]]; then
        offered=$(weir help "$command" 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)
    else
        return # file names, by -o default
    fi
    mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$word")
}
complete -o default -F _weir weir
