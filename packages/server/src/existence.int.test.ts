import type { Attempt } from "@stackyard/core/api";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Documented, listDocumented, toNeededQuery } from "./testing/list-documented.ts";
import { toSample } from "./testing/to-sample.ts";
import { startTwoTenants, type TwoTenants } from "./testing/two-tenants.ts";

let tenants: TwoTenants;
let deadLetterId = "";
/** By the name of a parameter of paths: what exists and may not be read, and the same in another spelling that never was. */
let pairs: Readonly<Record<string, readonly (readonly [string, string])[]>>;
const callers = new Map<string, string>();

const ROLES = ["viewer", "operator", "maintainer", "admin"];
const ALSO = ["states:read", "states:write"];

beforeAll(async () => {
  tenants = startTwoTenants();
  const { yard } = tenants;
  await tenants.plant(["web-1"]);
  const hidden = await tenants.plant(["hid-1"]);
  const { items } = await yard.json<{ items: Attempt[] }>("/v1/stacks/hid-1/attempts");
  const attempts = items.map(({ attemptId }) => attemptId);
  const { machineHash } = await yard.json<{ machineHash: string }>("/v1/stacks/hid-1");
  const dead = await yard.json<{ items: { id: string }[] }>("/v1/dead-letters?stackId=hid-1-new");
  deadLetterId = dead.items[0]?.id ?? "";
  const toPair = (id: string) => [id, toTwin(id)] as const;
  pairs = {
    stackId: ["hid-1", "hid-1-bad", "hid-1-new"].map((id) => [id, id.replace("hid", "hix")]),
    attemptId: attempts.map((id) => [id, id.replaceAll("hid", "hix")]),
    approvalId: attempts.filter((id) => id.includes("sign-off")).map((id) => [id, id.replaceAll("hid", "hix")]),
    key: [["review-app/hid-1/key", "review-app/hix-1/key"]],
    eventId: ["launch-hid-1", "parked-hid-1", "dead-hid-1"].map((id) => [id, id.replace("hid", "hix")]),
    freeze: [["freeze-hid-1", "freeze-hix-1"]],
    bulkId: [toPair(hidden.bulkId)],
    tokenId: [toPair(hidden.tokenId)],
    sessionId: [toPair(hidden.sessionId)],
    jobId: [toPair(hidden.jobId)],
    id: [["hid-1", "hix-1"]],
    name: [["review-app", "review-axx"]],
    hash: [toPair(machineHash)],
  };
  for (const role of ROLES) {
    const also = role === "viewer" || role === "admin" ? ALSO : [];
    callers.set(`${role} of web-`, await tenants.createToken(role, { stacks: ["web-"] }, also));
    callers.set(`${role} of database`, await tenants.createToken(role, { machines: ["database"] }, also));
  }
}, 60_000);
afterAll(() => tenants.yard.stop());

/** Changes the last digits or letters, so that the form stays. */
function toTwin(id: string): string {
  const last = id.slice(-3);
  return id.slice(0, -3) + [...last].map((each) => (each === "0" || each === "a" ? "1" : "0")).join("");
}

/** Values for further names in a path. */
const OTHERS: Readonly<Record<string, string>> = {
  task: "create",
  plan: "create",
  position: "999999999",
  version: "1",
  key: "password",
  id: "x",
};

async function ask(operation: Documented, secret: string, id: string): Promise<string> {
  const { method, path, names, body } = operation;
  const [first = ""] = names;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(name === first ? id : (OTHERS[name] ?? "x")),
  );
  const response = await tenants.yard.call(`${filled}?${toNeededQuery(operation)}`, {
    method,
    headers: { authorization: `Bearer ${secret}` },
    ...(body !== undefined && { body: toSample(body) }),
  });
  const text = await response.text();
  const shown = text
    .replaceAll(/"requestId":"[^"]*"/g, "")
    .replaceAll(id, "ID")
    .replaceAll(encodeURIComponent(id), "ID");
  return `${response.status} ${shown.replaceAll(id.replace(/[/].*/, ""), "ID")}`;
}

