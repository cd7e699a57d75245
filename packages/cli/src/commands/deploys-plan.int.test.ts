// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const SHOP = `version: 2
events: { GO: { metadata: [api] }, PING: {}, CHANGED: { metadata: [api] } }
metadata: { api: { type: string } }
states: { INIT: { on: { GO: LIVE } }, LIVE: { on: { GO: LIVE, CHANGED: no-op } } }
tasks: {}
`;

const RELEASE = `version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string, immutable: true }, plan: { type: string } }
states:
  INIT: { on: { RELEASED: REVIEW } }
  REVIEW: { tasks: [plan], on: { NEXT: DONE } }
  DONE: {}
tasks:
  plan: { executor: deploy, config: { op: plan, of: [production] }, outputs: { plan: digest } }
  production: { executor: deploy, config: { stacks: { machine: shop }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE], plan: "\${metadata.plan}" } }
`;

/** The same, with an approval of the plan before it is followed. */
const GATED = RELEASE.replace("tasks: [plan], on: { NEXT: DONE }", "tasks: [plan, approve], on: { NEXT: GO }")
  .replace("  DONE:", "  GO: { approved: [approve], tasks: [production], on: { NEXT: DONE } }\n  DONE:")
  .replace(
    "tasks:\n",
    `tasks:\n  approve: { executor: approval, needs: [plan], config: { from: [team], of: "\${metadata.plan}" } }\n`,
  );

const { folder: cwd, remove } = makeTempProject({
  "stackyard.config.json": "{}",
  "machines/shop.yaml": SHOP,
  "machines/shop-release.yaml": RELEASE,
  "machines/gated.yaml": GATED,
});
const run = (...words: string[]) => runCli(words, { cwd });
let dev: RunningCli;
beforeAll(async () => {
  dev = await startDev(cwd);
});
afterAll(async () => {
  dev.interrupt();
  await dev.result;
  remove();
});

it("shows a plan as a table with its counts and digest, also which stacks have changed since", async () => {
  for (const [id, api] of Object.entries({ "shop-1": "0", "shop-2": "1" })) {
    await run("send", id, "GO", "--machine", "shop", "--metadata", `api=${api}`, "--until", "LIVE");
  }
  const release = ["rel-1", "RELEASED", "--machine", "shop-release", "--metadata", "api=1"];
  await run("send", ...release, "--until", "DONE", "--timeout", "60s");
  const table = await run("deploys", "plan", "rel-1", "plan");
  const json = await run("deploys", "plan", "rel-1", "production", "--json");
  const totals = await run("deploys", "show", "rel-1");
  await run("send", "shop-1", "CHANGED", "--metadata", "api=7");
  const changed = await run("deploys", "plan", "rel-1", "plan");
  const wrong = await run("deploys", "plan", "rel-1", "nothing");
  const nowhere = await run("deploys", "plan", "nowhere", "plan");

  const { release: id, plan, stacks } = JSON.parse(json.stdout);
  expect(table.stdout).toContain("1 moves, 1 stays as it is; 0 tasks would run.");
  expect(table.stdout).toContain(`Digest ${plan.digest}, made`);
  expect(totals.stdout).toContain(
    `The plan of production:\n1 moves, 1 stays as it is; 0 tasks would run.\nDigest ${plan.digest}, made`,
  );
  expect(table.stdout).toMatch(/shop-1 +production +all +move +api=0 → 1 +– +LIVE/);
  expect(table.stdout).toMatch(/shop-2 +production +all +same +api=1 /);
  expect([table.exitCode, id, stacks.length, plan.counts.move]).toEqual([0, "rel-1", 2, 1]);
  expect(changed.stdout).toContain("1 changed since, and would get nothing (PLAN_STALE). Plan again.");
  expect(changed.stdout).toMatch(/shop-1 .*changed since/);
  expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining('"rel-1" has no plan "nothing"')]);
  expect([nowhere.exitCode, nowhere.stderr]).toEqual([1, expect.stringContaining("nowhere")]);
});

it("shows that an approval was passed by hand, and does not say that anyone has approved", async () => {
  await run("send", "shop-3", "GO", "--machine", "shop", "--metadata", "api=0", "--until", "LIVE");
  await run("send", "rel-2", "RELEASED", "--machine", "gated", "--metadata", "api=1");
  const isAsked = async () => (await run("approvals", "ls")).stdout;
  await expect.poll(isAsked, { timeout: 30_000 }).toContain("rel-2");

  await run("stacks", "settle", "rel-2", "approve", "--approval", "--reason", "no one answers");
  await expect.poll(async () => (await run("stacks", "show", "rel-2")).stdout, { timeout: 30_000 }).toContain("DONE");
  const { stdout } = await run("deploys", "show", "rel-2");

  expect(stdout).toMatch(/production follows the plan [0-9a-f]{12}, passed by hand by /);
  expect(stdout).not.toContain("approved by");
});
