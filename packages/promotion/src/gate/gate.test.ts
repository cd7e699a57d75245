import { type Executor, succeeded } from "@stackyard/core";
import { ARTIFACT_ARRIVALS } from "@stackyard/core/services";
import { aStack, runExecutor, toValueDigest } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { DeployRow } from "../deploy/deploy-row.ts";
import { createGateBench } from "../testing/gate-bench.ts";
import type { GateConfig } from "./definition.ts";
import { createGateExecutor } from "./gate.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const executor = createGateExecutor();

type Bench = ReturnType<typeof createGateBench>;

/** Calls the gate once. */
async function look({ toContext }: Bench, config: GateConfig, own: Parameters<Bench["toContext"]>[0] = {}) {
  return executor.start(toContext(own), config as never);
}

function aRow(row: Partial<DeployRow> = {}): DeployRow {
  return { stack: "shop-staging", incarnation: "i1", wave: 0, try: 1, state: "done", at: 0, ...row };
}

/** A bench with one stack that has arrived at the present instant. */
async function createSoaking(rows: readonly DeployRow[] = []) {
  const bench = createGateBench();
  const now = bench.clock.now();
  bench.addStack({ id: "shop-staging", metadata: { api: "1.42.0" } });
  await bench.addRows(rows.length > 0 ? rows : [aRow({ at: now })], { endedAt: now, firstSentAt: now - MINUTE });
  return { ...bench, now };
}

const SOAK: GateConfig = { soak: { of: "staging", for: "24h" } };

/** The release that has set the value of a stack. */
const SET = { id: "shop", incarnation: "i", createdAt: 5, task: "staging", event: "x", value: "1.42.0", at: 0 };

