import {
  decideEvent,
  type EventDecision,
  permissionOfEvent,
  type Rights,
  ROLES,
  type Role,
  toRight,
} from "@stackyard/core/access";
import type { NewApiToken } from "@stackyard/core/api";
import { JOB_MACHINE, parseEventMessage, SYSTEM_EVENTS } from "@stackyard/core/machine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { createTestYard, REVIEW_APP, type TestYard } from "../testing/test-yard.ts";

/**
 * All events, by all ways over HTTP, to stacks, jobs and new ids, for all roles. What each answer must be comes from the
 * one function that decides about events.
 */
const NAMES = ["DEPLOY", "UNHEARD-OF", "START", "RETRY", "CLOSE", "NEXT", "FAILED", ...Object.values(SYSTEM_EVENTS)];

/** Operations that send events of senders: their bodies name the event. */
const EVENT_DOORS = ["publishEvents", "previewEvent", "startBulk"];
/** Operations that send one event each, which no body can change. */
const FIXED_DOORS: Readonly<Record<string, string>> = {
  retryStack: "RETRY_FAILED_TASKS",
  acknowledgeStack: "ACKNOWLEDGE_FAILURE",
  cancelStack: "CANCEL_TASK",
  settleStack: "SETTLE_TASK",
  removeStack: "REMOVE_STACK",
  upgradeStack: "UPGRADE_STACK",
  upgradeStacks: "UPGRADE_STACK",
  approveTask: "APPROVE_TASK",
  rejectTask: "REJECT_TASK",
  withdrawApproval: "WITHDRAW_APPROVAL",
  cancelJob: "CANCEL_TASK",
  retryJob: "RETRY_FAILED_TASKS",
};
/** Operations that change something, but send no event; or events that were accepted before. */
const NO_DOORS = new Set(
  (
    "createToken rotateToken revokeToken revokeSession cancelBulk redriveEvents dismissEvents withdrawEvents redriveQueueItem linkPreview " +
    "refreshArtifact replayArtifacts restoreTerraformState unlockTerraformState pushUnsavedState dismissUnsavedRun revealSecret writeMachineSource " +
    "simulate startJob startFreeze exceptFromFreeze endFreeze"
  ).split(" "),
);

const ENVELOPES: Readonly<Record<string, (message: object) => unknown>> = {
  plain: (message) => message,
  "a list": (message) => [message],
  SNS: (message) => ({ Type: "Notification", MessageId: "m", Message: JSON.stringify(message) }),
  EventBridge: (message) => ({ "detail-type": "x", source: "y", detail: message }),
  "EventBridge over SNS": (message) => ({ Type: "Notification", Message: JSON.stringify({ detail: message }) }),
};

let yard: TestYard;
let jobId = "";
let revision = "";
const secrets = new Map<Role, string>();

beforeAll(async () => {
  yard = createTestYard({ source: REVIEW_APP });
  yard.run();
  await yard.call("/v1/events", { body: { stackId: "web-1", machine: "review-app", event: "LAUNCH" } });
  const run = { executor: "script", config: {}, key: "nightly" };
  jobId = (await yard.json<{ jobId: string }>("/v1/jobs", { body: run })).jobId;
  for (const path of ["/v1/stacks/web-1", `/v1/stacks/${jobId}`]) {
    await eventually(async () => expect(await (await yard.call(path)).text()).toMatch(/IDLE|DONE/));
  }
  revision = (await yard.json<{ machineHash: string }>(`/v1/stacks/${jobId}`)).machineHash;
  for (const role of ROLES) {
    secrets.set(role, (await yard.json<NewApiToken>("/v1/tokens", { body: { name: role, role } })).token);
  }
});
afterAll(() => yard.stop());

/** Where an event may go: its stack's machine, and whether the message names it. */
const TARGETS = () => [
  { stackId: "web-1", machine: "review-app", named: {} },
  { stackId: jobId, machine: JOB_MACHINE, named: {} },
  { stackId: jobId, machine: JOB_MACHINE, named: { machine: JOB_MACHINE, revision } },
  { stackId: "web-new", machine: JOB_MACHINE, named: { machine: JOB_MACHINE, revision } },
];

const rightsOf = (role: Role): Rights => [toRight({ role })];
const FIELDS = { task: { name: "none" }, as: "succeeded", force: true, reason: "r", confirm: "web-1" };

async function ask(role: Role, path: string, body: unknown) {
  const response = await yard.call(path, { body, headers: { authorization: `Bearer ${secrets.get(role)}` } });
  return { status: response.status, text: await response.text() };
}

const listCases = () => TARGETS().flatMap((target) => NAMES.map((name) => ({ ...target, name })));

type Case = ReturnType<typeof listCases>[number];

const isEvent = (name: string) =>
  parseEventMessage({ stackId: "s", event: name, id: "e", ...FIELDS }, { at: 0 }).kind === "event";

