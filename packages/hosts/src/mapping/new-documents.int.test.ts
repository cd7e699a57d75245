// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listHookDeliveries, previewLinks, pullFaults } from "@stackyard/core/services";
import { APP_ID } from "@stackyard/host-sim";
import { afterEach, describe, expect, it } from "vitest";
import { createHostsServices } from "../hosts-service.ts";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";
import { parseMapping } from "./mapping.ts";

const MACHINE = `version: 2
events: [OPENED, PUSHED, CLOSED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
`;
const toDocument = (stack: string, { host = "github", when = "true" } = {}) => `host: ${host}
when: "${when}"
machine: preview
stack: "${stack}"
pull:
  open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }
  head: { send: PUSHED, metadata: { sha: "\${hook.pull.head}" } }
  closed: { send: CLOSED }
rules: { down: { on: command.down, send: CLOSED } }
`;
const SHOP_PR = toDocument("shop-pr-${hook.pull.number}");
const DOCS_PR = toDocument("docs-pr-${hook.pull.number}");

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench() {
  const bench = await createReportBench(SHOP_PR, { machine: MACHINE });
  benches.push(bench);
  const { github, pass, store, clock, folder, stateOf } = bench;
  await github.openPull(SHOP, { head: toCommit(1) });
  await pass(3);
  expect(await stateOf()).toBe("LIVE");
  const records = { records: store.records, clock };
  return {
    ...bench,
    put: (name: string, text: string) => writeFileSync(join(folder, name), text),
    rename: (from: string, to: string) => renameSync(join(folder, from), join(folder, to)),
    async listFaults() {
      const { items } = await pullFaults.list(records, { limit: 10 });
      return items.map(({ stackId, kind, reason }) => `${stackId} ${kind}: ${reason}`);
    },
    listHosts: async () => (await previewLinks.list(records, { limit: 10 })).items.map(({ host }) => host),
    async deliver() {
      await github.labelPull(SHOP, 1, "anything");
      await pass(3);
    },
  };
}

describe("a mapping document that is new", () => {
  it("does not end the stack of an earlier one, which still follows its pull request [argo-cd#9227]", async () => {
    const { github, put, deliver, wait, pass, stateOf, findStack } = await createBench();
    put("docs.yaml", DOCS_PR);

    await deliver();
    await wait(10);
    await github.push(SHOP, 1, toCommit(2));
    await pass(3);

    expect(await stateOf()).toBe("LIVE");
    expect(await stateOf("docs-pr-1")).toBeUndefined();
    expect((await findStack())?.metadata).toEqual({ sha: toCommit(2) });
    await github.openPull(SHOP, { head: toCommit(3) });
    await github.closePull(SHOP, 1);
    await pass(3);
    expect(await stateOf()).toBeUndefined();
    expect(await stateOf("docs-pr-2")).toBe("LIVE");
  });

  it("takes over a stack when the earlier one does not match any more", async () => {
    const { put, deliver, wait, pass, stateOf } = await createBench();
    put("shop.yaml", toDocument("shop-pr-${hook.pull.number}", { when: "'shop' in hook.pull.labels" }));
    put("web.yaml", DOCS_PR);

    await deliver();
    await wait(5);
    await pass(3);

    expect(await stateOf()).toBeUndefined();
    expect(await stateOf("docs-pr-1")).toBe("LIVE");
  });

  it("has the stack of one with another name and the same stacks, which closes with its pull request", async () => {
    const { github, rename, wait, pass, stateOf, listFaults } = await createBench();
    rename("shop.yaml", "web.yaml");

    await github.closePull(SHOP, 1);
    await pass(3);
    await wait(5);

    expect(await stateOf()).toBeUndefined();
    expect(await listFaults()).toEqual([]);
  });

  it("keeps stacks when its faults concern a pull request that is closed", async () => {
    const { github, put, pass, stateOf } = await createBench();
    put("another.yaml", toDocument("x", { when: "hook.pull.labels[7] == 'x'" }));

    await github.closePull(SHOP, 1);
    await pass(3);

    expect(await stateOf()).toBeUndefined();
  });
});

