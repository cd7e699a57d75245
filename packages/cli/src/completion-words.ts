import { toFlag } from "@stackyard/core";
import type { ArgumentFacts, CommandFacts } from "./command-facts.ts";
import { GLOBAL_OPTIONS } from "./program.ts";

const SCRIPTS = { bash: toBash, zsh: toZsh, fish: toFish } as const;

/** Shells that have a script. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** Formats the completion script of a shell. */
export function toScript(shell: (typeof SHELLS)[number], commands: readonly CommandFacts[]): string {
  return SCRIPTS[shell](commands.map(toWords));
}

function toWords(command: CommandFacts): CompletionWords {
  return { name: command.name, summary: command.summary, flags: listFlags(command) };
}

/** The possible completions of a word: fixed words, or values that a project or a yard has. */
type Completion =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | {
      readonly kind: "values";
      /** The kind of value that the argument's schema names in `completes`, such as `stack`. */
      readonly of: string;
      /** Arguments that were typed before, by name. */
      readonly typed: ReadonlyMap<string, string>;
    };

/**
 * Returns what can complete the last of these words: commands, flags, choices, or the kind of value that its argument
 * takes. `words` are those after the program's name; the last one is what was typed of the present word.
 */
export function completeWords(words: readonly string[], commands: readonly CommandFacts[]): Completion {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  const found = findCommand(before, commands);
  if (found === undefined) return { kind: "words", words: listNextWords(before, current, commands) };
  const { command, rest } = found;
  const read = readArguments(command.args, rest);
  const wanted = read.open ?? (current.startsWith("-") ? undefined : read.next);
  if (wanted !== undefined) return completeValue(wanted, read.typed);
  if (!current.startsWith("-")) return { kind: "words", words: [] };
  return { kind: "words", words: listFlags(command) };
}

/** Returns the flags of a command, including those of every command. */
function listFlags(command: CommandFacts): readonly string[] {
  const own = command.args.filter(({ positional }) => !positional);
  return [...own.map(({ name }) => toFlag(name)), ...GLOBAL_FLAGS];
}

const GLOBAL_FLAGS: readonly string[] = [
  ...GLOBAL_OPTIONS.flatMap(([flags]) => flags.split(", ").filter((flag) => flag.startsWith("--"))),
  "--help",
];

function findCommand(
  words: readonly string[],
  commands: readonly CommandFacts[],
): { readonly command: CommandFacts; readonly rest: readonly string[] } | undefined {
  const start = words.findIndex((word) => !word.startsWith("-"));
  if (start < 0) return undefined;
  for (const length of [3, 2, 1]) {
    const name = words.slice(start, start + length).join(" ");
    const command = commands.find((each) => each.name === name && name.split(" ").length === length);
    if (command !== undefined) return { command, rest: words.slice(start + length) };
  }
  return undefined;
}

function listNextWords(
  before: readonly string[],
  current: string,
  commands: readonly CommandFacts[],
): readonly string[] {
  const typed = before.filter((word) => !word.startsWith("-"));
  if (current.startsWith("-")) return [...GLOBAL_FLAGS, ...(typed.length === 0 ? ["--version"] : [])];
  const under = commands
    .map(({ name }) => name.split(" "))
    .filter((name) => name.length > typed.length && typed.every((word, index) => name[index] === word));
  return [...new Set(under.map((name) => name[typed.length] ?? ""))];
}

interface ReadArguments {
  /** The flag that the next word is the value of. */
  readonly open: ArgumentFacts | undefined;
  /** The positional argument that comes next. */
  readonly next: ArgumentFacts | undefined;
  readonly typed: ReadonlyMap<string, string>;
}

function readArguments(facts: readonly ArgumentFacts[], words: readonly string[]): ReadArguments {
  const positionals = facts.filter(({ positional }) => positional);
  const typed = new Map<string, string>();
  let open: ArgumentFacts | undefined;
  let at = 0;
  for (const word of words) {
    const place = open ?? (word.startsWith("-") ? undefined : positionals[at]);
    if (place !== undefined) typed.set(place.name, word);
    if (open === undefined && place !== undefined && !place.many) at += 1;
    open = place === undefined ? readFlag(word, facts, typed) : undefined;
  }
  return { open, next: positionals[at], typed };
}

/** Returns the flag when its value is the next word; a value behind `=` is noted. */
function readFlag(
  word: string,
  facts: readonly ArgumentFacts[],
  typed: Map<string, string>,
): ArgumentFacts | undefined {
  const [flag = "", value] = word.split("=", 2);
  const isMeant = ({ name, short }: ArgumentFacts) => toFlag(name) === flag || `-${short}` === flag;
  const found = facts.find((each) => !each.positional && isMeant(each));
  if (found === undefined || found.isSwitch) return undefined;
  if (value === undefined) return found;
  typed.set(found.name, value);
  return undefined;
}

function completeValue({ choices, completes }: ArgumentFacts, typed: ReadonlyMap<string, string>): Completion {
  if (choices.length > 0) return { kind: "words", words: choices };
  return completes === undefined ? { kind: "words", words: [] } : { kind: "values", of: completes, typed };
}

/** A command as completion needs it. */
interface CompletionWords {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly string[];
}

/** A rule of completion: the words that may follow a text. */
interface Step {
  readonly after: string;
  readonly words: readonly string[];
}

/**
 * Formats a completion script for bash. It contains commands and flags; values come from the program. Other people
 * chose those names, so the shell must never evaluate them, as `compgen -W` would.
 */
export function toBash(commands: readonly CompletionWords[]): string {
  return `_stackyard() {
  local current="" typed="" word offered="" before=() begun=""
  # bash takes a colon for the end of a word, and replaces only what comes behind the last one.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    case "$begun,$word,$current" in
      ,*) current="$word"; begun=1 ;;
      1,:*|1,*:) current="$current$word" ;;
      *) before+=("$current"); current="$word" ;;
    esac
  done
  for word in "\${before[@]}"; do
    case "$word" in -*) ;; *) typed="$typed $word" ;; esac
  done
  case "\${typed# }" in
${toCases(commands)}
  esac
  local colon=""
  case "$COMP_WORDBREAKS,$current" in *:*,*:*) colon="\${current%"\${current##*:}"}" ;; esac
  COMPREPLY=()
  if [ -n "$offered" ]; then
    case "\${typed# },$current" in
      *,-*${toPlainPatterns(commands)}) COMPREPLY=($(compgen -W "$offered" -- "$current")); return ;;
    esac
  fi
  while IFS= read -r word; do
    COMPREPLY+=("$(printf %q "\${word#"$colon"}")")
  done < <(stackyard __complete -- "\${before[@]}" "$current" 2>/dev/null)
}
complete -o default -F _stackyard stackyard
`;
}

/** Formats a completion script for zsh. */
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

/** Formats a completion script for fish. */
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

/** Returns patterns for an incomplete command name, where only fixed words can follow. */
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
