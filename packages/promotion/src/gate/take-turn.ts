import { type ExecutorContext, toShellCommand } from "@stackyard/core";
import type { YardService } from "@stackyard/core/engine";
import { type Condition, closed, never, OPEN } from "./condition.ts";
import {
  decideTurn,
  listTurnStacks,
  NEW_TURN,
  type TurnDecision,
  type TurnPlace,
  type TurnRecord,
  type TurnRequest,
  without,
} from "./decide-turn.ts";
import { turns } from "./turn-record.ts";

/** Where turns are kept and their stacks are seen. */
export interface TurnDeps extends Pick<ExecutorContext, "records" | "clock"> {
  readonly yard: Pick<YardService, "findPositions">;
}

/** A turn by its name, over the whole yard. */
export interface TakeTurnInput extends Omit<TurnRequest, "now"> {
  readonly name: string;
  /** The machine of the release: its board shows each reader who has the turn. */
  readonly machine: string;
}

/** Asks for a turn, and takes it when it is free and this release is the newest that waits. Idempotent. */
export async function takeTurn(deps: TurnDeps, { name, machine, ...given }: TakeTurnInput): Promise<Condition> {
  const request = { ...given, waiter: { ...given.waiter, machine }, now: deps.clock.now() };
  const decision = await changeTurn(deps, name, async (record) => {
    return decideTurn(record, request, await loadPlaces(deps.yard, record));
  });
  return toCondition({ name, machine }, decision);
}

/** Gives up the place of a release among those that wait. */
export async function leaveTurn(
  deps: Omit<TurnDeps, "yard">,
  { name, waiter }: Pick<TakeTurnInput, "name" | "waiter">,
): Promise<void> {
  await changeTurn(deps, name, async (record) => ({ record: without(record, waiter) }));
}

async function changeTurn<Decision extends { readonly record: TurnRecord }>(
  { records, clock }: Omit<TurnDeps, "yard">,
  name: string,
  decide: (record: TurnRecord) => Promise<Decision>,
): Promise<Decision> {
  const { decision } = await turns.change({ records, clock }, encodeURIComponent(name), async (found) => {
    const before = found?.value ?? NEW_TURN;
    const decision = await decide(before);
    return decision.record === before ? { decision } : { decision, write: { value: decision.record } };
  });
  return decision;
}

async function loadPlaces(yard: TurnDeps["yard"], record: TurnRecord): Promise<ReadonlyMap<string, TurnPlace>> {
  const stacks = listTurnStacks(record);
  if (stacks.length === 0) return new Map();
  const places = await yard.findPositions(stacks);
  return new Map(places.map((place) => [place.stackId, place]));
}

// Who may read a release may not read the others: the board names them to those who may.

function toCondition({ name, machine }: Pick<TakeTurnInput, "name" | "machine">, decision: TurnDecision): Condition {
  if (decision.kind === "granted") return OPEN;
  const which = `Which: ${toShellCommand`stackyard board ${machine}`}`;
  if (decision.kind === "superseded") {
    return never("SUPERSEDED", `The turn "${name}" went to a newer release. ${which}`);
  }
  const { holder, next } = decision;
  if (holder !== undefined) {
    const until = `It is free when that one leaves ${holder.states.join(", ")}; to end it, stop it.`;
    return closed("TURN_TAKEN", `The turn "${name}" is with another release. ${until} ${which}`);
  }
  if (next === undefined)
    return closed("TURN_FREE", `The turn "${name}" is free, and is taken with the other conditions.`);
  return closed("TURN_TAKEN", `The turn "${name}" goes to a newer release, which waits for it. ${which}`);
}
