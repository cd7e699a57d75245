import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { AuditEntry } from "../access/audit-entry.ts";
import { defineExecutor, type Executor, failed, running, type Step, succeeded } from "../ports/executor.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { createSimulator, type Simulator } from "../testing/simulator.ts";
import { createJobs, type Jobs } from "./create-jobs.ts";

const DAY_MS = 86_400_000;
const T0 = 1_767_225_600_000;

interface Yard {
  readonly simulator: Simulator;
  readonly jobs: Jobs;
  readonly store: Store;
  /** Configs that were started. */
  readonly started: readonly unknown[];
  answer: Step;
}

function createYard(wrap: (store: Store) => Store = (store) => store): Yard {
  const started: unknown[] = [];
  const executor: Executor = defineExecutor({
    name: "work",
    config: Type.Object({ n: Type.Integer() }, { additionalProperties: true }),
    progress: Type.Unknown(),
    cancelWithin: "2m",
    start: async (_ctx, config) => {
      started.push(config.n);
      return yard.answer;
    },
    poll: async () => yard.answer,
    cancel: async () => failed({ code: "CANCELLED", message: "", retryable: false }),
  });
  const simulator = createSimulator({ machines: [], executors: [executor] });
  const { store, clock } = simulator;
  const jobs = createJobs({ store: wrap(store), executors: new Map([["work", executor]]), clock });
  const yard: Yard = { simulator, jobs, store, started, answer: succeeded({ text: "done", list: [1] }) };
  return yard;
}

const GOES_ON = running({ progress: {}, pollAfterMs: 60_000, message: "half of it" });
const HAS_FAILED = failed({ code: "BROKEN", message: "It broke.", retryable: true, outputs: { failed: 3 } });

async function startAndSettle({ jobs, simulator }: Yard, key = "job-7", n = 1): Promise<string> {
  const { jobId } = await jobs.start({ key, executor: "work", config: { n } });
  await simulator.settle();
  return jobId;
}

describe("start", () => {
  it("is seen as waiting before an engine has taken the job up", async () => {
    const { jobs } = createYard();

    const { jobId } = await jobs.start({ key: "job-7", executor: "work", config: { n: 1 } });

    expect(await jobs.find(jobId)).toEqual({
      jobId,
      state: "waiting",
      executor: "work",
      config: { n: 1 },
      startedAt: T0,
    });
  });

  it("gives what the work has given, lists among it", async () => {
    const yard = createYard();

    const jobId = await startAndSettle(yard);

    expect(await yard.jobs.find(jobId)).toEqual({
      jobId,
      state: "succeeded",
      executor: "work",
      config: { n: 1 },
      startedAt: T0,
      endedAt: T0,
      outputs: { text: "done", list: [1] },
    });
  });

  it("finds the same job for a repeat of its key, whatever the repeat says", async () => {
    const yard = createYard();
    const first = await yard.jobs.start({ key: "job-7", executor: "work", config: { n: 1 } });

    const early = await yard.jobs.start({ key: "job-7", executor: "work", config: { n: 2 } });
    await yard.simulator.settle();
    const late = await startAndSettle(yard, "job-7", 3);
    await yard.simulator.advance(2 * DAY_MS);
    const closed = await startAndSettle(yard, "job-7", 4);

    expect([early.jobId, late, closed]).toEqual([first.jobId, first.jobId, first.jobId]);
    expect(yard.started).toEqual([1]);
    expect(await yard.simulator.findViolations()).toEqual([]);
  });

  it("refuses a key that another executor's job has", async () => {
    const { jobs, simulator } = createYard();
    const { store, clock } = simulator;
    const other = { name: "other", config: Type.Object({}), resumable: true };
    await jobs.start({ key: "job-7", executor: "work", config: { n: 1 } });

    const starting = createJobs({ store, clock, executors: new Map([["other", other]]) }).start({
      key: "job-7",
      executor: "other",
      config: {},
    });

    await expect(starting).rejects.toMatchObject({
      code: "OUTCOME_NEGATIVE",
      message: expect.stringContaining('of the executor "work"'),
    });
    expect((await store.queries.stats()).queuedEvents).toBe(1);
  });

  it("makes another job for each call without a key", async () => {
    const { jobs, simulator, started } = createYard();

    const a = await jobs.start({ executor: "work", config: { n: 1 } });
    const b = await jobs.start({ executor: "work", config: { n: 1 } });
    await simulator.settle();

    expect([a.jobId === b.jobId, started]).toEqual([false, [1, 1]]);
    expect(a.jobId).toMatch(/^run-[0-9A-HJKMNP-TV-Z]{26}$/);
  });

  it("shows who has started it", async () => {
    const { jobs, simulator } = createYard();

    const { jobId } = await jobs.start({ executor: "work", config: { n: 1 }, actor: "ada" });
    await simulator.settle();

    expect((await simulator.listHistory(jobId))[0]?.actor).toBe("ada");
  });

  it.each([
    ["an unknown executor", { executor: "wrok", config: {} }, "EXECUTOR_UNKNOWN", /"wrok"\. Known: work\./],
    [
      "a config that does not fit",
      { executor: "work", config: { n: "1" } },
      "CONFIG_INVALID",
      /config: \/n must be integer/,
    ],
    [
      "half a target",
      { executor: "work", config: { n: 1 }, target: { account: "111122223333" } },
      "CONFIG_INVALID",
      /an account and a region/,
    ],
    ["an empty key", { executor: "work", config: { n: 1 }, key: "" }, "CONFIG_INVALID", /key/],
    ["a key that is too long", { executor: "work", config: { n: 1 }, key: "k".repeat(256) }, "CONFIG_INVALID", /255/],
    ["a key with a line's end", { executor: "work", config: { n: 1 }, key: "a\nb" }, "CONFIG_INVALID", /control/],
    [
      "a config of more than 256 KiB",
      { executor: "work", config: { n: 1, text: "x".repeat(262_144) } },
      "PAYLOAD_TOO_LARGE",
      /262144/,
    ],
  ])("refuses %s, and keeps nothing", async (_what, request, code, message) => {
    const { jobs, store } = createYard();

    const started = jobs.start(request);

    await expect(started).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect((await store.queries.stats()).queuedEvents).toBe(0);
    expect((await store.records.list("run/", { limit: 9, now: T0 })).items).toEqual([]);
  });
});