describe("gate: soak", () => {
  it("sleeps at most a minute, and opens when the stacks have kept their values for so long", async () => {
    const bench = await createSoaking();

    const { step, elapsedMs, steps, reports } = await runExecutor(executor, SOAK, {
      context: bench.toContext(),
      maxSteps: 2_000,
    });

    expect(step.kind).toBe("succeeded");
    expect(elapsedMs).toBe(24 * HOUR);
    expect(steps.length).toBe(24 * 60 + 1);
    // Nothing that people see changes while it waits: the message and the log have one line.
    expect(new Set(steps.slice(0, -1).map((each) => each.kind === "running" && each.message)).size).toBe(1);
    expect(reports).toEqual([
      expect.stringMatching(
        /^The stacks of "staging" soak for 24h until .*Z: shop-staging counts from .*Z\. To bypass it: stackyard stacks settle shop-1.42.0 watch --reason …$/,
      ),
      "The gate is open: 24h",
    ]);
  });

  it.each([0, 1, 7, 13, 22, 23])(
    "does not count five hours in which no worker looked, from hour %i on",
    async (hour) => {
      const bench = await createSoaking();
      const context = bench.toContext();
      const lateMs = (steps: number) => (steps === hour * 60 + 1 ? 5 * HOUR : 0);

      const { step, elapsedMs, reports } = await runExecutor(executor, SOAK, { context, lateMs, maxSteps: 2_000 });

      expect([step.kind, elapsedMs]).toEqual(["succeeded", 29 * HOUR]);
      expect(reports.slice(1)).toEqual([
        expect.stringContaining("without the 5h in which no worker looked"),
        "The gate is open: 24h",
      ]);
    },
  );

  it("does not count hours between its dispatch and the first look of a worker", async () => {
    const bench = await createSoaking();
    const context = bench.toContext();
    const run = { attemptId: context.attempt.id, entry: 3, task: "watch", attempt: 1, dispatchedAt: bench.now };
    bench.addStack({ id: context.stackId, runs: [run] });
    await bench.clock.advance(30 * HOUR);

    const { step, elapsedMs } = await runExecutor(executor, SOAK, { context, maxSteps: 2_000 });

    expect(step.kind).toBe("succeeded");
    // For a day of absence at most.
    expect(elapsedMs).toBe(18 * HOUR);
  });

  it("does not count a week in which the worker is away for five of six hours, for a day of it at most", async () => {
    const bench = await createSoaking();
    const lateMs = (steps: number) => (steps % 60 === 0 ? 5 * HOUR : 0);

    const { step, elapsedMs } = await runExecutor(executor, SOAK, {
      context: bench.toContext(),
      lateMs,
      maxSteps: 2_000,
    });

    expect(step.kind).toBe("succeeded");
    expect(elapsedMs).toBe(48 * HOUR);
  });

  it("is watched on while another condition is closed", async () => {
    const bench = await createSoaking();
    bench.alarms.set("errors", {
      changes: [
        [bench.now - HOUR, "ALARM"],
        [bench.now + 26 * HOUR, "OK"],
      ],
    });

    const { step, elapsedMs } = await runExecutor(
      executor,
      { ...SOAK, alarms: ["errors"] },
      { context: bench.toContext(), maxSteps: 2_000 },
    );

    expect([step.kind, elapsedMs]).toEqual(["succeeded", 26 * HOUR]);
  });

  it("counts anew what was unwatched after a failure, and keeps what it knows when its worker starts again", async () => {
    const bench = await createSoaking();
    const again = () => createGateExecutor();
    const lastFailure = { task: "check", state: "LIVE", entry: 2, attempt: 1, at: bench.now + HOUR };
    const poll = (progress: unknown) => again().poll?.(bench.toContext(), SOAK as never, progress as never);

    bench.addStack({ id: "shop-staging", lastFailure });
    const failed = await look(bench, SOAK);
    await bench.clock.advance(6 * HOUR);
    bench.addStack({ id: "shop-staging", lastFailure: { ...lastFailure, resolvedAt: bench.now + 2 * HOUR } });
    const back = await poll(failed.kind === "running" && failed.progress);

    expect(back).toMatchObject({
      // From two hours on; all but the minute to the next look is unwatched.
      progress: { closed: [{ code: "SOAKING", until: bench.now + 30 * HOUR - MINUTE }] },
    });
  });

  it("fails when a stack has another value or was created again, and not for a drift check", async () => {
    const bench = await createSoaking();

    bench.addStack({ id: "shop-staging", state: "CHECKING", entry: 7, tasks: [{ name: "check", status: "PENDING" }] });
    expect(await look(bench, SOAK)).toMatchObject({ progress: { closed: [{ code: "SOAKING" }] } });
    bench.addStack({ id: "shop-staging", state: "LIVE", tasks: [], metadata: { api: "1.41.0" } });
    expect(await look(bench, SOAK)).toMatchObject({ kind: "failed", code: "STACK_MOVED", retryable: false });
    bench.addStack({ id: "shop-staging", metadata: { api: "1.42.0" }, incarnation: "i2" });
    expect(await look(bench, SOAK)).toMatchObject({ kind: "failed", code: "STACK_MOVED" });
    bench.stacks.delete("shop-staging");
    expect(await look(bench, SOAK)).toMatchObject({ kind: "failed", code: "STACK_MISSING" });
  });

  it("waits while a failure is open, and counts again from its end", async () => {
    const bench = await createSoaking();
    const keys = { api: toValueDigest(bench.stacks.get("shop-staging") ?? aStack(), "api") };
    const deed = { event: "RELEASED", at: bench.now, restedAt: bench.now + HOUR, keys };
    const lacks = { check: { why: "failed", entry: 2, attempt: 1 } } as const;

    bench.addStack({ id: "shop-staging", deed: "e", deeds: { e: { ...deed, lacks } } });
    expect(await look(bench, SOAK)).toMatchObject({ progress: { closed: [{ code: "STACK_FAILED" }] } });
    bench.addStack({ id: "shop-staging", deed: "e", deeds: { e: { ...deed, restedAt: bench.now + 2 * HOUR } } });
    expect(await look(bench, SOAK)).toMatchObject({
      progress: { closed: [{ code: "SOAKING", until: bench.now + 26 * HOUR }] },
    });
  });

  it("counts an unchanged stack from the arrival in the rows of its release", async () => {
    const bench = await createSoaking([aRow({ state: "unchanged", at: createGateBench().clock.now() })]);
    const earlier = { stackId: "shop-1.42.0-rc", incarnation: "e0", task: "staging" };
    const arrivedAt = bench.now - 20 * HOUR;
    const set = { ...SET, id: "shop-1.42.0-rc", incarnation: "e0", at: arrivedAt - 1 };
    bench.addStack({ id: "shop-staging", releases: { api: set }, enteredAt: arrivedAt });
    await bench.addRows([aRow({ at: arrivedAt })], { release: earlier });
    // The rows of another incarnation of the release, or of one that is older than 90 days, are not there.
    const without = await createSoaking([aRow({ state: "unchanged", at: bench.now })]);
    without.addStack({ id: "shop-staging", releases: { api: set }, enteredAt: arrivedAt });
    await without.addRows([aRow({ at: arrivedAt })], { release: { ...earlier, incarnation: "e1" } });

    expect(await look(without, SOAK)).toMatchObject({ progress: { closed: [{ until: bench.now + 24 * HOUR }] } });
    expect(await look(bench, SOAK)).toMatchObject({ progress: { closed: [{ until: arrivedAt + 24 * HOUR }] } });
  });

  it("counts a stack whose release was only noted from the arrival with the one that had set its values", async () => {
    const noted = (release: string, at: number, value = "1.42.0") =>
      aRow({
        state: "unchanged",
        at,
        from: { api: { value, release: { ...SET, id: release, incarnation: release } } },
      });
    const now = createGateBench().clock.now();
    const arrivedAt = now - 20 * HOUR;
    const bench = await createSoaking([noted("second", now)]);
    bench.addStack({ id: "shop-staging", enteredAt: arrivedAt });
    const of = (stackId: string) => ({ release: { stackId, incarnation: stackId, task: "staging" } });
    await bench.addRows([noted("first", now - HOUR)], of("second"));
    await bench.addRows([aRow({ at: arrivedAt })], of("first"));
    const changed = await createSoaking([noted("first", now, "1.41.0")]);
    await changed.addRows([aRow({ at: arrivedAt })], of("first"));

    expect(await look(bench, SOAK)).toMatchObject({ progress: { closed: [{ until: arrivedAt + 24 * HOUR }] } });
    // A person had changed it since, so the time of that release does not count.
    expect(await look(changed, SOAK)).toMatchObject({ progress: { closed: [{ until: now + 24 * HOUR }] } });
  });

  it("waits for a task that has not ended or has sent nothing", async () => {
    const bench = createGateBench();

    expect(await look(bench, SOAK)).toMatchObject({ progress: { closed: [{ code: "SOAKING" }] } });
    await bench.addRows([aRow()]);
    expect(await look(bench, SOAK)).toMatchObject({ progress: { closed: [{ code: "SOAKING" }] } });
  });
});

