import {
  type ParkedName,
  parseParkedId,
  toParkedId,
  toWithdrawal,
  type WithdrawInput,
} from "../aggregate/withdraw-parked.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { toEventKey } from "../machine/event-message.ts";
import type { LoadedStack, ParkedEvent, ParkedHead } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";

const TRIES = 8;

/**
 * Withdraws parked events by their ids (`toParkedId`): they are never applied, and their history says who withdrew them and
 * why. Returns the ids that were found, in their order. Those of an event that an engine has just applied are not.
 *
 * @throws StackyardError `RECORD_CONFLICT` when a stack is changed again and again; the call can be repeated.
 */
export async function withdrawParked(
  store: Pick<Store, "load" | "loadParked" | "commit">,
  ids: readonly string[],
  input: WithdrawInput,
): Promise<readonly string[]> {
  const withdrawn = new Set<string>();
  const names = ids.flatMap((id) => parseParkedId(id) ?? []);
  for (const [stackId, ofStack] of Map.groupBy(names, (name) => name.stackId)) {
    for (const { event } of await withdrawOfStack(store, { stackId, names: ofStack }, input)) {
      withdrawn.add(toParkedId(event));
    }
  }
  return [...new Set(ids)].filter((id) => withdrawn.has(id));
}

interface OfStack {
  readonly stackId: string;
  readonly names: readonly ParkedName[];
}

async function withdrawOfStack(
  store: Pick<Store, "load" | "loadParked" | "commit">,
  ofStack: OfStack,
  input: WithdrawInput,
): Promise<readonly ParkedEvent[]> {
  for (let turn = 1; turn <= TRIES; turn += 1) {
    const [loaded] = await store.load([ofStack.stackId]);
    const heads = loaded === undefined ? [] : findParked(loaded, ofStack.names);
    const keys = heads.map(({ event }) => toEventKey(event));
    const events = keys.length === 0 ? [] : await store.loadParked(ofStack.stackId, keys);
    if (loaded === undefined || events.length === 0) return [];
    const [result] = await store.commit([toWithdrawal(loaded, events, input)]);
    if (result?.kind === "committed") return events;
  }
  const message = `The stack "${ofStack.stackId}" is changed again and again. Withdraw its events again.`;
  throw new StackyardError("RECORD_CONFLICT", message);
}

/** Returns the heads of the parked events with these names. */
export function findParked({ parked }: LoadedStack, names: readonly ParkedName[]): readonly ParkedHead[] {
  const keys = new Set(names.map(({ key }) => key));
  return parked.filter(({ event }) => keys.has(toEventKey(event)));
}
