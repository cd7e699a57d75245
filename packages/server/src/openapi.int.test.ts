import { randomBytes } from "node:crypto";
import { defined, RELEASE_PLACES } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { jobStackId } from "@stackyard/core/machine";
import { toUnsavedId } from "@stackyard/core/services";
import { Compile } from "typebox/compile";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createSessions } from "./access/sessions.ts";
import { addUnsavedRun } from "./testing/add-unsaved-run.ts";
import { eventually } from "./testing/eventually.ts";
import { fakeArtifacts } from "./testing/fake-artifacts.ts";
import { listOperations, toExampleCall } from "./testing/list-documented.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

type Json = Readonly<Record<string, unknown>>;
interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: Json }>>;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, Answer>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Json };
}

const PLACE = {
  account: "111122223333",
  region: "eu-west-1",
  project: "shop",
  config: "prod",
  running: { releaseId: "r1", revision: "abc", since: "2030-01-01T00:00:00.000Z", stackId: "run-1" },
  lock: { by: "ada", reason: "freeze", since: "2030-01-01T00:00:00.000Z" },
  updatedAt: "2030-01-01T00:00:00.000Z",
};

const documented = await listOperations();

let yard: TestYard;
let api: Document;
let attemptId: string;
let deadLetterId: string;
let sessionId: string;
let bulkId: string;
let tokenId: string;
let revision: string;

const STATE_KEY = "review-app/pr-1/key";
let unsavedId: string;

beforeAll(async () => {
  yard = createTestYard({ deps: { artifacts: fakeArtifacts, customResources: createMemoryStore().records } });
  const record = { key: `${RELEASE_PLACES}a`, value: PLACE, expected: "absent", now: 0 } as const;
  await yard.store.records.put(record);
  yard.run();
  await yard.call("/v1/events", {
    body: [
      { id: "e1", event: "LAUNCH", stackId: "pr-1", machine: "review-app", metadata: { a: 1, b: null } },
      { id: "e2", event: "UNHEARD-OF", stackId: "pr-2", machine: "review-app" },
      { id: "e3", event: "LAUNCH", stackId: "pr-3", machine: "review-app" },
    ],
  });
  await eventually(async () => expect(await yard.json("/v1/stacks/pr-1")).toMatchObject({ state: "IDLE" }));
  await yard.call("/v1/events", { body: { id: "e4", event: "LAUNCH", stackId: "pr-1" } });
  await eventually(async () =>
    expect(await yard.json("/v1/stacks/pr-1")).toMatchObject({ parked: [{ eventId: "e4" }] }),
  );
  revision = (await yard.json<{ hash: string }>("/v1/machines/review-app")).hash;
  const attempts = await yard.json<{ items: { attemptId: string }[] }>("/v1/stacks/pr-1/attempts");
  attemptId = attempts.items[0]?.attemptId ?? "";
  deadLetterId = await eventually(async () => {
    const [item] = (await yard.json<{ items: { id: string }[] }>("/v1/dead-letters")).items;
    expect(item).toBeDefined();
    return item?.id ?? "";
  });
  const bulk = { operation: "send", filter: { ids: ["pr-1"] }, body: { event: "DEPLOY" } };
  bulkId = (await yard.json<{ id: string }>("/v1/bulk", { body: bulk })).id;
  await yard.call(`/terraform/state/${STATE_KEY}`, { body: { version: 4, serial: 1, lineage: "l", resources: [] } });
  const unsaved = { version: 4, serial: 2, lineage: "l", resources: [] };
  unsavedId = toUnsavedId(await addUnsavedRun(yard, unsaved, { state: STATE_KEY, base: 99 }));
  await yard.call(`/terraform/state/${STATE_KEY}`, { method: "LOCK", body: { ID: "l1", Who: "ada" } });
  const sessions = createSessions({ records: yard.store.records, clock: yard.clock, random: randomBytes });
  const sender = { kind: "person", id: "https://id.example.org 00u1", name: "ada", groups: [] } as const;
  sessionId = (await sessions.begin({ kind: "cli", sender, client: "laptop", address: "127.0.0.1" })).session.id;
  tokenId = (await yard.json<{ id: string }>("/v1/tokens", { body: { name: "old", role: "viewer" } })).id;
  api = await yard.json<Document>("/openapi.json");
});
afterAll(() => yard.stop());

interface Case {
  /** Instead of those that every call has. */
  readonly values?: Readonly<Record<string, string>>;
  /** Instead of the example. */
  readonly body?: unknown;
  /** The status that is expected. Default 200. */
  readonly status?: number;
}

/** What others need: a state without a lock, a stack with a pull request. */
const FIRST = ["unlockTerraformState", "linkPreview"];
const IN_ORDER = documented.toSorted((a, b) => FIRST.indexOf(b.operationId) - FIRST.indexOf(a.operationId));

/** What the examples are about here. */
const toValues = () => ({
  ...{ stackId: "pr-1", name: "review-app", freeze: "winter", jobId: jobStackId({ key: "job-7" }), eventId: "e1" },
  ...{ attemptId, approvalId: attemptId, bulkId, tokenId, sessionId, hash: revision, key: STATE_KEY, id: unsavedId },
  ...{ version: "1", position: "999999", task: "create", plan: "create" },
});

