import { randomBytes } from "node:crypto";
import { CUSTOM_RESOURCE_RUNS, defineExecutor, failed, succeeded } from "@stackyard/core";
import type { CustomResourceRun, NewApiToken } from "@stackyard/core/api";
import { createMemoryStore } from "@stackyard/core/engine";
import { Type } from "typebox";
import { expect } from "vitest";
import { createSessions } from "../access/sessions.ts";
import { addUnsavedRun } from "./add-unsaved-run.ts";
import { eventually } from "./eventually.ts";
import { fakeArtifacts } from "./fake-artifacts.ts";
import { createTestYard, type TestYard } from "./test-yard.ts";

/** Ids of stacks that are alike for each tenant: before, between and after those of the other. */
const SOURCE = `
version: 2
events: [LAUNCH, BREAK, DOWN]
metadata: { password: { sensitive: true } }
states:
  INIT: { on: { LAUNCH: LIVE, BREAK: WORK } }
  LIVE: { tasks: [sign-off, create], on: { DOWN: GONE } }
  WORK: { tasks: [break], on: { DOWN: GONE } }
  GONE: { terminal: true }
tasks:
  sign-off: { executor: approval, config: { from: [managers] } }
  create: { executor: script, config: {} }
  break: { executor: script, config: {} }
`;

const executor = defineExecutor({
  name: "script",
  config: Type.Object({}),
  start: async ({ task }) =>
    task === "break" ? failed({ code: "BROKEN", message: "It is broken.", retryable: false }) : succeeded({}),
});

/** The names of what has been made for some stacks. */
export interface Planted {
  readonly bulkId: string;
  readonly tokenId: string;
  readonly sessionId: string;
  readonly jobId: string;
}

/** A yard of two tenants, of which a caller may read one. */
export interface TwoTenants {
  readonly yard: TestYard;
  /** Makes one of everything that lists show for each stack: an open approval, a failure, parked and dead events, a state, a preview. */
  plant(stackIds: readonly string[]): Promise<Planted>;
  /** Creates a token that reaches stacks with a beginning of their ids, or all. */
  createToken(
    role: string,
    reach: { readonly stacks?: readonly string[]; readonly machines?: readonly string[] },
    also?: readonly string[],
  ): Promise<string>;
}

/** Starts it; its clock stands still, so that equal questions have equal answers. */
export function startTwoTenants(): TwoTenants {
  const { records: runs } = createMemoryStore();
  const yard = createTestYard({
    source: SOURCE,
    executor,
    hasStillClock: true,
    limits: { outcomeMs: 1 },
    deps: { artifacts: fakeArtifacts, customResources: runs },
  });
  yard.run();
  const createToken: TwoTenants["createToken"] = async (role, reach, also = []) => {
    const body = { name: "t", role, also, ...reach };
    const { token } = await yard.json<Partial<NewApiToken>>("/v1/tokens", { body });
    if (token === undefined) throw new Error(`The yard gives no token for ${JSON.stringify(body)}.`);
    return token;
  };
  return {
    yard,
    createToken,
    async plant(stackIds) {
      const planted = await plant(yard, stackIds);
      const [id = ""] = stackIds;
      await runs.put({
        key: `${CUSTOM_RESOURCE_RUNS}${id}`,
        value: toRun(id),
        expected: "absent",
        now: yard.clock.now(),
      });
      return planted;
    },
  };
}

function toRun(id: string): CustomResourceRun {
  return {
    id,
    requestId: "r-1",
    requestType: "Create",
    stackId: `arn:aws:cloudformation:eu-west-1:111122223333:stack/${id}/1`,
    logicalId: "Migration",
    resourceId: "0123456789abcdef0123456789abcdef",
    taskArns: [],
    receivedAt: "2026-01-01T00:00:00.000Z",
  };
}

async function plant(yard: TestYard, stackIds: readonly string[]): Promise<Planted> {
  for (const stackId of stackIds) await plantStack(yard, stackId);
  const [first = ""] = stackIds;
  const bulk = { operation: "send", filter: { ids: [first] }, body: { event: "NOTE" }, reason: first };
  const { id: bulkId } = await yard.json<{ id: string }>("/v1/bulk", { body: bulk });
  const { id: tokenId } = await yard.json<NewApiToken>("/v1/tokens", { body: { name: first, role: "viewer" } });
  const job = { executor: "script", config: {}, key: `job-${first}` };
  const { jobId } = await yard.json<{ jobId: string }>("/v1/jobs", { body: job });
  await yard.call("/v1/freezes", {
    body: { name: `freeze-${first}`, reason: first, where: `stack.id == '${first}'`, machine: "review-app" },
  });
  const sessions = createSessions({ records: yard.store.records, clock: yard.clock, random: randomBytes });
  const sender = { kind: "person" as const, id: first, name: first, groups: [] };
  const { session } = await sessions.begin({ kind: "cli", sender });
  return { bulkId, tokenId, jobId, sessionId: session.id };
}

async function plantStack(yard: TestYard, stackId: string): Promise<void> {
  const metadata = { password: `of ${stackId}` };
  const send = (body: object) => yard.call("/v1/events", { body });
  await send({ id: `launch-${stackId}`, event: "LAUNCH", stackId, machine: "review-app", metadata });
  await send({ id: `break-${stackId}`, event: "BREAK", stackId: `${stackId}-bad`, machine: "review-app" });
  await eventually(async () => {
    expect(await yard.json(`/v1/stacks/${stackId}`)).toMatchObject({ state: "LIVE" });
    expect(await yard.json(`/v1/stacks/${stackId}-bad`)).toMatchObject({ mainCondition: "failed" });
  });
  await send({ id: `parked-${stackId}`, event: "LAUNCH", stackId, metadata: { again: true } });
  await send({ id: `dead-${stackId}`, event: "UNHEARD-OF", stackId: `${stackId}-new`, machine: "review-app" });
  const key = `review-app/${stackId}/key`;
  await yard.call(`/terraform/state/${key}`, { body: { version: 4, serial: 1, lineage: stackId, resources: [] } });
  await addUnsavedRun(yard, { version: 4 }, { stack: stackId, state: key, attempt: `${stackId}/i/1/create/1` });
  const pull = { repository: { id: "424242", fullName: "acme/web" }, number: 7, head: "1".repeat(40), owner: stackId };
  const link = { host: "github", url: "https://github.com/acme/web/pull/7", ...pull };
  await yard.call(`/v1/previews/${stackId}/link`, { method: "PUT", body: link });
  await eventually(async () => {
    const isListed = async (path: string, id: string) => expect(await (await yard.call(path)).text()).toContain(id);
    await isListed(`/v1/parked?stackId=${stackId}`, `parked-${stackId}`);
    await isListed("/v1/dead-letters?limit=1000", `dead-${stackId}`);
  });
}
