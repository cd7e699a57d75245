import { type Executor, StackyardError } from "@stackyard/core";
import { createMemoryStore, evaluateHealth } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import type { CreateHolds, Hold } from "../hold.ts";
import { aReleaseYard, type ReleaseYard, TENANT, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";
import { plantBug } from "../testing/plant-bug.ts";

/** When tenants were released, oldest first: `t1 at 4000`. */
async function listSent({ yard }: ReleaseYard, count: number): Promise<readonly { id: string; at: number }[]> {
  const sent = [];
  for (let index = 0; index < count; index += 1) {
    const lines = await yard.listHistory(`t${index}`);
    for (const { event, at } of lines) if (event === "RELEASED") sent.push({ id: `t${index}`, at });
  }
  return sent.sort((a, b) => a.at - b.at);
}

describe("a deployment", () => {
  it("sends one event to each stack, and ends when all have arrived", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(3);

    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("DONE");
    expect(await bench.tallyOf("1.42.0")).toBe("done 3");
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0", t2: "1.42.0" });
    const lines = await bench.yard.listHistory("t0");
    expect(lines.filter(({ event }) => event === "RELEASED").map(({ outcome }) => outcome)).toEqual(["applied"]);
  });

  it("has at most so many stacks on their way", async () => {
    const bench = aReleaseYard({ config: { concurrency: 2 } });
    await bench.addTenants(6);

    await bench.start("1.42.0");
    await bench.yard.advance(1_000);

    expect(await bench.tallyOf("1.42.0")).toBe("sent 2, waiting 4");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 6");
  });

  it("goes in waves with pauses; the same tenants are first at each release", async () => {
    const waves = [
      { name: "canary", where: "metadata.ring == 'canary'", pause: "2h" },
      { name: "half", share: "50%", pause: "1h" },
      { name: "rest" },
    ];
    const bench = aReleaseYard({ config: { waves } });
    await bench.addTenants(6, (index) => (index === 4 ? { ring: "canary" } : {}));

    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    const first = await listSent(bench, 6);
    await bench.start("1.43.0");
    await bench.finish("1.43.0");

    expect(first[0]?.id).toBe("t4");
    expect((first[1]?.at ?? 0) - (first[0]?.at ?? 0)).toBeGreaterThanOrEqual(2 * 3_600_000);
    expect((first[4]?.at ?? 0) - (first[3]?.at ?? 0)).toBeGreaterThanOrEqual(3_600_000);
    const toOrder = async (version: string) =>
      (await bench.rowsOf(version)).map(({ stack, wave }) => `${wave} ${stack}`);
    expect(await toOrder("1.43.0")).toEqual(await toOrder("1.42.0"));
    expect((await bench.rowsOf("1.42.0")).map(({ wave }) => wave)).toEqual([0, 1, 1, 1, 2, 2]);
  });

  it("stops at one failure more than it allows: what is on its way is awaited, and a retry takes the rest", async () => {
    const bench = aReleaseYard({ config: { concurrency: 2, maxFailures: 1 } });
    await bench.addTenants(8);
    for (const id of ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"]) bench.broken.add(id);

    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_BROKEN");
    expect(await bench.tallyOf("1.42.0")).toBe("failed STACK_BROKEN 2, unsent 6");

    bench.broken.clear();
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 8");
  });

  it("within its budget continues, and is degraded: some of its stacks have not arrived (kargo#3155)", async () => {
    const bench = aReleaseYard({ config: { maxFailures: 1 } });
    await bench.addTenants(3);
    bench.broken.add("t1");

    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 2, failed STACK_BROKEN 1");
    const release = await bench.yard.findStack("shop-1.42.0");
    expect(release && evaluateHealth(release)).toMatchObject({ main: "degraded", needsPerson: true });
    // A release may have stacks that its readers may not see: they are counted, not named.
    expect(release?.lastFailure).toMatchObject({
      code: "STACK_BROKEN",
      message: "2 of 3 stacks have arrived, 1 has failed: STACK_BROKEN 1.",
    });
  });

  it("sends at most as many as are on their way after the ninth failure of 400 at 2 %", async () => {
    const bench = aReleaseYard({ config: { maxFailures: "2%" } });
    await bench.addTenants(400);
    for (let index = 0; index < 400; index += 1) bench.broken.add(`t${index}`);

    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    const rows = await bench.rowsOf("1.42.0");
    const failures = rows.filter(({ state }) => state === "failed").length;
    expect(failures).toBeGreaterThanOrEqual(9);
    expect(failures).toBeLessThanOrEqual(9 + 10);
    expect(rows.filter(({ state }) => state === "unsent").length).toBe(400 - failures);
  });

  it("leaves stacks that have the values already, unless it sends again", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2, (index) => (index === 0 ? { api: "1.42.0" } : {}));

    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, unchanged 1");
    const again = aReleaseYard({ config: { again: true } });
    await again.addTenants(1, () => ({ api: "1.42.0" }));
    await again.start("1.42.0");
    await again.finish("1.42.0");
    expect(await again.tallyOf("1.42.0")).toBe("done 1");
  });

  it("creates a missing stack where it may, and misses it where it may not", async () => {
    const creating = aReleaseYard({ config: { stacks: "t9", create: "tenant" } });
    await creating.start("1.42.0");
    await creating.finish("1.42.0");
    expect(await creating.tallyOf("1.42.0")).toBe("done 1");
    expect((await creating.rowsOf("1.42.0"))[0]?.incarnation).toMatch(/^stack:/);

    const bench = aReleaseYard({ config: { stacks: "t9" } });
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_MISSING");
  });

  it("needs enough stacks", async () => {
    const bench = aReleaseYard();
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR TOO_FEW_STACKS");
  });

  it("sends no value that is sensitive in the stack", async () => {
    const tenant = (secret: string) => `
version: 2
events: { RELEASED: { metadata: [api] }, OPENED: {} }
metadata: { api: { type: string, sensitive: ${secret} }, ring: { type: string } }
states: { INIT: { on: { OPENED: LIVE } }, LIVE: { on: { RELEASED: LIVE } } }
`;
    const bench = aReleaseYard({ tenant: tenant("true") });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR METADATA_SENSITIVE");
  });
});