describe("a preview is kept and listed", () => {
  it.each<readonly [string, (bench: Awaited<ReturnType<typeof createBench>>) => void, string]>([
    [
      "is for another host",
      ({ put }) => put("shop.yaml", toDocument("shop-pr-${hook.pull.number}", { host: "gitlab" })),
      "it was removed, or is for another host",
    ],
    [
      "was renamed, with other stacks",
      ({ rename, put }) => {
        rename("shop.yaml", "web.yaml");
        put("web.yaml", DOCS_PR);
      },
      "it was removed, or is for another host",
    ],
  ])("when its document %s", async (_, change, reason) => {
    const bench = await createBench();
    const { deliver, wait, stateOf, listFaults, write } = bench;
    change(bench);

    await deliver();
    await wait(10);
    expect(await stateOf()).toBe("LIVE");
    expect(await stateOf("docs-pr-1")).toBeUndefined();
    expect(await listFaults()).toEqual([expect.stringContaining("shop-pr-1 unfollowed: document shop:")]);
    expect((await listFaults()).join()).toContain(reason);

    write(SHOP_PR);
    await wait(10);
    expect(await listFaults()).toEqual([]);
  });
});

describe("a stack whose id follows from facts that have changed", () => {
  it("is replaced by the other one", async () => {
    const { put, deliver, wait, pass, stateOf } = await createBench();
    put("shop.yaml", toDocument("${'anything' in hook.pull.labels ? 'big' : 'shop'}-pr-${hook.pull.number}"));
    await wait(5);
    expect(await stateOf()).toBe("LIVE");

    await deliver();
    await wait(5);
    await pass(3);

    expect(await stateOf()).toBeUndefined();
    expect(await stateOf("big-pr-1")).toBe("LIVE");
  });
});

