import type { MemoryFigures } from "./artifact-figures.ts";
import type { CopyBench } from "./copy-bench.ts";
import { startCopyFunction } from "./copy-function.ts";

const WAYS = {
  presigned: "the template's function, by presigned URL, TLS",
  identity: "the template's function, by its role, TLS",
} as const;

/** Copies one file in a fresh process of the function as it was built, and asks it how much memory it has needed at most. */
export async function measureMemory(
  bench: CopyBench,
  { way, bytes }: { readonly way: keyof typeof WAYS; readonly bytes: number },
): Promise<MemoryFigures> {
  const { message } = await bench.announce(bytes);
  const consumer = await startCopyFunction({ transfer: way, port: await bench.startSecure() });
  try {
    const { seconds, peakMb } = await consumer.copy(message);
    return { way: WAYS[way], bytes, seconds, baseMb: consumer.baseMb, peakMb };
  } finally {
    await consumer.end();
  }
}
