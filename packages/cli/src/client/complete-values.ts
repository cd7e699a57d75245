import { Stackyard } from "@stackyard/sdk";
import type { CommandContext } from "../command.ts";
import { loadConfigFile } from "../project/config-file.ts";
import { machinesDirOf } from "../project/load-executors.ts";
import { listMachineNames } from "../project/machine-files.ts";
import { isAwsYard } from "../project/parse-yards.ts";
import { loadMachines } from "./check-state.ts";
import { findYardName, openServer } from "./open-server.ts";
import type { ServerContext } from "./server-command.ts";

/** What the user has typed of the command. */
export interface CompleteInput {
  /** `stack`, `machine`, `state`, `event`, `task`, `yard`, `executor`. */
  readonly of: string;
  readonly prefix: string;
  /** Arguments before it, by name. */
  readonly typed: ReadonlyMap<string, string>;
}

type Context = Pick<CommandContext, "cwd" | "env" | "out" | "signal">;
type YardContext = Pick<ServerContext, "yard" | "signal">;

const MOST_STACKS = 200;

/**
 * Returns the values that an argument may have, from the running yard or the project's files. Throws what reading these
 * throws. A yard on AWS is not asked: opening it takes longer than a shell may wait.
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
  return askYard(context, input, SOURCES[of] ?? (async () => []));
}

type Source = (context: YardContext, input: CompleteInput) => Promise<readonly string[]>;

const SOURCES: Readonly<Record<string, Source>> = {
  stack: async ({ yard, signal }, { prefix, typed }) => {
    const machine = typed.get("machine");
    const filter = { idPrefix: prefix, ...(machine === undefined ? {} : { machine }) };
    const { items } = await yard.stacks.list(filter, { limit: MOST_STACKS, signal });
    return items.map(({ id }) => id);
  },
  state: async (context, { typed }) => {
    const machines = await loadMachines(context, (await findMachine(context, typed)) ?? typed.get("machine"));
    return unique(machines.flatMap(({ states }) => states.map(({ name }) => name)));
  },
  event: async (context, { typed }) => {
    const machines = await loadMachines(context, (await findMachine(context, typed)) ?? typed.get("machine"));
    return unique(machines.flatMap(({ events }) => events));
  },
  task: async ({ yard, signal }, { typed }) => {
    const stack = typed.get("stack");
    if (stack === undefined) return [];
    return (await yard.stacks.get(stack, { signal })).tasks.map(({ name }) => name);
  },
};

async function askYard(context: Context, input: CompleteInput, source: Source): Promise<readonly string[]> {
  const given = pick(input.typed, ["url", "token", "yard", "project"]);
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

/** The machine of the stack that was named; undefined when there is none yet. */
async function findMachine(
  { yard, signal }: YardContext,
  typed: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const stack = typed.get("stack");
  if (stack === undefined) return undefined;
  return yard.stacks.get(stack, { signal }).then(
    ({ machine }) => machine,
    () => undefined,
  );
}

function pick(typed: ReadonlyMap<string, string>, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries([...typed].filter(([name]) => names.includes(name)));
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
