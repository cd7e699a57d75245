import { defineExecutor, running } from "@stackyard/core";
import type { NewApiToken } from "@stackyard/core/api";
import { Type } from "typebox";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";

/** Never answers by itself. */
const silent = defineExecutor({
  name: "script",
  config: Type.Object({}),
  start: async () => running({ message: "waits", progress: {}, pollAfterMs: 3_600_000 }),
});

/** `app` names the id of a token that answers for it; `other` names no sender. */
const source = (allow: string) => `
version: 2
events: [GO]
metadata: { got: {} }
states:
  INIT: { on: { GO: WORK } }
  WORK: { tasks: [app, other], on: { NEXT: DONE, GO: no-op } }
  DONE: { on: { GO: WORK } }
tasks:
  app: { executor: script, allow: "${allow}", outputs: { got: got } }
  other: { executor: script }
`;

let yard: TestYard;
let named: NewApiToken;
let plain: NewApiToken;

const newToken = (name: string, more: object = {}) => {
  return yard.json<NewApiToken>("/v1/tokens", { body: { name, role: "operator", ...more } });
};

async function begin(allow: (id: string) => string) {
  named = await newToken("runner");
  plain = await newToken("deployer");
  yard.write(source(allow(named.id)));
  for (const stackId of ["web-1", "web-2"]) {
    await yard.call("/v1/events", { body: { stackId, machine: "review-app", event: "GO" } });
    await eventually(async () => expect(await (await yard.call(`/v1/stacks/${stackId}`)).text()).toContain("WORK"));
  }
}

type Result = {
  readonly task: string;
  readonly event?: string;
  readonly stackId?: string;
  readonly dispatchId?: string;
};

async function send({ token }: NewApiToken, { task, event = "TASK_COMPLETED", stackId = "web-1", dispatchId }: Result) {
  const body = { stackId, event, task: { name: task }, outputs: { got: "real" }, dispatchId };
  const { status } = await yard.call("/v1/events", { body, headers: { authorization: `Bearer ${token}` } });
  return status;
}

const attemptOf = (task: string) =>
  eventually(async () => {
    const attempts = await yard.store.queries.listAttempts("web-1");
    const found = attempts.find((each) => each.attemptId.includes(`/${task}/`));
    if (found === undefined) throw new Error(`No attempt of ${task}.`);
    return found.attemptId;
  });

beforeEach(() => {
  yard = createTestYard({ executor: silent });
  yard.run();
});
afterEach(() => yard.stop());

describe("allow of a task", () => {
  it("lets only an operator whom it names send the results of that task", async () => {
    await begin((id) => `actor.kind == 'token' && actor.id == '${id}'`);

    expect(await send(plain, { task: "app" })).toBe(403);
    expect(await send(named, { task: "other" })).toBe(403);
    expect(await send(named, { task: "nothing" })).toBe(403);
    expect(await send(named, { task: "app", stackId: "web-3" })).toBe(403);
    expect(await send(named, { task: "app" })).toBe(202);
    await eventually(async () => {
      expect((await yard.store.load(["web-1"]))[0]?.stack?.metadata).toMatchObject({ got: "real" });
    });
  });

  it("is that of the task of the attempt, not of the task that the result names", async () => {
    await begin((id) => `actor.id == '${id}'`);

    expect(await send(named, { task: "app", dispatchId: await attemptOf("other") })).toBe(403);
    expect(await send(named, { task: "app", dispatchId: "web-1/none/1/app/1" })).toBe(403);
    expect(await send(named, { task: "other", dispatchId: await attemptOf("app"), event: "TASK_ERROR" })).toBe(202);
  });

  it("names by group and stack", async () => {
    await begin(() => "stack.id == 'web-2' && 'runners' in actor.groups");
    const runner = await newToken("grouped", { groups: ["runners"] });

    expect(await send(runner, { task: "app" })).toBe(403);
    expect(await send(named, { task: "app", stackId: "web-2" })).toBe(403);
    expect(await send(runner, { task: "app", stackId: "web-2" })).toBe(202);
  });

  it("names no sender when it fails, and gives no rights of its own", async () => {
    await begin(() => "actor.groups[3] == 'x' || metadata.got.size() > 1");
    const viewer = await newToken("viewer", { role: "viewer" });
    expect(await send(named, { task: "app" })).toBe(403);

    yard.write(source("true"));
    await yard.call("/v1/stacks/web-1/upgrade", { body: {} });
    await eventually(async () => expect(await send(named, { task: "app" })).toBe(202));
    expect(await send(viewer, { task: "app" })).toBe(403);
  });
});
