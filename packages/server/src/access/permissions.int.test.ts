import { defined } from "@stackyard/core";
import { type Permission, permissionsOf, ROLES, type Role } from "@stackyard/core/access";
import type { NewApiToken } from "@stackyard/core/api";
import { createMemoryStore } from "@stackyard/core/engine";
import { jobStackId } from "@stackyard/core/machine";
import { toUnsavedId } from "@stackyard/core/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addUnsavedRun } from "../testing/add-unsaved-run.ts";
import { eventually } from "../testing/eventually.ts";
import { fakeArtifacts } from "../testing/fake-artifacts.ts";
import { type CallInit, createTestYard, type TestYard } from "../testing/test-yard.ts";

/** The permission of every operation, as the specification lists them. */
const PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  read: [
    ..."listStacks getStack listStackHistory listHistory listEventHistory listParked listDeadLetters".split(" "),
    ..."planUpgrade watchHistory listAttempts getAttempt getAttemptLog getAttemptLogTimes getFullAttemptLog listMachines getMachine".split(
      " ",
    ),
    ..."getMachineGraph simulate previewEvent listJobs getJob getJobReport listTerraformStates listUnsavedRuns".split(
      " ",
    ),
    ..."getTerraformState listProcesses getYard getMetrics listApprovals listBulks getBulk".split(" "),
    ..."listBulkItems getStackBundle cancelBulk countStacks listOpenAttempts listRevisions getRevision openStream listExecutors listCauses getStackSnapshot getStackAt listStackCommits getMachineSource listServices listHooks listQueue listReleasePlaces listCustomResourceRuns getCustomResourceRun listArtifactCoverage listConsumers listPreviews getPreview listOrphans listFreezes listBoards getBoard listDeploys listDeployStacks getDeployPlan listPlanStacks listFreezeHolds getReleaseCalendar listReleaseVersions".split(
      " ",
    ),
  ],
  approve: ["approveTask", "rejectTask", "withdrawApproval"],
  send: ["publishEvents", "startBulk", "linkPreview"],
  operate: [
    "retryStack",
    "cancelStack",
    "acknowledgeStack",
    "cancelJob",
    "retryJob",
    "refreshArtifact",
    "replayArtifacts",
  ],
  repair: [
    ..."settleStack removeStack upgradeStack upgradeStacks redriveEvents dismissEvents withdrawEvents redriveQueueItem startJob unlockTerraformState dismissUnsavedRun".split(
      " ",
    ),
    ..."writeMachineSource startFreeze exceptFromFreeze endFreeze".split(" "),
  ],
  "states:read": ["getTerraformStateVersion"],
  "states:write": ["restoreTerraformState", "pushUnsavedState"],
  "secrets:read": ["revealSecret"],
  audit: ["listAudit", "exportAudit", "getAuditHead"],
  "signed-in": "getMe listTokens createToken rotateToken revokeToken listSessions revokeSession".split(" "),
  public: ["getLiveness", "getReadiness", "getServerProof", "getOpenApi"],
};

type Place = "stack" | "list" | "yard" | "machine" | "whole machine" | "job";
interface Call extends CallInit {
  readonly path: string;
  /** What the operation is about, and so where its permission is needed. */
  readonly place: Place;
  /** Its answer to a caller who cannot read that. Default: 404. Of what is to be made: 403, since it is nowhere yet. */
  readonly whenHidden?: Expected;
  /** The permission that the caller needs, where the operation checks another one than the document names. */
  readonly permission?: Permission;
  /** The code of 404 for callers who have the permission: the thing is not there. */
  readonly missing?: string;
  /** What makes the thing again that an earlier call has ended. */
  readonly prepare?: () => Promise<unknown>;
}
type Expected = "allowed" | "forbidden" | "absent" | "empty";

let yard: TestYard;
const attempts = new Map<string, string>();
let revision = "";
let bulkId = "";
const key = (stackId: string) => encodeURIComponent(`review-app/${stackId}/key`);
const attempt = (stackId: string) => encodeURIComponent(attempts.get(stackId) ?? "");
const JOB_ID = jobStackId({ key: "job-7" });

