import { findNearestName, isStackyardError, StackyardError } from "@stackyard/core";
import type { MachineDetails } from "@stackyard/core/api";
import type { Stackyard } from "../stackyard.ts";

/** The source of machines and stacks. */
export interface MachinesSource {
  readonly yard: Pick<Stackyard, "machines" | "stacks">;
  readonly signal?: AbortSignal;
}

/** Returns the yard's machines, or the one of that name, with their states and events; invalid ones have none. */
export async function loadMachines(
  { yard, signal }: MachinesSource,
  machine?: string,
): Promise<readonly MachineDetails[]> {
  const names = machine === undefined ? (await yard.machines.list({ signal })).map(({ name }) => name) : [machine];
  const found = await Promise.all(
    names.map((name) =>
      yard.machines.get(name, { signal }).catch((error: unknown) => {
        if (isStackyardError(error, "MACHINE_UNKNOWN")) return undefined;
        throw error;
      }),
    ),
  );
  return found.filter((each) => each !== undefined);
}

/** States of jobs; their machine is in no list. */
const JOB_STATES: readonly string[] = ["INIT", "RUN", "DONE", "FAILED", "CLOSED"];

/**
 * Throws `USAGE` for a state that no machine has: names of states are case-sensitive, and the list of stacks in a
 * mistyped one would only be empty. Accepts any state while a machine is invalid, because its states are unknown.
 */
export async function checkState(source: MachinesSource, state: string, machine?: string): Promise<void> {
  const machines = await loadMachines(source, machine);
  const states = [...new Set(machines.flatMap((each) => each.states.map(({ name }) => name)))];
  if (states.length === 0 || states.includes(state) || machines.some(({ status }) => status === "invalid")) return;
  if (machine === undefined && JOB_STATES.includes(state)) return;
  const owner = machine === undefined ? "No machine" : `The machine "${machine}"`;
  const verb = machine === undefined ? "has a" : "has no";
  const near = states.find((each) => each.toLowerCase() === state.toLowerCase()) ?? findNearestName(state, states);
  const hint =
    near === undefined ? `States: ${states.join(", ")}.` : `Did you mean "${near}"? Names are case-sensitive.`;
  throw new StackyardError("USAGE", `${owner} ${verb} state "${state}".`, { details: { hint } });
}

/** The event to send, and the states to wait for. */
interface Goal {
  readonly stackId: string;
  /** The machine of a stack that does not exist yet. */
  readonly machine?: string | undefined;
  /** States, or `removed`. */
  readonly until: readonly string[];
}

/**
 * Throws `USAGE` for a mistyped state before anything is sent. A stack that keeps an older revision may have states that
 * the newest one lacks, so its states are not checked.
 */
export async function checkGoalStates(source: MachinesSource, { stackId, machine, until }: Goal): Promise<void> {
  const states = until.filter((state) => state !== "removed");
  if (states.length === 0) return;
  const { yard, signal } = source;
  const stack = await yard.stacks.get(stackId, { signal }).catch((error: unknown) => {
    if (isStackyardError(error, "STACK_UNKNOWN")) return undefined;
    throw error;
  });
  const name = stack?.machine ?? machine;
  if (name === undefined) return;
  if (stack !== undefined) {
    const [newest] = await loadMachines(source, name);
    if (newest?.hash !== stack.machineHash) return;
  }
  for (const state of states) await checkState(source, state, name);
}
