// One instance of a function in a process of its own: it imports the bundle as Lambda's runtime does, and then works batches.
import { pathToFileURL } from "node:url";
import { serveCalls } from "./side-by-side/process-calls.ts";

/** What it took to import the bundle. */
export interface ImportFigures {
  readonly importMs: number;
  readonly importCpuMs: number;
}

/** What a call took. */
export interface CallFigures {
  readonly answer: unknown;
  readonly wallMs: number;
  readonly cpuMs: number;
}

const TIME_OUT_MS = 60_000;
const [bundle = ""] = process.argv.slice(2);
const started = { at: performance.now(), cpu: process.cpuUsage() };
const { handler } = await import(pathToFileURL(bundle).href);
const imported: ImportFigures = { importMs: performance.now() - started.at, importCpuMs: toMs(started.cpu) };

serveCalls({
  imported: async () => imported,
  async call(event: unknown): Promise<CallFigures> {
    const before = { cpu: process.cpuUsage(), wall: performance.now() };
    const endsAt = Date.now() + TIME_OUT_MS;
    const answer: unknown = await handler(event, { getRemainingTimeInMillis: () => endsAt - Date.now() });
    return { answer, wallMs: performance.now() - before.wall, cpuMs: toMs(before.cpu) };
  },
});

function toMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}