const PULL = {
  host: "github",
  repository: { id: "424242", fullName: "acme/web" },
  number: 7,
  url: "https://github.com/acme/web/pull/7",
  head: "1".repeat(40),
  owner: "octocat",
};

/** One call of each operation with a permission; `stackId` is `web-1` or `api-1`. */
/** A call about a run that has not saved its state, which is there again before each call. */
function ofUnsavedRun(stack: string, verb: "push" | "dismiss"): Call {
  const run = { stack, state: `review-app/${stack}/key`, attempt: `${stack}/i/1/create/1` };
  return {
    place: "stack",
    path: `/v1/terraform/states/${key(stack)}/unsaved/${toUnsavedId({ ...run, token: 1 })}/${verb}`,
    body: {},
    prepare: () => addUnsavedRun(yard, { version: 4 }, run),
  };
}

const CALLS: Readonly<Record<string, (stackId: string) => Call>> = {
  listStacks: () => ({ place: "list", path: "/v1/stacks" }),
  getStack: (id) => ({ place: "stack", path: `/v1/stacks/${id}` }),
  watchHistory: () => ({ place: "list", path: "/v1/watch" }),
  openStream: () => ({ place: "list", path: "/v1/stream?kinds=history,progress,bulk" }),
  revealSecret: (id) => ({ place: "stack", path: `/v1/stacks/${id}/secrets/key/reveal`, body: { reason: "r" } }),
  approveTask: (id) => ({ place: "stack", path: `/v1/approvals/${attempt(id)}/approve`, body: {} }),
  rejectTask: (id) => ({ place: "stack", path: `/v1/approvals/${attempt(id)}/reject`, body: {} }),
  withdrawApproval: (id) => ({ place: "stack", path: `/v1/approvals/${attempt(id)}/withdraw`, body: {} }),
  startBulk: (id) => ({
    place: "stack",
    path: "/v1/bulk",
    body: { operation: "send", filter: { ids: [id] }, body: { event: "DEPLOY" }, dryRun: true },
    // What the caller cannot read is not chosen.
    whenHidden: "allowed",
  }),
  listBulks: () => ({ place: "list", path: "/v1/bulk" }),
  getBulk: () => ({ place: "yard", path: `/v1/bulk/${bulkId}`, whenHidden: "absent" }),
  listBulkItems: () => ({ place: "yard", path: `/v1/bulk/${bulkId}/items`, whenHidden: "absent" }),
  cancelBulk: () => ({
    place: "yard",
    path: `/v1/bulk/${bulkId}/cancel`,
    body: {},
    whenHidden: "absent",
    permission: "repair",
  }),
  writeMachineSource: () => ({
    place: "whole machine",
    path: "/v1/machines/review-app/source",
    body: { source: "version: 1", expectedHash: "0".repeat(64) },
    missing: "NOT_CONFIGURED",
  }),
  listBoards: () => ({ place: "list", path: "/v1/boards" }),
  getBoard: () => ({ place: "machine", path: "/v1/boards/review-app" }),
  listDeploys: (id) => ({ place: "stack", path: `/v1/stacks/${id}/deploys` }),
  listDeployStacks: (id) => ({ place: "stack", path: `/v1/stacks/${id}/deploys/create`, missing: "NOT_FOUND" }),
  getDeployPlan: (id) => ({ place: "stack", path: `/v1/stacks/${id}/plans/create`, missing: "NOT_FOUND" }),
  listPlanStacks: (id) => ({ place: "stack", path: `/v1/stacks/${id}/plans/create/stacks`, missing: "NOT_FOUND" }),
  listReleaseVersions: (id) => ({ place: "stack", path: `/v1/stacks/${id}/versions` }),
  getReleaseCalendar: (id) => ({ place: "stack", path: `/v1/stacks/${id}/calendar` }),
  listFreezeHolds: () => ({ place: "list", path: "/v1/freezes/none/held", missing: "NOT_FOUND" }),
  listFreezes: () => ({ place: "list", path: "/v1/freezes" }),
  startFreeze: () => ({
    place: "whole machine",
    path: "/v1/freezes",
    body: { name: "winter", reason: "r", machine: "review-app" },
    whenHidden: "forbidden",
  }),
  exceptFromFreeze: () => ({
    place: "list",
    path: "/v1/freezes/none/except",
    body: { release: "web-1", reason: "r" },
    missing: "NOT_FOUND",
  }),
  endFreeze: () => ({ place: "list", path: "/v1/freezes/none/end", body: {}, missing: "NOT_FOUND" }),
  getStackBundle: (id) => ({ place: "stack", path: `/v1/stacks/${id}/bundle` }),
  listStackHistory: (id) => ({ place: "stack", path: `/v1/stacks/${id}/history`, whenHidden: "empty" }),
  listHistory: () => ({ place: "list", path: "/v1/history" }),
  listEventHistory: (id) => ({ place: "stack", path: `/v1/events/launch-${id}/history`, whenHidden: "empty" }),
  listParked: () => ({ place: "list", path: "/v1/parked" }),
  listDeadLetters: () => ({ place: "list", path: "/v1/dead-letters" }),
  listAttempts: (id) => ({ place: "stack", path: `/v1/stacks/${id}/attempts`, whenHidden: "empty" }),
  getAttempt: (id) => ({ place: "stack", path: `/v1/attempts/${attempt(id)}` }),
  getAttemptLog: (id) => ({ place: "stack", path: `/v1/attempts/${attempt(id)}/log` }),
  getAttemptLogTimes: (id) => ({ place: "stack", path: `/v1/attempts/${attempt(id)}/log-times` }),
  getFullAttemptLog: (id) => ({ place: "stack", path: `/v1/attempts/${attempt(id)}/full-log` }),
  listMachines: () => ({ place: "list", path: "/v1/machines" }),
  getMachine: () => ({ place: "machine", path: "/v1/machines/review-app" }),
  countStacks: () => ({ place: "list", path: "/v1/stack-counts?by=machine" }),
  listOpenAttempts: () => ({ place: "list", path: "/v1/attempts" }),
  listRevisions: () => ({ place: "machine", path: "/v1/machines/review-app/revisions" }),
  getRevision: () => ({ place: "machine", path: `/v1/revisions/${revision}` }),
  listReleasePlaces: () => ({ place: "list", path: "/v1/releases/places" }),
  listCustomResourceRuns: () => ({ place: "yard", path: "/v1/custom-resources" }),
  getCustomResourceRun: () => ({ place: "yard", path: "/v1/custom-resources/8236-r", missing: "NOT_FOUND" }),
  listArtifactCoverage: () => ({ place: "yard", path: "/v1/artifacts/coverage" }),
  listConsumers: () => ({ place: "yard", path: "/v1/consumers" }),
  refreshArtifact: () => ({ place: "yard", path: "/v1/artifacts/refresh", body: { name: "a", version: "1" } }),
  replayArtifacts: () => ({
    place: "yard",
    path: "/v1/artifacts/replay",
    body: { account: "111122223333", region: "eu-west-1" },
  }),
  getMachineSource: () => ({ place: "machine", path: "/v1/machines/review-app/source" }),
  getStackSnapshot: (id) => ({ place: "stack", path: `/v1/stacks/${id}/snapshot` }),
  getStackAt: (id) => ({ place: "stack", path: `/v1/stacks/${id}/at/999999999` }),
  listStackCommits: (id) => ({ place: "stack", path: `/v1/stacks/${id}/commits` }),
  listCauses: () => ({ place: "list", path: "/v1/causes?kind=dead" }),
  listExecutors: () => ({ place: "list", path: "/v1/executors" }),
  getMachineGraph: () => ({ place: "machine", path: "/v1/machines/review-app/graph" }),
  simulate: () => ({ place: "list", path: "/v1/simulate", body: { steps: [{ advance: "1s" }] } }),
  previewEvent: (id) => ({ place: "stack", path: `/v1/stacks/${id}/simulate`, body: { event: "DOWN" } }),
  listJobs: () => ({ place: "list", path: "/v1/jobs" }),
  getJob: () => ({ place: "job", path: `/v1/jobs/${JOB_ID}` }),
  getJobReport: () => ({ place: "job", path: `/v1/jobs/${JOB_ID}/report` }),
  listTerraformStates: () => ({ place: "list", path: "/v1/terraform/states" }),
  listUnsavedRuns: () => ({ place: "list", path: "/v1/terraform/unsaved" }),
  pushUnsavedState: (id) => ofUnsavedRun(id, "push"),
  dismissUnsavedRun: (id) => ofUnsavedRun(id, "dismiss"),
  getTerraformState: (id) => ({ place: "stack", path: `/v1/terraform/states/${key(id)}` }),
  listApprovals: () => ({ place: "list", path: "/v1/approvals" }),
  listPreviews: () => ({ place: "list", path: "/v1/previews" }),
  getPreview: (id) => ({ place: "stack", path: `/v1/previews/${id}`, missing: "NOT_FOUND" }),
  linkPreview: (id) => ({
    place: "stack",
    method: "PUT",
    path: `/v1/previews/${id}/link`,
    body: PULL,
  }),
  listProcesses: () => ({ place: "yard", path: "/v1/processes" }),
  listOrphans: () => ({ place: "yard", path: "/v1/orphans" }),
  listHooks: () => ({ place: "yard", path: "/v1/hooks" }),
  listQueue: () => ({ place: "yard", path: "/v1/queue" }),
  redriveQueueItem: () => ({
    place: "yard",
    path: "/v1/queue/redrive",
    body: { queue: "hooks", key: "k" },
    missing: "NOT_FOUND",
  }),
  listServices: () => ({ place: "yard", path: "/v1/services" }),
  listAudit: () => ({ place: "yard", path: "/v1/audit" }),
  exportAudit: () => ({ place: "yard", path: "/v1/audit/export" }),
  getAuditHead: () => ({ place: "yard", path: "/v1/audit/head" }),
  getYard: () => ({ place: "yard", path: "/v1/yard" }),
  getMetrics: () => ({ place: "yard", path: "/metrics" }),
  publishEvents: (id) => ({
    place: "stack",
    path: "/v1/events",
    body: [{ event: "DEPLOY", stackId: id }],
    whenHidden: "forbidden",
  }),
  retryStack: (id) => ({ place: "stack", path: `/v1/stacks/${id}/retry`, body: {} }),
  cancelStack: (id) => ({ place: "stack", path: `/v1/stacks/${id}/cancel`, body: { task: "create" } }),
  acknowledgeStack: (id) => ({ place: "stack", path: `/v1/stacks/${id}/acknowledge`, body: {} }),
  cancelJob: () => ({ place: "job", path: `/v1/jobs/${JOB_ID}/cancel`, body: {} }),
  retryJob: () => ({ place: "job", path: `/v1/jobs/${JOB_ID}/retry`, body: {} }),
  settleStack: (id) => ({
    place: "stack",
    path: `/v1/stacks/${id}/settle`,
    body: { task: "create", as: "succeeded", reason: "r" },
  }),
  removeStack: (id) => ({ place: "stack", path: `/v1/stacks/${id}/remove`, body: { force: true, reason: "r" } }),
  planUpgrade: (id) => ({ place: "stack", path: `/v1/stacks/${id}/upgrade-plan` }),
  upgradeStack: (id) => ({ place: "stack", path: `/v1/stacks/${id}/upgrade`, body: { dryRun: true } }),
  upgradeStacks: () => ({ place: "machine", path: "/v1/machines/review-app/upgrade", body: { dryRun: true } }),
  redriveEvents: () => ({ place: "list", path: "/v1/dead-letters/redrive", body: { ids: ["unknown"] } }),
  withdrawEvents: () => ({ place: "list", path: "/v1/parked/withdraw", body: { ids: ["a/b"], reason: "r" } }),
  dismissEvents: () => ({ place: "list", path: "/v1/dead-letters/dismiss", body: { ids: ["unknown"], reason: "r" } }),
  startJob: () => ({
    place: "job",
    path: "/v1/jobs",
    body: { executor: "script", config: {}, key: "job-7" },
    whenHidden: "forbidden",
  }),
  unlockTerraformState: (id) => ({ place: "stack", path: `/v1/terraform/states/${key(id)}/unlock`, body: { id: "l" } }),
  getTerraformStateVersion: (id) => ({ place: "stack", path: `/v1/terraform/states/${key(id)}/versions/1` }),
  restoreTerraformState: (id) => ({
    place: "stack",
    path: `/v1/terraform/states/${key(id)}/restore`,
    body: { version: 1 },
  }),
};