/** What differs from the examples of the document, and from 200. */
const CASES: Readonly<Record<string, () => Case>> = {
  exceptFromFreeze: () => ({ body: { release: "pr-1", reason: "outage" } }),
  writeMachineSource: () => ({ status: 404 }),
  // A server that does not listen has nothing to prove; what one answers that does is in the tests of the proof.
  getServerProof: () => ({ status: 404 }),
  publishEvents: () => ({ body: [{ event: "DEPLOY", stackId: "pr-3" }, {}], status: 207 }),
  withdrawEvents: () => ({ status: 207 }),
  redriveEvents: () => ({ body: { ids: [deadLetterId] } }),
  dismissEvents: () => ({ status: 207 }),
  revealSecret: () => ({ values: { key: "a" }, status: 403 }),
  cancelStack: () => ({ status: 409 }),
  settleStack: () => ({ status: 409 }),
  removeStack: () => ({ values: { stackId: "pr-3" } }),
  approveTask: () => ({ status: 409 }),
  rejectTask: () => ({ status: 409 }),
  withdrawApproval: () => ({ status: 409 }),
  startJob: () => ({ status: 202 }),
  retryJob: () => ({ status: 409 }),
  getCustomResourceRun: () => ({ values: { id: "8236-r" }, status: 404 }),
  startBulk: () => ({ status: 202 }),
  redriveQueueItem: () => ({ status: 404 }),
  listFreezeHolds: () => ({ values: { freeze: "none" }, status: 404 }),
  listDeployStacks: () => ({ status: 404 }),
  getDeployPlan: () => ({ status: 404 }),
  listPlanStacks: () => ({ status: 404 }),
  createToken: () => ({ status: 201 }),
};

function findOperation(operationId: string): Operation {
  const operations = Object.values(api.paths).flatMap((path) => Object.values(path));
  const found = operations.find((operation) => operation.operationId === operationId);
  if (found === undefined) throw new Error(`The document has no operation ${operationId}.`);
  return found;
}

/** References of the document as definitions that a validator finds, closed so that an undescribed key is a fault. */
function check(schema: Json, value: unknown) {
  const closed = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(closed);
    if (typeof node !== "object" || node === null) return node;
    const name = "$ref" in node ? String(node.$ref).replace("#/components/schemas/", "") : undefined;
    if (name !== undefined) return closed(api.components.schemas[name]);
    const children = Object.fromEntries(Object.entries(node).map(([k, child]) => [k, closed(child)]));
    return "properties" in node ? { ...children, additionalProperties: false } : children;
  };
  const validator = Compile(closed(schema) as Json);
  return validator.Check(value) ? [] : validator.Errors(value);
}

describe("the OpenAPI document", () => {
  it("is of the version that clients know, and every case here is of an operation that it names", () => {
    const named = new Set(documented.map(({ operationId }) => operationId));

    expect(api.openapi).toBe("3.1.0");
    expect(Object.keys(CASES).filter((operationId) => !named.has(operationId))).toEqual([]);
  });

  it.each(IN_ORDER.map((each) => [each.operationId, each] as const))("describes what %s answers", async (...given) => {
    const [operationId, operation] = given;
    const { values, body, status = 200 } = CASES[operationId]?.() ?? {};
    const { path, ...call } = toExampleCall(operation, { ...toValues(), ...values });
    const put = vi.spyOn(yard.store.records, "put");

    const answer = await yard.call(path, { ...call, ...defined({ body }) });

    expect({ status: answer.status }).toEqual({ status });
    const { responses } = findOperation(operationId);
    const actions = put.mock.calls.flatMap(([{ key, value }]) => {
      return key.startsWith("audit/pending/") ? [(value as { readonly action: string }).action] : [];
    });
    put.mockRestore();
    // Here the value of none of these may be seen, and the folder to write to does not exist.
    const isAudited =
      operationId === "revealSecret" || operationId === "writeMachineSource" || actions.includes(operationId);
    expect(responses["503"]?.description.includes("audit log") ?? false).toBe(isAudited);
    const described = responses[String(status)]?.content ?? {};
    const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
    expect(Object.keys(described)).toContain(type);
    if (type === "text/event-stream") return answer.body?.cancel();
    const text = await answer.text();
    const isJson = type.endsWith("json") && described[type]?.schema["type"] !== "string";
    if (isJson) expect(check(described[type]?.schema ?? {}, JSON.parse(text))).toEqual([]);
  });

  it("describes problems, and uses no name that it does not define", async () => {
    const problem = await (await yard.call("/v1/stacks?limit=0")).json();
    const references = [...JSON.stringify(api).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);

    expect(check({ $ref: "#/components/schemas/ProblemDetails" }, problem)).toEqual([]);
    expect(references.filter((name) => api.components.schemas[name ?? ""] === undefined)).toEqual([]);
  });

  it("puts no id and no secret into metrics", async () => {
    const text = await (await yard.call("/metrics")).text();

    expect(text).toContain('stackyard_stacks{machine="review-app",state="IDLE"}');
    expect(text).toMatch(
      /stackyard_http_request_duration_seconds_bucket\{route="\/v1\/stacks\/:stackId",method="GET",status="200",le="\+Inf"\} \d+/,
    );
    expect(text).not.toContain("pr-1");
  });
});
