import type { CommandFacts } from "./command-facts.ts";

/** Commands of other tools and our equivalents; the first one that exists is suggested. */
const COMMANDS = toMap({
  apply: ["send"],
  approve: ["approvals approve"],
  cancel: ["stacks cancel"],
  check: ["validate"],
  create: ["send"],
  delete: ["stacks remove"],
  deploy: ["send"],
  describe: ["stacks show"],
  destroy: ["stacks remove"],
  freeze: ["freezes start"],
  get: ["stacks show"],
  history: ["stacks history"],
  inspect: ["stacks show"],
  lint: ["validate"],
  list: ["stacks ls"],
  log: ["stacks logs", "stacks history"],
  logs: ["stacks logs", "stacks history"],
  ack: ["stacks acknowledge"],
  acknowledge: ["stacks acknowledge"],
  ls: ["stacks ls"],
  new: ["init"],
  plan: ["deploys plan"],
  promote: ["send"],
  publish: ["send"],
  redrive: ["events redrive"],
  reject: ["approvals reject"],
  releases: ["board"],
  dismiss: ["events dismiss"],
  withdraw: ["events withdraw"],
  remove: ["stacks remove"],
  retry: ["stacks retry"],
  rm: ["stacks remove"],
  rollback: ["send"],
  serve: ["server"],
  settle: ["stacks settle"],
  show: ["stacks show"],
  start: ["dev"],
  status: ["stacks show"],
  tail: ["stacks watch"],
  top: ["ps"],
  unfreeze: ["freezes end"],
  up: ["dev"],
  upgrade: ["stacks upgrade"],
  watch: ["stacks watch"],
});

/** The same for the last word of a command of a group, such as `stacks list`. */
const VERBS = toMap({
  cat: ["show"],
  delete: ["remove", "retire"],
  describe: ["show"],
  destroy: ["remove", "retire"],
  get: ["show"],
  info: ["show"],
  inspect: ["show"],
  list: ["ls", "show"],
  log: ["logs", "history"],
  logs: ["history"],
  ls: ["show"],
  resend: ["redrive"],
  retry: ["redrive"],
  rm: ["remove", "retire"],
  show: ["ls"],
  status: ["show"],
  tail: ["watch"],
});

/**
 * Returns what to type instead of a command that only other tools have, such as `logs` or `rm`; undefined for other
 * words. `typed` are the words that match no command of ours, `rest` what follows.
 */
export function findFamiliarCommand(
  typed: readonly string[],
  rest: readonly string[],
  commands: readonly CommandFacts[],
): string | undefined {
  const [first = "", ...more] = typed;
  if (more.length === 0) return findTopLevel(first, rest, commands);
  const verbs = VERBS.get(more.at(-1) ?? "") ?? [];
  const names = verbs.map((verb) => [...typed.slice(0, -1), verb].join(" "));
  const found = findFirst(names, commands);
  return found === undefined ? undefined : `Use \`${toTyped(found, rest)}\`.`;
}

function findTopLevel(word: string, rest: readonly string[], commands: readonly CommandFacts[]): string | undefined {
  const known = COMMANDS.get(word);
  if (known === undefined) return undefined;
  const [noun = "", ...after] = rest;
  const group = findGroupName(
    noun,
    commands.map(({ name }) => name),
  );
  // `get stacks` and `get stack pr-12`, as kubectl has it.
  const names = group === undefined ? known : (VERBS.get(word) ?? [word]).map((verb) => `${group} ${verb}`);
  const given = group === undefined ? rest : after;
  const lists = given.length === 0 && names.some((name) => name.endsWith(" show"));
  const found = findFirst(lists ? [`${group ?? "stacks"} ls`, ...names] : names, commands);
  if (found === undefined) return undefined;
  const use = `Use \`${toTyped(found, given)}\`.`;
  if (found.name !== "stacks remove") return use;
  return `${use} It deletes the record only: to take an environment down, send the event of its machine that does so.`;
}

/** Finds the group of commands that a word names, in the singular or the plural. */
export function findGroupName(word: string, names: readonly string[]): string | undefined {
  if (word === "") return undefined;
  const groups = new Set(names.filter((name) => name.includes(" ")).map((name) => name.split(" ", 1)[0]));
  return [word, `${word}s`, word.replace(/s$/, "")].find((name) => groups.has(name));
}

function findFirst(names: readonly string[], commands: readonly CommandFacts[]): CommandFacts | undefined {
  return names
    .map((name) => commands.find((command) => command.name === name))
    .find((command) => command !== undefined);
}

/** Formats the command with the typed words; missing arguments are in capitals. */
function toTyped(command: CommandFacts, rest: readonly string[]): string {
  const { name } = command;
  const args = command.args.filter(({ positional }) => positional);
  const missing = args.slice(rest.length).filter(({ required }) => required);
  const taken = args.length === 0 ? [] : rest;
  return ["stackyard", name, ...taken, ...missing.map((each) => each.name.toUpperCase())].join(" ");
}

function toMap(words: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(words));
}
