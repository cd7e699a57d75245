import type { Records } from "@stackyard/core";
import { createFakeClock, createRandom } from "@stackyard/core/testing";
import type { TurnPlace } from "../gate/decide-turn.ts";
import { takeTurn } from "../gate/take-turn.ts";

/** The result of one race. */
export interface TurnRace {
  /** Grants in their order, by stack. */
  readonly grants: readonly string[];
  readonly superseded: readonly string[];
  /** Grants while another release had the turn: there must be none. */
  readonly overlaps: readonly string[];
}

/** The settings of a race of releases. */
export interface RaceTurnInput {
  readonly records: Records;
  readonly name: string;
  readonly seed: number;
  readonly releases?: number;
}

const STATES = ["REVIEW", "PRODUCTION"];
const MOST_ASKS = 60;

/**
 * Lets releases ask for one turn at once. Each moves on when it has it, is stopped and comes back by chance, and every
 * call of the records takes a random time.
 */
export async function raceTurn({ records, name, seed, releases = 4 }: RaceTurnInput): Promise<TurnRace> {
  const random = createRandom(seed);
  const pause = async () => {
    for (let turns = Math.floor(random() * 6); turns > 0; turns -= 1) await Promise.resolve();
  };
  const places = new Map<string, TurnPlace>();
  const [grants, superseded, overlaps]: [string[], string[], string[]] = [[], [], []];
  /** Releases that have the turn, by their results and their states. */
  const holders = new Set<string>();
  const clock = createFakeClock();
  const yard = {
    async findPositions(stackIds: readonly string[]) {
      await pause();
      return stackIds.flatMap((stackId) => {
        const place = places.get(stackId);
        return place === undefined ? [] : [{ stackId, ...place }];
      });
    },
  };
  const slow: Records = {
    ...records,
    get: async (...args) => {
      await pause();
      const found = await records.get(...args);
      await pause();
      return found;
    },
    put: async (input) => {
      await pause();
      return records.put(input);
    },
  };

  async function move(stack: string, state: string): Promise<void> {
    const entry = (places.get(stack)?.entry ?? 0) + 1;
    if (!STATES.includes(state)) holders.delete(stack);
    places.set(stack, { incarnation: "i", state, entry, pending: state === "REVIEW" ? ["turn"] : [] });
    await pause();
  }

  async function deploy(stack: string): Promise<void> {
    holders.add(stack);
    grants.push(stack);
    if (holders.size > 1) overlaps.push([...holders].join(" and "));
    await move(stack, "PRODUCTION");
    await pause();
    await move(stack, random() < 0.3 ? "STOPPED" : "DONE");
  }

  async function run(index: number): Promise<void> {
    const stack = `release-${index}`;
    await move(stack, "REVIEW");
    for (let asks = 0; asks < MOST_ASKS; asks += 1) {
      if (random() < 0.05) {
        await move(stack, "STOPPED");
        await move(stack, "REVIEW");
      }
      const entry = places.get(stack)?.entry ?? 0;
      const waiter = { stack, incarnation: "i", createdAt: index, entry, task: "turn" };
      const request = { waiter, states: STATES, mayTake: random() < 0.9, now: 0 };
      const condition = await takeTurn({ records: slow, clock, yard }, { name, machine: "shop-release", ...request });
      if (condition.kind === "open") return deploy(stack);
      if (condition.kind === "never") {
        superseded.push(stack);
        return move(stack, "STOPPED");
      }
      await pause();
    }
  }

  await Promise.all(Array.from({ length: releases }, (_, index) => run(index)));
  return { grants, superseded, overlaps };
}