describe("a start that is interrupted", () => {
  it.each([1, 2, 3, 4, 5])("at its write %i is made whole by a repeat, with what the first one kept", async (dies) => {
    let writes = 0;
    const die = async <T>(write: () => Promise<T>): Promise<T> => {
      writes += 1;
      if (writes === dies) throw new Error("The process died.");
      const result = await write();
      writes += 1;
      if (writes === dies) throw new Error("The process died.");
      return result;
    };
    const yard = createYard((store) => ({
      ...store,
      enqueue: (events) => die(() => store.enqueue(events)),
      revisions: { ...store.revisions, put: (revision, now) => die(() => store.revisions.put(revision, now)) },
      records: { ...store.records, put: (input) => die(() => store.records.put(input)) },
    }));
    await expect(yard.jobs.start({ key: "job-7", executor: "work", config: { n: 1 } })).rejects.toThrow("died");
    await yard.simulator.settle();

    const jobId = await startAndSettle(yard, "job-7", 2);

    // The request that was stored before the crash counts.
    expect(yard.started).toEqual([dies < 4 ? 2 : 1]);
    expect((await yard.jobs.find(jobId))?.state).toBe("succeeded");
    expect(await yard.simulator.findViolations()).toEqual([]);
  });
});

describe("a start over another medium", () => {
  it("keeps what is needed in the store, and sends only the event", async () => {
    const { store, clock, settle } = createYard().simulator;
    const sent: QueuedEvent[] = [];
    const executors = new Map([["work", { name: "work", config: Type.Object({}), resumable: true }]]);
    const transport = { publish: async (events: readonly QueuedEvent[]) => void sent.push(...events) };
    const jobs = createJobs({ store, transport, executors, clock });

    const { jobId } = await jobs.start({ key: "job-7", executor: "work", config: {} });
    await jobs.start({ key: "job-7", executor: "work", config: { other: 1 } });

    expect((await store.queries.stats()).queuedEvents).toBe(0);
    const revision = sent[0]?.message["revision"];
    expect(sent.map(({ id, stackId, message }) => ({ id, stackId, ...message }))).toEqual([
      { id: "job-7", event: "START", stackId: jobId, machine: "stackyard.run", revision },
      { id: "job-7", event: "START", stackId: jobId, machine: "stackyard.run", revision },
    ]);
    expect((await store.revisions.get(String(revision)))?.source).toContain('"config":{}');
    await settle();
  });
});