const SCOPES = {
  everywhere: {},
  prefix: { stacks: ["web-"] },
  machine: { machines: ["review-app"] },
  "other machine": { machines: ["database"] },
  both: { machines: ["review-app"], stacks: ["web-"] },
} as const;
type ScopeName = keyof typeof SCOPES;

const GIVEN = [
  ...ROLES.map((role) => ({ role, also: [] as string[] })),
  { role: "viewer" as Role, also: ["states:read", "states:write"] },
];
const secrets = new Map<string, string>();
const nameOf = (scope: ScopeName, { role, also }: (typeof GIVEN)[number]) => `${scope} ${role} ${also.join(" ")}`;
const cases = Object.keys(SCOPES).flatMap((scope) => GIVEN.map((given) => ({ scope: scope as ScopeName, given })));

beforeAll(async () => {
  yard = createTestYard({
    limits: { outcomeMs: 1 },
    deps: { artifacts: fakeArtifacts, customResources: createMemoryStore().records },
  });
  yard.run();
  const launch = (stackId: string) => ({ id: `launch-${stackId}`, event: "LAUNCH", stackId, machine: "review-app" });
  // With another value than the launch before it: a repeated event is not kept.
  const parked = (stackId: string) => ({
    id: `parked-${stackId}`,
    event: "LAUNCH",
    stackId,
    metadata: { again: true },
  });
  await yard.call("/v1/events", { body: ["web-1", "api-1"].map(launch) });
  await yard.call("/v1/jobs", { body: { executor: "script", config: {}, key: "job-7" } });
  for (const stackId of ["web-1", "api-1"]) {
    await eventually(async () => expect(await yard.json(`/v1/stacks/${stackId}`)).toMatchObject({ state: "IDLE" }));
    const { items } = await yard.json<{ items: { attemptId: string }[] }>(`/v1/stacks/${stackId}/attempts`);
    attempts.set(stackId, items[0]?.attemptId ?? "");
    await yard.call(`/terraform/state/review-app/${stackId}/key`, { body: toState(1) });
    const dead = { id: `dead-${stackId}`, event: "UNHEARD-OF", stackId: `${stackId}-new`, machine: "review-app" };
    await yard.call("/v1/events", { body: [parked(stackId), dead] });
  }
  const bulk = { operation: "send", filter: { ids: ["unknown"] }, body: { event: "DEPLOY" } };
  bulkId = (await yard.json<{ id: string }>("/v1/bulk", { body: bulk })).id;
  revision = (await yard.json<{ machineHash: string }>("/v1/stacks/web-1")).machineHash;
  await yard.call("/terraform/state/shared/key", { body: toState(1) });
  await eventually(async () => {
    expect((await yard.json<{ items: object[] }>("/v1/parked")).items).toHaveLength(2);
    expect((await yard.json<{ items: object[] }>("/v1/dead-letters")).items).toHaveLength(2);
  });
  // What is sent from now on stays in the queue, so that no call changes what the next one finds.
  await yard.halt();
  for (const { scope, given } of cases) {
    const body = { name: "t", ...given, ...SCOPES[scope] };
    secrets.set(nameOf(scope, given), (await yard.json<NewApiToken>("/v1/tokens", { body })).token);
  }
});
afterAll(() => yard.stop());

