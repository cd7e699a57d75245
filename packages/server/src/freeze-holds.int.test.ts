// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { type Executor, silentLogger } from "@stackyard/core";
import type { Deploy, FreezeHold, NewApiToken } from "@stackyard/core/api";
import { createStaticLocator, createUlids, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { afterEach, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SHOP = `
version: 2
events: { GO: { metadata: [api] } }
metadata: { api: { type: string } }
states: { INIT: { on: { GO: LIVE } }, LIVE: { on: { GO: LIVE } } }
tasks: {}
`;

const RELEASE = `
version: 2
events: { RELEASED: { metadata: [api] }, STOP: {}, ROLLBACK: {} }
metadata: { api: { type: string } }
states:
  INIT: { on: { RELEASED: SENDING } }
  SENDING: { tasks: [tenants], on: { NEXT: DONE, STOP: DONE, ROLLBACK: BACK } }
  BACK: { leaving: cancel, tasks: [undo], on: { NEXT: DONE } }
  DONE: {}
tasks:
  undo: { executor: deploy, config: { op: undo, of: tenants } }
  tenants: { executor: deploy, config: { stacks: { machine: shop }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
`;

let yard: TestYard;
let worker: ReturnType<typeof startYard> | undefined;
afterEach(async () => {
  await worker?.stop();
  await yard.stop();
});

function open() {
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const executors = new Map(promotion.executors({}, context).map((each): [string, Executor] => [each.name, each]));
  const parse = (name: string, source: string) => {
    const { machine } = parseMachine(source, { name, executors });
    if (machine === undefined) throw new Error("The machine of the test has errors.");
    return { machine, source };
  };
  const locator = createStaticLocator([parse("shop", SHOP), parse("shop-release", RELEASE)]);
  yard = createTestYard({ deps: { locator } });
  const { store, clock } = yard;
  const process = { version: "0.0.0-test", host: "blue" };
  worker = startYard(
    { store, locator, executors, clock, ids: createUlids(), logger: silentLogger },
    { drainMs: 100, process },
  );
}

const send = (stackId: string, event: string, machine: string, api: string) =>
  yard.json("/v1/events", { body: { id: `${stackId}-${event}`, stackId, event, machine, metadata: { api } } });
const heldBy = async (name: string, init?: object) =>
  (await yard.json<{ items: FreezeHold[] }>(`/v1/freezes/${name}/held`, init)).items;

it("shows what a freeze holds, of what the caller may read, and only that freeze (argo-cd#17082)", async () => {
  open();
  for (const id of ["t1", "t2", "u1"]) await send(id, "GO", "shop", "1");
  await yard.json("/v1/freezes", { body: { name: "winter", reason: "Christmas", where: "stack.id != 'u1'" } });
  await yard.json("/v1/freezes", { body: { name: "win", reason: "another", machine: "other" } });
  await send("shop-2", "RELEASED", "shop-release", "2");

  const whole = { release: "shop-2", task: "tenants", stacks: 2 };
  await expect
    .poll(() => heldBy("winter"), { timeout: 20_000 })
    .toEqual([{ ...whole, examples: expect.arrayContaining(["t1", "t2"]) }]);
  expect(await heldBy("win")).toEqual([]);
  const { items: deploys } = await yard.json<{ items: Deploy[] }>("/v1/stacks/shop-2/deploys");
  expect(deploys.map(({ task, undo }) => [task, undo])).toEqual([["tenants", "ROLLBACK"]]);
  expect((await yard.call("/v1/freezes/summer/held")).status).toBe(404);

  const scope = { machines: ["shop", "shop-release"], stacks: ["t1", "shop-"] };
  const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });
  const headers = { authorization: `Bearer ${token.token}` };
  expect(await heldBy("winter", { headers })).toEqual([{ ...whole, stacks: 1, examples: ["t1"] }]);

  await yard.json("/v1/freezes/winter/end", { body: {} });
  expect((await yard.call("/v1/freezes/winter/held")).status).toBe(404);
});

it.each(["viewer", "maintainer"])(
  "does not say to a %s whether there is a freeze of what others have",
  async (role) => {
    open();
    await send("t1", "GO", "shop", "1");
    await yard.json("/v1/freezes", { body: { name: "other", reason: "x", machine: "shop-release" } });
    const scope = { machines: ["shop"], stacks: ["t1"] };
    const { token } = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role, ...scope } });
    const ask = async (name: string) => {
      const init = { headers: { authorization: `Bearer ${token}` } };
      const answers = await Promise.all([
        yard.call(`/v1/freezes/${name}/held`, init),
        yard.call(`/v1/freezes/${name}/except`, { ...init, body: { release: "t1", reason: "x" } }),
        yard.call(`/v1/freezes/${name}/end`, { ...init, body: {} }),
      ]);
      return Promise.all(answers.map(async (answer) => [answer.status, await answer.json()]));
    };
    const hidden = (answers: unknown) => JSON.stringify(answers).replaceAll(/"(?:requestId|instance)":"[^"]*"/g, "");

    const [there, absent] = [await ask("other"), await ask("nowhere")];

    expect(there.map(([status]) => status)).toEqual(role === "viewer" ? [404, 403, 403] : [404, 404, 404]);
    expect(hidden(there).replaceAll("other", "nowhere")).toBe(hidden(absent));
    expect((await yard.call("/v1/freezes/other/held")).status).toBe(200);
  },
);

it("lists a task whose rows are gone, because it may be held too, and the others with their stacks", async () => {
  open();
  for (const id of ["t1", "t2"]) await send(id, "GO", "shop", "1");
  await yard.json("/v1/freezes", { body: { name: "winter", reason: "Christmas" } });
  await send("shop-2", "RELEASED", "shop-release", "2");
  await send("shop-3", "RELEASED", "shop-release", "3");
  const held = { task: "tenants", stacks: 2, examples: expect.arrayContaining(["t1", "t2"]) };
  await expect
    .poll(async () => (await heldBy("winter")).toSorted((a, b) => (a.release < b.release ? -1 : 1)), {
      timeout: 20_000,
    })
    .toEqual([
      { release: "shop-2", ...held },
      { release: "shop-3", ...held },
    ]);
  await worker?.stop();
  const rows = await findRows("shop-3");
  await yard.store.records.remove(rows.key, rows.version);

  const seen = await heldBy("winter");

  const problem = `The record "${rows.key}" is gone, and 2 rows with it.`;
  expect(seen.toSorted((a, b) => (a.release < b.release ? -1 : 1))).toEqual([
    { release: "shop-2", ...held },
    { release: "shop-3", task: "tenants", stacks: 0, examples: [], problem },
  ]);
});

/** Returns the record with the rows of a release's task. */
async function findRows(release: string) {
  const { items } = await yard.store.records.list("promotion/deploy/", { limit: 100, now: yard.clock.now() });
  const state = items.find(({ key, value }) => key.endsWith("/state") && JSON.stringify(value).includes(release));
  const rows = items.find(({ key }) => key === state?.key.replace(/state$/, "rows/0"));
  if (rows === undefined) throw new Error("The release has no rows.");
  return rows;
}
