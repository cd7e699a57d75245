import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import type { PutRecordInput, Records } from "../ports/records.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { listNotices } from "../testing/list-notices.ts";
import { createKeyedQueue, type KeyedQueue, listQueuedItems } from "./keyed-queue.ts";
import type { QueueClaim } from "./queue-item.ts";

const now = { dueMs: 0, maxWaitMs: 0 };
const soon = { dueMs: 3_000, maxWaitMs: 15_000 };
const HOUR = 3_600_000;

function createFixture({ random = 1 } = {}) {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  return { clock, records, queue: createKeyedQueue({ records, clock, random: () => random }, "reports") };
}

async function claimOne(queue: KeyedQueue): Promise<QueueClaim> {
  const { claims } = await queue.claim(1);
  const [claim] = claims;
  if (claim === undefined) throw new Error("No item is due.");
  return claim;
}

/** The first three puts store the notice, the fourth the dead letter. */
function diesAtFourthPut(put: Records["put"]): Records["put"] {
  let puts = 0;
  return async (input) => {
    puts += 1;
    if (puts === 4) throw new Error("died");
    return put(input);
  };
}

const listed = async (queue: KeyedQueue) => (await queue.list({ limit: 100 })).items;

describe("a keyed queue", () => {
  it("hands out an item when it is due, to one claimant", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, soon);
    expect(await queue.claim(10)).toEqual({ claims: [], nextAt: clock.now() + 3_000 });
    await clock.advance(3_000);

    const claim = await claimOne(queue);

    expect(claim).toMatchObject({ key: "a", value: 1, failures: 0, until: clock.now() + 60_000 });
    expect(await queue.claim(10)).toEqual({ claims: [], nextAt: claim.until });
    expect(await queue.done(claim)).toBe(true);
    expect(await queue.claim(10)).toEqual({ claims: [], nextAt: undefined });
  });

  it("ignores a claimant that was paused while its item was done and put again. Reported: aegra/aegra#547", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    const paused = await claimOne(queue);
    await clock.advance(60_000);
    await queue.done(await claimOne(queue));
    await queue.put("a", 2, now);
    const present = await claimOne(queue);

    expect(paused.claim).toBe(1);
    expect(present.claim).toBe(1);
    expect([await queue.done(paused), await queue.renew(paused), await queue.fail(paused, "late")]).toEqual([
      false,
      undefined,
      "lost",
    ]);
    expect(await queue.fail(present, "busy")).toBe("retried");
  });

  it("claims an item for another minute while no one else has claimed it", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    const claim = await claimOne(queue);
    await clock.advance(90_000);

    const renewed = await queue.renew(claim);

    expect(renewed).toEqual({ ...claim, until: clock.now() + 60_000 });
    expect((await queue.claim(10)).claims).toEqual([]);
    expect(renewed && (await queue.done(renewed))).toBe(true);
  });

  it("says from when on an item can be claimed, without a write", async () => {
    const { queue, clock } = createFixture();
    const empty = await queue.dueAt();
    await queue.put("later", 1, soon);
    await queue.put("now", 1, now);

    const waiting = await queue.dueAt();
    const claim = await claimOne(queue);
    const claimed = await queue.dueAt();
    await queue.bury(claim, "It cannot succeed.");

    const ahead = [waiting, claimed].map((at) => (at ?? 0) - clock.now());
    expect([empty, ...ahead]).toEqual([undefined, 0, 3_000]);
    expect(await queue.dueAt()).toBe(clock.now() + 3_000);
  });

  it("makes a dead letter of an item over which three processes in a row have died. Reported: faktory#99", async () => {
    const { queue, clock } = createFixture();
    await queue.put("poison", 1, now);
    const claims: number[] = [];
    for (let tried = 0; tried < 5; tried += 1) {
      claims.push((await queue.claim(10)).claims.length);
      await clock.advance(60_000);
    }

    expect(claims).toEqual([1, 1, 1, 0, 0]);
    expect(await listed(queue)).toMatchObject([
      { key: "poison", failure: { message: expect.stringMatching(/^WORKER_LOST: /) } },
    ]);
    expect(await queue.redrive("poison")).toBe(true);
    expect((await queue.claim(10)).claims).toHaveLength(1);
  });

  it("does not give up what was only claimed together with such an item. Reported: rabbitmq/rabbitmq-website#2207", async () => {
    const { queue, clock } = createFixture();
    for (const key of ["a", "b", "poison", "d"]) await queue.put(key, key, now);
    for (let process = 0; process < 8; process += 1) {
      await workUntilPoison(queue);
      await clock.advance(60_000);
    }

    const left = await listed(queue);
    expect(left.map(({ key, deadAt }) => [key, deadAt !== undefined])).toEqual([["poison", true]]);
  });

  it("counts only claims in a row that have lapsed, whatever was put meanwhile", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    const lapse = async () => {
      const claim = await claimOne(queue);
      await queue.put("a", 2, now);
      await clock.advance(60_000);
      return claim;
    };
    await lapse();
    await lapse();
    await queue.later(await claimOne(queue), clock.now());
    await lapse();
    await lapse();

    expect(await queue.done(await claimOne(queue))).toBe(true);
  });

  it("hands out other items first, and one over which a process has died alone", async () => {
    const { queue, clock } = createFixture();
    for (const key of ["a", "b", "c"]) await queue.put(key, key, now);
    const { claims: died } = await queue.claim(2);
    await clock.advance(60_000);

    const batches = [await queue.claim(10), await queue.claim(10), await queue.claim(10)];

    const keysOf = (claims: readonly QueueClaim[]) => claims.map(({ key }) => key);
    expect(keysOf(died)).not.toContain(keysOf(batches[0]?.claims ?? [])[0]);
    expect(batches.map(({ claims }) => claims.length)).toEqual([1, 1, 1]);
    expect(batches[0]?.nextAt).toBe(clock.now());
  });

  it("hands out such an item also while other items come all the time, at the latest after another minute", async () => {
    const { queue, clock } = createFixture();
    await queue.put("poison", 0, now);
    await claimOne(queue);
    const batches: string[][] = [];
    for (let put = 0; put < 13; put += 1) {
      await clock.advance(10_000);
      await queue.put(`k${put}`, put, now);
      const { claims } = await queue.claim(10);
      batches.push(claims.map(({ key }) => key));
      for (const claim of claims) await queue.done(claim);
    }

    expect(batches.findIndex((keys) => keys.includes("poison"))).toBe(11);
    expect(batches[11]).toEqual(["poison"]);
    expect(batches[12]?.toSorted()).toEqual(["k11", "k12"]);
  });

  it("merges puts of one key: the last value counts, and puts move it back up to the longest wait", async () => {
    const { queue, clock } = createFixture();
    const start = clock.now();
    for (let put = 1; put <= 10; put++) {
      await queue.put("a", put, soon);
      await clock.advance(2_000);
    }

    const { claims } = await queue.claim(10);

    expect(claims).toMatchObject([{ key: "a", value: 10 }]);
    expect((await listed(queue))[0]?.dueAt).toBe(start + 18_000);
  });

  it("merges by the function of the put", async () => {
    const { queue } = createFixture();
    const merge = (before: unknown, value: unknown) => [before, value].flat();
    await queue.put("a", ["x"], { ...now, merge });
    await queue.put("a", ["y"], { ...now, merge });

    expect((await claimOne(queue)).value).toEqual(["x", "y"]);
  });

  it("keeps an item that was put again during its work", async () => {
    const { queue } = createFixture();
    await queue.put("a", 1, now);
    const claim = await claimOne(queue);
    await queue.put("a", 2, now);
    expect((await queue.claim(1)).claims).toEqual([]);

    expect(await queue.done(claim)).toBe(true);

    expect((await claimOne(queue)).value).toBe(2);
  });

  it("does work later in one write: at that instant, on the value that was put last, without its failures", async () => {
    const { queue, clock, records } = createFixture();
    await queue.put("a", 1, now);
    await queue.fail(await claimOne(queue), "down");
    await clock.advance(5_000);
    const claim = await claimOne(queue);
    await queue.put("a", 2, now);
    const until = clock.now() + HOUR;
    let writes = 0;
    const put = (input: PutRecordInput) => {
      writes += 1;
      return records.put(input);
    };

    const result = await createKeyedQueue({ records: { ...records, put }, clock, random: () => 1 }, "reports").later(
      claim,
      until,
    );

    expect({ result, writes }).toEqual({ result: true, writes: 1 });
    expect(await queue.claim(1)).toEqual({ claims: [], nextAt: until });
    await clock.advance(HOUR);
    expect(await claimOne(queue)).toMatchObject({ value: 2, failures: 0 });
  });

  it("does not postpone work on which another claim began, nor an item that is gone", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    const late = await claimOne(queue);
    await clock.advance(60_000);
    const second = await claimOne(queue);

    expect(await queue.later(late, clock.now() + HOUR)).toBe(false);
    expect(await queue.done(second)).toBe(true);
    expect(await queue.later(second, clock.now() + HOUR)).toBe(false);
    expect(await listed(queue)).toEqual([]);
  });

  it("refuses what a claimant does after another claim began", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    const late = await claimOne(queue);
    await clock.advance(60_000);
    const second = await claimOne(queue);

    expect(await queue.done(late)).toBe(false);
    expect(await queue.fail(late, "late")).toBe("lost");
    expect(await queue.done(second)).toBe(true);
    expect(await queue.done(second)).toBe(false);
  });

  it("repeats failed work later and later, at most an hour apart", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    const delays: (number | undefined)[] = [];
    for (let failure = 0; failure < 12; failure++) {
      expect(await queue.fail(await claimOne(queue), "down")).toBe("retried");
      const wait = ((await queue.claim(1)).nextAt ?? 0) - clock.now();
      delays.push(wait / 1000);
      await clock.advance(wait);
    }

    expect(delays).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
  });

  it("takes any time up to that, at random", async () => {
    const { queue, clock } = createFixture({ random: 0.5 });
    await queue.put("a", 1, now);

    await queue.fail(await claimOne(queue), "down");

    expect((await queue.claim(1)).nextAt).toBe(clock.now() + 2_500);
  });

  it("forgets failures after a success", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    await queue.fail(await claimOne(queue), "down");
    await clock.advance(5_000);
    const claim = await claimOne(queue);
    await queue.put("a", 2, now);
    await queue.done(claim);

    expect((await claimOne(queue)).failures).toBe(0);
  });

  it("makes a dead letter after 24 hours of failures, which is listed, redriven by hand, and gone after 30 days", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    await queue.fail(await claimOne(queue), "first");
    await clock.advance(24 * HOUR);
    expect(await queue.fail(await claimOne(queue), "x".repeat(5_000))).toBe("dead");
    expect(await queue.claim(1)).toEqual({ claims: [], nextAt: undefined });
    expect(await listed(queue)).toMatchObject([
      { key: "a", value: 1, deadAt: clock.now(), failure: { count: 2, message: `${"x".repeat(1_023)}…` } },
    ]);

    expect(await queue.redrive("a")).toBe(true);
    expect(await queue.redrive("a")).toBe(false);
    expect(await queue.redrive("b")).toBe(false);
    expect(await claimOne(queue)).toMatchObject({ key: "a", failures: 0 });

    await queue.put("b", 1, now);
    await queue.fail(await claimOne(queue), "first");
    await clock.advance(24 * HOUR);
    const { claims } = await queue.claim(2);
    for (const claim of claims.filter(({ key }) => key === "b")) await queue.fail(claim, "again");
    await clock.advance(30 * 24 * HOUR);
    expect((await listed(queue)).map(({ key }) => key)).toEqual(["a"]);
  });

  it("makes a dead letter at once of work that cannot succeed, unless another claim began", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    const late = await claimOne(queue);
    await clock.advance(60_000);
    const claim = await claimOne(queue);

    expect(await queue.bury(late, "late")).toBe("lost");
    expect(await queue.bury(claim, "wrong")).toBe("dead");

    expect(await listed(queue)).toMatchObject([{ deadAt: clock.now(), failure: { count: 1, message: "wrong" } }]);
    expect(await queue.redrive("a")).toBe(true);
  });

  it("notices each dead letter once, also when the process dies before it is stored", async () => {
    const { queue, clock, records } = createFixture();
    await queue.put("a", 1, now);
    const claim = await claimOne(queue);
    const dying = { ...records, put: diesAtFourthPut(records.put) };
    const before = createKeyedQueue({ records: dying, clock, random: () => 1 }, "reports");
    await expect(before.bury(claim, "wrong")).rejects.toThrow("died");

    await queue.bury(claim, "wrong");
    const noticed = await listNotices(records, clock.now());
    await queue.redrive("a");
    await queue.bury(await claimOne(queue), "wrong again");
    const again = (await listNotices(records, clock.now())).slice(noticed.length);

    expect(noticed).toMatchObject([
      { kind: "dead-letter", data: { queue: "reports", key: "a" }, text: expect.stringContaining("a: wrong") },
    ]);
    expect(again.map(({ text }) => text)).toEqual([expect.stringContaining("wrong again")]);
    expect(again[0]?.id).not.toBe(noticed[0]?.id);
  });

  it("takes a put under the key of a dead letter for a new item", async () => {
    const { queue, clock } = createFixture();
    await queue.put("a", 1, now);
    await queue.fail(await claimOne(queue), "down");
    await clock.advance(24 * HOUR);
    await queue.fail(await claimOne(queue), "down");

    await queue.put("a", 2, now);

    expect(await claimOne(queue)).toMatchObject({ value: 2, failures: 0 });
  });

  it("takes any text for a key, and keeps keys apart", async () => {
    const { queue } = createFixture();
    const keys = ["", "a/b", "a\u0000b", "x".repeat(5_000), "../../other", "queue/reports/a"];
    for (const key of keys) await queue.put(key, key, now);

    const { claims } = await queue.claim(100);

    expect(claims.map(({ key }) => key).sort()).toEqual([...keys].sort());
  });

  it("is listed with other queues, each item with the name of its queue", async () => {
    const { queue, records, clock } = createFixture();
    await queue.put("a", 1, now);
    await createKeyedQueue({ records, clock, random: () => 1 }, "hooks").put("b", 2, now);

    const { items } = await listQueuedItems({ records, clock }, { limit: 100 });

    expect(items.map((item) => [item.queue, item.key])).toEqual([
      ["hooks", "b"],
      ["reports", "a"],
    ]);
  });

  it("refuses a new key when it is full; items that it has may be put again", async () => {
    const { queue, records, clock } = createFixture();
    for (let index = 0; index < 10_000; index++) {
      const item = { key: `k${index}`, value: 0, firstPutAt: 0, puts: 1, dueAt: 0, claims: 0 };
      await records.put({ key: `queue/reports/${index}`, value: item, expected: "absent", now: clock.now() });
    }

    await expect(queue.put("new", 1, now)).rejects.toMatchObject({ code: "QUEUE_FULL", retryable: true });
  });

  it.each(["", "Reports", "a/b", "x".repeat(65)])("refuses %j as its name", (name) => {
    const { clock, records } = createFixture();
    expect(() => createKeyedQueue({ records, clock, random: () => 0 }, name)).toThrow(/is not the name of a queue/);
  });

  it("loses nothing, and works on the last value of each key, whatever process dies at whatever write", async () => {
    const step = fc.record({
      kind: fc.constantFrom("put", "done", "fail", "later", "claim"),
      key: fc.constantFrom("a", "b"),
      dies: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const run = createRun();
        for (const [index, each] of steps.entries()) await run.apply(each, index);

        const { put, worked, left } = await run.end();
        expect(left).toEqual([]);
        expect(worked).toEqual(put);
      }),
    );
  });
});