const ALARMED: GateConfig = { soak: { of: "staging", for: "1m" }, alarms: ["errors"] };

describe("gate: alarms", () => {
  it("waits for an alarm that is on, without data or missing, and opens with OK", async () => {
    const bench = createGateBench();
    const codes: unknown[] = [];
    for (const value of ["ALARM", "INSUFFICIENT_DATA", undefined, "OK"] as const) {
      bench.alarms.clear();
      if (value !== undefined) bench.alarms.set("errors", { changes: [[0, value]] });
      const step = await look(bench, { alarms: ["errors"] });
      codes.push(step.kind === "running" ? Object(step.progress).closed[0].code : step.kind);
    }

    expect(codes).toEqual(["ALARM", "ALARM", "GATE_UNAVAILABLE", "succeeded"]);
    expect(bench.calls).not.toContain("DescribeAlarmHistoryCommand");
  });

  it("fails for a change to ALARM after the first event, also when it is OK again; one before is waited for", async () => {
    const bench = await createSoaking();
    const { now } = bench;
    await bench.clock.advance(10 * MINUTE);

    bench.alarms.set("errors", { changes: [[now - HOUR, "ALARM"]] });
    expect(await look(bench, ALARMED)).toMatchObject({ kind: "running", progress: { closed: [{ code: "ALARM" }] } });
    bench.alarms.set("errors", {
      changes: [
        [now - HOUR, "ALARM"],
        [now + MINUTE, "OK"],
      ],
    });
    expect(await look(bench, ALARMED)).toMatchObject({ kind: "succeeded" });
    bench.alarms.set("errors", {
      changes: [
        [0, "OK"],
        [now + MINUTE, "ALARM"],
        [now + 2 * MINUTE, "OK"],
      ],
    });
    expect(await look(bench, ALARMED)).toMatchObject({ kind: "failed", code: "ALARM" });
  });

  it("counts from the beginning of a task that had nothing to send, because its stacks had the values already", async () => {
    const bench = await createSoaking();
    const { now } = bench;
    const row = aRow({ state: "unchanged", at: now });
    await bench.addRows([row], { startedAt: now, endedAt: now });
    await bench.clock.advance(10 * MINUTE);
    const before = [
      [now - 2 * MINUTE, "ALARM"],
      [now + MINUTE, "OK"],
    ] as const;

    bench.alarms.set("errors", { changes: before });
    expect(await look(bench, ALARMED)).toMatchObject({ kind: "succeeded" });
    bench.alarms.set("errors", { changes: [...before, [now + 2 * MINUTE, "ALARM"], [now + 3 * MINUTE, "OK"]] });
    expect(await look(bench, ALARMED)).toMatchObject({ kind: "failed", code: "ALARM" });
  });

  it("counts only what went off after a retry that an alarm has made necessary", async () => {
    const bench = await createSoaking();
    const { now } = bench;
    const state = { endedAt: now, firstSentAt: now - HOUR, alarmSeenAt: now };
    await bench.addRows([aRow({ at: now })], state);
    await bench.clock.advance(10 * MINUTE);
    const before = [
      [now - 2 * MINUTE, "ALARM"],
      [now - MINUTE, "OK"],
    ] as const;

    bench.alarms.set("errors", { changes: before });
    expect(await look(bench, ALARMED)).toMatchObject({ kind: "succeeded" });
    bench.alarms.set("errors", { changes: [...before, [now + MINUTE, "ALARM"], [now + 2 * MINUTE, "OK"]] });
    expect(await look(bench, ALARMED)).toMatchObject({ kind: "failed", code: "ALARM" });
  });
});

