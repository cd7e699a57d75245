import { applyInputs } from "../../aggregate/apply-inputs.ts";
import type { AppliedInputs, ApplyOptions } from "../../aggregate/apply-options.ts";
import { isNeeds, type Needs } from "../../aggregate/parked-tries.ts";
import { type InputPlan, planInputs } from "../../aggregate/plan-inputs.ts";
import type { FoundMachine, StackInput, WantedMachine } from "../../aggregate/stack-input.ts";
import { isStackyardError } from "../../errors/stackyard-error.ts";
import { toEventKey } from "../../machine/event-message.ts";
import type { RecordsDeps } from "../../ports/record-kind.ts";
import type { LoadedStack, ParkedEvent } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import { listHeldStates, type StateOwner } from "../../services/terraform-inventories.ts";
import { loadAbsences } from "../yard-absences.ts";
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
      found.set(isOwn(looked, wanted) ? toOwnKey(wanted) : toSharedKey(wanted), looked);
    },
  };
}

/**
 * Returns true for an answer that other stacks do not share. A failure may be transient, the reason for an undeclared event may
 * contain the stack's id, and whether a stack moves to another revision depends on what runs and waits in it.
 */
function isOwn(looked: Looked, { stack }: WantedMachine): boolean {
  if ("error" in looked) return true;
  if (looked.kind === "missing") return stack !== undefined;
  const { undeclared, heldBack, machine } = looked;
  return (
    undeclared !== undefined || heldBack !== undefined || (stack !== undefined && machine.hash !== stack.machineHash)
  );
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

/** Options of `applyLoaded`: those of `applyInputs`, with machines that are looked up. */
interface LoadedOptions extends Omit<ApplyOptions, "machines" | "parkedEvents" | "absences" | "left"> {
  readonly machines: TurnMachines;
}

/**
 * Applies inputs, and loads the machines, parked events and what is left of the stack, as far as they turn out to need. An event that is no longer parked
 * was withdrawn or applied meanwhile: it counts as not parked.
 */
export function applyLoaded(
  store: Pick<Store, "loadParked" | "records">,
  loaded: LoadedStack,
  inputs: readonly StackInput[],
  options: LoadedOptions,
): Promise<Extract<AppliedInputs, { kind: "applied" }>> {
  return withLoaded(store, loaded, options, (aggregate, all) => applyInputs(aggregate, inputs, all));
}

/** Plans inputs in the same way. */
export function planLoaded(
  store: Pick<Store, "loadParked" | "records">,
  loaded: LoadedStack,
  inputs: readonly StackInput[],
  options: LoadedOptions,
): Promise<InputPlan> {
  return withLoaded(store, loaded, options, (aggregate, all) => planInputs(applyInputs, aggregate, inputs, all));
}

async function withLoaded<Answer>(
  store: Pick<Store, "loadParked" | "records">,
  loaded: LoadedStack,
  { machines, ...options }: LoadedOptions,
  work: (aggregate: LoadedStack, options: ApplyOptions) => Answer | Needs,
): Promise<Answer> {
  let { parked } = loaded;
  const absences = hasExpired(loaded, options.now) ? await loadAbsences(store.records, options.now) : undefined;
  const parkedEvents = new Map<string, ParkedEvent>();
  let left: readonly string[] | undefined;
  for (let most = 1; ; ) {
    const answer = work({ ...loaded, parked }, { ...options, machines: machines.find, parkedEvents, absences, left });
    if (!isNeeds(answer)) return answer;
    if (answer.missing.kind === "machine") {
      await machines.lookUp(answer.missing.wanted);
      continue;
    }
    if (answer.missing.kind === "left") {
      const { machine, isForced } = answer.missing;
      const owner = { machine, stackId: loaded.stackId, isForced };
      left = await listLeft({ records: store.records, clock: { now: () => options.now } }, owner);
      continue;
    }
    const keys = answer.missing.keys.slice(0, most);
    for (const each of await store.loadParked(loaded.stackId, keys)) parkedEvents.set(toEventKey(each.event), each);
    const gone = new Set(keys.filter((key) => !parkedEvents.has(key)));
    if (gone.size > 0) parked = parked.filter(({ event }) => !gone.has(toEventKey(event)));
    // The first one that is tried may change the stack, so that the state does not handle the others.
    most *= 2;
  }
}

/** Lists what a removal leaves: what cannot be read stops none by force. */
async function listLeft(
  deps: RecordsDeps,
  { isForced, ...owner }: StateOwner & { readonly isForced?: boolean | undefined },
): Promise<readonly string[]> {
  try {
    return await listHeldStates(deps, owner);
  } catch (error) {
    if (isForced !== true || !isStackyardError(error, "STORE_CORRUPT")) throw error;
    return [`Terraform states that cannot be listed (${error.message})`];
  }
}

/** Returns true when the decision may have to know for how long people could not answer. */
function hasExpired({ stack }: LoadedStack, now: number): boolean {
  return Object.values(stack?.approvals ?? {}).some(({ expiresAt }) => expiresAt <= now);
}
