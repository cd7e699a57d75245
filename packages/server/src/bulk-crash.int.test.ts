import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sharePostgres } from "@stackyard/postgres-server";
import { it } from "vitest";
import { runYardProcess, type YardProcess } from "./testing/run-yard-process.ts";

const TOKEN = "a-token-of-the-tests";
/** Enough to be killed halfway. */
const STACKS = process.env["LONG_TESTS"] ? 500 : 150;
/** Each look lists all stacks. */
const PATIENT = { interval: 200, timeout: 60_000 };

interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly cursor?: string;
}

interface Place {
  /** A folder, or the address of a database. */
  readonly place: string;
  remove(): Promise<void>;
}

async function makeFolder(): Promise<Place> {
  const place = await mkdtemp(join(tmpdir(), "stackyard-"));
  return { place, remove: () => rm(place, { recursive: true, force: true }) };
}

/** The process dies, not the server, so its writes need not reach the disk. */
async function startDatabase(): Promise<Place> {
  const { url, stop } = await sharePostgres();
  return { place: url, remove: stop };
}

type Call = <Answer>(path: string, body?: unknown) => Promise<Answer>;

function callAt(yard: YardProcess): Call {
  return async <Answer>(path: string, body?: unknown) => {
    const response = await fetch(`${yard.url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Answer;
  };
}

async function listAll(call: Call, path: string): Promise<Page["items"]> {
  const found: Page["items"][number][] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: Page = await call(`${path}${path.includes("?") ? "&" : "?"}limit=1000${cursor && `&cursor=${cursor}`}`);
    found.push(...page.items);
    cursor = page.cursor;
  }
  return found;
}

// Both at once: the next server has to wait until the lease of the killed one ends.
it.concurrent.for([
  ["SQLite", makeFolder],
  ["Postgres", startDatabase],
] as const)(
  "continues where a killed server has stopped, over %s",
  { timeout: 180_000 },
  async ([, makePlace], test) => {
    const { expect, onTestFinished } = test;
    const { place, remove } = await makePlace();
    onTestFinished(remove);
    const first = await runYardProcess({ token: TOKEN, place });
    onTestFinished(first.kill);
    const names = Array.from({ length: STACKS }, (_, n) => `s-${String(n).padStart(4, "0")}`);
    const callFirst = callAt(first);
    for (let start = 0; start < STACKS; start += 100) {
      await callFirst(
        "/v1/events",
        names.slice(start, start + 100).map((stackId) => ({ stackId, event: "LAUNCH", machine: "switch" })),
      );
    }
    await expect.poll(async () => (await listAll(callFirst, "/v1/stacks?state=OFF")).length, PATIENT).toBe(STACKS);

    const bulk = await callFirst<{ id: string }>("/v1/bulk", {
      operation: "send",
      filter: { machine: "switch", state: "OFF" },
      body: { event: "TOGGLE" },
    });
    const find = (call: Call) => call<{ done: number; status: string }>(`/v1/bulk/${bulk.id}`);
    while ((await find(callFirst)).done < STACKS / 3) await new Promise((resolve) => setTimeout(resolve, 2));
    const before = await find(callFirst);
    await first.kill();
    const second = await runYardProcess({ token: TOKEN, place });
    onTestFinished(second.kill);
    const call = callAt(second);
    await expect.poll(async () => (await find(call)).status, PATIENT).toBe("done");

    expect(before.done).toBeLessThan(STACKS);
    expect(await find(call)).toMatchObject({ total: STACKS, done: STACKS, counts: { applied: STACKS } });
    const items = await listAll(call, `/v1/bulk/${bulk.id}/items`);
    expect(items.map(({ id }) => id)).toEqual(names);
    expect(new Set(items.map(({ outcome }) => outcome))).toEqual(new Set(["applied"]));
    const toggles = (await listAll(call, "/v1/history?order=oldest")).filter(({ event }) => event === "TOGGLE");
    expect(toggles.map(({ stackId }) => stackId).toSorted()).toEqual(names);
    expect(new Set(toggles.map(({ outcome, actor }) => `${outcome} ${actor}`))).toEqual(new Set(["applied tester"]));
    expect(await listAll(call, "/v1/stacks?state=ON")).toHaveLength(STACKS);
  },
);
