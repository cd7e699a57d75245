import { parseMachine } from "../machine/parse-machine.ts";
import type { Executor, Step } from "../ports/executor.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import { createScriptedExecutor, type ScriptedCall } from "./run-executor.ts";
import { createSimulator, type Simulator, type SimulatorInput } from "./simulator.ts";

/** The machine `app` of trials: two tasks, then one more at the end. */
export const TRIAL_SOURCE = `
version: 1
events: [OPENED, PUSHED, MERGED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD:
    tasks: [network, db]
    on: {NEXT: [{action: advance, state: LIVE}], MERGED: [{action: advance, state: CLEAN-UP}]}
  LIVE:
    on: {PUSHED: [{action: advance, state: BUILD}], MERGED: [{action: advance, state: CLEAN-UP}]}
  CLEAN-UP: {terminal: true, tasks: [remove]}
tasks:
  network: {executor: work, config: {}}
  db: {executor: work, config: {}}
  remove: {executor: work, config: {}}
`;

/** Machines that a test can change while a yard runs. */
export interface TrialLocator extends Locator {
  /** Puts a machine's newest text there; undefined takes the machine away. */
  write(name: string, source: string | undefined): void;
  /** Look-ups so far: `app`, or `app fresh` past the cache. */
  readonly asked: readonly string[];
}

/** Creates a locator over texts that is always up to date. */
export function createTrialLocator(
  executors: ReadonlyMap<string, Executor>,
  sources: Readonly<Record<string, string>> = {},
): TrialLocator {
  const located = new Map<string, LocatedMachine>();
  const asked: string[] = [];

  function write(name: string, source: string | undefined): void {
    if (source === undefined) located.delete(name);
    else located.set(name, toLocated(name, source, executors));
  }

  for (const [name, source] of Object.entries(sources)) write(name, source);
  return {
    write,
    asked,
    async find(name, options) {
      asked.push(options?.fresh === true ? `${name} fresh` : name);
      return located.get(name) ?? { kind: "unknown" };
    },
    list: async () => [...located].map(([name, machine]) => ({ name, located: machine, origin: "trial" })),
  };
}

/** Options of a trial that differ from the default. */
export interface TrialInput extends Partial<Omit<SimulatorInput, "machines" | "locator">> {
  readonly script?: (call: ScriptedCall) => Step | undefined;
  /** The source of the machine `app`. Default: `TRIAL_SOURCE`. */
  readonly source?: string;
}

/** A simulated yard with the machine `app` and the executor `work`. */
export interface Trial {
  readonly yard: Simulator;
  readonly calls: readonly ScriptedCall[];
  readonly locator: TrialLocator;
  /** By name. */
  readonly executors: ReadonlyMap<string, Executor>;
  /** Lists the history of a stack, one line per event: `PUSHED parked EVENT_NOT_HANDLED`. */
  listOutcomes(stackId: string): Promise<readonly string[]>;
  /** Lists parked events of a stack: `e2 EVENT_NOT_HANDLED tried 1`. */
  listParked(stackId: string): Promise<readonly string[]>;
  /** Lists events of the yard that were dead-lettered: `e2 EVENT_UNDECLARED`. */
  listDeadLetters(): Promise<readonly string[]>;
}

/** Makes one; nothing has happened in it yet. */
export function createTrial({ script, source = TRIAL_SOURCE, ...input }: TrialInput = {}): Trial {
  const { executor, calls } = createScriptedExecutor("work", script);
  const executors = input.executors ?? [executor];
  const byName = new Map(executors.map((each) => [each.name, each]));
  const locator = createTrialLocator(byName, { app: source });
  const yard = createSimulator({ ...input, machines: [], executors, locator });
  return {
    yard,
    calls,
    locator,
    executors: byName,
    async listOutcomes(stackId) {
      const lines = await yard.listHistory(stackId);
      return lines.map(({ event, outcome, code }) => [event, outcome, ...(code === undefined ? [] : [code])].join(" "));
    },
    async listParked(stackId) {
      const [loaded] = await yard.store.load([stackId]);
      return (loaded?.parked ?? []).map(({ event, code, tries }) => `${event.id} ${code} tried ${tries}`);
    },
    async listDeadLetters() {
      const { items } = await yard.store.queries.listDeadLetters({}, { limit: 100 });
      return items.map(({ event, code }) => `${event.id} ${code}`).reverse();
    },
  };
}

function toLocated(name: string, source: string, executors: ReadonlyMap<string, Executor>): LocatedMachine {
  const { machine, problems } = parseMachine(source, { name, executors });
  if (machine === undefined) return { kind: "invalid", problems };
  return { kind: "found", machine, revision: { name, hash: machine.hash, source }, problems };
}
