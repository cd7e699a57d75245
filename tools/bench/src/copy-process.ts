// Copies files, and prints the duration.
import { type CopyOrder, createCopyWays } from "./artifacts/copy-ways.ts";
import { serveCalls } from "./side-by-side/process-calls.ts";

let ways: ReturnType<typeof createCopyWays> | undefined;

serveCalls({
  async connect(url: string): Promise<void> {
    ways = createCopyWays(url);
  },
  /** Gives seconds. */
  async copy({ way, ...order }: CopyOrder): Promise<number> {
    if (ways === undefined) throw new Error("Not connected.");
    const startedAt = performance.now();
    await ways[way](order);
    return (performance.now() - startedAt) / 1_000;
  },
});