describe("gate: artifacts", () => {
  const config: GateConfig = { artifacts: { api: "1.42.0" } };
  const cell = (region: string, status: string) => ({ account: "111122223333", region, status });

  it("says why the distributor has refused the version", async () => {
    const bench = createGateBench();
    const refusal = { code: "SOURCE_MISSING", reason: "api/1.42.0/app.zip is not in the bucket." };
    bench.artifacts.set("api 1.42.0", { covered: false, cells: [], refusal });

    const message = "The artifact api 1.42.0 was refused: SOURCE_MISSING. api/1.42.0/app.zip is not in the bucket.";
    expect(await look(bench, config)).toMatchObject({ progress: { closed: [{ code: "ARTIFACT_MISSING", message }] } });
  });

  it("opens when the version has arrived wherever it is expected, or in the listed places", async () => {
    const bench = createGateBench();
    bench.artifacts.set("api 1.42.0", {
      covered: false,
      cells: [cell("eu-west-1", "stored"), cell("us-east-1", "overdue")],
    });

    expect(await look(bench, config)).toMatchObject({
      progress: { closed: [{ code: "ARTIFACT_MISSING", message: expect.stringContaining("111122223333/us-east-1") }] },
    });
    expect(await look(bench, { ...config, consumers: ["111122223333/eu-west-1"] })).toMatchObject({
      kind: "succeeded",
    });
    bench.artifacts.set("api 1.42.0", { covered: true, cells: [cell("eu-west-1", "present")] });
    expect(await look(bench, config)).toMatchObject({ kind: "succeeded" });
  });

  it("is closed for a version that was not published, and one that is not expected", async () => {
    const bench = createGateBench();

    expect(await look(bench, config)).toMatchObject({ kind: "running" });
    bench.artifacts.set("api 1.42.0", { covered: false, cells: [] });
    expect(await look(bench, config)).toMatchObject({ kind: "running" });
  });
});

const UNREADABLE: readonly (readonly ["yard" | "records" | "alarms" | "artifacts", GateConfig])[] = [
  ["yard", { turn: { name: "prod" } }],
  ["records", { turn: { name: "prod" } }],
  ["yard", SOAK],
  ["records", SOAK],
  ["alarms", { alarms: ["errors"] }],
  ["artifacts", { artifacts: { api: "1.42.0" } }],
];

/** Calls a gate that would be open, if something could be read. */
async function lookBroken(gate: Executor, what: (typeof UNREADABLE)[number][0], config: GateConfig) {
  const bench = await createSoaking();
  await bench.clock.advance(25 * HOUR);
  bench.alarms.set("errors", { changes: [[0, "OK"]] });
  bench.artifacts.set("api 1.42.0", { covered: true, cells: [] });
  expect(await look(bench, config)).toMatchObject({ kind: "succeeded" });
  bench.broken.add(what);
  return gate.start(bench.toContext(), config as never);
}

