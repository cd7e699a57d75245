// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type PageOptions, Stackyard } from "@stackyard/sdk";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const SHOP = `version: 2
events: { GO: { metadata: [api] } }
metadata: { api: { type: string } }
states: { INIT: { on: { GO: LIVE } }, LIVE: { on: { GO: LIVE } } }
tasks: {}
`;

const RELEASE = `version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string, immutable: true } }
states:
  INIT: { on: { RELEASED: FIRST } }
  FIRST: { tasks: [staging, production], on: { NEXT: DONE } }
  DONE: {}
tasks:
  staging: { executor: deploy, config: { stacks: shop-staging, create: shop, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
  production: { executor: deploy, needs: [staging], config: { stacks: { machine: shop, where: "!stack.id.endsWith('-staging')", min: 0 }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
`;

const HELD = `version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string, immutable: true } }
states:
  INIT: { on: { RELEASED: FIRST } }
  FIRST: { tasks: [staging], on: { NEXT: REVIEW } }
  REVIEW: { tasks: [approve], on: { NEXT: LAST } }
  LAST: { tasks: [production] }
tasks:
  staging: { executor: deploy, config: { stacks: held-staging, create: shop, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
  approve: { executor: approval, config: { from: [managers] } }
  production: { executor: deploy, config: { stacks: shop-prod, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
`;

const { folder: cwd, remove } = makeTempProject({
  "stackyard.config.json": "{}",
  "machines/shop.yaml": SHOP,
  "machines/shop-release.yaml": RELEASE,
  "machines/held-release.yaml": HELD,
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

/** Returns a client of the running server. */
async function openYard(): Promise<Stackyard> {
  const read = (name: string) => readFile(join(cwd, ".stackyard", name), "utf8");
  const { url } = JSON.parse(await read("server.json"));
  return new Stackyard({ url, token: (await read("token")).trim() });
}

it("shows what a release has deployed, and what a person has changed after it", async () => {
  await run("send", "shop-prod", "GO", "--machine", "shop", "--metadata", "api=0", "--until", "LIVE");
  const first = await run("board", "shop-release");
  const release = ["shop-1", "RELEASED", "--machine", "shop-release", "--metadata", "api=1"];
  const sent = await run("send", ...release, "--until", "DONE", "--timeout", "60s");
  const second = await run("board", "shop-release");
  const json = await run("board", "shop-release", "--json");
  const wrong = await run("board", "nowhere");
  const waves = await run("deploys", "show", "shop-1");
  const stacks = await run("deploys", "show", "shop-1", "production");
  const failed = await run("deploys", "show", "shop-1", "production", "--failed", "--json");
  const none = await run("deploys", "show", "shop-1", "nothing");
  const taskless = await run("deploys", "show", "shop-1", "--failed");
  const missing = await run("deploys", "plan", "../shop-1", "plan");

  expect(first.stdout).toMatch(/ENVIRONMENT +VERSION +STACKS +STANDING/);
  expect(first.stdout).toMatch(/staging \(shop-staging\) +– +0 +nothing runs here/);
  expect(first.stdout).toMatch(/production \(stacks of shop\) +api=0 +1 +1 at rest .*none/);
  expect(sent.stderr + sent.stdout).not.toContain("FAILED");
  expect(second.stdout).toMatch(/staging \(shop-staging\) +api=1 +1 +1 at rest .*shop-1/);
  expect(second.stdout).toMatch(/production \(stacks of shop\) +api=1 +1 +1 at rest .*shop-1/);
  expect(JSON.parse(json.stdout)).toMatchObject({
    machine: "shop-release",
    releases: [{ id: "shop-1", state: "DONE" }],
  });
  expect(waves.stdout).toMatch(
    /TASK .* DONE +UNCHANGED .* MAY FAIL +SKIPPED +NOT SENT +UNDONE\nstaging +\S+ +1 +1( +0){8}\n/,
  );
  expect(waves.stdout).toContain("api none to 1: staging (1 stack)\napi 0 to 1: production (1 stack)");
  expect(stacks.stdout).toMatch(/shop-prod +\S+ +done .* +1 +api=0 +–/);
  expect(JSON.parse(failed.stdout)).toEqual({ release: "shop-1", task: "production", stacks: [] });
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('The task "nothing" of "shop-1"')]);
  expect(none.stderr).toContain("Name one of its tasks: staging, production.");
  expect([taskless.exitCode, taskless.stderr]).toEqual([
    64,
    expect.stringContaining("stackyard deploys show shop-1 TASK --failed"),
  ]);
  expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining('Stack "../shop-1" does not exist.')]);
  expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining("nowhere")]);
});

it("counts how far an environment is behind, and shows what holds the next release back", async () => {
  await run("send", "shop-prod", "GO", "--machine", "shop", "--metadata", "api=0", "--until", "LIVE");
  await run("send", "held-1", "RELEASED", "--machine", "held-release", "--metadata", "api=1", "--until", "REVIEW");

  const { stdout } = await run("board", "held-release");

  expect(stdout).toMatch(/staging \(held-staging\) +api=1 +1 +1 at rest .*held-1/);
  expect(stdout).toMatch(
    /production \(shop-prod\) +api=\S+ .*, 1 behind staging\n +api=1 +– +waits for an approval +– +held-1/,
  );
  expect(stdout).toContain("held-1 is in REVIEW.");
});

it("lists the stacks of a task from a cursor on, and refuses that of another list", async () => {
  await run("send", "shop-prod-2", "GO", "--machine", "shop", "--metadata", "api=0", "--until", "LIVE");
  const release = ["shop-2", "RELEASED", "--machine", "shop-release", "--metadata", "api=2"];
  await run("send", ...release, "--until", "DONE", "--timeout", "60s");
  const { deploys } = await openYard();
  const list = (part: PageOptions) => deploys.stacks("shop-2", "production", part);

  const first = await list({ limit: 1 });
  const second = await list({ limit: 1, cursor: first.cursor ?? "" });
  const foreign = list({ cursor: "shop-prod" });

  const ids = [first, second].flatMap(({ items }) => items.map(({ stackId }) => stackId));
  expect(ids.toSorted()).toEqual(["shop-prod", "shop-prod-2"]);
  expect(second.cursor).toBeUndefined();
  await expect(foreign).rejects.toMatchObject({ code: "USAGE" });
});

it("shows stacks that had the values already as unchanged, apart from skipped ones (octopus#9253)", async () => {
  const release = [
    "RELEASED",
    "--machine",
    "shop-release",
    "--metadata",
    "api=3",
    "--until",
    "DONE",
    "--timeout",
    "60s",
  ];
  await run("send", "shop-3", ...release);
  await run("send", "shop-4", ...release);

  const { stdout } = await run("deploys", "show", "shop-4");

  expect(stdout).toMatch(/production +\S+ +2 +0 +2( +0){7}\n/);
});
