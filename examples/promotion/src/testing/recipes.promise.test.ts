import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEventMessage } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { createRecipeYard, PAGE, type RecipeYard, readRecipe } from "./recipe-yard.ts";

const RELEASE = "shop-1.42.0";
const VERSION = { api: "1.42.0" };

/** A machine of environments that come into being with a version, and one of releases with one task. */
const toRelease = (tasks: string) => `
version: 2
events: { RELEASED: { metadata: [api] }, ROLLBACK: {} }
metadata: { api: { type: string } }
states:
  INIT: { on: { RELEASED: PRODUCTION } }
  PRODUCTION: { tasks: [production], on: { NEXT: DONE, ROLLBACK: BACK } }
  DONE: { on: { ROLLBACK: BACK } }
  BACK: { leaving: cancel, tasks: [undo], on: { NEXT: DONE } }
${tasks.trimEnd()}
  undo: { executor: deploy, config: { op: undo, of: production } }
`;

/** A release that sends the key of its version to all stacks of a machine. */
const toAll = (machine: string, key: string) =>
  toRelease(`tasks:
  production: { executor: deploy, config: { stacks: { machine: ${machine} }, event: RELEASED, metadata: { ${key}: "\${metadata.api}" }, until: [LIVE], failed: [BROKEN] } }`);

const start = ({ send }: RecipeYard, api: string) =>
  send(`shop-${api}`, "RELEASED", { machine: "shop-release", metadata: { api } });

/** Without `allow`, people can open environments in a test. */
const open = (source: string) => source.replaceAll(/, allow: "actor.machine == 'shop-release'"/g, "");

/** A tenant whose releases are applied by Terraform. */
const SERVED = `states:
  INIT: { on: { OPENED: LIVE } }
  BUILD: { tasks: [build], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { RELEASED: BUILD } }
  BROKEN: {}
tasks: { build: { executor: terraform, config: { action: apply } } }
`;

describe("the recipe for exact Terraform plans", () => {
  async function review(): Promise<RecipeYard> {
    const shop = readRecipe("# file: machines/shop.yaml\n").replace("INIT: { on: {", "INIT: { on: { REPLAN: LIVE,");
    const bench = createRecipeYard({
      shop,
      "shop-release": readRecipe("# file: machines/shop-release.yaml\n"),
    });
    for (const id of ["prod-a", "prod-b"]) await bench.send(id, "REPLAN", { machine: "shop" });
    await start(bench, "1.42.0");
    expect(await bench.stateOf("prod-a")).toBe("PLANNED");
    expect(await bench.taskOf(RELEASE, "approve")).toBe("PENDING");
    return bench;
  }

  it("applies, after one approval, exactly the plans that were approved", async () => {
    const bench = await review();

    await bench.approve(RELEASE, (await bench.metadataOf(RELEASE))["digest"]);

    expect(await bench.stateOf(RELEASE)).toBe("DONE");
    const applied = bench.done.filter(({ config }) => config["action"] === "apply");
    expect(applied.map(({ stackId, config }) => [stackId, config["plan"]]).sort()).toEqual([
      ["prod-a", "plan-prod-a-1"],
      ["prod-b", "plan-prod-b-1"],
    ]);
  });

  it("applies nothing when one was planned again after the plan of the release: PLAN_STALE, and AGAIN plans anew", async () => {
    const bench = await review();
    const digest = (await bench.metadataOf(RELEASE))["digest"];
    await bench.send("prod-b", "REPLAN");
    expect((await bench.metadataOf("prod-b"))["plan"]).toBe("plan-prod-b-2");

    await bench.approve(RELEASE, digest);

    expect(await bench.stateOf(RELEASE)).toBe("STOPPED");
    const history = await bench.yard.listHistory(RELEASE);
    expect(history.find(({ event }) => event === "TASK_ERROR")).toMatchObject({ task: "apply", code: "PLAN_STALE" });
    expect(bench.done.filter(({ config }) => config["action"] === "apply")).toEqual([]);
    await bench.send(RELEASE, "AGAIN");
    const again = (await bench.metadataOf(RELEASE))["digest"];
    expect(again).not.toBe(digest);
    await bench.approve(RELEASE, again);
    expect(await bench.stateOf(RELEASE)).toBe("DONE");
    expect(await bench.stateOf("prod-b")).toBe("LIVE");
  });
});

