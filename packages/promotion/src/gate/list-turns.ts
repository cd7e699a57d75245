import { type Clock, isMap, listPages, type Records } from "@stackyard/core";
import { describeTurn, listTurnStacks, type TurnPlace, type TurnRecord } from "./decide-turn.ts";

/** The stack of a release at a turn. */
export interface TurnPart {
  readonly stack: string;
  /** Missing: of the holder. */
  readonly task?: string;
}

/** A turn as it is now. */
export interface ListedTurn {
  readonly name: string;
  /** Missing: it is free. */
  readonly holder?: TurnPart;
  /** The newest, which gets it next, first. */
  readonly waiting: readonly TurnPart[];
}

/** Where turns are kept, and their stacks seen. */
export interface ListTurnsDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  /** A stack that is not in the result does not exist. */
  readonly findPlaces: (stackIds: readonly string[]) => Promise<ReadonlyMap<string, TurnPlace>>;
}

const PAGE = 100;
/** The beginning of the keys of turns. */
export const TURN_PREFIX = "promotion/turns/";

/**
 * Lists the turns that a release has or waits for, by name. A record alone says too little: a release gives up its turn by
 * leaving its states, and nothing is written then.
 */
export async function listTurns({ records, clock, findPlaces }: ListTurnsDeps): Promise<readonly ListedTurn[]> {
  const turns: ListedTurn[] = [];
  const load = (start: object) => records.list(TURN_PREFIX, { limit: PAGE, now: clock.now(), ...start });
  for await (const { items } of listPages(load)) {
    for (const { key, value } of items) {
      if (!isTurn(value)) continue;
      const { holder, waiting } = describeTurn(value, await findPlaces(listTurnStacks(value)));
      const name = decodeURIComponent(key.slice(TURN_PREFIX.length));
      if (holder === undefined && waiting.length === 0) continue;
      const parts = waiting.map(({ stack, task }) => ({ stack, task }));
      turns.push({ name, ...(holder && { holder: { stack: holder.stack } }), waiting: parts });
    }
  }
  return turns;
}

/** Returns whether a value is the record of a turn of this version. */
export function isTurn(value: unknown): value is TurnRecord {
  return isMap(value) && value["version"] === 1 && Array.isArray(value["waiting"]);
}
