// Copies files, and tells how long it took and how much memory the process has needed so far.
import { type CopyOrder, type CopyReport, createCopyWays } from "./artifacts/copy-ways.ts";
import { serveCalls } from "./side-by-side/process-calls.ts";

let ways: ReturnType<typeof createCopyWays> | undefined;

serveCalls({
  async connect(url: string): Promise<Pick<CopyReport, "peakMb">> {
    ways = createCopyWays(url);
    return { peakMb: readPeak() };
  },
  async copy({ way, ...order }: CopyOrder): Promise<CopyReport> {
    if (ways === undefined) throw new Error("Not connected.");
    const startedAt = performance.now();
    await ways[way](order);
    return { seconds: (performance.now() - startedAt) / 1_000, peakMb: readPeak() };
  },
});

/** `maxRSS` is in KiB (Node.js documentation, "process.resourceUsage"). */
function readPeak(): number {
  return (process.resourceUsage().maxRSS * 1_024) / 1e6;
}
