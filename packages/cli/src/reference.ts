import { toFlag } from "@stackyard/core";
import { type CliCommand, toArgumentFacts } from "./command.ts";
import { type ArgumentFacts, toPlace } from "./command-facts.ts";
import { formatCall } from "./installed-call.ts";

/** Formats the command-line reference as a Markdown page, from the table of commands. Options of several commands are described once. */
export function toReference(commands: readonly CliCommand[]): string {
  const shared = findShared(commands);
  const options = [...shared].filter((row) => row.startsWith("`-")).map((row) => `- ${row}`);
  return [
    HEAD,
    ...toIndex(commands),
    "",
    "## Shared options",
    "",
    SHARED,
    "",
    ...options,
    "",
    ...commands.flatMap((command) => toSection(command, shared)),
    NEXT,
  ]
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n");
}

const SERVER_OPTIONS = ["url", "token", "yard", "project"];

/** Arguments that `SHARED` explains. Others are described in each section. */
const EXPLAINED: ReadonlySet<string> = new Set(["stack", "task", "machine"]);

/** The rows that at least three commands have, or two when they are long. */
function findShared(commands: readonly CliCommand[]): ReadonlySet<string> {
  const counts = new Map<string, { readonly name: string; count: number }>();
  for (const facts of commands.flatMap(toArgumentFacts)) {
    if (facts.positional && !EXPLAINED.has(facts.word)) continue;
    const row = toRow(facts);
    const entry = counts.get(row) ?? { name: facts.positional ? facts.word : toFlag(facts.name), count: 0 };
    counts.set(row, { ...entry, count: entry.count + 1 });
  }
  const isShared = ([row, { count }]: [string, { readonly count: number }]) => count > (row.length > 60 ? 1 : 2);
  const rows = [...counts].filter(isShared).sort(([, one], [, other]) => other.count - one.count);
  // A section refers to an option by its name, so of one name only the most frequent is shared.
  const isFirst = (name: string, at: number) => rows.findIndex(([, other]) => other.name === name) === at;
  return new Set(rows.filter(([, { name }], at) => isFirst(name, at)).map(([row]) => row));
}

/** Lists the commands of each group in one line. */
function toIndex(commands: readonly CliCommand[]): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const { name } of commands) {
    const [group = "", ...rest] = name.split(" ");
    const isGroup = rest.length > 0 || commands.some((other) => other.name.startsWith(`${group} `));
    const key = isGroup ? `\`${group}\`: ` : "";
    const link = `[${isGroup && rest.length > 0 ? rest.join(" ") : name}](#${toAnchor(name)})`;
    groups.set(key, [...(groups.get(key) ?? []), link]);
  }
  return [...groups].map(([group, links]) => `- ${group}${links.join(", ")}`);
}