describe("stacks that move, change or go", () => {
  it("waits for a stack that moves, and does not wait for it with the others", async () => {
    const bench = aReleaseYard({ config: { concurrency: 1 } });
    await bench.addTenants(3);
    bench.pace.buildMs = 600_000;
    await bench.send("t0", "CHECK");
    await bench.send("t1", "CHECK");
    bench.pace.buildMs = 5_000;

    await bench.start("1.42.0");
    await bench.yard.advance(30_000);

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, waiting STACK_MOVING 2");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 3");
  });

  it("sends again when the stack has changed since it was examined", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    const { store } = bench.yard;
    // Another event is queued before that of the release.
    const message = { stackId: "t0", event: "CHECK" };
    await bench.yard.store.enqueue([
      {
        id: "s",
        stackId: "shop-1.42.0",
        origin: "external",
        receivedAt: 0,
        message: { stackId: "shop-1.42.0", machine: "shop", event: "RELEASED", metadata: { api: "1.42.0" } },
      },
    ]);
    await store.enqueue([{ id: "c", stackId: "t0", origin: "external", receivedAt: 0, message }]);
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1");
  });

  it("skips what was removed on its way", async () => {
    const bench = aReleaseYard({ config: { maxFailures: 1 } });
    await bench.addTenants(2);
    bench.pace.buildMs = 60_000;
    await bench.start("1.42.0");
    await bench.yard.advance(4_000);

    await bench.send("t0", "REMOVE_STACK", { force: true, reason: "test" });
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, skipped STACK_REMOVED 1");
  });

  it("notices a stack that was removed and created again", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    bench.pace.buildMs = 60_000;
    await bench.start("1.42.0");
    await bench.yard.advance(4_000);

    await bench.send("t0", "REMOVE_STACK", { force: true, reason: "test" });
    await bench.send("t0", "OPENED", { machine: "tenant", metadata: { api: "1.42.0" } });
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_MOVED");
  });

  it("gives a stack an hour, and lets it continue: a retry checks it again", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    bench.pace.buildMs = 3_700_000;
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_TIMEOUT");

    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1");
    expect((await bench.rowsOf("1.42.0"))[0]?.try).toBe(1);
  });

  it("refuses a retry of 1.41 after 1.42", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    bench.broken.add("t0");
    await bench.start("1.41.1");
    await bench.finish("1.41.1");
    bench.broken.clear();
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    await bench.send("shop-1.41.1", "RETRY_FAILED_TASKS");
    await bench.finish("1.41.1");

    expect(await bench.taskOf("1.41.1")).toBe("GO ERROR NEWER_RELEASE");
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0" });
  });
});