describe("the recipe for one account at a time", () => {
  const SHOP = `
version: 2
events: { OPENED: { metadata: [api, account] }, RELEASED: { metadata: [api] } }
metadata: { api: { type: string }, account: { type: string } }
${SERVED}`;
  const ACCOUNTS = ["777788889999", "444455556666", "111122223333"];

  async function aYard(): Promise<RecipeYard> {
    const bench = createRecipeYard({ shop: SHOP, "shop-release": toRelease(readRecipe("name: sandbox")) });
    for (const [index, account] of [...ACCOUNTS, ...ACCOUNTS].entries()) {
      const metadata = { api: "1.41.0", account };
      await bench.send(`e${index}`, "OPENED", { machine: "shop", metadata });
    }
    return bench;
  }

  it("moves the environments of an account, one by one, before those of the next", async () => {
    const bench = await aYard();

    await start(bench, "1.42.0");

    expect(await bench.stateOf(RELEASE)).toBe("DONE");
    const order = bench.done.map(({ stackId }) => ACCOUNTS[Number(stackId.slice(1)) % ACCOUNTS.length]);
    expect(order).toEqual(ACCOUNTS.toReversed().flatMap((account) => [account, account]));
    const entries = await Promise.all(bench.done.map(({ stackId }) => bench.yard.listHistory(stackId)));
    const times = entries.map((all) => all.slice(1).map(({ at }) => at));
    for (const [index, next] of times.slice(1).entries())
      expect(Math.min(...next)).toBeGreaterThanOrEqual(Math.max(...(times[index] ?? [])));
  });

  it("leaves the accounts behind a failure untouched", async () => {
    const bench = await aYard();
    bench.broken.add("e5");

    await start(bench, "1.42.0");

    expect(await bench.taskOf(RELEASE, "production")).toMatch(/^ERROR/);
    expect(bench.done.map(({ stackId }) => stackId)).toEqual(["e2", "e5"]);
  });
});

describe("the recipe for EventBridge", () => {
  it("starts a release by the detail of an event, once however often it comes", async () => {
    const bench = createRecipeYard({ "shop-release": toAll("shop", "api") });
    const text = readRecipe('"detail-type"');

    const parsed = parseEventMessage(text, { messageId: "m1", at: 0 });
    await bench.yard.publish(JSON.parse(text).detail);
    await bench.yard.settle();
    await bench.yard.publish(JSON.parse(text).detail);
    await bench.yard.settle();

    expect(parsed).toMatchObject({ kind: "event", event: { id: "built-1.42.0", stackId: RELEASE, metadata: VERSION } });
    expect(await bench.metadataOf(RELEASE)).toMatchObject(VERSION);
    const history = await bench.yard.listHistory(RELEASE);
    expect(history.filter(({ event, outcome }) => event === "RELEASED" && outcome === "applied")).toHaveLength(1);
  });
});

describe("the recipe for Auto Scaling groups", () => {
  it("releases the image of each release, and an undo the one before", async () => {
    const source = open(readRecipe("# file: machines/shop-group.yaml\n"));
    const bench = createRecipeYard({ "shop-group": source, "shop-release": toAll("shop-group", "ami") });
    const [before, after] = ["ami-11111111", "ami-22222222"];
    await bench.send("prod", "RELEASED", { machine: "shop-group", metadata: { ami: before } });

    await start(bench, after);
    expect(await bench.stateOf(`shop-${after}`)).toBe("DONE");
    await bench.send(`shop-${after}`, "ROLLBACK");

    expect(bench.done.map(({ config }) => Object(config).release.ami)).toEqual([before, after, before]);
    expect(await bench.metadataOf("prod")).toMatchObject({ ami: before });
  });
});