const HEAD = `# The command line

For everyone at a terminal: every command of \`stackyard\`, its options and its exit codes.

In a clone of the repository, run \`${formatCall("stackyard")}\`; [Getting started](getting-started.md#before-you-begin) explains why. Results go
to standard output; notes, progress and errors go to standard error. Every command takes these options, after its name or before it:

| option | |
|---|---|
| \`--json\` | Print results as JSON on standard output, one object per line. An error is one object on standard error. |
| \`-q\`, \`--quiet\` | Print only results and errors: no notes, no progress. |
| \`--verbose\` | Print details of the work, such as requests, and the stack trace of an error. Same as \`STACKYARD_DEBUG=1\`. |
| \`--no-color\` | Print no colors. Same as \`NO_COLOR=1\`; \`FORCE_COLOR=1\` prints colors in a pipe too. |
| \`-h\`, \`--help\` | Show help. |

\`stackyard -v\`, \`--version\` and \`stackyard version\` print the version. Names of command groups work in the
singular and the plural: \`stackyard stack ls\` is \`stackyard stacks ls\`. A name that begins with \`-\` stands
after \`--\`, behind the options: \`stackyard stacks show --json -- --force\`. Commands in hints are written so.

Names, values and messages of the server are printed in one line, with control characters as \`\\n\` or \`\\u001b\`: otherwise the sender
of an event could add rows to a table or rewrite the screen. JSON has them whole.

| exit code | means |
|---|---|
| 0 | done |
| 1 | the result is negative, or the work failed and left nothing behind |
| 2 | the work failed and left something behind |
| 3 | could not start: connection, permission, configuration, lock |
| 4 | timed out waiting |
| 64 | usage error: unknown command, option or value |
| 130 | interrupted |

Commands that talk to a server find it by \`--url\` and \`--token\`, or as a yard of the configuration by \`--yard\`, else by
\`STACKYARD_URL\` and \`STACKYARD_TOKEN\`, or \`STACKYARD_YARD\`, else they take the one that \`stackyard dev\` runs for the
project: it leaves the address and the token in the data folder. Of a yard on AWS a server runs within the command. The project
is the nearest folder, from the current one upwards, with a \`stackyard.config.ts\` (or \`.js\`, \`.mjs\`, \`.mts\`, \`.json\`).
Plugins of the project add commands: ours \`apps\` ([aws](aws.md#publish-and-deploy)), \`fleet\` ([fleet](fleet.md)),
\`ecs\` ([ecs](ecs.md)), \`release\` ([releases](releases.md)), \`artifacts\` and \`consumers\` ([artifacts](artifacts.md)).
`;

const SHARED =
  "Sections name these options only. *Server options* are `--url`, `--token`, `--yard` and `--project`. `<stack>`, `<task>` and `<machine>` are the id of a stack and the names of a task and of a machine.";

const NEXT = `## Next

- [Configuration](configuration.md): what a project and its yards are configured with
- [Errors](errors.md): what each error code means
- [Operations](operations.md): how to run a yard
`;

function toSection(command: CliCommand, shared: ReadonlySet<string>): readonly string[] {
  const { name, summary, description, examples = {} } = command;
  const facts = toArgumentFacts(command);
  const own = facts.map(toRow).filter((row) => !shared.has(row));
  const typed = Object.entries(examples).map(([example, what]) => `${example}  # ${what}`);
  const words = facts.filter(({ positional }) => positional).map(toPlace);
  return [
    `## stackyard ${name}`,
    "",
    ...(words.length === 0 ? [] : [`\`stackyard ${[name, ...words].join(" ")}\``, ""]),
    summary,
    "",
    ...(description === undefined ? [] : [description.replaceAll("\n", "\n\n"), ""]),
    ...own.map((row) => `- ${row}`),
    ...toSharedNames(facts, shared),
    "",
    ...(typed.length === 0 ? [] : ["```sh", ...typed, "```", ""]),
  ];
}

/** Names the shared options of a command; those that find the server together. */
function toSharedNames(facts: readonly ArgumentFacts[], shared: ReadonlySet<string>): readonly string[] {
  const used = facts.filter((each) => !each.positional && shared.has(toRow(each)));
  const callsServer = SERVER_OPTIONS.every((name) => used.some((each) => each.name === name));
  const named = used.filter(({ name }) => !(callsServer && SERVER_OPTIONS.includes(name)));
  const links = [...named.map(({ name }) => `\`${toFlag(name)}\``), ...(callsServer ? ["server options"] : [])];
  return links.length === 0 ? [] : [`- [Shared](#shared-options): ${links.join(", ")}`];
}

function toRow({ name, positional, word, short, isSwitch, choices, description }: ArgumentFacts): string {
  const flag = `${short === undefined ? "" : `-${short}, `}${toFlag(name)}${isSwitch ? "" : ` <${word}>`}`;
  const oneOf = choices.length === 0 || positional ? "" : ` One of ${choices.map((each) => `\`${each}\``).join(", ")}.`;
  return `\`${positional ? word : flag}\`: ${description}${oneOf}`;
}

function toAnchor(name: string): string {
  return `stackyard-${name.replaceAll(" ", "-")}`;
}