const permissionOf = (operationId: string) =>
  Object.keys(PERMISSIONS).find((permission) => PERMISSIONS[permission]?.includes(operationId)) ?? "";

function fits(scope: ScopeName, place: Place, stackId: string): boolean {
  if (scope === "everywhere") return true;
  if (place === "list") return true;
  if (place === "yard" || place === "job") return false;
  if (place === "machine" || place === "whole machine") return scope !== "other machine";
  return scope === "machine" || (scope !== "other machine" && stackId.startsWith("web-"));
}

function expect_(
  call: Call,
  scope: ScopeName,
  given: (typeof GIVEN)[number],
  ids: readonly [string, string],
): Expected {
  const [operationId, stackId] = ids;
  const permission = call.permission ?? permissionOf(operationId);
  const isWhole = call.place !== "whole machine" || scope === "everywhere" || scope === "machine";
  const has = isWhole && [...permissionsOf(given.role), ...given.also].includes(permission);
  if (fits(scope, call.place, stackId)) return has ? "allowed" : "forbidden";
  return call.whenHidden ?? (call.place === "yard" ? "forbidden" : "absent");
}

async function ask(secret: string, { path, method, body }: Call) {
  const headers = { authorization: `Bearer ${secret}` };
  const response = await yard.call(path, { headers, ...defined({ method, body }) });
  const isStream = response.headers.get("content-type") === "text/event-stream";
  if (isStream) await response.body?.cancel();
  return { status: response.status, text: isStream ? "" : await response.text() };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Asked extends Pick<Call, "missing"> {
  readonly permission: string;
  readonly where: string;
}

const CHECKS: Readonly<Record<Expected, (answer: Answer, asked: Asked) => void>> = {
  allowed({ status, text }, { missing, where }) {
    if (missing !== undefined) expect([status, JSON.parse(text).code], where).toEqual([404, missing]);
    else expect([401, 403, 404].includes(status), where).toBe(false);
  },
  absent({ status, text }, { missing, where }) {
    expect(status, where).toBe(404);
    expect(JSON.parse(text).code, where).not.toBe(missing);
  },
  empty: ({ status, text }, { where }) => expect([status, JSON.parse(text).items], where).toEqual([200, []]),
  forbidden({ status, text }, { permission, where }) {
    const { code, details } = JSON.parse(text);
    expect([status, code, details.permission], where).toEqual([403, "FORBIDDEN", permission]);
  },
};

/** What no answer to a caller of a scope may contain. */
const HIDDEN: Readonly<Record<ScopeName, RegExp>> = {
  everywhere: /nothing is hidden/,
  prefix: /api-1|shared\/key/,
  both: /api-1|shared\/key/,
  machine: /shared\/key/,
  "other machine": /web-1|api-1|review-app|shared\/key/,
};

describe("the table of permissions", () => {
  it("is that of the API's document, for every operation", async () => {
    type Operation = { operationId: string; "x-stackyard-permission": string };
    const api = await yard.json<{ paths: Record<string, Record<string, Operation>> }>("/openapi.json");
    const operations = Object.values(api.paths).flatMap((path) => Object.values(path));

    const found = Object.fromEntries(operations.map((each) => [each.operationId, each["x-stackyard-permission"]]));

    expect(Object.keys(found).filter((operationId) => permissionOf(operationId) === "")).toEqual([]);
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((each) => [each, permissionOf(each)])));
  });

  describe.each(Object.keys(CALLS))("%s", (operationId) => {
    it.each(["web-1", "api-1"])("answers each role in each scope about %s", async (stackId) => {
      for (const { scope, given } of cases) {
        const call = CALLS[operationId]?.(stackId);
        if (call === undefined) throw new Error("The call is missing.");
        const expected = expect_(call, scope, given, [operationId, stackId]);

        await call.prepare?.();
        const answer = await ask(secrets.get(nameOf(scope, given)) ?? "", call);

        const where = `${operationId} ${nameOf(scope, given)}: ${answer.status} ${answer.text.slice(0, 200)}`;
        const { missing, permission = permissionOf(operationId) } = call;
        CHECKS[expected](answer, { permission, where, ...defined({ missing }) });
      }
    });
  });

  it("has a call for each operation that needs a permission", () => {
    const open = [...(PERMISSIONS["signed-in"] ?? []), ...(PERMISSIONS["public"] ?? [])];
    const all = Object.values(PERMISSIONS).flat();

    expect(all.filter((each) => !open.includes(each)).toSorted()).toEqual(Object.keys(CALLS).toSorted());
  });
});