describe("a release that is stopped", () => {
  it("sends nothing new, ends when each sent event is decided, and interrupts no stack", async () => {
    const bench = aReleaseYard({ config: { concurrency: 2 } });
    await bench.addTenants(5);
    bench.pace.buildMs = 600_000;
    await bench.start("1.42.0");
    await bench.yard.advance(4_000);

    await bench.send("shop-1.42.0", "STOP");
    await bench.yard.advance(20_000);

    expect(await bench.taskOf("1.42.0")).toBe("STOPPED");
    expect((await bench.yard.findStack("shop-1.42.0"))?.runs).toEqual([]);
    expect(await bench.tallyOf("1.42.0")).toBe("sent 2, unsent 3");
    await bench.yard.advance(700_000);
    expect(Object.values(await bench.versionsOf()).filter((version) => version === "1.42.0").length).toBe(2);
  });

  it("moves nothing later: events that are queued when it stops are refused or applied before it ends", async () => {
    const bench = aReleaseYard({ engines: 1 });
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.send("shop-1.42.0", "STOP");
    await bench.yard.advance(3 * 60_000);
    const after = await bench.versionsOf();
    expect(await bench.taskOf("1.42.0")).toBe("STOPPED");

    await bench.yard.advance(86_400_000);

    expect(await bench.versionsOf()).toEqual(after);
    for (const id of ["t0", "t1", "t2"]) expect((await bench.yard.store.load([id]))[0]?.parked).toEqual([]);
  });

  it("examines every stack again in a new entry, with new events", async () => {
    const bench = aReleaseYard({ config: { concurrency: 2 } });
    await bench.addTenants(4);
    bench.pace.buildMs = 60_000;
    await bench.start("1.42.0");
    await bench.yard.advance(4_000);
    await bench.send("shop-1.42.0", "STOP");
    await bench.yard.advance(20_000);

    await bench.send("shop-1.42.0", "AGAIN");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 4");
    expect((await bench.rowsOf("1.42.0")).map((row) => row.try)).toEqual([1, 1, 1, 1]);
  });
});

describe("events that are late", () => {
  /** Its events reach the queue only after so long. */
  const late = (ms: number) => (executor: Executor) =>
    plantBug(executor, ({ clock }, yard) => ({
      yard: {
        async send(events) {
          void clock.sleep(ms).then(() => yard.send(events));
          return events.map((event) => ({ kind: "sent", eventId: yard.toEventId(event) }));
        },
      },
    }));

  it("are awaited after a stop, and are applied before the task ends", async () => {
    const bench = aReleaseYard({ plant: late(60_000) });
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.send("shop-1.42.0", "STOP");
    expect((await bench.yard.findStack("shop-1.42.0"))?.runs).toHaveLength(1);

    await bench.yard.advance(90_000);

    expect((await bench.yard.findStack("shop-1.42.0"))?.runs).toEqual([]);
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0" });
  });

  it("are refused when their time is over: nothing of a stopped release moves later", async () => {
    const bench = aReleaseYard({ plant: late(150_000) });
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.send("shop-1.42.0", "STOP");

    await bench.yard.advance(600_000);

    expect((await bench.yard.findStack("shop-1.42.0"))?.runs).toEqual([]);
    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0" });
    expect((await bench.yard.listHistory("t0")).at(-1)).toMatchObject({ outcome: "refused", code: "EVENT_EXPIRED" });
  });
});

describe("upgrades", () => {
  const REVISED = `${TENANT}  more: { executor: work, config: {} }\n`;

  it("of a stack between examination and event are seen: it is examined again", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    bench.revise("tenant", REVISED);
    await bench.send("t0", "UPGRADE_STACK");

    await bench.start("1.42.0");
    await bench.send("t1", "UPGRADE_STACK");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 2");
  });

  it("of the release do not matter to its rows", async () => {
    const bench = aReleaseYard({ config: { concurrency: 1 } });
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.yard.advance(3_000);
    const tasks = { tenants: { executor: "deploy", config: { ...TO_TENANTS, concurrency: 2 } } };
    bench.revise("shop", toReleaseMachine({ tasks, go: ["tenants"] }));

    await bench.send("shop-1.42.0", "UPGRADE_STACK");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 3");
    expect((await bench.rowsOf("1.42.0")).map((row) => row.try)).toEqual([1, 1, 1]);
  });
});

