import { runProgram } from "./source-hooks.ts";

/** A server in its own process. */
export interface ServerProcess {
  readonly url: string;
  /** Returns the peak resident memory of the process, in bytes. */
  measure(): Promise<{ readonly rss: number }>;
  stop(): Promise<void>;
}

/**
 * A server over a history of large entries. Like a store outside the process, every read creates new objects.
 */
const PROGRAM = `
  import { silentLogger } from "@stackyard/core";
  import { createMemoryStore, createStaticLocator, createUlids, systemClock } from "@stackyard/core/engine";
  import { createServer } from "@stackyard/server";
  const [, token, entries, entryBytes] = process.argv;
  const memory = createMemoryStore();
  const empty = { appliedIds: [], park: [], unpark: [], deadLetters: [], dispatches: [], cancels: [], endedAttempts: [], receipts: [] };
  for (let n = 0; n < Number(entries); n += 1) {
    const metadata = { note: String(n).padEnd(Number(entryBytes), "x") };
    const history = [{ stackId: "s", at: 1, eventId: "e" + n, event: "E", outcome: "applied", metadata, sent: [], notes: [] }];
    await memory.commit([{ ...empty, stackId: "s", expectedVersion: 0, write: { kind: "keep" }, history, now: 1 }]);
  }
  const copy = (item) => ({ ...item, metadata: { note: Buffer.from(item.metadata.note).toString() } });
  const listHistory = async (...input) => {
    const page = await memory.listHistory(...input);
    return { ...page, items: page.items.map(copy) };
  };
  const deps = { locator: createStaticLocator([]), executors: new Map(), clock: systemClock, ids: createUlids() };
  const server = createServer(
    { ...deps, store: { ...memory, listHistory }, logger: silentLogger, version: "0.0.0" },
    { port: 0, tokens: [{ name: "tester", token }], limits: { streams: 1000, streamsPerCaller: 1000 } },
  );
  const { url } = await server.start();
  const peak = { rss: 0 };
  const sample = () => {
    peak.rss = Math.max(peak.rss, process.memoryUsage.rss());
  };
  setInterval(sample, 20);
  process.stdin.on("data", () => {
    sample();
    console.log(JSON.stringify(peak));
  });
  process.stdin.on("end", () => process.exit(0));
  console.log(url);`;

/** Starts it with this maximum heap size. */
export async function runServerProcess(input: {
  readonly token: string;
  readonly heapMb: number;
  readonly entries: number;
  readonly entryBytes: number;
}): Promise<ServerProcess> {
  const { token, heapMb, entries, entryBytes } = input;
  const words = [token, String(entries), String(entryBytes)];
  const { child, ended, nextLine } = runProgram(PROGRAM, words, [`--max-old-space-size=${heapMb}`]);
  return {
    url: await nextLine(),
    async measure() {
      child.stdin.write("\n");
      return JSON.parse(await nextLine()) as { readonly rss: number };
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