describe("what is out of reach", () => {
  const READS = Object.entries(CALLS).filter(
    ([id, call]) => permissionOf(id) === "read" && call("web-1").place === "list",
  );

  it.each(READS)("is not in %s", async (_, call) => {
    for (const { scope, given } of cases) {
      const { text } = await ask(secrets.get(nameOf(scope, given)) ?? "", call(""));
      expect(text, scope).not.toMatch(HIDDEN[scope]);
    }
  });

  it("shows what is within", async () => {
    const secret = secrets.get(nameOf("both", { role: "viewer", also: [] })) ?? "";
    for (const path of ["/v1/stacks", "/v1/history", "/v1/parked", "/v1/dead-letters", "/v1/terraform/states"]) {
      expect((await ask(secret, { path, place: "list" })).text, path).toContain("web-1");
    }
    expect((await ask(secret, { path: "/v1/machines", place: "list" })).text).toContain("review-app");
  });

  it("is not in a stream, which continues after it", async () => {
    const headers = { authorization: `Bearer ${secrets.get(nameOf("prefix", { role: "viewer", also: [] }))}` };
    const response = await yard.call("/v1/watch?since=0", { headers });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    await eventually(async () => {
      text += (await reader?.read())?.value ?? "";
      expect(text).toContain("parked-web-1");
    });
    await reader?.cancel();

    expect(text).toContain("launch-web-1");
    expect(text).not.toContain("api-1");
  });

  it("is indistinguishable from what does not exist", async () => {
    const secret = secrets.get(nameOf("prefix", { role: "admin", also: [] })) ?? "";
    const both = (path: (id: string) => string) =>
      Promise.all(["api-1", "api-2"].map((id) => ask(secret, { path: path(id), place: "stack" })));
    for (const path of [
      (id: string) => `/v1/stacks/${id}`,
      (id: string) => `/v1/stacks/${id}/history`,
      (id: string) => `/v1/stacks/${id}/attempts`,
      (id: string) => `/v1/terraform/states/${key(id)}`,
      (id: string) => `/v1/attempts/${encodeURIComponent(`${id}/launch-${id}/1/create/1`)}`,
    ]) {
      const [hidden, missing] = await both(path);
      const plain = (answer: typeof hidden) =>
        answer && [answer.status, answer.text.replaceAll(/api-\d/g, "api").replace(/"requestId":"[^"]*"/, "")];
      expect(plain(hidden)).toEqual(plain(missing));
    }
  });
});

describe("a body with more than its operation takes", () => {
  const ada = { kind: "person", id: "00u1", name: "ada", groups: [] };

  it.each<[string, ScopeName, string, object]>([
    ["names another machine", "other machine", "/v1/machines/database/upgrade", { name: "review-app", dryRun: true }],
    ["names another event", "prefix", "/v1/stacks/web-1/remove", { force: true, reason: "r", event: "DEPLOY" }],
    ["names another stack", "prefix", "/v1/stacks/web-1/cancel", { task: "create", stackId: "api-1" }],
    ["forges the owner of a token", "everywhere", "/v1/tokens", { name: "x", role: "viewer", owner: ada.id }],
    ["hides that a token never ends", "everywhere", "/v1/tokens", { name: "x", role: "viewer", expiresAt: 8e15 }],
    [
      "forges a line of the audit log",
      "everywhere",
      "/v1/bulk/unknown/cancel",
      { who: ada, action: "login", by: "ada" },
    ],
  ])("is rejected when it %s", async (_, scope, path, body) => {
    const secret = secrets.get(nameOf(scope, { role: "maintainer", also: [] })) ?? "";

    const { status, text } = await ask(secret, { path, place: "stack", body });

    expect([status, JSON.parse(text)]).toEqual([
      400,
      expect.objectContaining({ code: "USAGE", detail: expect.stringMatching(/body\/\w+: unknown property\.$/) }),
    ]);
  });
});

describe("publishEvents", () => {
  const secretOf = (scope: ScopeName, role: Role) => secrets.get(nameOf(scope, { role, also: [] })) ?? "";
  const publish = async (secret: string, events: readonly object[]) => {
    const { status, text } = await ask(secret, { path: "/v1/events", place: "stack", body: events });
    const { details, results } = JSON.parse(text);
    return { status, denied: details?.denied, count: results?.length };
  };

  it("refuses all for one denied event, and names the places", async () => {
    const events = ["web-1", "api-1", "web-2", "api-2"].map((stackId) => ({ event: "DEPLOY", stackId }));

    expect(await publish(secretOf("prefix", "operator"), events)).toEqual({ status: 403, denied: [1, 3] });
    expect(await publish(secretOf("prefix", "operator"), [events[0] ?? {}])).toEqual({ status: 202, count: 1 });
  });

  it.each<[string, Role, number]>([
    ["DEPLOY", "viewer", 403],
    ["TASK_COMPLETED", "operator", 403],
    ["TASK_ERROR", "operator", 403],
    ["TASK_COMPLETED", "maintainer", 202],
    ["CANCEL_TASK", "viewer", 403],
    ["CANCEL_TASK", "operator", 202],
    ["REMOVE_STACK", "operator", 403],
    ["REMOVE_STACK", "maintainer", 202],
    ["APPROVE_TASK", "viewer", 202],
  ])("takes %s of a %s: %i", async (event, role, status) => {
    const body = { event, stackId: "web-1", task: { name: "create" }, force: true, reason: "r" };
    expect(await publish(secretOf("prefix", role), [body])).toMatchObject({ status });
  });

  it("checks the stack's own machine, not the one that the event names", async () => {
    const other = secretOf("other machine", "operator");

    expect(await publish(other, [{ event: "DEPLOY", stackId: "web-1", machine: "database" }])).toMatchObject({
      status: 403,
    });
    expect(await publish(other, [{ event: "OPEN", stackId: "db-1", machine: "database" }])).toMatchObject({
      // It may send there; the yard has no such machine.
      status: 207,
    });
    expect(await publish(other, [{ event: "OPEN", stackId: "db-2" }])).toMatchObject({ status: 403 });
  });

  it("takes what is not an event from those who may send somewhere", async () => {
    expect(await publish(secretOf("prefix", "operator"), [{}])).toEqual({ status: 207, count: 1 });
    expect(await publish(secretOf("prefix", "viewer"), [{}])).toEqual({ status: 403, denied: [0] });
  });
});

describe("the Terraform backend", () => {
  const states = { role: "viewer" as Role, also: ["states:read", "states:write"] };
  const request = async (scope: ScopeName, given: (typeof GIVEN)[number], stackId: string, method: string) => {
    const secret = secrets.get(nameOf(scope, given)) ?? "";
    const authorization = `Basic ${Buffer.from(`token:${secret}`).toString("base64")}`;
    const body = method === "GET" || method === "DELETE" ? {} : { body: { ...toState(2), ID: "l" } };
    return (
      await yard.call(`/terraform/state/review-app/${stackId}/key`, { method, headers: { authorization }, ...body })
    ).status;
  };

  it("needs states:read and states:write, in scope", async () => {
    expect(await request("prefix", states, "web-1", "GET")).toBe(200);
    expect(await request("prefix", states, "web-1", "POST")).toBe(200);
    expect(await request("prefix", states, "web-1", "LOCK")).toBe(200);
    expect(await request("prefix", states, "web-1", "UNLOCK")).toBe(200);
    for (const method of ["GET", "POST", "LOCK", "UNLOCK"]) {
      expect(await request("prefix", states, "api-1", method), method).toBe(404);
      expect(await request("prefix", { role: "admin", also: [] }, "web-1", method), method).toBe(403);
    }
  });
});

describe("grants of configured tokens", () => {
  it("replace all that the token might do before, and that tokens without one might do", async () => {
    const tokens = [
      { name: "grafana", token: "a-token-of-grafana" },
      { name: "ci", token: "a-token-of-the-ci-system" },
    ];
    const grants = [{ to: { token: "grafana" }, role: "viewer" as const, stacks: ["web-"] }];
    const other = createTestYard({ tokens, access: { grants } });
    const status = async (secret: string, path: string, init: CallInit = {}) =>
      (await other.call(path, { ...init, headers: { authorization: `Bearer ${secret}` } })).status;

    expect(await status("a-token-of-grafana", "/v1/stacks")).toBe(200);
    expect(await status("a-token-of-grafana", "/v1/yard")).toBe(403);
    expect(await status("a-token-of-grafana", "/v1/events", { body: { event: "A", stackId: "web-1" } })).toBe(403);
    expect(await status("a-token-of-the-ci-system", "/v1/yard")).toBe(403);
    expect(await status("a-token-of-the-ci-system", "/v1/stacks")).toBe(403);
    await other.stop();
  });
});

function toState(serial: number) {
  return { version: 4, serial, lineage: "l", resources: [] };
}