describe("a call that dies between its rows and its state", () => {
  /** Refuses the state that is written after the second wave was sent, as a process leaves it that dies there. */
  function aStoreThatDies() {
    const store = createMemoryStore();
    let isArmed = true;
    const put: typeof store.records.put = async (input) => {
      const text = JSON.stringify(input.value);
      const isSecond = input.key.endsWith("/state") && text.includes('"wave":1') && text.includes('"sent":1');
      if (!isArmed || !isSecond) return store.records.put(input);
      isArmed = false;
      throw new StackyardError("UNREACHABLE", "The process has died.");
    };
    return { ...store, records: { ...store.records, put } };
  }

  it("is repeated at once, with the same event", async () => {
    const waves = [{ name: "first", where: "stack.id == 't0'" }, { name: "rest" }];
    const bench = aReleaseYard({ store: aStoreThatDies(), config: { waves } });
    await bench.addTenants(2);
    await bench.start("1.42.0");

    await bench.yard.advance(30_000);

    expect((await bench.rowsOf("1.42.0")).map((row) => [row.state, row.try])).toEqual([
      ["done", 1],
      ["done", 1],
    ]);
    expect(await bench.taskOf("1.42.0")).toBe("DONE");
  });
});

describe("waves", () => {
  it("begin when the pause before them is over, however soon", async () => {
    const waves = [{ name: "first", where: "stack.id == 't0'", pause: "3s" }, { name: "rest" }];
    const bench = aReleaseYard({ config: { waves } });
    await bench.addTenants(2);

    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    const [first, rest] = await bench.rowsOf("1.42.0");
    expect((rest?.sentAt ?? 0) - (first?.at ?? 0)).toBeLessThan(5_000);
  });
});

describe("holds", () => {
  function toHolds(examine: (stackId: string) => Hold): CreateHolds {
    return () => ({ examine: async ({ stackId }) => examine(stackId) });
  }
  const frozen = { kind: "closed", code: "FROZEN", message: "Audit." } as const;

  it("hold back single stacks while the others continue", async () => {
    let isFrozen = true;
    const createHolds = toHolds((id) => (id === "t0" && isFrozen ? frozen : { kind: "open" }));
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.yard.advance(60_000);
    expect(await bench.tallyOf("1.42.0")).toBe("done 2, waiting FROZEN 1");

    isFrozen = false;
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 3");
  });

  it("skip frozen stacks where the task says so", async () => {
    const createHolds = toHolds((id) => (id === "t0" ? frozen : { kind: "open" }));
    const bench = aReleaseYard({ createHolds, config: { skipFrozen: true } });
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 2, skipped FROZEN 1");
  });

  it("sleep until the next known instant, at most a minute", async () => {
    let examined = 0;
    const createHolds: CreateHolds = (ctx) => ({
      examine: async () => {
        examined += 1;
        const now = ctx.clock.now();
        const isOpen = now >= startedAt + 3_600_000;
        const closed = { kind: "closed", code: "WINDOW_CLOSED", message: "", until: startedAt + 3_600_000 } as const;
        return isOpen ? { kind: "open" } : closed;
      },
    });
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(1);
    const startedAt = bench.yard.clock.now();
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect(examined).toBeLessThanOrEqual(62);
    const [row] = await bench.rowsOf("1.42.0");
    expect(row).toMatchObject({ state: "done" });
    expect((row?.sentAt ?? 0) - startedAt).toBeLessThan(3_600_000 + 2_000);
  });

  it("are examined again at the instant at which they may open, also soon after they were examined", async () => {
    let opensAt = Number.POSITIVE_INFINITY;
    const createHolds: CreateHolds = ({ clock }) => ({
      examine: async () => (clock.now() >= opensAt ? { kind: "open" } : { ...frozen, until: opensAt }),
    });
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(1);
    opensAt = bench.yard.clock.now() + 3_000;

    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    const [row] = await bench.rowsOf("1.42.0");
    expect((row?.sentAt ?? 0) - opensAt).toBeLessThan(1_000);
  });

  it("end the task when one fails: what is on its way is awaited", async () => {
    let sent = 0;
    const createHolds: CreateHolds = () => ({
      examine: async ({ since }) => {
        sent += 1;
        return since === undefined ? { kind: "open" } : { kind: "fails", code: "ALARM", message: "Errors." };
      },
    });
    const bench = aReleaseYard({ createHolds, config: { concurrency: 1 } });
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    expect(sent).toBe(2);
    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR ALARM");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1, unsent 2");
  });
});