describe("gate", () => {
  it.each(UNREADABLE)("is closed when %s cannot be read: %j", async (what, config) => {
    expect(await lookBroken(executor, what, config)).toMatchObject({
      kind: "running",
      pollAfterMs: MINUTE,
      message: expect.stringContaining(`${what} cannot be reached`),
      progress: { closed: [{ code: "GATE_UNAVAILABLE" }] },
    });
  });

  it.each(UNREADABLE)("that opens on an error is found, the planted bug: %s, %j", async (what, config) => {
    const start: typeof executor.start = async (...args) => {
      const step = await executor.start(...args);
      return JSON.stringify(step).includes("GATE_UNAVAILABLE") ? succeeded({}) : step;
    };

    expect(await lookBroken({ ...executor, start }, what, config)).toMatchObject({ kind: "succeeded" });
  });

  it("is closed without a distributor, and fails without the yard's store", async () => {
    const bench = createGateBench();
    bench.services.delete(ARTIFACT_ARRIVALS);
    expect(await look(bench, { artifacts: { api: "1" } })).toMatchObject({
      progress: { closed: [{ code: "GATE_UNAVAILABLE", message: expect.stringContaining("STACKYARD_DISTRIBUTOR") }] },
    });
    bench.services.clear();

    expect(await look(bench, { alarms: ["errors"] })).toMatchObject({ kind: "failed", code: "YARD_NEEDS_STORE" });
  });

  it("reports the last known instant as its opening, and none where none is known", async () => {
    const bench = await createSoaking();
    const soaking = await look(bench, SOAK);
    bench.alarms.set("errors", { changes: [[bench.now - HOUR, "ALARM"]] });

    const opensAt = bench.now + 24 * HOUR;
    expect(soaking).toMatchObject({ opensAt, progress: { closed: [{ until: opensAt }] } });
    // An alarm may end later than the soak, which opens no earlier than its own instant.
    expect(await look(bench, { ...SOAK, alarms: ["errors"] })).toMatchObject({ opensAt });
    expect(await look(bench, { alarms: ["errors"] })).not.toHaveProperty("opensAt");
  });

  it("reports the code of the first condition that keeps it closed", async () => {
    const bench = await createSoaking();
    expect(await look(bench, SOAK)).toMatchObject({ heldBy: "SOAKING" });
    bench.alarms.set("errors", { changes: [[bench.now - HOUR, "ALARM"]] });

    expect(await look(bench, { alarms: ["errors"] })).toMatchObject({ heldBy: "ALARM" });
  });

  it("takes the turn only when all other conditions hold", async () => {
    const bench = await createSoaking();
    const config: GateConfig = { ...SOAK, turn: { name: "prod", states: ["PRODUCTION"] } };

    expect(await look(bench, config)).toMatchObject({
      progress: { closed: [{ condition: "turn", code: "TURN_FREE" }, { condition: "soak" }] },
    });
    await bench.clock.advance(24 * HOUR);
    expect(await look(bench, config)).toMatchObject({ kind: "succeeded" });
  });

  it("is closed for a turn that would be lost at once: its states lack that of the task", async () => {
    const bench = createGateBench();

    expect(await look(bench, { turn: { name: "prod", states: ["REVIEW"] } })).toMatchObject({
      progress: { closed: [{ code: "GATE_UNAVAILABLE", message: expect.stringContaining("must contain PRODUCTION") }] },
    });
  });

  it("examines a turn that another release has after a tenth of the wait, at most a minute", async () => {
    const bench = createGateBench();
    const { records, clock } = bench;
    const [states, waiting] = [["LIVE"], []];
    bench.addStack({ id: "shop-1.41.0", incarnation: "e0", state: "LIVE" });
    const holder = { stack: "shop-1.41.0", incarnation: "e0", createdAt: -1, entry: 1, states };
    const value = { version: 1, holder, waiting };
    await records.put({ key: "promotion/turns/prod", value, now: clock.now(), expected: "absent" });
    bench.addStack({ id: "shop-1.42.0", enteredAt: clock.now() });
    const waits = [];
    for (const waitedMs of [0, 5_000, 2 * MINUTE, HOUR]) {
      bench.addStack({ id: "shop-1.42.0", enteredAt: clock.now() - waitedMs });
      waits.push(await look(bench, { turn: { name: "prod" } }));
    }

    expect(waits.map((step) => step.kind === "running" && step.pollAfterMs)).toEqual([1_000, 1_000, 12_000, MINUTE]);
  });

  it("leaves the line when it is cancelled", async () => {
    const bench = await createSoaking();
    const config: GateConfig = { ...SOAK, turn: { name: "prod" } };
    await look(bench, config);

    const step = await executor.cancel?.(bench.toContext(), config as never, undefined as never);

    expect(step).toMatchObject({ kind: "failed", code: "GATE_CANCELLED" });
    const { items } = await bench.records.list("promotion/turns/", { limit: 10, now: bench.clock.now() });
    expect(items.map(({ value }) => value)).toEqual([{ version: 1, waiting: [] }]);
  });
});
