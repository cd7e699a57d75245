import type { Change, Grant } from "@stackyard/core/engine";
import { aDispatch, aPut, aQueuedEvent } from "@stackyard/core/testing";
import { expect, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { MINUTE, T0 } from "./testing/test-instants.ts";
import { startOwnServer } from "./testing/test-server.ts";

const STACKS = 24;
const LEASE_MS = 60 * MINUTE;

/** A stack that results move forward, as its worker sees it. */
interface Lane {
  readonly stackId: string;
  /** Of the last commit that was answered. */
  version: number;
  grant: Grant | undefined;
  /** The attempt that the commit without an answer would have begun. */
  next: string;
}

const nameOf = (stackId: string, step: number) => `${stackId}/incarnation/${step}/build/1`;

/** Ends the lane's attempt and begins the next as granted. */
function advance({ stackId, version, grant }: Lane, receipts: readonly string[] = []): Change {
  const attemptId = nameOf(stackId, version + 1);
  const ended = grant?.attemptId;
  const eventId = ended === undefined ? `start-${stackId}` : `result:${ended}`;
  const line = { stackId, at: T0, eventId, event: "GO", outcome: "applied", sent: [], notes: [] } as const;
  return aPut(
    { id: stackId },
    {
      expectedVersion: version,
      appliedIds: ended === undefined ? [eventId] : [],
      history: [line],
      dispatches: [aDispatch(attemptId, { stackId })],
      claims: [{ attemptId, owner: "w", leaseMs: LEASE_MS }],
      results: grant === undefined ? [] : [{ grant, outcome: "succeeded" }],
      endedAttempts: ended === undefined ? [] : [ended],
      receipts,
    },
  );
}

async function step(store: PostgresStore, lane: Lane, receipts?: readonly string[]): Promise<void> {
  lane.next = nameOf(lane.stackId, lane.version + 1);
  const [result] = await store.commit([advance(lane, receipts)]);
  if (result?.kind !== "committed") throw new Error(`The commit of ${lane.stackId} is answered ${result?.kind}.`);
  lane.version = result.version;
  lane.grant = result.grants?.[0];
}

/** Until the server is gone. */
async function work(store: PostgresStore, lane: Lane): Promise<void> {
  try {
    for (;;) {
      await step(store, lane);
      if (lane.grant !== undefined && lane.version % 3 === 0) {
        await store.renew(lane.grant, { leaseMs: LEASE_MS, now: T0 + lane.version });
      }
    }
  } catch (error) {
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" });
  }
}

const take = (store: PostgresStore, now: number) =>
  store.takeDue({ kinds: ["event"], now, limit: 100, leaseMs: LEASE_MS });

it("loses nothing and applies nothing twice when the server is killed while leases are out", {
  tags: "promise",
  timeout: 180_000,
}, async () => {
  const server = await startOwnServer({ durable: true });
  const store = await server.open();
  const lanes: readonly Lane[] = Array.from({ length: STACKS }, (_, index) => ({
    stackId: `s${index}`,
    version: 0,
    grant: undefined,
    next: "",
  }));
  await store.enqueue(lanes.map(({ stackId }) => aQueuedEvent(`start-${stackId}`, { stackId })));
  const receipts = new Map(
    (await take(store, T0)).flatMap((item) => (item.kind === "event" ? [[item.event.stackId, item.receipt]] : [])),
  );
  // The events of the last stacks are only out, by rows that the kill takes with it.
  const [busy, waiting] = [lanes.slice(0, -4), lanes.slice(-4)];
  await Promise.all(busy.map((lane) => step(store, lane, [receipts.get(lane.stackId) ?? ""])));

  const working = Promise.all(busy.map((lane) => work(store, lane)));
  await expect.poll(() => Math.min(...busy.map(({ version }) => version)), { timeout: 60_000 }).toBeGreaterThan(5);
  await server.kill();
  await working;
  await server.start();
  await expect
    .poll(() => store.queries.stats().then(({ stacks }) => stacks, String), { timeout: 30_000 })
    .toBe(busy.length);

  const again = (await take(store, T0)).flatMap((item) => (item.kind === "event" ? [item.event.stackId] : []));
  expect(again.sort()).toEqual(waiting.map(({ stackId }) => stackId).sort());
  for (const lane of busy) await checkLane(store, lane);
  await checkLapsed(store, busy.length);
  await store.close();
  await server.stop();
});

/** What was answered is there and is not applied again; what was not is there whole or not at all. */
async function checkLane(store: PostgresStore, lane: Lane): Promise<void> {
  const { stackId, version: known, grant, next } = lane;
  const [loaded] = await store.load([stackId]);
  const version = loaded?.version ?? 0;
  const lines = await store.queries.listHistory({ stackId }, { limit: 1_000 });
  const attempts = await store.queries.listAttempts(stackId);
  const open = attempts.filter(({ status }) => status === "running").map(({ attemptId }) => attemptId);

  expect([known, known + 1]).toContain(version);
  expect(lines.items.length).toBe(version);
  expect(open).toEqual([version === known ? grant?.attemptId : next]);

  const [repeated] = await store.commit([advance(lane)]);
  expect(repeated?.kind).toBe(version === known ? "committed" : "conflict");
  const late = { ...advance(lane), expectedVersion: known + 1 };
  expect(await store.commit([late])).toMatchObject([{ kind: "lost" }]);
}

/** Whether the server still had a lease or not: its attempt comes back when it is over, under a higher token. */
async function checkLapsed(store: PostgresStore, count: number): Promise<void> {
  const now = T0 + 2 * LEASE_MS;
  const lapsed = await store.takeDue({ kinds: ["lapsedLease"], now, limit: 100, leaseMs: MINUTE });
  const attemptIds = lapsed.flatMap((item) => (item.kind === "lapsedLease" ? [item.attemptId] : []));
  expect(attemptIds.length).toBe(count);
  for (const attemptId of attemptIds) {
    const before = await store.findAttempt(attemptId);
    const claimed = await store.claim({ attemptId, owner: "other", leaseMs: MINUTE, exclusiveKeys: [], now });
    expect(claimed).toMatchObject({ kind: "granted", again: true });
    expect(claimed.kind === "granted" && claimed.grant.token > (before?.token ?? 0)).toBe(true);
  }
}
