// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { type Executor, silentLogger } from "@stackyard/core";
import type { Approval, DeployPlan, NewApiToken, PlannedStack } from "@stackyard/core/api";
import { createStaticLocator, createUlids, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SHOP = `
version: 2
events: { OPENED: { metadata: [api, tier] }, GO: { metadata: [api] }, TUNE: { metadata: [tier] }, PING: {} }
metadata: { api: { type: string }, tier: { type: string } }
states: { INIT: { on: { OPENED: LIVE } }, LIVE: { on: { GO: LIVE, TUNE: no-op } } }
tasks: {}
`;

const RELEASE = `
version: 2
events: { RELEASED: { metadata: [api] }, AGAIN: {} }
metadata: { api: { type: string }, plan: { type: string } }
states:
  INIT: { on: { RELEASED: REVIEW } }
  REVIEW: { tasks: [plan, sign-off], on: { NEXT: SENDING, AGAIN: REVIEW } }
  SENDING: { approved: [sign-off], tasks: [tenants], on: { NEXT: DONE, AGAIN: REVIEW } }
  DONE: {}
tasks:
  plan: { executor: deploy, config: { op: plan, of: [tenants], show: [tier] }, outputs: { plan: digest } }
  sign-off: { executor: approval, needs: [plan], config: { from: [managers], of: "\${metadata.plan}" } }
  tenants:
    executor: deploy
    config:
      stacks: { machine: shop }
      event: GO
      metadata: { api: "\${metadata.api}" }
      until: [LIVE]
      plan: "\${metadata.plan}"
      waves: [{ name: canary, where: "stack.id == 't1'" }, { name: rest }]
`;

let yard: TestYard;
let worker: ReturnType<typeof startYard> | undefined;
afterEach(async () => {
  await worker?.stop();
  await yard.stop();
});

async function send(stackId: string, event: string, body: object = {}) {
  await yard.json("/v1/events", {
    body: { id: `${stackId}-${event}-${JSON.stringify(body)}`, stackId, event, ...body },
  });
}

/** A yard with three tenants, and a release that waits for the approval of its plan. */
async function openReleased(): Promise<Approval> {
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const executors = new Map(promotion.executors({}, context).map((each): [string, Executor] => [each.name, each]));
  const parse = (name: string, source: string) => {
    const { machine, problems } = parseMachine(source, { name, executors });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return { machine, source };
  };
  const locator = createStaticLocator([parse("shop", SHOP), parse("shop-release", RELEASE)]);
  yard = createTestYard({ deps: { locator } });
  const { store, clock } = yard;
  const process = { version: "0.0.0-test", host: "blue" };
  const deps = { store, locator, executors, clock, ids: createUlids(), logger: silentLogger };
  worker = startYard(deps, { drainMs: 100, process });
  for (const [id, api] of [
    ["t1", "1"],
    ["t2", "1"],
    ["t3", "2"],
  ]) {
    await send(String(id), "OPENED", { machine: "shop", metadata: { api, tier: "gold" } });
  }
  await send("shop-2", "RELEASED", { machine: "shop-release", metadata: { api: "2" } });
  return waitForApproval();
}

async function waitForApproval(): Promise<Approval> {
  const list = async () => (await yard.json<{ items: Approval[] }>("/v1/approvals")).items;
  await expect.poll(async () => (await list()).length, { timeout: 20_000 }).toBe(1);
  const [approval] = await list();
  if (approval === undefined) throw new Error("The approval is missing.");
  return approval;
}

const planOf = (plan: string, init?: object) => yard.json<DeployPlan>(`/v1/stacks/shop-2/plans/${plan}`, init);
const stacksOf = async (plan: string, query = "", init?: object) =>
  (await yard.json<{ items: PlannedStack[] }>(`/v1/stacks/shop-2/plans/${plan}/stacks${query}`, init)).items;

describe("the plan of an approval", () => {
  it("is found by the digest that the approval repeats: counts, stacks, and what waits for them", async () => {
    const { of = "" } = await openReleased();
    await send("t2", "PING");

    const plan = await planOf(of);
    const stacks = await stacksOf(of);

    expect(plan).toEqual({
      digest: of,
      madeAt: expect.any(String),
      tasks: [{ task: "tenants", event: "GO", metadata: { api: "2" }, until: ["LIVE"], waves: ["canary", "rest"] }],
      stacks: 3,
      hidden: 0,
      counts: { move: 2, same: 1, create: 0, moving: 0, fails: 0 },
      runs: 0,
      changed: 0,
    });
    expect(stacks.find(({ stackId }) => stackId === "t1")).toEqual({
      stackId: "t1",
      task: "tenants",
      wave: "canary",
      does: "move",
      incarnation: expect.any(String),
      revision: expect.stringMatching(/^[0-9a-f]{64}$/),
      from: { api: "1" },
      to: { api: "2" },
      show: { tier: "gold" },
      tasks: [],
      end: "LIVE",
      whole: true,
      changed: false,
      parked: [],
    });
    await expect
      .poll(async () => (await stacksOf(of)).find(({ stackId }) => stackId === "t2")?.parked)
      .toEqual([{ event: "PING", code: "EVENT_NOT_HANDLED", since: expect.any(String) }]);
  });

  it("is also found by its tasks, in pages, and only for its own release", async () => {
    const { of = "" } = await openReleased();
    const first = await yard.json<{ items: PlannedStack[]; cursor: string }>(
      "/v1/stacks/shop-2/plans/tenants/stacks?limit=2",
    );
    const second = await stacksOf("tenants", `?limit=2&cursor=${first.cursor}`);

    expect((await planOf("plan")).digest).toBe(of);
    expect((await planOf("tenants")).digest).toBe(of);
    expect([...first.items, ...second].map(({ stackId }) => stackId).sort()).toEqual(["t1", "t2", "t3"]);
    expect((await stacksOf(of, "?does=same")).map(({ stackId }) => stackId)).toEqual(["t3"]);
    expect((await yard.call(`/v1/stacks/t1/plans/${of}`)).status).toBe(404);
    expect((await yard.call("/v1/stacks/shop-2/plans/sign-off")).status).toBe(404);
    expect((await yard.call(`/v1/stacks/shop-2/plans/${"0".repeat(64)}`)).status).toBe(404);
    expect((await yard.call("/v1/stacks/shop-2/plans/plan/stacks?cursor=x")).status).toBe(400);
  });

  it("stays what was approved after another plan, and says which stacks have changed since (atlantis#2390)", async () => {
    const first = await openReleased();
    await send("t1", "TUNE", { metadata: { tier: "free" } });
    await expect.poll(async () => (await planOf(first.of ?? "")).changed).toBe(1);

    expect((await stacksOf(first.of ?? "")).filter(({ changed }) => changed).map(({ stackId }) => stackId)).toEqual([
      "t1",
    ]);
    await send("shop-2", "AGAIN");
    await expect.poll(async () => (await planOf("plan")).digest, { timeout: 20_000 }).not.toBe(first.of);
    const second = await waitForApproval();

    expect(second.of).toBe((await planOf("plan")).digest);
    expect((await planOf("plan")).changed).toBe(0);
    expect((await stacksOf(first.of ?? ""))[0]?.show).toEqual({ tier: "gold" });
  });

  it("is not as planned when a person has set other values than the release has sent meanwhile", async () => {
    const { of = "" } = await openReleased();
    const settled = { task: "sign-off", as: "succeeded", approval: true, reason: "looked at" };
    await yard.json("/v1/stacks/shop-2/settle", { body: settled });
    const stateOf = async () => (await yard.json<{ state: string }>("/v1/stacks/shop-2")).state;
    await expect.poll(stateOf, { timeout: 20_000 }).toBe("DONE");
    expect((await planOf(of)).changed).toBe(0);
    expect((await stacksOf(of)).map(({ stackId, progress }) => [stackId, progress?.state]).sort()).toEqual([
      ["t1", "done"],
      ["t2", "done"],
      ["t3", "unchanged"],
    ]);
    expect((await stacksOf(of, "?state=done&does=move")).map(({ stackId }) => stackId).sort()).toEqual(["t1", "t2"]);
    expect(await stacksOf(of, "?state=failed")).toEqual([]);

    await send("t1", "GO", { metadata: { api: "9" } });

    await expect.poll(async () => (await planOf(of)).changed).toBe(1);
  });

  it("shows a reader only what the reader may read, and how much is hidden", async () => {
    const { of = "" } = await openReleased();
    const scope = { machines: ["shop", "shop-release"], stacks: ["t3", "shop-2"] };
    const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });
    const other = await yard.json<NewApiToken>("/v1/tokens", {
      body: { name: "u", role: "viewer", machines: ["shop"] },
    });
    const toHeaders = ({ token: text }: NewApiToken) => ({ headers: { authorization: `Bearer ${text}` } });

    expect(await planOf(of, toHeaders(token))).toMatchObject({ stacks: 1, hidden: 2, counts: { move: 0, same: 1 } });
    expect((await stacksOf(of, "", toHeaders(token))).map(({ stackId }) => stackId)).toEqual(["t3"]);
    expect((await yard.call(`/v1/stacks/shop-2/plans/${of}`, toHeaders(other))).status).not.toBe(200);
  });
});
