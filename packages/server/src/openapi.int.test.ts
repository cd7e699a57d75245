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

const PULL = {
  host: "github",
  repository: { id: "424242", fullName: "acme/web" },
  number: 7,
  url: "https://github.com/acme/web/pull/7",
  head: "1".repeat(40),
  owner: "octocat",
};

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
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
  /** The status that is expected. Default 200. */
  readonly status?: number;
}

const key = encodeURIComponent(STATE_KEY);
/** Of the key `job-7`. */
const JOB_ID = jobStackId({ key: "job-7" });

/** A call of every operation that the document names, in this order. */
const cases: Readonly<Record<string, () => Case>> = {
  publishEvents: () => ({ path: "/v1/events", body: [{ event: "DEPLOY", stackId: "pr-3" }, {}], status: 207 }),
  listEventHistory: () => ({ path: "/v1/events/e1/history" }),
  listParked: () => ({ path: "/v1/parked" }),
  listDeadLetters: () => ({ path: "/v1/dead-letters" }),
  withdrawEvents: () => ({ path: "/v1/parked/withdraw", body: { ids: ["pr-9/e9"], reason: "a typo" }, status: 207 }),
  redriveEvents: () => ({ path: "/v1/dead-letters/redrive", body: { ids: [deadLetterId] } }),
  dismissEvents: () => ({
    path: "/v1/dead-letters/dismiss",
    body: { ids: [deadLetterId], reason: "a typo" },
    status: 207,
  }),
  listStacks: () => ({ path: "/v1/stacks?limit=1" }),
  countStacks: () => ({ path: "/v1/stack-counts?by=state" }),
  listCauses: () => ({ path: "/v1/causes?kind=parked" }),
  getStack: () => ({ path: "/v1/stacks/pr-1" }),
  getStackSnapshot: () => ({ path: "/v1/stacks/pr-1/snapshot" }),
  getStackAt: () => ({ path: "/v1/stacks/pr-1/at/999999" }),
  listStackCommits: () => ({ path: "/v1/stacks/pr-1/commits?task=sign-off" }),
  getStackBundle: () => ({ path: "/v1/stacks/pr-1/bundle" }),
  revealSecret: () => ({ path: "/v1/stacks/pr-1/secrets/a/reveal", body: { reason: "r" }, status: 403 }),
  listStackHistory: () => ({ path: "/v1/stacks/pr-1/history" }),
  listHistory: () => ({ path: "/v1/history?limit=2" }),
  retryStack: () => ({ path: "/v1/stacks/pr-1/retry", body: {} }),
  cancelStack: () => ({ path: "/v1/stacks/pr-1/cancel", body: { task: "none" }, status: 409 }),
  acknowledgeStack: () => ({ path: "/v1/stacks/pr-1/acknowledge", body: {} }),
  settleStack: () => ({
    path: "/v1/stacks/pr-1/settle",
    body: { task: "none", as: "succeeded", reason: "r" },
    status: 409,
  }),
  removeStack: () => ({ path: "/v1/stacks/pr-3/remove", body: { force: true, reason: "r" } }),
  listApprovals: () => ({ path: "/v1/approvals?mine=true" }),
  approveTask: () => ({
    path: `/v1/approvals/${encodeURIComponent(attemptId)}/approve`,
    body: { of: "sha256:9f2c", comment: "tested" },
    status: 409,
  }),
  rejectTask: () => ({ path: `/v1/approvals/${encodeURIComponent(attemptId)}/reject`, body: {}, status: 409 }),
  withdrawApproval: () => ({ path: `/v1/approvals/${encodeURIComponent(attemptId)}/withdraw`, body: {}, status: 409 }),
  startJob: () => ({ path: "/v1/jobs", body: { executor: "script", config: {}, key: "job-7" }, status: 202 }),
  listJobs: () => ({ path: "/v1/jobs?state=succeeded" }),
  getJob: () => ({ path: `/v1/jobs/${JOB_ID}` }),
  getJobReport: () => ({ path: `/v1/jobs/${JOB_ID}/report` }),
  cancelJob: () => ({ path: `/v1/jobs/${JOB_ID}/cancel`, body: {} }),
  retryJob: () => ({ path: `/v1/jobs/${JOB_ID}/retry`, body: {}, status: 409 }),
  listReleasePlaces: () => ({ path: "/v1/releases/places" }),
  listCustomResourceRuns: () => ({ path: "/v1/custom-resources" }),
  getCustomResourceRun: () => ({ path: "/v1/custom-resources/8236-r", status: 404 }),
  listArtifactCoverage: () => ({ path: "/v1/artifacts/coverage" }),
  listConsumers: () => ({ path: "/v1/consumers" }),
  refreshArtifact: () => ({ path: "/v1/artifacts/refresh", body: { name: "app", version: "1" } }),
  replayArtifacts: () => ({
    path: "/v1/artifacts/replay",
    body: { account: "111122223333", region: "eu-west-1", since: "2030-01-01T00:00:00Z" },
  }),
  planUpgrade: () => ({ path: "/v1/stacks/pr-1/upgrade-plan" }),
  upgradeStack: () => ({ path: "/v1/stacks/pr-1/upgrade", body: { dryRun: true } }),
  upgradeStacks: () => ({ path: "/v1/machines/review-app/upgrade", body: {} }),
  startBulk: () => ({ path: "/v1/bulk", body: { operation: "retry", filter: { ids: ["pr-1"] } }, status: 202 }),
  listBulks: () => ({ path: "/v1/bulk" }),
  getBulk: () => ({ path: `/v1/bulk/${bulkId}` }),
  listBulkItems: () => ({ path: `/v1/bulk/${bulkId}/items` }),
  cancelBulk: () => ({ path: `/v1/bulk/${bulkId}/cancel`, body: {} }),
  listBoards: () => ({ path: "/v1/boards" }),
  getBoard: () => ({ path: "/v1/boards/review-app" }),
  listFreezeHolds: () => ({ path: "/v1/freezes/none/held", status: 404 }),
  listReleaseVersions: () => ({ path: "/v1/stacks/pr-1/versions" }),
  getReleaseCalendar: () => ({ path: "/v1/stacks/pr-1/calendar" }),
  listDeploys: () => ({ path: "/v1/stacks/pr-1/deploys" }),
  listDeployStacks: () => ({ path: "/v1/stacks/pr-1/deploys/create", status: 404 }),
  getDeployPlan: () => ({ path: "/v1/stacks/pr-1/plans/create", status: 404 }),
  listPlanStacks: () => ({ path: "/v1/stacks/pr-1/plans/create/stacks", status: 404 }),
  listFreezes: () => ({ path: "/v1/freezes" }),
  startFreeze: () => ({ path: "/v1/freezes", body: { name: "winter", reason: "Christmas" } }),
  exceptFromFreeze: () => ({ path: "/v1/freezes/winter/except", body: { release: "pr-1", reason: "outage" } }),
  endFreeze: () => ({ path: "/v1/freezes/winter/end", body: {} }),
  listAudit: () => ({ path: "/v1/audit?limit=1" }),
  exportAudit: () => ({ path: "/v1/audit/export" }),
  getAuditHead: () => ({ path: "/v1/audit/head" }),
  listAttempts: () => ({ path: "/v1/stacks/pr-1/attempts" }),
  listOpenAttempts: () => ({ path: "/v1/attempts?status=running" }),
  getAttempt: () => ({ path: `/v1/attempts/${encodeURIComponent(attemptId)}` }),
  getAttemptLog: () => ({ path: `/v1/attempts/${encodeURIComponent(attemptId)}/log` }),
  getAttemptLogTimes: () => ({ path: `/v1/attempts/${encodeURIComponent(attemptId)}/log-times` }),
  getFullAttemptLog: () => ({ path: `/v1/attempts/${encodeURIComponent(attemptId)}/full-log` }),
  listMachines: () => ({ path: "/v1/machines" }),
  getMachine: () => ({ path: "/v1/machines/review-app" }),
  getMachineGraph: () => ({ path: "/v1/machines/review-app/graph" }),
  simulate: () => ({ path: "/v1/simulate", body: { steps: [{ event: { event: "LAUNCH", stackId: "x" } }] } }),
  getMachineSource: () => ({ path: "/v1/machines/review-app/source" }),
  writeMachineSource: () => ({
    path: "/v1/machines/review-app/source",
    body: { source: "version: 1", expectedHash: "0".repeat(64) },
    status: 404,
  }),
  listExecutors: () => ({ path: "/v1/executors" }),
  listRevisions: () => ({ path: "/v1/machines/review-app/revisions" }),
  getRevision: () => ({ path: `/v1/revisions/${revision}` }),
  previewEvent: () => ({ path: "/v1/stacks/pr-1/simulate", body: { event: "DOWN" } }),
  listTerraformStates: () => ({ path: "/v1/terraform/states" }),
  getTerraformState: () => ({ path: `/v1/terraform/states/${key}` }),
  getTerraformStateVersion: () => ({ path: `/v1/terraform/states/${key}/versions/1` }),
  unlockTerraformState: () => ({ path: `/v1/terraform/states/${key}/unlock`, body: { id: "l1" } }),
  restoreTerraformState: () => ({ path: `/v1/terraform/states/${key}/restore`, body: { version: 1 } }),
  listUnsavedRuns: () => ({ path: "/v1/terraform/unsaved" }),
  pushUnsavedState: () => ({ path: `/v1/terraform/states/${key}/unsaved/${unsavedId}/push`, body: {} }),
  dismissUnsavedRun: () => ({ path: `/v1/terraform/states/${key}/unsaved/${unsavedId}/dismiss`, body: {} }),
  watchHistory: () => ({ path: "/v1/watch" }),
  openStream: () => ({ path: "/v1/stream?kinds=history,bulk" }),
  listSessions: () => ({ path: "/v1/sessions" }),
  revokeSession: () => ({ path: `/v1/sessions/${sessionId}/revoke`, body: {} }),
  getLiveness: () => ({ path: "/health/live" }),
  getReadiness: () => ({ path: "/health/ready" }),
  // A server that does not listen has nothing to prove; what one answers that does is in the tests of the proof.
  getServerProof: () => ({ path: `/v1/proof?challenge=${"a".repeat(43)}`, status: 404 }),
  linkPreview: () => ({ method: "PUT", path: "/v1/previews/pr-1/link", body: PULL }),
  listPreviews: () => ({ path: "/v1/previews" }),
  getPreview: () => ({ path: "/v1/previews/pr-1" }),
  listProcesses: () => ({ path: "/v1/processes" }),
  listOrphans: () => ({ path: "/v1/orphans" }),
  listHooks: () => ({ path: "/v1/hooks" }),
  listQueue: () => ({ path: "/v1/queue" }),
  redriveQueueItem: () => ({ path: "/v1/queue/redrive", body: { queue: "hooks", key: "k" }, status: 404 }),
  listServices: () => ({ path: "/v1/services" }),
  getYard: () => ({ path: "/v1/yard" }),
  getMetrics: () => ({ path: "/metrics" }),
  getMe: () => ({ path: "/v1/me" }),
  createToken: () => ({ path: "/v1/tokens", body: { name: "ci", role: "viewer" }, status: 201 }),
  listTokens: () => ({ path: "/v1/tokens" }),
  rotateToken: () => ({ path: `/v1/tokens/${tokenId}/rotate`, body: {} }),
  revokeToken: () => ({ path: `/v1/tokens/${tokenId}/revoke`, body: {} }),
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
  it("names every operation that is called here, and no other", () => {
    const named = Object.values(api.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));

    expect(named.toSorted()).toEqual(Object.keys(cases).toSorted());
    expect(api.openapi).toBe("3.1.0");
  });

  it.each(Object.entries(cases))("describes what %s answers", async (operationId, toCase) => {
    const { path, method, body, status = 200 } = toCase();
    const put = vi.spyOn(yard.store.records, "put");

    const answer = await yard.call(path, defined({ method, body }));

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