/** Calls that name things in their body: those that take ids, and what they do with one. */
const BODIES: Readonly<Record<string, (id: string) => readonly [string, object]>> = {
  "publish to a stack": (id) => ["/v1/events", [{ id: "of-a-test", event: "DOWN", stackId: id }]],
  "create a stack": (id) => ["/v1/events", [{ id: "of-a-test", event: "LAUNCH", stackId: id, machine: "review-app" }]],
  "plan events": (id) => {
    return ["/v1/bulk", { operation: "send", filter: { ids: [id] }, body: { event: "DOWN" }, dryRun: true }];
  },
  "plan retries": (id) => ["/v1/bulk", { operation: "retry", filter: { ids: [`${id}-bad`] }, dryRun: true }],
  "withdraw a parked event": (id) => ["/v1/parked/withdraw", { ids: [`${id}/parked-${id}`], reason: "r" }],
  "send a dead letter again": (id) => ["/v1/dead-letters/redrive", { ids: [deadOf(id)] }],
  "dismiss a dead letter": (id) => ["/v1/dead-letters/dismiss", { ids: [deadOf(id)], reason: "r" }],
  "rehearse a stack": (id) => ["/v1/simulate", { stack: id, steps: [{ advance: "1s" }] }],
};

const deadOf = (id: string) => (id === "hid-1" ? deadLetterId : toTwin(deadLetterId));

async function askWith(secret: string, [path, body]: readonly [string, object], id: string): Promise<string> {
  const response = await tenants.yard.call(path, { headers: { authorization: `Bearer ${secret}` }, body });
  const text = (await response.text()).replaceAll(/"requestId":"[^"]*"/g, "").replaceAll(deadOf(id), "DEAD");
  return `${response.status} ${text.replaceAll(id, "ID")}`;
}

it("answers for what may not be read as for what never was, in every operation with a name in its path", async () => {
  const operations = (await listDocumented(tenants.yard)).filter(
    ({ names, permission }) => names.length > 0 && permission !== "public",
  );
  const unknown = operations.filter(({ names: [first = ""] }) => pairs[first] === undefined);
  expect(unknown.map(({ operationId, names }) => `${operationId} ${names}`)).toEqual([]);
  const asked = operations.flatMap((operation) => listAsked(operation));

  const differing: string[] = [];
  for (const { operation, who, secret, hidden, never } of asked) {
    const [one, other] = [await ask(operation, secret, hidden), await ask(operation, secret, never)];
    if (one !== other) differing.push(`${operation.operationId} by ${who}: ${one} | ${other}`);
  }

  expect(differing).toEqual([]);
  expect(asked.length).toBeGreaterThan(600);
}, 60_000);

/** Each caller with each pair of names. A caller of some stacks may read their machine and its revisions. */
function listAsked(operation: Documented) {
  const [first = ""] = operation.names;
  const hiddenFrom = [...callers].filter(([who]) => who.endsWith("database") || !["name", "hash"].includes(first));
  return hiddenFrom.flatMap(([who, secret]) => {
    return (pairs[first] ?? []).map(([hidden, never]) => ({ operation, who, secret, hidden, never }));
  });
}

it("answers for hidden names in a body as for names that never were", async () => {
  const differing: string[] = [];

  for (const [what, toCall] of Object.entries(BODIES)) {
    for (const [who, secret] of callers) {
      const answers = ["hid-1", "hix-1"].map((id) => askWith(secret, toCall(id), id));
      const [one, other] = await Promise.all(answers);
      if (one !== other) differing.push(`${what} by ${who}: ${one} | ${other}`);
    }
  }

  expect(differing).toEqual([]);
});

it("asks for things that exist: whoever may read them gets other answers", async () => {
  const secret = await tenants.createToken("admin", {}, ALSO);
  const reads = (await listDocumented(tenants.yard)).filter(
    ({ method, names }) => method === "GET" && names.length > 0,
  );
  const differing = new Set<string>();

  for (const operation of reads) {
    for (const [hidden, never] of pairs[operation.names[0] ?? ""] ?? []) {
      const answers = await Promise.all([ask(operation, secret, hidden), ask(operation, secret, never)]);
      if (new Set(answers).size > 1) differing.add(operation.operationId);
    }
  }

  expect(reads.map(({ operationId }) => operationId).filter((id) => !differing.has(id))).toEqual([]);
});