describe("find", () => {
  it("shows the progress of the work", async () => {
    const yard = createYard();
    yard.answer = GOES_ON;

    const jobId = await startAndSettle(yard);

    expect(await yard.jobs.find(jobId)).toMatchObject({ state: "running", message: "half of it" });
    expect((await yard.jobs.find(jobId))?.endedAt).toBeUndefined();
  });

  it("shows why a job has failed, and its outputs", async () => {
    const yard = createYard();
    yard.answer = HAS_FAILED;

    const jobId = await startAndSettle(yard);

    expect(await yard.jobs.find(jobId)).toMatchObject({
      state: "failed",
      error: { code: "BROKEN", message: "It broke." },
      outputs: { failed: 3 },
      endedAt: T0,
    });
  });

  it("shows that a job timed out, also after its late end", async () => {
    const yard = createYard();
    yard.answer = GOES_ON;
    const jobId = await startAndSettle(yard);

    await yard.simulator.advance(3_700_000);

    expect(await yard.jobs.find(jobId)).toMatchObject({ state: "failed", error: { code: "TASK_TIMEOUT" } });
  });

  it("reads a closed job from its history", async () => {
    const yard = createYard();
    const jobId = await startAndSettle(yard);

    await yard.simulator.advance(2 * DAY_MS);

    expect(await yard.simulator.findStack(jobId)).toBeUndefined();
    expect(await yard.jobs.find(jobId)).toMatchObject({ state: "succeeded", outputs: { text: "done" }, endedAt: T0 });
  });

  it("finds no job under a stack's id, an unknown id or an invalid one", async () => {
    const { jobs, store } = createYard();
    await store.enqueue([
      { id: "e", stackId: "web-1", origin: "external", receivedAt: T0, message: { event: "OPENED", stackId: "web-1" } },
    ]);

    expect(await jobs.find("web-1")).toBeUndefined();
    expect(await jobs.find("run-0")).toBeUndefined();
    await expect(jobs.find("../x")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("list", () => {
  it("gives jobs by state and executor, page by page", async () => {
    const yard = createYard();
    const done = await startAndSettle(yard, "a");
    yard.answer = HAS_FAILED;
    const lost = await startAndSettle(yard, "b");
    yard.answer = GOES_ON;
    const open = await startAndSettle(yard, "c");
    const { jobs } = yard;

    const all = await jobs.list({}, { limit: 2 });
    const rest = await jobs.list({}, { limit: 2, cursor: all.cursor ?? "" });
    const [ok, bad, on, none, other] = await Promise.all([
      jobs.list({ state: "succeeded" }, { limit: 9 }),
      jobs.list({ state: "failed", executor: "work" }, { limit: 9 }),
      jobs.list({ state: "running" }, { limit: 9 }),
      jobs.list({ state: "cancelled" }, { limit: 9 }),
      jobs.list({ executor: "other" }, { limit: 9 }),
    ]);

    const ids = [...all.items, ...rest.items].map(({ jobId }) => jobId);
    expect(ids).toEqual([done, lost, open].sort());
    expect([ok, bad, on, none, other].map(({ items }) => items.map(({ jobId }) => jobId))).toEqual([
      ...[[done], [lost], [open], [], []],
    ]);
  });

  it("lists a failed job first, although many were cancelled after it (rundeck#1234)", async () => {
    const yard = createYard();
    yard.answer = HAS_FAILED;
    const lost = await startAndSettle(yard, "a");
    yard.answer = GOES_ON;
    for (const key of ["b", "c", "d"]) await yard.jobs.cancel(await startAndSettle(yard, key));
    await yard.simulator.settle();
    const { jobs, store } = yard;

    const failed = await jobs.list({ state: "failed" }, { sort: "-enteredAt", limit: 1 });
    const cancelled = await jobs.list({ state: "cancelled" }, { limit: 9 });
    const { groups } = await store.queries.countStacks({}, "mainCondition");

    expect(failed.items.map(({ jobId }) => jobId)).toEqual([lost]);
    expect(cancelled.items).toHaveLength(3);
    expect(groups.map(({ mainCondition, count, needsPerson }) => [mainCondition, count, needsPerson])).toEqual([
      ["cancelled", 3, undefined],
      ["failed", 1, undefined],
    ]);
  });

  it("sorts jobs by the instant of their start, page by page", async () => {
    const yard = createYard();
    const started: string[] = [];
    for (const key of ["a", "b", "c"]) {
      started.push(await startAndSettle(yard, key));
      await yard.simulator.advance(1_000);
    }
    const { jobs } = yard;

    const first = await jobs.list({}, { sort: "-createdAt", limit: 2, maxBytes: 1 });
    const rest = await jobs.list({}, { sort: "-createdAt", limit: 2, cursor: first.cursor ?? "" });

    expect([...first.items, ...rest.items].map(({ jobId }) => jobId)).toEqual(started.toReversed());
    await expect(jobs.list({}, { sort: "-createdAt", limit: 2, mostSorted: 2 })).rejects.toMatchObject({
      code: "FILTER_TOO_WIDE",
    });
  });
});

describe("cancel", () => {
  it("ends a job that is under way, and distinguishes it from a failed one", async () => {
    const yard = createYard();
    yard.answer = GOES_ON;
    const jobId = await startAndSettle(yard);

    await yard.jobs.cancel(jobId, { actor: "ada", reason: "wrong fleet" });
    await yard.simulator.settle();

    expect(await yard.jobs.find(jobId)).toMatchObject({ state: "cancelled", message: "half of it" });
    expect((await yard.simulator.listHistory(jobId))[1]).toMatchObject({ actor: "ada", reason: "wrong fleet" });
  });

  it("ends a job that was not started yet, before any work begins", async () => {
    const yard = createYard();
    const { jobId } = await yard.jobs.start({ key: "job-7", executor: "work", config: { n: 1 } });

    await yard.jobs.cancel(jobId);
    await yard.simulator.settle();

    expect([(await yard.jobs.find(jobId))?.state, yard.started]).toEqual(["cancelled", []]);
  });

  it("leaves a job that has ended unchanged", async () => {
    const yard = createYard();
    const jobId = await startAndSettle(yard);

    await yard.jobs.cancel(jobId);
    await yard.simulator.settle();

    expect((await yard.jobs.find(jobId))?.state).toBe("succeeded");
    expect(await yard.simulator.listHistory(jobId)).toHaveLength(2);
  });

  it("reports an unknown run", async () => {
    await expect(createYard().jobs.cancel("run-0")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("retry", () => {
  it("runs a failed job again, once for two calls", async () => {
    const yard = createYard();
    yard.answer = HAS_FAILED;
    const jobId = await startAndSettle(yard);

    await yard.jobs.retry(jobId);
    await yard.jobs.retry(jobId);
    await yard.simulator.settle();
    yard.answer = succeeded({});
    const between = await yard.jobs.find(jobId);
    await yard.jobs.retry(jobId);
    await yard.simulator.settle();

    expect([between?.state, (await yard.jobs.find(jobId))?.state]).toEqual(["failed", "succeeded"]);
    expect(yard.started).toEqual([1, 1, 1]);
    expect(await yard.simulator.findViolations()).toEqual([]);
  });

  it("refuses a job that still runs, has succeeded or was closed, and advises what to do", async () => {
    const yard = createYard();
    yard.answer = GOES_ON;
    const open = await startAndSettle(yard, "a");
    yard.answer = succeeded({});
    const done = await startAndSettle(yard, "b");

    const refusal = (state: string) => ({
      code: "OUTCOME_NEGATIVE",
      message: expect.stringContaining(`is ${state}. Only a job that has failed`),
    });
    await expect(yard.jobs.retry(open)).rejects.toMatchObject(refusal("running"));
    await expect(yard.jobs.retry(done)).rejects.toMatchObject(refusal("succeeded"));
    await yard.simulator.advance(2 * DAY_MS);
    await expect(yard.jobs.retry(done)).rejects.toMatchObject(refusal("closed"));
    await expect(yard.jobs.retry("run-0")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("report", () => {
  it("gives the pages that the executor has written, in order, and only this job's", async () => {
    const { jobs, store } = createYard();
    const keys = ["run-a/0000", "run-a/0001", "run-a/0002", "run-ab/0000"];
    for (const key of [...keys].reverse()) {
      await store.records.put({ key: `job-report/${key}`, value: { key }, expected: "absent", now: T0 });
    }

    const whole = await jobs.report("run-a");
    const first = await jobs.reportPage("run-a", { limit: 2 });

    expect(whole).toEqual(keys.slice(0, 3).map((key) => ({ key })));
    expect(first.items).toEqual(whole.slice(0, 2));
    expect(await jobs.report("run-b")).toEqual([]);
  });
});

describe("events to a job that are not those of the yard", () => {
  const JOB_MACHINE = "stackyard.run";

  async function send({ simulator, store }: Yard, message: Readonly<Record<string, unknown>>): Promise<void> {
    const stackId = String(message["stackId"]);
    const id = `sent-${String(message["event"])}`;
    await store.enqueue([{ id, stackId, origin: "external", receivedAt: simulator.clock.now(), message }]);
    await simulator.settle();
  }

  async function listLines({ store }: Yard, stackId: string): Promise<readonly string[]> {
    const { items } = await store.queries.listHistory({ stackId }, { limit: 100 });
    return items.map(({ event, outcome, code = "" }) => `${event} ${outcome} ${code}`.trim());
  }

  it("start none, even with a kept revision", async () => {
    const yard = createYard();
    const jobId = await startAndSettle(yard);
    const [loaded] = await yard.store.load([jobId]);
    const revision = loaded?.stack?.machineHash;

    await send(yard, { stackId: "web-j1", machine: JOB_MACHINE, event: "START", revision });

    expect(await yard.store.load(["web-j1"])).toMatchObject([{ version: 0 }]);
    expect(await listLines(yard, "web-j1")).toEqual(["START refused NOT_ALLOWED"]);
    expect(yard.started).toEqual([1]);
  });

  it.each([
    ["RETRY", {}],
    ["CLOSE", {}],
    ["TASK_COMPLETED", { task: { name: "run" } }],
    ["TASK_ERROR", { task: { name: "run" } }],
    ["RETRY_FAILED_TASKS", {}],
    ["CANCEL_TASK", { task: { name: "run" } }],
    ["SETTLE_TASK", { task: { name: "run" }, as: "succeeded", reason: "r" }],
    ["REMOVE_STACK", { force: true, reason: "r" }],
    ["UPGRADE_STACK", {}],
    ["APPROVE_TASK", { task: { name: "run" } }],
  ])("do not change it: %s", async (event, fields) => {
    const yard = createYard();
    yard.answer = HAS_FAILED;
    const jobId = await startAndSettle(yard);
    const before = await yard.store.load([jobId]);

    await send(yard, { stackId: jobId, event, ...fields });

    expect(await yard.store.load([jobId])).toEqual(before);
    expect((await listLines(yard, jobId)).at(-1)).toBe(`${event} refused NOT_ALLOWED`);
  });

  it("are not parked, and each is in the audit log", async () => {
    const yard = createYard();

    await send(yard, {
      stackId: "web-j1",
      machine: JOB_MACHINE,
      event: "START",
      revision: "0".repeat(64),
      actor: "eve",
    });

    expect((await yard.store.queries.listDeadLetters({}, { limit: 10 })).items).toEqual([]);
    expect(await listAudit(yard)).toEqual(["eve START denied NOT_ALLOWED"]);
  });
});

async function listAudit({ store }: Yard): Promise<readonly string[]> {
  const { items } = await store.records.list("audit/pending/", { limit: 1_000, now: 0 });
  return items.map(({ value }) => {
    const { who, action, outcome, code = "" } = value as AuditEntry;
    return `${who.name} ${action} ${outcome} ${code}`.trim();
  });
}

describe("the audit log", () => {
  it.each(["token", "workload", "host", "aws"] as const)(
    "has the start of a job by a sender of the kind %s",
    async (kind) => {
      const yard = createYard();
      const sender = { kind, id: "s1", name: "nightly", groups: [] };

      await yard.jobs.start({ key: "job-7", executor: "work", config: { n: 1 }, sender });
      await yard.simulator.settle();

      expect(await listAudit(yard)).toEqual(["nightly START done"]);
    },
  );

  it("has the retry and the cancel of a job", async () => {
    const yard = createYard();
    yard.answer = HAS_FAILED;
    const sender = { kind: "token", id: "s1", name: "ci", groups: [] } as const;
    const jobId = await startAndSettle(yard);
    yard.answer = GOES_ON;

    await yard.jobs.retry(jobId, { sender });
    await yard.simulator.settle();
    await yard.jobs.cancel(jobId, { sender });
    await yard.simulator.settle();

    expect(await listAudit(yard)).toEqual(["anonymous START done", "ci RETRY done", "ci CANCEL_TASK done"]);
  });
});
