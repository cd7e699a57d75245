import { type AppliedInputs, type ApplyOptions, applyInputs } from "../aggregate/apply-inputs.ts";
import type { FoundMachine, StackInput, WantedMachine } from "../aggregate/stack-input.ts";
import type { LoadedStack } from "../ports/stack-store.ts";
import type { MachineFinder } from "./machine-finder.ts";

/** The machines that one turn has looked up: each once for all events with the same result. */
export interface TurnMachines {
  find(wanted: WantedMachine): Looked | undefined;
  lookUp(wanted: WantedMachine): Promise<void>;
}

type Looked = FoundMachine | { readonly error: unknown };

export function createTurnMachines(finder: Pick<MachineFinder, "find" | "findNow">): TurnMachines {
  const found = new Map<string, Looked>();
  return {
    find: (wanted) => finder.findNow(wanted) ?? found.get(toSharedKey(wanted)) ?? found.get(toOwnKey(wanted)),
    async lookUp(wanted) {
      const looked = await finder.find(wanted).catch((error: unknown) => ({ error }));
      // A failure may be transient, and the reason for an undeclared event may contain the stack's id.
      const isOwn = "error" in looked || (looked.kind === "found" && looked.undeclared !== undefined);
      found.set(isOwn ? toOwnKey(wanted) : toSharedKey(wanted), looked);
    },
  };
}

function toSharedKey({ name, stack, event }: WantedMachine): string {
  const { origin, to = "", message } = event;
  const { machineHash = "", state = "" } = stack ?? {};
  const revision = String(message?.["revision"]);
  // The lengths separate the parts. This runs for each event, where JSON text would cost too much.
  const lengths = `${name.length},${state.length},${event.name.length},${to.length}`;
  return `${lengths}:${machineHash},${origin},${name},${state},${event.name},${to},${revision}`;
}

function toOwnKey(wanted: WantedMachine): string {
  return `${wanted.event.stackId}\u0000${toSharedKey(wanted)}`;
}

/** Applies inputs, and looks up the machines that they turn out to need. */
export async function applyWithMachines(
  loaded: LoadedStack,
  inputs: readonly StackInput[],
  { machines, ...options }: Omit<ApplyOptions, "machines"> & { readonly machines: TurnMachines },
): Promise<Extract<AppliedInputs, { kind: "applied" }>> {
  for (;;) {
    const applied = applyInputs(loaded, inputs, { ...options, machines: machines.find });
    if (applied.kind === "applied") return applied;
    await machines.lookUp(applied.wanted);
  }
}
