import { type Clock, listPages, type Records } from "@stackyard/core";
import { describeTurn, listTurnStacks, type TurnPlace } from "./decide-turn.ts";
import { turns } from "./turn-record.ts";

/** The stack of a release at a turn. */
export interface TurnPart {
  readonly stack: string;
  /** Missing: of the holder. */
  readonly task?: string;
}

/** A turn as it is now. */
export interface ListedTurn {
  readonly name: string;
  /** Missing: it is free, or has a `problem`. */
  readonly holder?: TurnPart;
  /** The newest, which gets it next, first. */
  readonly waiting: readonly TurnPart[];
  /** Why it is not known who has the turn: no release gets it until its record is repaired. */
  readonly problem?: string;
}

/** Where turns are kept, and their stacks seen. */
export interface ListTurnsDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  /** A stack that is not in the result does not exist. */
  readonly findPlaces: (stackIds: readonly string[]) => Promise<ReadonlyMap<string, TurnPlace>>;
}

const PAGE = 100;

/**
 * Lists the turns that a release has or waits for, and those whose record cannot be read, by name. A record alone says too
 * little: a release gives up its turn by leaving its states, and nothing is written then.
 */
export async function listTurns({ findPlaces, ...deps }: ListTurnsDeps): Promise<readonly ListedTurn[]> {
  const found: ListedTurn[] = [];
  const load = (start: object) => turns.listNamed(deps, { limit: PAGE, ...start });
  for await (const { items, unreadable = [] } of listPages(load)) {
    found.push(...unreadable.map(({ id, reason }) => toListed(turns.toName(id), { waiting: [], problem: reason })));
    for (const { name, value } of items) {
      const { holder, waiting } = describeTurn(value, await findPlaces(listTurnStacks(value)));
      if (holder === undefined && waiting.length === 0) continue;
      const parts = waiting.map(({ stack, task }) => ({ stack, task }));
      found.push(toListed(name, { ...(holder && { holder: { stack: holder.stack } }), waiting: parts }));
    }
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function toListed(name: string, turn: Omit<ListedTurn, "name">): ListedTurn {
  return { name: decodeURIComponent(name), ...turn };
}
