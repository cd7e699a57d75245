import { isStackyardError } from "@stackyard/core";
import type { MachineDetails } from "@stackyard/sdk";
import { failWith } from "../shell/failure.ts";
import { findNearestName } from "../shell/nearest-name.ts";
import type { ServerContext } from "./server-command.ts";

type YardContext = Pick<ServerContext, "yard" | "signal">;

/** Returns the machines of the yard, or the one of that name, with their states and events; invalid ones have none. */
export async function loadMachines(
  { yard, signal }: YardContext,
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

/** States of jobs, whose machine is in no list. */
const JOB_STATES: readonly string[] = ["INIT", "RUN", "DONE", "FAILED", "CLOSED"];

/**
 * Throws `USAGE` for a state that no machine has: names of states are case-sensitive, and a list of stacks in a mistyped
 * one would only be empty. While a machine is invalid its states are not known, so nothing is refused.
 */
export async function checkState(context: YardContext, state: string, machine?: string): Promise<void> {
  const machines = await loadMachines(context, machine);
  const states = [...new Set(machines.flatMap((each) => each.states.map(({ name }) => name)))];
  if (states.length === 0 || states.includes(state) || machines.some(({ status }) => status === "invalid")) return;
  if (machine === undefined && JOB_STATES.includes(state)) return;
  const owner = machine === undefined ? "No machine" : `The machine "${machine}"`;
  const verb = machine === undefined ? "has a" : "has no";
  const near = states.find((each) => each.toLowerCase() === state.toLowerCase()) ?? findNearestName(state, states);
  throw failWith("USAGE", `${owner} ${verb} state "${state}".`, {
    hint: near === undefined ? `States: ${states.join(", ")}.` : `Did you mean "${near}"? Names are case-sensitive.`,
  });
}
