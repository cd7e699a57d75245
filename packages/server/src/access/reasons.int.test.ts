import type { Sender } from "@stackyard/core/access";
import type { Approval } from "@stackyard/core/api";
import { createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { jobStackId } from "@stackyard/core/machine";
import { toUnsavedId, type UnsavedRun } from "@stackyard/core/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addUnsavedRun } from "../testing/add-unsaved-run.ts";
import { eventually } from "../testing/eventually.ts";
import { listReads, readWhole } from "../testing/list-reads.ts";
import { type CallInit, createTestYard, type TestYard } from "../testing/test-yard.ts";

/**
 * Each operation that takes a reason or a comment of a person, with a sensitive value in it. Afterwards everything that can be read
 * is read, also the audit log: the value is nowhere.
 */
const SECRET = "hunter22-of-the-stack";
const OTHER = "hunter33-of-a-dead-letter";
const TEXT = `because ${SECRET} is known`;
/** About dead letters: also a value that only they have. */
const LETTER_TEXT = `because ${SECRET} and ${OTHER} are known`;
const SOURCE = `
version: 2
events: [LAUNCH, SHIP, ROTATE, DOWN]
metadata:
  password: { type: string, sensitive: true }
states:
  INIT: { on: { LAUNCH: IDLE } }
  IDLE: { on: { SHIP: GATE, DOWN: GONE } }
  GATE: { tasks: [sign-off], on: { NEXT: IDLE } }
  GONE: { terminal: true }
tasks:
  sign-off: { executor: approval, config: { from: [managers] } }
`;
const JOB_ID = jobStackId({ key: "job" });
const ada: Sender = { kind: "person", id: "ada", name: "ada", groups: ["managers"] };

let yard: TestYard;
let approvalId = "";
let bulkId = "";
let deadLetters: readonly string[] = [];
let unsaved: UnsavedRun;

type Call = CallInit & { readonly path: string; readonly body: object };
const at = (name: string, body: object = {}): Call => ({ path: `/v1/stacks/web-1/${name}`, body });
const approval = (name: string): Call => ({
  path: `/v1/approvals/${encodeURIComponent(approvalId)}/${name}`,
  body: { comment: TEXT },
});

/** A request of each operation that takes a reason, without it; what cannot be undone comes last. */
const CALLS: Readonly<Record<string, () => readonly Call[]>> = {
  publishEvents: () => [
    // Parked: the state does not handle it. Dead: the machine does not know it.
    { path: "/v1/events", body: { stackId: "web-1", event: "ROTATE", id: "parked", note: TEXT } },
    { path: "/v1/events", body: { stackId: "web-1", event: "UNHEARD-OF", id: "dead", note: TEXT } },
  ],
  previewEvent: () => [at("simulate", { event: "DOWN" })],
  approveTask: () => [approval("approve")],
  rejectTask: () => [approval("reject")],
  withdrawApproval: () => [approval("withdraw")],
  retryStack: () => [at("retry")],
  cancelStack: () => [at("cancel", { task: "sign-off" })],
  acknowledgeStack: () => [at("acknowledge")],
  settleStack: () => [at("settle", { task: "sign-off", as: "succeeded", approval: true })],
  upgradeStack: () => [at("upgrade"), at("upgrade", { dryRun: true })],
  upgradeStacks: () => [{ path: "/v1/machines/review-app/upgrade", body: {} }],
  revealSecret: () => [at("secrets/password/reveal")],
  cancelJob: () => [{ path: `/v1/jobs/${JOB_ID}/cancel`, body: {} }],
  retryJob: () => [{ path: `/v1/jobs/${JOB_ID}/retry`, body: {} }],
  startBulk: () =>
    ["acknowledge", "retry", "send", "redrive"].flatMap((operation) => {
      const filter = { ids: operation === "redrive" ? deadLetters.slice(0, 1) : ["web-1"] };
      const body = {
        operation,
        filter,
        ...(operation === "send" && { body: { event: "SHIP" } }),
        ...(operation === "redrive" && { reason: LETTER_TEXT }),
      };
      return [
        { path: "/v1/bulk", body },
        { path: "/v1/bulk", body: { ...body, dryRun: true } },
      ];
    }),
  cancelBulk: () => [{ path: `/v1/bulk/${bulkId}/cancel`, body: {} }],
  startFreeze: () => [
    { path: "/v1/freezes", body: { name: "winter" } },
    { path: "/v1/freezes", body: { name: "apps", machine: "review-app" } },
  ],
  exceptFromFreeze: () => [{ path: "/v1/freezes/winter/except", body: { release: "web-1" } }],
  endFreeze: () => [{ path: "/v1/freezes/apps/end", body: {} }],
  dismissEvents: () => [{ path: "/v1/dead-letters/dismiss", body: { ids: deadLetters, reason: LETTER_TEXT } }],
  withdrawEvents: () => [
    { path: "/v1/parked/withdraw", body: { ids: ["web-9/parked-1"], reason: `because ${OTHER}` } },
  ],
  dismissUnsavedRun: () => [
    {
      path: `/v1/terraform/states/${encodeURIComponent(unsaved.state)}/unsaved/${toUnsavedId(unsaved)}/dismiss`,
      body: {},
    },
  ],
  removeStack: () => [at("remove", { force: true })],
};

beforeAll(async () => {
  const also = ["secrets:read", "approvals:settle"] as const;
  const grants = [{ to: { token: "tester" }, role: "admin" as const, also: [...also] }];
  yard = createTestYard({ source: SOURCE, access: { grants }, limits: { outcomeMs: 2_000 } });
  yard.run();
  const base = { stackId: "web-1", machine: "review-app" };
  await yard.call("/v1/events", { body: { ...base, event: "LAUNCH", metadata: { password: SECRET } } });
  await yard.call("/v1/events", { body: { ...base, event: "SHIP" } });
  for (const id of ["dead-1", "dead-2"]) {
    const body = { ...base, event: "UNHEARD-OF", id, metadata: { password: OTHER }, reason: LETTER_TEXT };
    await yard.call("/v1/events", { body });
  }
  const parked = {
    stackId: "web-9",
    machine: "unknown",
    event: "LAUNCH",
    id: "parked-1",
    metadata: { password: OTHER },
  };
  await yard.receive(parked);
  await yard.call("/v1/jobs", { body: { executor: "script", config: {}, key: "job" } });
  const list = async () => (await yard.json<{ items: Approval[] }>("/v1/approvals")).items;
  await eventually(async () => expect(await list()).toHaveLength(1));
  approvalId = (await list())[0]?.id ?? "";
  const message = { event: "APPROVE_TASK", stackId: "web-1", task: { name: "sign-off" }, dispatchId: approvalId };
  const deps = { store: yard.store, clock: systemClock, ids: createUlids() };
  await publishMessages(deps, [{ ...message, reason: TEXT, of: "wrong" }], { sender: ada });
  await eventually(async () => {
    const { items } = await yard.json<{ items: { id: string }[] }>("/v1/dead-letters");
    deadLetters = items.map(({ id }) => id);
    expect(deadLetters).toHaveLength(2);
  });
  unsaved = await addUnsavedRun(yard, { version: 4 }, { stack: "web-1", state: "review-app/web-1/network" });
  const bulk = { operation: "acknowledge", filter: { ids: ["web-1"] } };
  bulkId = (await yard.json<{ id: string }>("/v1/bulk", { body: bulk })).id;
}, 60_000);
afterAll(() => yard.stop());

/** Returns the operations that take a reason or a comment. */
async function listTakers(): Promise<readonly string[]> {
  type Schema = { $ref?: string; properties?: object; items?: Schema; anyOf?: Schema[] };
  type Operation = { operationId: string; requestBody?: { content?: Record<string, { schema: Schema }> } };
  const api = await yard.json<{
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Schema> };
  }>("/openapi.json");
  const takes = ({ $ref, properties, items, anyOf = [] }: Schema): boolean => {
    const referred = $ref === undefined ? undefined : api.components.schemas[$ref.split("/").at(-1) ?? ""];
    const inner = [referred, items, ...anyOf].filter((each) => each !== undefined);
    const keys = Object.keys(properties ?? {});
    return keys.some((key) => /reason|comment|note|why|description/i.test(key)) || inner.some(takes);
  };
  return Object.values(api.paths).flatMap((path) =>
    Object.values(path).flatMap(({ operationId, requestBody }) => {
      const schema = requestBody?.content?.["application/json"]?.schema;
      return schema !== undefined && takes(schema) ? [operationId] : [];
    }),
  );
}

