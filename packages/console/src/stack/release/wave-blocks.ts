import type { WaveCounts } from "./deploy-counts.ts";

/** The parts of a wave, in the order of their blocks. */
export const WAVE_PARTS = ["done", "unchanged", "skipped", "failed", "sent", "waiting", "unsent", "undone"] as const;

/** One of `WAVE_PARTS`. */
export type WavePart = (typeof WAVE_PARTS)[number];

const WORST_FIRST: readonly WavePart[] = [
  "failed",
  "sent",
  "waiting",
  "unsent",
  "undone",
  "skipped",
  "unchanged",
  "done",
];

/** Blocks of one wave; with more stacks, a block represents several. */
const MOST_BLOCKS = 60;

/** Returns for how many stacks a block of a wave stands. */
export function countPerBlock(counts: WaveCounts): number {
  const stacks = WAVE_PARTS.reduce((sum, part) => sum + counts[part], 0);
  return Math.max(1, Math.ceil(stacks / MOST_BLOCKS));
}

/** Returns the blocks of a wave; one of several stacks shows the worst of them. */
export function toWaveBlocks(counts: WaveCounts): readonly WavePart[] {
  const perBlock = countPerBlock(counts);
  const stacks = WAVE_PARTS.flatMap((part) => Array.from({ length: counts[part] }, () => part));
  return Array.from({ length: Math.ceil(stacks.length / perBlock) }, (_, index) => {
    const own = new Set(stacks.slice(index * perBlock, (index + 1) * perBlock));
    return WORST_FIRST.find((part) => own.has(part)) ?? "unsent";
  });
}
