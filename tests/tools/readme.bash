# The README's first screen, typed as it stands there (`load readme`, behind `load helpers`).

# block WORDS: the lines of the example behind the paragraph that begins with these words in bold.
block() {
  awk -v words="**$1" '
    index($0, words) == 1 { found = 1; next }
    found && /^    / { print substr($0, 5); shown = 1 }
    found && shown && !/^    / { exit }' "$PROJECT/README.md"
}

# play WORDS [SED-SCRIPT]: runs its commands, and holds what each says against what stands there. The last one
# is repeated for a while: totals follow payments a moment later. SED-SCRIPT changes names of this machine.
play() {
  local line commands=() says=() i said
  while IFS= read -r line; do
    if [[ $line == '$ '* ]]; then commands+=("${line#\$ }") says+=(''); else says[-1]+="$line"$'\n'; fi
  done < <(block "$1" | sed "${2:-}")
  [ ${#commands[@]} -ge 3 ]
  for i in "${!commands[@]}"; do
    said=no
    says_so() { said=$(eval "${commands[i]}" && echo .) && [ "$said" = "${says[i]}." ]; }
    if [ $((i + 1)) -eq ${#commands[@]} ]; then
      wait_for says_so || { echo "${commands[i]}: $said" >&2; return 1; }
    else
      eval "${commands[i]}" >said || { echo "${commands[i]}: failed" >&2; return 1; }
      printf %s "${says[i]}" | diff - said
    fi
  done
}