/** Everything that can be read, by operation. */
async function readAll() {
  const list = <Item>(path: string) => yard.json<{ items: Item[] }>(path).then(({ items }) => items);
  const lines = await list<{ eventId: string }>("/v1/history?limit=1000");
  const bulks = await list<{ id: string }>("/v1/bulk");
  const attempts = await list<{ attemptId: string }>("/v1/stacks/web-1/attempts");
  const reads = await listReads(yard, {
    stackId: ["web-1", JOB_ID],
    jobId: [JOB_ID],
    name: ["review-app"],
    eventId: [...new Set(lines.map(({ eventId }) => eventId))],
    bulkId: bulks.map(({ id }) => id),
    attemptId: attempts.map(({ attemptId }) => attemptId),
    position: ["99999999"],
  });
  return Promise.all(reads.map(async (read) => ({ ...read, text: await readWhole(yard, read.path) })));
}

const listShowing = (answers: readonly { readonly path: string; readonly text: string }[]) =>
  answers.filter(({ text }) => text.includes(SECRET) || text.includes(OTHER)).map(({ path }) => path);

/** Returns an answer that shows a value; that of `revealSecret` has to. */
async function ask(operationId: string, { path, body }: Call): Promise<readonly string[]> {
  const response = await yard.call(path, { body: "comment" in body ? body : { reason: TEXT, ...body } });
  const text = await response.text();
  expect([400, 404, 415], `${path} ${text}`).not.toContain(response.status);
  // A dry run repeats what its caller wrote, unmasked: masks would confirm guesses without a trace.
  const isOwn = operationId === "revealSecret" || "dryRun" in body;
  return isOwn ? [] : listShowing([{ path: `the answer of ${path}: ${text}`, text }]);
}

describe("a reason with a sensitive value", () => {
  it("is taken by these operations, and by no others", async () => {
    expect((await listTakers()).toSorted()).toEqual(Object.keys(CALLS).toSorted());
  });

  it("is shown nowhere without its value, whatever operation took it", { timeout: 120_000 }, async () => {
    const wrong: string[] = [];
    for (const [operationId, toCalls] of Object.entries(CALLS)) {
      for (const call of toCalls()) wrong.push(...(await ask(operationId, call)));
      await eventually(async () => expect(await yard.json("/v1/yard")).toMatchObject({ queuedEvents: 0 }));
      wrong.push(...listShowing(await readAll()).map((path) => `${operationId}: ${path}`));
    }

    expect(wrong).toEqual([]);
  });

  it("is in the audit log, masked", async () => {
    const expected = ["dismissEvents", "revealSecret", "startBulk", "REMOVE_STACK", "ACKNOWLEDGE_FAILURE"];
    await eventually(async () => {
      const { items } = await yard.json<{ items: { action: string; reason?: string }[] }>("/v1/audit?limit=1000");
      const kept = items.filter(({ reason }) => reason?.startsWith("because ***")).map(({ action }) => action);
      expect(kept).toEqual(expect.arrayContaining(expected));
    });
  });
});