/**
 * What the server decides. It does not look at stacks for those who may send everything: the engine refuses what they
 * send to a job without naming its machine. A message that is not an event needs `send` only.
 */
function decideHere(role: Role, { name, stackId, machine, named }: Case): EventDecision {
  if (!isEvent(name)) return decideEvent({ name: "ANY", stackId }, rightsOf(role));
  const isUnseen = (role === "maintainer" || role === "admin") && !("machine" in named);
  return decideEvent({ name, stackId, machine: isUnseen ? undefined : machine }, rightsOf(role));
}

/** What is no event is refused only after the right to send: alone with 400, in a list with 207. */
function toPublishStatus(role: Role, each: Case, envelope: string): number {
  if (decideHere(role, each).kind !== "allowed") return 403;
  if (isEvent(each.name)) return 202;
  return envelope === "a list" ? 207 : 400;
}

/** Events that are not those of stacks have operations of their own. A stack that is named by its id is not looked up. */
function toBulkStatus(role: Role, { name, stackId, machine, named }: Case): number {
  if (!isEvent(name) || permissionOfEvent(name) !== "send") return 400;
  const seen = "machine" in named ? machine : undefined;
  return decideEvent({ name, stackId, machine: seen }, rightsOf(role)).kind === "allowed" ? 200 : 403;
}

describe.each(ROLES)("an event of the role %s", (role) => {
  it.each(Object.keys(ENVELOPES))("is decided by the one function at POST /v1/events: %s", async (envelope) => {
    for (const each of listCases()) {
      const { stackId, name, named } = each;
      const message = { stackId, event: name, ...named, ...FIELDS, id: `${role}-${envelope}-${name}-${stackId}` };

      const { status, text } = await ask(role, "/v1/events", ENVELOPES[envelope]?.(message));

      const where = `${role} ${name} ${stackId} ${JSON.stringify(named)}: ${text.slice(0, 200)}`;
      expect(status, where).toBe(toPublishStatus(role, each, envelope));
    }
  });

  it("is decided by the one function in bulk operations", async () => {
    for (const each of listCases()) {
      const { stackId, name, named } = each;
      const filter = "machine" in named ? { machine: named.machine } : { ids: [stackId] };
      const body = { operation: "send", body: { event: name }, filter, dryRun: true };

      const { status, text } = await ask(role, "/v1/bulk", body);

      expect(status, `${role} ${name} ${stackId} ${text}`).toBe(toBulkStatus(role, each));
      if (status === 200 && stackId === jobId) expect(text).toContain("NOT_ALLOWED");
    }
  });

  it("to an internal machine is not previewed", async () => {
    const cases = listCases().filter(({ machine, name }) => machine === JOB_MACHINE && isEvent(name));
    for (const { stackId, name, named } of cases) {
      const { status, text } = await ask(role, `/v1/stacks/${stackId}/simulate`, { event: name, ...named, ...FIELDS });

      const preview = status === 200 && JSON.parse(text);
      expect(preview, name).toMatchObject({ outcome: "refused", code: "NOT_ALLOWED", sent: [] });
    }
  });
});

describe("after all of them", () => {
  it("no job was started, changed or removed", async () => {
    await expect
      .poll(async () => JSON.parse((await ask("admin", "/v1/yard", undefined)).text).queued ?? 0, { timeout: 20_000 })
      .toBe(0);
    const { items } = await yard.json<{ items: { jobId: string; state: string }[] }>("/v1/jobs");

    expect(items).toMatchObject([{ jobId, state: "succeeded" }]);
    expect((await yard.store.load(["web-new"]))[0]?.stack).toBeUndefined();
  });
});

describe("the operations of the API", () => {
  it("are all known to this test", async () => {
    type Operation = { operationId: string };
    const api = await yard.json<{ paths: Record<string, Record<string, Operation>> }>("/openapi.json");
    const changing = Object.values(api.paths).flatMap((path) =>
      Object.entries(path).flatMap(([method, { operationId }]) => (method === "get" ? [] : [operationId])),
    );

    const known = [...EVENT_DOORS, ...Object.keys(FIXED_DOORS), ...NO_DOORS];
    expect(changing.toSorted()).toEqual(known.toSorted());
  });

  it("need the permission of the event that they send", async () => {
    type Operation = { operationId: string; "x-stackyard-permission": string };
    const api = await yard.json<{ paths: Record<string, Record<string, Operation>> }>("/openapi.json");
    const found = new Map(
      Object.values(api.paths)
        .flatMap((path) => Object.values(path))
        .map((each) => [each.operationId, each["x-stackyard-permission"]]),
    );

    for (const [operationId, event] of Object.entries(FIXED_DOORS)) {
      expect([operationId, found.get(operationId)]).toEqual([operationId, permissionOfEvent(event)]);
    }
  });
});