describe("the recipe for a hotfix of an older line", () => {
  const TENANT = `
version: 2
events: { OPENED: { metadata: [api] }, RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
${SERVED}`;

  /** 1.42.0 runs in \`new\`, 1.41.0 in \`old\`, and 1.41.1 is released. */
  async function fix(release: string) {
    const bench = createRecipeYard({ tenant: TENANT, "shop-release": release });
    await bench.send("new", "OPENED", { machine: "tenant", metadata: { api: "1.41.0" } });
    await start(bench, "1.42.0");
    await bench.send("old", "OPENED", { machine: "tenant", metadata: { api: "1.41.0" } });
    await start(bench, "1.41.1");
    const versions = await Promise.all(["new", "old"].map((id) => bench.metadataOf(id)));
    return [await bench.stateOf("shop-1.41.1"), ...versions.map(({ api }) => api)];
  }

  it("reaches what still has that line, with the `where` of the page", async () => {
    const [, where = ""] = /`where` such as `("metadata\.api\.startsWith\(.*?\)")`/s.exec(PAGE) ?? [];
    const release = toAll("tenant", "api").replace("{ machine: tenant }", `{ machine: tenant, where: ${where} }`);

    expect(await fix(release)).toEqual(["DONE", "1.42.0", "1.41.1"]);
  });

  it("replaces the newer version everywhere without it: the release that was created later is newer", async () => {
    expect(await fix(toAll("tenant", "api"))).toEqual(["DONE", "1.41.1", "1.41.1"]);
  });
});

describe("the recipe for a new tenant", () => {
  const TENANT = readFileSync(join(import.meta.dirname, "../../machines/tenant.yaml"), "utf8");

  it("creates it with its first version by the command of the page, and later releases reach it", async () => {
    const [, id = "", event = "", machine = "", keys = ""] =
      /`stackyard send (\S+) (OPENED) --machine (\S+)\s+(--metadata [^`]+)`/.exec(PAGE) ?? [];
    const metadata = Object.fromEntries([...keys.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key, value]));
    const bench = createRecipeYard({ [machine]: open(TENANT), "shop-release": toAll(machine, "api") });

    await bench.send(id, event, { machine, metadata });
    const created = [await bench.stateOf(id), await bench.metadataOf(id)];
    await start(bench, "1.43.0");

    expect(created).toEqual(["LIVE", metadata]);
    expect([await bench.stateOf(id), await bench.metadataOf(id)]).toEqual(["LIVE", { ...metadata, api: "1.43.0" }]);
  });
});

describe("the recipe for one release, one version", () => {
  const MINUTE = 60_000;
  const once = toAll("shop", "api")
    .replace("api: { type: string }", "api: { type: string, immutable: true }")
    .replace("stacks: { machine: shop }", "stacks: { machine: shop, min: 0 }");
  const handled = once.replace("DONE: { on: {", "DONE: { on: { RELEASED: PRODUCTION,");

  /** Returns what became of a second RELEASED of the same release, by its history, and after how many minutes. */
  async function releaseTwice(release: string, api: string) {
    const bench = createRecipeYard({ "shop-release": release });
    await start(bench, "1.42.0");
    const at = bench.yard.clock.now();
    await bench.send(RELEASE, "RELEASED", { machine: "shop-release", metadata: { api } });
    await bench.pass(2);
    const history = await bench.yard.listHistory(RELEASE);
    expect(await bench.metadataOf(RELEASE)).toEqual(VERSION);
    return history.flatMap((line) => {
      const after = Math.round((line.at - at) / MINUTE);
      return line.eventId === "e2" ? [[line.outcome, line.code, after]] : [];
    });
  }

  it.each([
    ["another version where the release handles it", handled, "1.43.0", [["dead-lettered", "METADATA_INVALID", 0]]],
    ["another version where it does not", once, "1.43.0", [["dead-lettered", "METADATA_INVALID", 0]]],
    ["the same version where it handles it", handled, "1.42.0", [["applied", undefined, 0]]],
    ["the same version where it does not", once, "1.42.0", [["ignored", "EVENT_REPEATED", 0]]],
  ])("decides a second RELEASED with %s", async (_what, release, api, lines) => {
    expect(await releaseTwice(release, api)).toEqual(lines);
  });
});
