// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { type CommitList, type CommitQuery, type Executor, type PluginService, silentLogger } from "@stackyard/core";
import type { NewApiToken, ReleaseVersions } from "@stackyard/core/api";
import { createStaticLocator, createUlids, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { afterEach, describe, expect, it } from "vitest";
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
events: { RELEASED: { metadata: [api, notes] }, GONE: {}, BACK: {} }
metadata: { api: { type: string }, notes: { type: string }, plan: { type: string } }
states:
  INIT: { on: { RELEASED: TEST } }
  TEST: { tasks: [test], on: { NEXT: REVIEW } }
  REVIEW: { tasks: [plan, approve], on: { NEXT: SENDING } }
  SENDING: { tasks: [tenants], on: { BACK: UNDOING } }
  UNDOING: { tasks: [undo] }
tasks:
  test: { executor: deploy, config: { stacks: test, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
  plan: { executor: deploy, config: { op: plan, of: [tenants] }, outputs: { plan: digest } }
  approve: { executor: approval, needs: [plan], config: { from: [team], own: true } }
  tenants:
    executor: deploy
    config: { stacks: { machine: shop, where: "stack.id != 'test'", min: 0 }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] }
  undo: { executor: deploy, config: { op: undo, of: tenants } }
`;

const TAG = "https://git.example.org/acme/shop/releases/tag/v";

let yard: TestYard;
let worker: ReturnType<typeof startYard> | undefined;
afterEach(async () => {
  await worker?.stop();
  await yard.stop();
});

interface Input {
  /** What runs where before the release. */
  readonly before: Readonly<Record<string, string>>;
  readonly list?: PluginService["listCommits"];
}

/** Opens a yard with stacks, and returns the requests to the code host. */
async function openYard({ before, list }: Input): Promise<CommitQuery[]> {
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const executors = new Map(promotion.executors({}, context).map((each): [string, Executor] => [each.name, each]));
  const parse = (name: string, source: string) => {
    const { machine, problems } = parseMachine(source, { name, executors });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return { machine, source };
  };
  const locator = createStaticLocator([parse("shop", SHOP), parse("shop-release", RELEASE)]);
  const asked: CommitQuery[] = [];
  const listCommits: NonNullable<PluginService["listCommits"]> = async (query, deps, signal) => {
    asked.push(query);
    return list?.(query, deps, signal);
  };
  yard = createTestYard({
    local: { name: "ada", groups: ["team"] },
    deps: { locator, services: [{ name: "hub", listCommits }] },
  });
  const { store, clock } = yard;
  const process = { version: "0.0.0-test", host: "blue" };
  worker = startYard(
    { store, locator, executors, clock, ids: createUlids(), logger: silentLogger },
    { drainMs: 100, process },
  );
  for (const [id, api] of Object.entries(before)) await send(id, "GO", { machine: "shop", metadata: { api } });
  return asked;
}

const send = (stackId: string, event: string, body: object = {}) =>
  yard.json("/v1/events", { body: { id: `${stackId}-${event}`, stackId, event, machine: "shop-release", ...body } });

/** Starts a release, and waits for its approval. */
async function release(api: string, notes = "none"): Promise<void> {
  await send("shop-next", "RELEASED", { metadata: { api, notes } });
  await expect
    .poll(async () => (await yard.json<{ approvals?: unknown[] }>("/v1/stacks/shop-next")).approvals?.length, {
      timeout: 20_000,
    })
    .toBe(1);
}

async function reach(task: string): Promise<void> {
  const isDone = async () => {
    const { tasks = [] } = await yard.json<{ tasks?: { name: string; status: string }[] }>("/v1/stacks/shop-next");
    return tasks.some(({ name, status }) => name === task && status === "SATISFIED");
  };
  await expect.poll(isDone, { timeout: 20_000 }).toBe(true);
}

async function approve(): Promise<void> {
  const body = { as: "succeeded", task: "approve", reason: "tried", approval: true };
  await yard.call("/v1/stacks/shop-next/settle", { body });
  await reach("tenants");
}

const load = (init?: object) => yard.json<ReleaseVersions>("/v1/stacks/shop-next/versions", init);
const toLines = ({ versions }: ReleaseVersions) =>
  versions.map(({ from, to, tasks, stacks }) => [from, to, tasks.join(), stacks]);
const toCommits = (count: number, dropped = 0): CommitList => ({
  kind: "commits",
  commits: Array.from({ length: count }, (_, index) => ({ id: `c${index}`, subject: "Carts" })),
  isCut: false,
  dropped,
});

describe("the versions of a release", () => {
  it("are what was sent, and before that what the plan says, with the commits between the tags (kargo#6091)", async () => {
    const before = { test: "1.41.9", t1: "1.41.0", t2: "1.41.0", t3: "1.40.9" };
    const asked = await openYard({ before, list: async ({ before: tag }) => toCommits(tag === "v1.41.0" ? 14 : 1) });
    await release("1.42.0", `${TAG}1.42.0`);
    const planned = await load();

    await approve();

    const { versions, more } = await load();
    expect(toLines({ versions, more })).toEqual(toLines(planned));
    expect(toLines({ versions, more })).toEqual([
      ["1.41.9", "1.42.0", "test", 1],
      ["1.41.0", "1.42.0", "tenants", 2],
      ["1.40.9", "1.42.0", "tenants", 1],
    ]);
    expect(versions[1]?.compareUrl).toBe("https://git.example.org/acme/shop/compare/v1.41.0...v1.42.0");
    expect(versions.map(({ commits }) => commits?.length)).toEqual([1, 14, 1]);
    expect(more).toBe(0);
    expect(asked[0]).toEqual({
      repositoryUrl: "https://git.example.org/acme/shop",
      before: "v1.41.9",
      now: "v1.42.0",
    });
  });

  it("have the commits that go when an older version is sent (octopus#6612)", async () => {
    await openYard({ before: { test: "1.42.0", t1: "1.42.0" }, list: async () => toCommits(0, 14) });

    await release("1.41.0", `${TAG}1.41.0`);

    expect((await load()).versions).toEqual([
      {
        key: "api",
        from: "1.42.0",
        to: "1.41.0",
        tasks: ["test", "tenants"],
        stacks: 2,
        compareUrl: "https://git.example.org/acme/shop/compare/v1.42.0...v1.41.0",
        commits: [],
        isCut: false,
        dropped: 14,
      },
    ]);
  });

  it("are shown without commits and without a link where no host confirms the tags (octopus#6784, wpt.fyi#4799)", async () => {
    await openYard({ before: { test: "1.41.0" } });
    await release("1.42.0", `${TAG}1.42.0`);

    const [version] = (await load()).versions;

    expect(version).toEqual({
      key: "api",
      from: "1.41.0",
      to: "1.42.0",
      tasks: ["test"],
      stacks: 1,
      unknown: "No code host of the plugin @stackyard/hosts is at git.example.org.",
    });
  });

  it("ask no host where no address names the tag, and where there was nothing before", async () => {
    const asked = await openYard({ before: { test: "1.41.0" } });
    await release("1.42.0", "https://git.example.org/acme/shop/pull/7");

    expect((await load()).versions).toEqual([{ key: "api", from: "1.41.0", to: "1.42.0", tasks: ["test"], stacks: 1 }]);
    expect(asked).toEqual([]);
  });

  it("count the stacks that a caller may read, and say nothing of the others", async () => {
    await openYard({ before: { test: "1.41.9", t1: "1.41.0", t2: "1.40.0" } });
    await release("1.42.0");
    const body = { name: "reader", role: "viewer", machines: ["shop", "shop-release"], stacks: ["shop-next", "t2"] };
    const { token } = await yard.json<NewApiToken>("/v1/tokens", { body });

    const seen = await load({ headers: { authorization: `Bearer ${token}` } });

    expect(toLines(seen)).toEqual([["1.40.0", "1.42.0", "tenants", 1]]);
    expect(await yard.json("/v1/stacks/none/versions")).toMatchObject({ status: 404, code: "STACK_UNKNOWN" });
    expect(await yard.json("/v1/stacks/t1/versions")).toEqual({ versions: [], more: 0 });
  });

  it("are gone where the release was undone", async () => {
    await openYard({ before: { test: "1.41.0", t1: "1.41.0" } });
    await release("1.42.0");
    await approve();

    await send("shop-next", "BACK");
    await reach("undo");

    expect(toLines(await load())).toEqual([["1.41.0", "1.42.0", "test", 1]]);
  });

  it("are at most five, and the number of further ones", async () => {
    const tenants = Array.from({ length: 7 }, (_, index) => [`t${index}`, `1.${index}.0`]);
    await openYard({ before: { test: "1.42.0", ...Object.fromEntries(tenants) } });
    await release("1.42.0");

    const { versions, more } = await load();

    expect([versions.length, more]).toEqual([5, 2]);
  });
});
