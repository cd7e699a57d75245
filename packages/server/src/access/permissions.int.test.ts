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
import { listOperations, toExampleCall } from "../testing/list-documented.ts";
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

/** What each operation is about, and so where its permission is needed; every other one is about a stack. */
const PLACES: Readonly<Record<Exclude<Place, "stack">, string>> = {
  list: "listStacks watchHistory openStream listBulks listBoards listFreezeHolds listFreezes exceptFromFreeze endFreeze listHistory listParked listDeadLetters listMachines countStacks listOpenAttempts listReleasePlaces listCauses listExecutors simulate listJobs listTerraformStates listUnsavedRuns listApprovals listPreviews redriveEvents withdrawEvents dismissEvents",
  yard: "getBulk listBulkItems cancelBulk listCustomResourceRuns getCustomResourceRun listArtifactCoverage listConsumers refreshArtifact replayArtifacts listProcesses listOrphans listHooks listQueue redriveQueueItem listServices listAudit exportAudit getAuditHead getYard getMetrics",
  machine: "getBoard getMachine listRevisions getRevision getMachineSource getMachineGraph upgradeStacks",
  "whole machine": "writeMachineSource startFreeze",
  job: "startJob getJob getJobReport cancelJob retryJob",
};

interface Case {
  /** Instead of the example. */
  readonly body?: unknown;
  /** Instead of those that every call has. */
  readonly values?: Readonly<Record<string, string>>;
  /** Its answer to a caller who cannot read that. Default: 404. Of what is to be made: 403, since it is nowhere yet. */
  readonly whenHidden?: Expected;
  /** The permission that the caller needs, where the operation checks another one than the document names. */
  readonly permission?: Permission;
  /** The code of 404 for callers who have the permission: the thing is not there. */
  readonly missing?: string;
  /** What makes the thing again that an earlier call has ended. */
  readonly prepare?: () => Promise<unknown>;
}
interface Call extends CallInit, Omit<Case, "values"> {
  readonly path: string;
  readonly place: Place;
}
type Expected = "allowed" | "forbidden" | "absent" | "empty";

let yard: TestYard;
const attempts = new Map<string, string>();
let revision = "";
let bulkId = "";
const key = (stackId: string) => encodeURIComponent(`review-app/${stackId}/key`);

/** A run that has not saved its state is there again before each call about it. */
function ofUnsavedRun(stack: string): Case {
  const run = { stack, state: `review-app/${stack}/key`, attempt: `${stack}/i/1/create/1` };
  return {
    values: { id: toUnsavedId({ ...run, token: 1 }) },
    prepare: () => addUnsavedRun(yard, { version: 4 }, run),
  };
}

/** What differs from the examples of the document, by operation; `id` is `web-1` or `api-1`. */
const CASES: Readonly<Record<string, (id: string) => Case>> = {
  revealSecret: () => ({ values: { key: "key" } }),
  startBulk: (id) => ({
    body: { operation: "send", filter: { ids: [id] }, body: { event: "DEPLOY" }, dryRun: true },
    // What the caller cannot read is not chosen.
    whenHidden: "allowed",
  }),
  getBulk: () => ({ whenHidden: "absent" }),
  listBulkItems: () => ({ whenHidden: "absent" }),
  cancelBulk: () => ({ whenHidden: "absent", permission: "repair" }),
  writeMachineSource: () => ({ missing: "NOT_CONFIGURED" }),
  listDeployStacks: () => ({ missing: "NOT_FOUND" }),
  getDeployPlan: () => ({ missing: "NOT_FOUND" }),
  listPlanStacks: () => ({ missing: "NOT_FOUND" }),
  listFreezeHolds: () => ({ missing: "NOT_FOUND" }),
  startFreeze: () => ({ body: { name: "winter", reason: "r", machine: "review-app" }, whenHidden: "forbidden" }),
  exceptFromFreeze: () => ({ missing: "NOT_FOUND" }),
  endFreeze: () => ({ missing: "NOT_FOUND" }),
  listStackHistory: () => ({ whenHidden: "empty" }),
  listEventHistory: () => ({ whenHidden: "empty" }),
  listAttempts: () => ({ whenHidden: "empty" }),
  getCustomResourceRun: () => ({ values: { id: "8236-r" }, missing: "NOT_FOUND" }),
  pushUnsavedState: ofUnsavedRun,
  dismissUnsavedRun: ofUnsavedRun,
  getPreview: () => ({ missing: "NOT_FOUND" }),
  redriveQueueItem: () => ({ missing: "NOT_FOUND" }),
  publishEvents: (id) => ({ body: [{ event: "DEPLOY", stackId: id }], whenHidden: "forbidden" }),
  upgradeStack: () => ({ body: { dryRun: true } }),
  upgradeStacks: () => ({ body: { dryRun: true } }),
  startJob: () => ({ whenHidden: "forbidden" }),
};

/** What the examples are about. */
const toValues = (id: string) => ({
  ...{ stackId: id, name: "review-app", freeze: "none", jobId: jobStackId({ key: "job-7" }), eventId: `launch-${id}` },
  ...{ attemptId: attempts.get(id) ?? "", approvalId: attempts.get(id) ?? "", bulkId, hash: revision },
  ...{ key: `review-app/${id}/key`, version: "1", position: "999999999", task: "create", plan: "create" },
});

const documented = await listOperations();

/** One call of each operation with a permission. */
const CALLS: Readonly<Record<string, (stackId: string) => Call>> = Object.fromEntries(
  documented
    .filter(({ permission }) => permission !== "public" && permission !== "signed-in")
    .map((operation) => [
      operation.operationId,
      (stackId: string): Call => {
        const { values, ...more } = CASES[operation.operationId]?.(stackId) ?? {};
        const call = toExampleCall(operation, { ...toValues(stackId), ...values });
        return { ...call, ...more, place: placeOf(operation.operationId) };
      },
    ]),
);

function placeOf(operationId: string): Place {
  const found = Object.entries(PLACES).find(([, names]) => names.split(" ").includes(operationId));
  return (found?.[0] ?? "stack") as Place;
}

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

  it("names only operations of the API", () => {
    const all = documented.map(({ operationId }) => operationId);
    const named = [...Object.values(PLACES).flatMap((names) => names.split(" ")), ...Object.keys(CASES)];

    expect(named.filter((each) => !all.includes(each))).toEqual([]);
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
