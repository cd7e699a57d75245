import { toFlag } from "@stackyard/core";
import { type CliCommand, toArgumentFacts, toPlace } from "./command.ts";

/** Formats the command-line reference as a Markdown page, from the table of commands. */
export function toReference(commands: readonly CliCommand[]): string {
  const index = commands.map(({ name, summary }) => `| [\`stackyard ${name}\`](#${toAnchor(name)}) | ${summary} |`);
  return [HEAD, "| command | does |", "|---|---|", ...index, "", ...commands.flatMap(toSection), NEXT]
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n");
}

const HEAD = `# The command line

After reading this page you know every command of \`stackyard\`, its options and its exit codes.

In a clone of the repository, run \`npx stackyard\`; [Getting started](getting-started.md#before-you-begin) explains why. Results go
to standard output; notes, progress and errors go to standard error. Every command takes these options, after its name or before it:

| option | |
|---|---|
| \`--json\` | Print results as JSON on standard output, one object per line. An error is one object on standard error. |
| \`-q\`, \`--quiet\` | Print only results and errors: no notes, no progress. |
| \`--verbose\` | Print details of the work, such as requests, and the stack trace of an error. Same as \`STACKYARD_DEBUG=1\`. |
| \`--no-color\` | Print no colors. Same as \`NO_COLOR=1\`; \`FORCE_COLOR=1\` prints colors in a pipe too. |
| \`-h\`, \`--help\` | Show help. |

\`stackyard -v\`, \`--version\` and \`stackyard version\` print the version. Names of command groups work in the
singular and the plural: \`stackyard stack ls\` is \`stackyard stacks ls\`.

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

const NEXT = `## Next

- [Configuration](configuration.md): what a project and its yards are configured with
- [Errors](errors.md): what each error code means
- [Operations](operations.md): how to run a yard
`;

function toSection(command: CliCommand): readonly string[] {
  const { name, summary, description, examples = {} } = command;
  const rows = toRows(command);
  const typed = Object.entries(examples).map(([example, what]) => `# ${what}\n${example}`);
  return [
    `## stackyard ${name}`,
    "",
    summary,
    "",
    ...(description === undefined ? [] : [description.replaceAll("\n", "\n\n"), ""]),
    "```sh",
    toUsage(command),
    "```",
    "",
    ...(rows.length === 0 ? [] : ["| argument | |", "|---|---|", ...rows, ""]),
    ...(typed.length === 0 ? [] : ["```sh", ...typed, "```", ""]),
  ];
}

function toUsage(command: CliCommand): string {
  const words = toArgumentFacts(command)
    .filter(({ positional }) => positional)
    .map(toPlace);
  return ["stackyard", command.name, ...words, "[options]"].join(" ");
}

function toRows(command: CliCommand): readonly string[] {
  return toArgumentFacts(command).map(({ name, positional, word, short, isSwitch, choices, description }) => {
    const flag = `${short === undefined ? "" : `-${short}, `}${toFlag(name)}${isSwitch ? "" : ` <${word}>`}`;
    const oneOf =
      choices.length === 0 || positional ? "" : ` One of ${choices.map((each) => `\`${each}\``).join(", ")}.`;
    return `| \`${positional ? word : flag}\` | ${description}${oneOf} |`;
  });
}

function toAnchor(name: string): string {
  return `stackyard-${name.replaceAll(" ", "-")}`;
}