interface RunStep {
  readonly kind: string;
  readonly key: string;
  readonly dies: boolean;
}

/** Processes that use one queue after the other, some of which die after their first write. */
function createRun() {
  const records = createMemoryRecords();
  const clock = createFakeClock();
  const put = new Map<string, unknown>();
  const worked = new Map<string, unknown>();
  const queueOf = (dies: boolean) =>
    createKeyedQueue({ records: dies ? dieAfterWrites(records) : records, clock, random: () => 0.5 }, "q");

  const ends: Readonly<Record<string, (queue: KeyedQueue, claim: QueueClaim) => Promise<unknown>>> = {
    done: (queue, claim) => queue.done(claim),
    fail: (queue, claim) => queue.fail(claim, "x"),
    later: (queue, claim) => queue.later(claim, clock.now() + HOUR),
  };

  async function work(queue: KeyedQueue, kind: string): Promise<void> {
    for (const claim of (await queue.claim(1)).claims) {
      if (kind !== "claim") worked.set(claim.key, claim.value);
      await ends[kind]?.(queue, claim);
    }
  }

  return {
    async apply({ kind, key, dies }: RunStep, value: number): Promise<void> {
      const queue = queueOf(dies);
      if (kind === "put") put.set(key, value);
      const call = kind === "put" ? queue.put(key, value, now) : work(queue, kind);
      await call.catch((error) => expect(error).toMatchObject({ message: "The process has died." }));
      await clock.advance(1_000);
    },
    async end() {
      await clock.advance(2 * HOUR);
      const queue = queueOf(false);
      for (let each = 0; each < 2; each++) await work(queue, "done");
      return { put, worked, left: await listed(queue) };
    },
  };
}

/** Records of a process that dies after its first write: it receives no answer. */
function dieAfterWrites(records: Records): Records {
  let isDead = false;
  const afterwards = async <Result>(result: Promise<Result>): Promise<Result> => {
    if (isDead) throw new Error("The process has died.");
    await result;
    isDead = true;
    throw new Error("The process has died.");
  };
  return {
    get: (key, at) => records.get(key, at),
    list: (prefix, page) => records.list(prefix, page),
    put: (input) => afterwards(records.put(input)),
    remove: (key, expected) => afterwards(records.remove(key, expected)),
  };
}

/** A process that dies at the poison, and with it the rest of what it has claimed. */
async function workUntilPoison(queue: KeyedQueue): Promise<void> {
  for (;;) {
    const { claims } = await queue.claim(10);
    if (claims.length === 0) return;
    const at = claims.findIndex(({ key }) => key === "poison");
    for (const claim of at < 0 ? claims : claims.slice(0, at)) await queue.done(claim);
    if (at >= 0) return;
  }
}
