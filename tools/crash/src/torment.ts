import { setTimeout as sleep } from "node:timers/promises";
import type { Victim } from "./cluster.ts";

/** What is done to whom, and how often. */
export interface TormentInput {
  readonly victims: readonly Victim[];
  /** One victim is killed or frozen each so many milliseconds. */
  readonly everyMs: number;
  /** After so many all are left alone. */
  readonly torments: number;
  /** The longest freeze: one of three. One lasts half as long, one hardly at all. */
  readonly freezeMs: number;
  /** Called with the action and its victim. */
  readonly onTorment?: (what: string) => void;
}

/** What was done. */
export interface Torments {
  readonly kills: number;
  readonly freezes: number;
  /** By name of the victim. */
  readonly hits: Readonly<Record<string, number>>;
  /** Freezes in milliseconds, in the order in which they came. */
  readonly frozenMs: readonly number[];
}

// More kills than freezes; of these two of three last.
const WAYS = ["kill", 0.5, "kill", 1, "kill", 0.05] as const;

interface Blow {
  readonly victim: Victim;
  /** Absent: it was killed. */
  readonly frozenMs: number | undefined;
}

/** Torments one after the other. Ends when enough was done, or it is over; then all run again. */
export async function torment(input: TormentInput, over: AbortSignal): Promise<Torments> {
  const { victims, everyMs, torments, freezeMs, onTorment } = input;
  const busy = new Set<Victim>();
  const nextVictim = createTurns(victims);
  const blows: Blow[] = [];
  const underWay: Promise<void>[] = [];
  while (blows.length < torments) {
    await sleep(everyMs, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) break;
    const victim = nextVictim(busy);
    if (victim === undefined) continue;
    const blow = { victim, frozenMs: toFreezeMs(blows.length, freezeMs) };
    blows.push(blow);
    onTorment?.(blow.frozenMs === undefined ? `killed ${victim.name}` : `froze ${victim.name} for ${blow.frozenMs} ms`);
    busy.add(victim);
    const doing = strike(blow).finally(() => busy.delete(victim));
    // Failures are reported at the end.
    doing.catch(() => undefined);
    underWay.push(doing);
  }
  await Promise.all(underWay);
  return toTorments(blows);
}

/** Picks victims in turns, so that each one is hit. One that has not restarted yet has its turn later. */
function createTurns(victims: readonly Victim[]): (busy: ReadonlySet<Victim>) => Victim | undefined {
  let turns: readonly Victim[] = [];
  return (busy) => {
    if (turns.length === 0) turns = shuffle(victims);
    const victim = turns.find((each) => !busy.has(each));
    turns = turns.filter((each) => each !== victim);
    return victim;
  };
}

function toFreezeMs(place: number, longestMs: number): number | undefined {
  const way = WAYS[place % WAYS.length];
  return typeof way === "number" ? Math.round(way * longestMs) : undefined;
}

async function strike({ victim, frozenMs }: Blow): Promise<void> {
  if (frozenMs === undefined) return victim.kill();
  victim.freeze();
  await sleep(frozenMs);
  victim.thaw();
}

function toTorments(blows: readonly Blow[]): Torments {
  const frozenMs = blows.flatMap((blow) => blow.frozenMs ?? []);
  const byName = Map.groupBy(blows, ({ victim }) => victim.name);
  return {
    kills: blows.length - frozenMs.length,
    freezes: frozenMs.length,
    hits: Object.fromEntries([...byName].map(([name, { length }]) => [name, length])),
    frozenMs,
  };
}

function shuffle<Item>(items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
