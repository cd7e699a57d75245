import { defineCommand, defined } from "@stackyard/core";
import { Stackyard } from "@stackyard/sdk";
import { loadMachines } from "@stackyard/sdk/send";
import { Type } from "typebox";
import { type CliCommand, type CommandContext, toCommandFacts } from "./command.ts";
import { SHELLS, toScript } from "./completion-words.ts";
import { isAwsYard, loadConfigFile, machinesDirOf } from "./project/config.ts";
import { listMachineNames } from "./project/executors.ts";
import { findYardName, openServer, type ServerContext, serverArgs } from "./server/connection.ts";

/** Creates `stackyard completion`, for the commands that `loadCommands` returns. */
export function createCompletion(loadCommands: () => Promise<readonly CliCommand[]>): CliCommand {
  return defineCommand({
    name: "completion",
    summary: "Print a script that completes commands, flags and values in a shell.",
    description:
      "Also completes values: stack ids, machines, states, events, tasks, and the choices of options. The values come from the command's yard; if it does not answer within 2 s, none are offered.",
    examples: {
      'eval "$(stackyard completion bash)"': "In ~/.bashrc.",
      'eval "$(stackyard completion zsh)"': "In ~/.zshrc, after compinit.",
      "stackyard completion fish | source": "In ~/.config/fish/config.fish.",
    },
    args: Type.Object({
      shell: Type.Enum([...SHELLS], { description: "bash, zsh or fish." }),
    }),
    positionals: ["shell"],
    async run({ out }: CommandContext, { shell }) {
      const commands = await loadCommands();
      const script = toScript(shell, commands.map(toCommandFacts));
      if (out.json) out.result({ shell, script }, () => "");
      else out.document(script);
    },
  });
}

/** The words of the command that the user has typed. */
interface CompleteInput {
  /** `stack`, `machine`, `state`, `event`, `task`, `yard`, `executor`. */
  readonly of: string;
  readonly prefix: string;
  /** The arguments before it, by name. */
  readonly typed: ReadonlyMap<string, string>;
}

type Context = Pick<CommandContext, "cwd" | "env" | "out" | "signal">;
type YardContext = Pick<ServerContext, "yard" | "signal">;

const MOST_STACKS = 200;

/**
 * Returns the values that an argument may have, from the running yard or the project's files. Throws what reading them
 * throws. Skips yards on AWS: opening one takes longer than a shell may wait.
 */
export async function completeValues(context: Context, input: CompleteInput): Promise<readonly string[]> {
  const { of, typed } = input;
  if (of === "yard") return Object.keys((await loadConfigFile(context.cwd, typed.get("project"))).config.yards ?? {});
  if (of === "machine") {
    const [known, local] = await Promise.all([
      askYard(context, input, listMachines).catch(() => []),
      listLocalMachines(context, typed.get("project")).catch(() => []),
    ]);
    return [...new Set([...known, ...local])];
  }
  return [...new Set(await askYard(context, input, SOURCES[of] ?? (async () => [])))];
}

type Source = (context: YardContext, input: CompleteInput) => Promise<readonly string[]>;

const SOURCES: Readonly<Record<string, Source>> = {
  stack: async ({ yard, signal }, { prefix, typed }) => {
    const machine = typed.get("machine");
    const filter = { idPrefix: prefix, ...defined({ machine }) };
    const { items } = await yard.stacks.list(filter, { limit: MOST_STACKS, signal });
    return items.map(({ id }) => id);
  },
  state: async (context, { typed }) => {
    const machines = await loadTypedMachines(context, typed);
    return machines.flatMap(({ states }) => states.map(({ name }) => name));
  },
  event: async (context, { typed }) => (await loadTypedMachines(context, typed)).flatMap(({ events }) => events),
  task: async ({ yard, signal }, { typed }) => {
    const stack = typed.get("stack");
    if (stack === undefined) return [];
    return (await yard.stacks.get(stack, { signal })).tasks.map(({ name }) => name);
  },
};

async function askYard(context: Context, input: CompleteInput, source: Source): Promise<readonly string[]> {
  const given = Object.fromEntries([...input.typed].filter(([name]) => Object.hasOwn(serverArgs, name)));
  const name = findYardName(given, context.env);
  if (name !== undefined) {
    const yard = (await loadConfigFile(context.cwd, given["project"])).config.yards?.[name];
    if (yard === undefined || isAwsYard(yard)) return [];
  }
  const { close, ...server } = await openServer(context, given);
  try {
    return await source({ yard: new Stackyard({ ...server, retries: 0 }), signal: context.signal }, input);
  } finally {
    await close();
  }
}

const listMachines: Source = async ({ yard, signal }) => {
  return (await yard.machines.list({ signal })).map(({ name }) => name);
};

async function listLocalMachines({ cwd }: Context, project: string | undefined): Promise<readonly string[]> {
  return listMachineNames(machinesDirOf(await loadConfigFile(cwd, project)));
}

/** Loads the machine of the named stack, else the named machine, else all. */
async function loadTypedMachines(context: YardContext, typed: ReadonlyMap<string, string>) {
  const stack = typed.get("stack");
  const found = stack === undefined ? undefined : await findStack(context, stack);
  return loadMachines(context, found?.machine ?? typed.get("machine"));
}

async function findStack({ yard, signal }: YardContext, stack: string) {
  return yard.stacks.get(stack, { signal }).catch(() => undefined);
}
