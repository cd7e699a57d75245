import { StackyardError } from "@stackyard/core";
import { jobStackId } from "@stackyard/core/machine";
import { createKeyedQueue, toUnsavedId } from "@stackyard/core/services";
import { aPut } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addUnsavedRun } from "./testing/add-unsaved-run.ts";
import { claimAttempt } from "./testing/claim-attempt.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const KEY = "review-app/pr-1/network";
const PATH = `/terraform/state/${KEY}`;
const STATES = `/v1/terraform/states/${encodeURIComponent(KEY)}`;
const SECRET = "hunter2-hunter2";
const STATE = { version: 4, serial: 1, lineage: "l", resources: [], outputs: { password: SECRET } };
const LOCK = { ID: "l1", Who: "ada@laptop", Operation: "OperationTypeApply" };
const WHO = {
  kind: "token",
  id: "configured:tester",
  name: "tester",
  groups: [],
  requestId: expect.stringMatching(/^[0-9A-Z]{26}$/),
};
const ON_STATE = { stateKey: KEY, machine: "review-app", stackId: "pr-1" };

let yard: TestYard;
beforeEach(() => {
  yard = createTestYard();
});
afterEach(() => yard.stop());

interface Line {
  readonly id: string;
  readonly action: string;
  readonly outcome: string;
  readonly [fact: string]: unknown;
}

/** No engine runs that would seal them. */
async function listLines(action?: string): Promise<readonly Line[]> {
  const { items } = await yard.store.records.list("audit/pending/", { limit: 100, now: Date.now() });
  const lines = items.map(({ value }) => value as Line);
  return action === undefined ? lines : lines.filter((line) => line.action === action);
}

/** All other records can be written: what does not happen does not happen because of the audit log. */
function loseAuditLog(): void {
  const { records } = yard.store;
  const put = records.put.bind(records);
  vi.spyOn(records, "put").mockImplementation(async (input) => {
    if (input.key.startsWith("audit/")) throw new StackyardError("STORE_UNAVAILABLE", "away");
    return put(input);
  });
}

const write = (serial = 1) => yard.call(PATH, { body: { ...STATE, serial } });
const lock = () => yard.call(PATH, { method: "LOCK", body: LOCK });

/** What a state is, besides its lines in the audit log. */
async function readState(): Promise<unknown> {
  const { items } = await yard.store.records.list("terraform-state/", { limit: 100, now: Date.now() });
  return items;
}

function makeDeadLetter(): Promise<string> {
  return makeListed({ event: "UNHEARD-OF", stackId: "pr-1", machine: "review-app", id: "e1" }, listDeadLetters);
}

function makeParked(): Promise<string> {
  return makeListed({ event: "OPENED", stackId: "pr-8", machine: "unknown", id: "e8" }, listParkedIds);
}

/** Sends an event, and waits until the list contains it. */
async function makeListed(message: object, list: () => Promise<readonly string[]>): Promise<string> {
  yard.run();
  await yard.receive(message);
  const [id] = await vi.waitFor(
    async () => {
      const ids = await list();
      if (ids.length === 0) throw new Error("It is not there yet.");
      return ids;
    },
    { timeout: 20_000 },
  );
  await yard.halt();
  return id ?? "";
}

async function listParkedIds(): Promise<readonly string[]> {
  const { items } = await yard.json<{ items: readonly { id: string }[] }>("/v1/parked");
  return items.map(({ id }) => id);
}

async function listDeadLetters(): Promise<readonly string[]> {
  const { items } = await yard.json<{ items: readonly { id: string }[] }>("/v1/dead-letters");
  return items.map(({ id }) => id);
}

interface Operation {
  readonly action: string;
  /** What is there before. Returns the call. */
  readonly prepare: () => Promise<() => Promise<Response>>;
  readonly line: object;
  /** What the operation would change. */
  readonly read: () => Promise<unknown>;
}