describe("a host with another name in the options", () => {
  const toOptions = (former?: readonly string[]) => (url: string) => ({
    hosts: {
      forge: {
        type: "github" as const,
        secrets: [{ env: "SECRET" }],
        url,
        appId: APP_ID,
        key: { env: "KEY" },
        ...(former && { former: [...former] }),
      },
    },
  });

  /** Restarts the yard with other options, and delivers to the new path. */
  async function rename(bench: Awaited<ReturnType<typeof createBench>>, former?: readonly string[]) {
    const { github, start, write } = bench;
    write(SHOP_PR.replace("host: github", "host: forge"));
    const process = start(undefined, toOptions(former)(github.url));
    github.settings.receiver = async ({ headers, body }) => (await process.post(body, headers, "/hooks/forge")).status;
    return {
      ...process,
      async go(minutes: number) {
        for (let passed = 0; passed < minutes; passed += 5) {
          await process.poll();
          await process.tick();
          await bench.clock.advance(300_000);
          await process.report();
        }
      },
    };
  }

  it("keeps its previews, which are listed and notified [coolify#4821]", async () => {
    const bench = await createBench();
    const { github, stateOf, listFaults, store, clock } = bench;
    const { go } = await rename(bench);

    await github.closePull(SHOP, 1);
    await go(10);

    expect(await stateOf()).toBe("LIVE");
    expect(await listFaults()).toEqual(['shop-pr-1 unfollowed: The host "github" is not in the options.']);
    const { items } = await store.records.list("notices/log/", { limit: 10, now: clock.now() });
    expect(items.map(({ value }) => value)).toMatchObject([
      { kind: "pull-unfollowed", text: expect.stringContaining('set former: ["github"] there') },
    ]);
  });

  it("takes over the previews of its former name, with their comments", async () => {
    const bench = await createBench();
    const { github, reports, pass, stateOf, findStack, listFaults, listHosts } = bench;
    await pass(25);
    const comments = () => reports.comments.filter(({ appId }) => appId !== undefined);
    expect(comments()).toHaveLength(1);
    const { go } = await rename(bench, ["github"]);
    await github.push(SHOP, 1, toCommit(2));

    await go(10);

    expect(await listHosts()).toEqual(["forge"]);
    expect((await findStack())?.metadata).toEqual({ sha: toCommit(2) });
    expect(await listFaults()).toEqual([]);
    await github.closePull(SHOP, 1);
    await go(10);
    expect(await stateOf()).toBeUndefined();
    expect(comments().map(({ body }) => body)).toEqual([expect.stringContaining("has ended")]);
  });

  it("does not list them any more when it takes them over", async () => {
    const bench = await createBench();
    const { listFaults, listHosts } = bench;
    const before = await rename(bench);
    await before.go(10);
    expect(await listFaults()).toHaveLength(1);

    const { go } = await rename(bench, ["github"]);
    await go(10);

    expect([await listFaults(), await listHosts()]).toEqual([[], ["forge"]]);
  });

  it("reports what was not yet reported under its former name", async () => {
    const bench = await createBench();
    const { github, reports, pass, tick, clock } = bench;
    await pass(25);
    await github.push(SHOP, 1, toCommit(2));
    await tick();
    await clock.advance(1_000);
    const { go, report } = await rename(bench, ["github"]);
    // It reads the history before the previews are taken over.
    await report();

    await go(10);

    expect(reports.checks.map(({ set }) => `${set["head_sha"]} ${set["conclusion"]}`)).toEqual([
      `${toCommit(1)} success`,
      `${toCommit(2)} success`,
    ]);
  });

  it("carries out and answers what was commanded under its former name", async () => {
    const bench = await createBench();
    const { github, reports, pass, stateOf } = bench;
    await pass(25);
    const id = await github.comment(SHOP, 1, "/preview down");
    const { go, tick } = await rename(bench, ["github"]);

    await tick();
    await go(10);

    expect(await stateOf()).toBeUndefined();
    expect(reports.comments.find((each) => each.id === id)?.reactions).toEqual(["+1"]);
    const { items } = await listHookDeliveries({ ...bench, records: bench.store.records }, { limit: 10 });
    expect(items.map(({ host, outcome }) => `${host} ${outcome?.kind}`)).toEqual(["github events", "github events"]);
  });

  it("answers what was carried out under its former name", async () => {
    const bench = await createBench();
    const { github, reports, pass, clock, tick } = bench;
    await pass(25);
    const id = await github.comment(SHOP, 1, "/preview down");
    for (let second = 0; second < 3; second += 1) {
      await tick();
      await clock.advance(1_000);
    }
    expect(reports.comments.find((each) => each.id === id)?.reactions).toEqual([]);
    const { go } = await rename(bench, ["github"]);

    await go(10);

    expect(reports.comments.find((each) => each.id === id)?.reactions).toEqual(["+1"]);
  });

  it("does not take the name of another host", () => {
    const host = { type: "github" as const, secrets: [{ env: "SECRET" }] };
    const options = { hosts: { github: host, forge: { ...host, former: ["github"] } } };

    expect(() => createHostsServices(options, { projectDir: "/" })).toThrow(
      'hosts.forge.former: "github" is a name of "github" too.',
    );
  });
});

describe("`when` and `stack` of a document with `pull`", () => {
  it.each([
    ["when", toDocument("pr", { when: "!hook.sender.bot" }), "hook.sender"],
    ["when", toDocument("pr", { when: "hook.action != 'labeled'" }), "hook.action"],
    ["when", toDocument("pr", { when: "hook.label == 'preview'" }), "hook.label"],
    ["when", toDocument("pr", { when: "has(hook.args.duration)" }), "hook.args"],
    ["when", toDocument("pr", { when: "hook['sender'].bot" }), "hook.sender"],
    ["when", toDocument("pr", { when: "[hook].exists(h, h.sender.bot)" }), "hook.*"],
    ["stack", toDocument("${hook.sender.name}-pr-${hook.pull.number}"), "hook.sender"],
  ])("uses only what is true of the pull request: %s of %s [onyx#14852, aiohttp#8353]", (path, text, name) => {
    const { problems } = parseMapping(text, "shop");

    expect(problems).toMatchObject([{ path, code: "expression-unknown-name" }]);
    expect(problems[0]?.message).toContain(`Unknown variable "${name}". Valid: hook.repository, hook.pull.`);
    expect(problems[0]?.message).toContain('its author is "hook.pull.author"');
  });

  it("may use all that a delivery says where no pull request has a stack", () => {
    const text =
      'host: github\nwhen: "!hook.sender.bot"\nmachine: m\nstack: s\nrules: { seed: { on: pull.labeled, send: SEED } }\n';

    expect(parseMapping(text, "shop").problems).toEqual([]);
  });
});
