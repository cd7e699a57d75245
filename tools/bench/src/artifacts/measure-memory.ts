import type { MemoryFigures } from "./artifact-figures.ts";
import type { CopyBench } from "./copy-bench.ts";
import type { CopyWay } from "./copy-ways.ts";
import { COPY_WAYS } from "./measure-copies.ts";

/** Copies one file in a fresh process, and asks it how much memory it has needed at most. */
export async function measureMemory(
  bench: CopyBench,
  { way, bytes }: { readonly way: CopyWay; readonly bytes: number },
): Promise<MemoryFigures> {
  const order = await bench.announce(bytes);
  const copier = await bench.startCopier();
  try {
    const { seconds, peakMb } = await copier.copy(way, order);
    return { way: COPY_WAYS[way], bytes, seconds, baseMb: copier.baseMb, peakMb };
  } finally {
    await copier.end();
  }
}
