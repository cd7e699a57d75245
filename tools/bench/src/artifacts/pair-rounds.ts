import { orderOfRound, toSpread } from "../side-by-side/statistics.ts";
import type { MessageFigures } from "./artifact-figures.ts";

/** Two ways to work the same messages; each gives seconds. */
export interface MessagePair {
  readonly name: string;
  readonly bare: string;
  readonly messages: number;
  readonly rounds: number;
  ours(): Promise<number> | number;
  theirs(): Promise<number> | number;
}

/** Runs both in every round, there and back, after one that does not count; the ratio is that of the rates within a round. */
export async function pairRounds({ name, bare, messages, rounds, ours, theirs }: MessagePair): Promise<MessageFigures> {
  const seconds: { readonly ours: number; readonly theirs: number }[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const taken = new Map<unknown, number>();
    for (const run of orderOfRound([ours, theirs], round)) taken.set(run, await run());
    if (round > 0) seconds.push({ ours: taken.get(ours) ?? Number.NaN, theirs: taken.get(theirs) ?? Number.NaN });
  }
  return {
    name,
    bare,
    perSecond: toSpread(seconds.map((each) => messages / each.ours)),
    barePerSecond: toSpread(seconds.map((each) => messages / each.theirs)),
    ratio: toSpread(seconds.map((each) => each.theirs / each.ours)),
  };
}

/** Seconds that something takes. */
export async function timeSeconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}
