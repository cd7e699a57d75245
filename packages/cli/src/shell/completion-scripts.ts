/** A command as completion needs it. */
export interface CompletionWords {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly string[];
}

/** What may follow: after these words, these words. */
interface Step {
  readonly after: string;
  readonly words: readonly string[];
}

/**
 * A completion script for bash. It knows commands and flags; values come from the program. They are names that others
 * have chosen, so the shell must never evaluate them: `compgen -W` would.
 */
export function toBash(commands: readonly CompletionWords[]): string {
  return `_stackyard() {
  local current="\${COMP_WORDS[COMP_CWORD]}" typed="" word offered=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) typed="$typed $word" ;; esac
  done
  case "\${typed# }" in
${toCases(commands)}
  esac
  COMPREPLY=()
  if [ -n "$offered" ]; then
    case "\${typed# },$current" in
      *,-*${toPlainPatterns(commands)}) COMPREPLY=($(compgen -W "$offered" -- "$current")); return ;;
    esac
  fi
  while IFS= read -r word; do
    COMPREPLY+=("$(printf %q "$word")")
  done < <(stackyard __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)
}
complete -o default -F _stackyard stackyard
`;
}

/** A completion script for zsh. */
export function toZsh(commands: readonly CompletionWords[]): string {
  return `#compdef stackyard
_stackyard() {
  local current="\${words[CURRENT]}" typed="" word offered=""
  local -a values
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) ;; *) typed="$typed $word" ;; esac
  done
  case "\${typed# }" in
${toCases(commands)}
  esac
  if [[ -n "$offered" ]]; then
    case "\${typed# },$current" in
      *,-*${toPlainPatterns(commands)}) compadd -- \${=offered}; return ;;
    esac
  fi
  values=("\${(@f)$(stackyard __complete -- "\${(@)words[2,CURRENT-1]}" "$current" 2>/dev/null)}")
  if [[ -n "\${values[1]}" ]]; then compadd -a values; else _files; fi
}
compdef _stackyard stackyard
`;
}

/** A completion script for fish. */
export function toFish(commands: readonly CompletionWords[]): string {
  const values = "(stackyard __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)";
  const lines = ["complete -c stackyard -e"];
  for (const { name, summary, flags } of commands) {
    const words = name.split(" ");
    const last = words.at(-1) ?? "";
    lines.push(`complete -c stackyard -n ${toCondition(words.slice(0, -1))} -a ${last} -d ${quote(summary)}`);
    for (const flag of flags) lines.push(`complete -c stackyard -n ${toCondition(words)} -l ${flag.slice(2)}`);
  }
  for (const group of listGroups(commands)) {
    lines.push(`complete -c stackyard -n __fish_use_subcommand -a ${group}`);
  }
  lines.push(`complete -c stackyard -n 'not __fish_use_subcommand' -a ${quote(values)}`);
  return `${lines.join("\n")}\n`;
}

function toCondition(words: readonly string[]): string {
  if (words.length === 0) return "__fish_use_subcommand";
  return quote(words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and "));
}

function toCases(commands: readonly CompletionWords[]): string {
  return toSteps(commands)
    .map(
      ({ after, words }) => `    ${after === "" ? '""' : toPattern(after, commands)}) offered="${words.join(" ")}" ;;`,
    )
    .join("\n");
}

// A command may be followed by more words, its arguments; a group of commands may not.
function toPattern(after: string, commands: readonly CompletionWords[]): string {
  const isCommand = commands.some(({ name }) => name === after);
  return isCommand ? `"${after}"|"${after} "*` : `"${after}"`;
}

/** Where a command's name is not complete yet: the words that may follow are known. */
function toPlainPatterns(commands: readonly CompletionWords[]): string {
  return ["", ...listGroups(commands)].map((group) => `|${quote(`${group},`)}*`).join("");
}

function toSteps(commands: readonly CompletionWords[]): readonly Step[] {
  const groups = listGroups(commands);
  const top = commands.filter(({ name }) => !name.includes(" ")).map(({ name }) => name);
  return [
    { after: "", words: [...top, ...groups, "--help", "--version"] },
    ...groups.map((group) => ({
      after: group,
      words: commands
        .filter(({ name }) => name.startsWith(`${group} `))
        .map(({ name }) => name.slice(group.length + 1)),
    })),
    ...commands.map(({ name, flags }) => ({ after: name, words: flags })),
  ];
}

function listGroups(commands: readonly CompletionWords[]): readonly string[] {
  const firsts = commands.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0] ?? "");
  return [...new Set(firsts)];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