const PULL = {
  host: "github",
  repository: { id: "424242", fullName: "acme/shop" },
  number: 7,
  url: "https://github.com/acme/shop/pull/7",
  head: "1".repeat(40),
  owner: "octocat",
};
const OF_STATE = { via: "backend", on: ON_STATE };
const operations: readonly Operation[] = [
  {
    action: "startJob",
    prepare: async () => () => yard.call("/v1/jobs", { body: { executor: "script", config: {}, key: "job-7" } }),
    line: {
      via: "api",
      on: { machine: "stackyard.run", jobId: jobStackId({ key: "job-7" }), key: "job-7" },
    },
    read: async () => (await yard.call(`/v1/jobs/${jobStackId({ key: "job-7" })}`)).status,
  },
  {
    action: "redriveEvents",
    async prepare() {
      const ids = [await makeDeadLetter()];
      return () => yard.call("/v1/dead-letters/redrive", { body: { ids } });
    },
    line: { via: "api", on: {}, reason: expect.any(String) },
    read: listDeadLetters,
  },
  {
    action: "dismissEvents",
    async prepare() {
      const ids = [await makeDeadLetter()];
      return () => yard.call("/v1/dead-letters/dismiss", { body: { ids, reason: "a typo" } });
    },
    line: { via: "api", on: {}, reason: expect.stringMatching(/^a typo \(/) },
    read: listDeadLetters,
  },
  {
    action: "withdrawEvents",
    async prepare() {
      const ids = [await makeParked()];
      return () => yard.call("/v1/parked/withdraw", { body: { ids, reason: "a typo" } });
    },
    line: { via: "api", on: {}, reason: expect.stringMatching(/^a typo \(/) },
    read: listParkedIds,
  },
  {
    action: "redriveQueueItem",
    async prepare() {
      const { store, clock } = yard;
      const queue = createKeyedQueue({ records: store.records, clock, random: () => 0 }, "hooks");
      await queue.put("k", 1, { dueMs: 0, maxWaitMs: 0 });
      for (const claim of (await queue.claim(1)).claims) await queue.bury(claim, "wrong");
      return () => yard.call("/v1/queue/redrive", { body: { queue: "hooks", key: "k" } });
    },
    line: { via: "api", on: {}, reason: "hooks k" },
    read: async () => (await yard.json<{ items: { deadAt?: string }[] }>("/v1/queue")).items[0]?.deadAt,
  },
  {
    action: "linkPreview",
    async prepare() {
      await yard.store.commit([aPut({ id: "pr-1" })]);
      return () => yard.call("/v1/previews/pr-1/link", { method: "PUT", body: PULL });
    },
    line: { via: "api", on: { stackId: "pr-1" }, reason: "github acme/shop#7" },
    read: async () => (await yard.store.records.list("previews/", { limit: 10, now: Date.now() })).items,
  },
  {
    action: "restoreTerraformState",
    async prepare() {
      for (const serial of [1, 2]) await write(serial);
      return () => yard.call(`${STATES}/restore`, { body: { version: 1 } });
    },
    line: { via: "api", on: ON_STATE, reason: "version 1" },
    read: readState,
  },
  {
    action: "unlockTerraformState",
    async prepare() {
      await lock();
      return () => yard.call(`${STATES}/unlock`, { body: { id: LOCK.ID } });
    },
    line: { via: "api", on: ON_STATE },
    read: readState,
  },
  {
    action: "pushUnsavedState",
    async prepare() {
      const run = await addUnsavedRun(yard, STATE);
      return () => yard.call(`${STATES}/unsaved/${toUnsavedId(run)}/push`, { body: {} });
    },
    line: { via: "api", on: ON_STATE, reason: "pr-1/i/1/create/1" },
    read: readState,
  },
  {
    action: "dismissUnsavedRun",
    async prepare() {
      const run = await addUnsavedRun(yard, STATE);
      return () => yard.call(`${STATES}/unsaved/${toUnsavedId(run)}/dismiss`, { body: { reason: "removed by hand" } });
    },
    line: { via: "api", on: ON_STATE, reason: "removed by hand" },
    read: async () => (await yard.json<{ items: unknown[] }>("/v1/terraform/unsaved")).items,
  },
  { action: "writeTerraformState", prepare: async () => write, line: OF_STATE, read: readState },
  {
    action: "deleteTerraformState",
    async prepare() {
      await write();
      return () => yard.call(PATH, { method: "DELETE" });
    },
    line: OF_STATE,
    read: readState,
  },
  { action: "lockTerraformState", prepare: async () => lock, line: OF_STATE, read: readState },
  {
    action: "unlockTerraformState",
    async prepare() {
      await lock();
      return () => yard.call(PATH, { method: "UNLOCK", body: LOCK });
    },
    line: OF_STATE,
    read: readState,
  },
];

describe.each(operations)("$action", ({ action, prepare, line, read }) => {
  it("has a line before and a line after", async () => {
    const call = await prepare();
    const before = await read();

    const { ok } = await call();

    const lines = await listLines(action);
    expect(ok).toBe(true);
    expect(lines).toEqual([
      { ...line, action, who: WHO, id: expect.any(String), at: expect.any(Number), outcome: "begun" },
      { ...line, action, who: WHO, id: expect.any(String), at: expect.any(Number), outcome: "done", of: lines[0]?.id },
    ]);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
    expect(await read()).not.toEqual(before);
  });

  it("answers 503 and does nothing while the audit log cannot be written", async () => {
    const call = await prepare();
    const before = await read();
    loseAuditLog();

    const answer = await call();

    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    expect(await read()).toEqual(before);
  });
});

describe("a started run", () => {
  it("is named by its lines, which are found as those of its stack", async () => {
    const { jobId } = await yard.json<{ jobId: string }>("/v1/jobs", { body: { executor: "script", config: {} } });

    const lines = await listLines("startJob");
    expect(lines.map(({ on }) => on)).toEqual([0, 1].map(() => ({ machine: "stackyard.run", jobId })));
    yard.run();
    const list = () => yard.json<{ items: readonly Line[] }>(`/v1/audit?action=startJob&stack=${jobId}`);
    await expect.poll(async () => (await list()).items.map(({ outcome }) => outcome)).toEqual(["done", "begun"]);
  });
});

describe("what fails", () => {
  it.each([
    ["lockTerraformState", 423, () => yard.call(PATH, { method: "LOCK", body: { ...LOCK, ID: "l2" } })],
    ["unlockTerraformState", 409, () => yard.call(PATH, { method: "UNLOCK", body: { ...LOCK, ID: "l2" } })],
    ["writeTerraformState", 423, () => write()],
    ["deleteTerraformState", 423, () => yard.call(PATH, { method: "DELETE" })],
    ["restoreTerraformState", 409, () => yard.call(`${STATES}/restore`, { body: { version: 1 } })],
    ["unlockTerraformState", 409, () => yard.call(`${STATES}/unlock`, { body: { id: "l2" } })],
  ])("because another holds the lock has its code: %s (%i)", async (action, status, call) => {
    await write();
    await lock();
    const before = (await listLines()).length;

    const answer = await call();

    const [begun, failed, ...more] = (await listLines()).slice(before);
    expect(answer.status).toBe(status);
    expect(begun).toMatchObject({ action, outcome: "begun" });
    expect(failed).toMatchObject({ action, outcome: "failed", code: "RECORD_CONFLICT", of: begun?.id });
    expect(more).toEqual([]);
  });

  it("because it makes no sense is not recorded when no action has begun", async () => {
    await yard.call(PATH, { method: "LOCK", body: {} });
    await yard.call(PATH, { body: STATE, headers: { "content-md5": "AAAA" } });
    await yard.call(PATH);

    expect(await listLines()).toEqual([]);
  });
});

describe("reads of states", () => {
  it.each([
    ["readTerraformState", "backend", PATH, {}],
    ["getTerraformStateVersion", "api", `${STATES}/versions/1`, { reason: "version 1" }],
  ])("have a line before the answer: %s", async (action, via, path, more) => {
    await write();

    const answer = await yard.call(path);

    expect(await answer.json()).toEqual(STATE);
    const rest = { id: expect.any(String), at: expect.any(Number), who: WHO, on: ON_STATE, ...more };
    expect(await listLines(action)).toEqual([{ action, via, outcome: "done", ...rest }]);
  });

  it.each([PATH, `${STATES}/versions/1`])("show nothing while the audit log cannot be written: %s", async (path) => {
    await write();
    loseAuditLog();

    const answer = await yard.call(path);

    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain(SECRET);
  });
});

describe("bundles", () => {
  it("are not shown while the audit log cannot be written", async () => {
    await claimAttempt(yard, "pr-1");
    loseAuditLog();

    const answer = await yard.call("/v1/stacks/pr-1/bundle");

    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain("review-app");
  });
});

describe("attempts", () => {
  it("have no lines for their states, and work while the audit log cannot be written", async () => {
    const { authorization } = await claimAttempt(yard, "pr-1");
    const as = { headers: { authorization } };
    loseAuditLog();

    const answers = [
      await yard.call(PATH, { method: "LOCK", body: LOCK, ...as }),
      await yard.call(`${PATH}?ID=l1`, { body: STATE, ...as }),
      await yard.call(PATH, as),
      await yard.call(`${PATH}?ID=l1`, { method: "DELETE", ...as }),
      await yard.call(PATH, { method: "UNLOCK", body: LOCK, ...as }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await listLines()).toEqual([]);
  });
});

describe("denied requests", () => {
  const FOREIGN = { origin: "https://evil.example" };

  it.each([
    ["a wrong credential", 401, "UNAUTHENTICATED", PATH, { authorization: `Bearer ${SECRET}` }],
    ["a wrong credential for a route", 401, "UNAUTHENTICATED", "/v1/stacks", { authorization: `Bearer ${SECRET}` }],
    ["a foreign page", 403, "FORBIDDEN", "/v1/stacks", FOREIGN],
    ["a foreign name", 421, "FORBIDDEN", "/v1/stacks", { host: "evil.example" }],
  ])("have a line before the answer: %s", async (_what, status, code, path, headers) => {
    await yard.stop();
    yard = createTestYard({ allowedHosts: ["127.0.0.1"] });

    const answer = await yard.call(path, { headers });

    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ status, code });
    const lines = await listLines();
    expect(lines).toMatchObject([{ action: "denied", outcome: "denied", code, reason: `GET ${path}` }]);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  it("are answered 503 while the audit log cannot be written", async () => {
    loseAuditLog();

    const answers = [
      await yard.call("/v1/stacks", { headers: { authorization: "Bearer wrong" } }),
      await yard.call("/v1/stacks", { headers: FOREIGN }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  });
});
