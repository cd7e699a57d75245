import { silentLogger } from "@stackyard/core";
import { startYard } from "@stackyard/core/engine";
import { listHookDeliveries, previewLinks } from "@stackyard/core/services";
import { countingIds, createFakeClock } from "@stackyard/core/testing";
import { Webhook } from "standardwebhooks";
import { Check } from "typebox/value";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createCodeHosts } from "./code-hosts.ts";
import { HostOptions } from "./host-options.ts";
import { createHostsServices } from "./hosts-service.ts";
import {
  type BenchOptions,
  createHostsBench,
  dieAtCall,
  NOW,
  STANDARD_SECRET,
  signedByGitHub,
  toPullBody,
} from "./testing/hosts-bench.ts";

const benches: ReturnType<typeof createHostsBench>[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.remove();
});

function createBench(options: BenchOptions = {}) {
  const bench = createHostsBench(options);
  benches.push(bench);
  const { store, clock } = bench;
  const list = async () => (await listHookDeliveries({ records: store.records, clock }, { limit: 100 })).items;
  return { ...bench, ...bench.start(), list };
}

const opened = toPullBody();
const DAY = 86_400_000;

describe("the options of a host", () => {
  const secrets = [{ env: "SECRET" }];
  const key = { env: "KEY" };

  it.each([
    [{ type: "github" as const, secrets, pull: "1m" }, /hosts.h.pull needs "appId" and "key"/],
    [{ type: "gitlab" as const, secrets, pull: "only" }, /hosts.h.pull needs "token"/],
    [{ type: "gitlab" as const, token: key, pull: "1m" }, /hosts.h.secrets is missing. .*pull: "only"/],
    [{ type: "github" as const, appId: 1, key }, /hosts.h.secrets is missing/],
    [{ type: "github" as const, secrets, appId: 1 }, /hosts.h.appId needs "key" too/],
    [{ type: "github" as const, secrets, key }, /hosts.h.key needs "appId" too/],
    [{ type: "github" as const, secrets, appId: 1, key, pull: "9s" }, /at least 10s and at most 24h/],
    [{ type: "github" as const, secrets, appId: 1, key, pull: "25h" }, /at least 10s and at most 24h/],
  ])("is refused in case %#", (host, message) => {
    expect(() => createHostsServices({ hosts: { h: host } }, { projectDir: "/" })).toThrow(message);
  });

  it("needs no secrets when nothing is received, and says so to who delivers", async () => {
    const hosts = { h: { type: "github" as const, appId: 1, key, pull: "only" } };
    const [service] = createHostsServices({ hosts }, { projectDir: "/" });
    const [route] = service?.routes ?? [];
    const response = await route?.answer({} as never, {} as never);

    expect(Check(HostOptions, hosts.h)).toBe(true);
    expect([route?.path, response?.status]).toEqual(["/hooks/h", 404]);
    expect(await response?.json()).toMatchObject({ detail: expect.stringContaining('pull: "only"') });
  });

  it.each(["-1m", "1", "1d", "Only", "00s", ""])("is not %s", (pull) => {
    expect(Check(HostOptions, { type: "gitlab", token: key, secrets, pull })).toBe(false);
    expect(Check(HostOptions, { type: "gitlab", token: key, secrets, pull: "90s" })).toBe(true);
  });
});

describe("the key of an App", () => {
  it("must be in PEM", async () => {
    const options = { type: "github" as const, appId: 1, key: { file: "app.pem" }, pull: "only" };
    const codeHosts = createCodeHosts([{ name: "github", options }]);
    const clock = createFakeClock();

    await expect(codeHosts.open("github", { clock, readSecret: async () => "whsec_abc" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("hosts.github.key is not a private key in PEM."),
    });
  });
});

describe("the receiver", () => {
  it("queues a signed delivery, whose event follows in the tick", async () => {
    const { post, tick, published, list } = createBench();

    const response = await post(opened, signedByGitHub(opened));
    await tick();

    expect(response.status).toBe(202);
    expect(published).toEqual(["github/delivery-1/pull.open"]);
    const event = { id: "github/delivery-1/pull.open", stackId: "shop-pr-7", event: "OPENED", rule: "open" };
    expect(await list()).toEqual([
      {
        id: "delivery-1",
        host: "github",
        receivedAt: NOW,
        what: "pull.opened",
        subject: "acme/shop#7",
        sender: "octocat",
        outcome: { kind: "events", events: [event] },
      },
    ]);
  });

  it.each([
    ["no signature", opened, {}],
    ["the signature of another body", opened, signedByGitHub("{}")],
    ["bytes that are not text", Uint8Array.from([0xff]), signedByGitHub(Uint8Array.from([0xff]))],
    ["an empty body", "", signedByGitHub("")],
  ])("refuses %s, and stores nothing", async (_, body, headers) => {
    const { post, store, clock } = createBench();

    const response = await post(body, headers);

    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "HOOK_SIGNATURE" });
    expect(await store.records.list("", { limit: 10, now: clock.now() })).toEqual({ items: [] });
  });

  it("answers 503 while a secret is missing, which it names in the yard only", async () => {
    const hosts = { github: { type: "github" as const, secrets: [{ env: "SECRET" }, { env: "MISSING" }] } };
    const { post, list, findPollDue } = createBench({ options: { hosts } });

    const response = await post(opened, signedByGitHub(opened));

    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("MISSING");
    expect(await list()).toEqual([]);
    await expect(findPollDue()).rejects.toThrow("hosts.github.secrets: The variable MISSING is not set.");
  });

  it("refuses a signed body that is not JSON", async () => {
    const { post } = createBench();

    expect((await post("payload=%7B%7D", signedByGitHub("payload=%7B%7D"))).status).toBe(415);
  });

  it("refuses a signed body that is nested too deeply", async () => {
    const { post, list } = createBench();
    const body = opened.replace(/}$/, `,"more":${"[".repeat(100_000)}${"]".repeat(100_000)}}`);

    expect((await post(body, signedByGitHub(body))).status).toBe(413);
    expect(await list()).toEqual([]);
  });

  it("refuses a signed body of more values than fit into memory, before it is parsed", async () => {
    const { post, list } = createBench();
    const body = opened.replace(/}$/, `,"more":[${"[],".repeat(1_100_000)}[]]}`);

    expect((await post(body, signedByGitHub(body))).status).toBe(413);
    expect(await list()).toEqual([]);
  });

  it("takes a known body for a duplicate, also under another id and none [first-tree#1627]", async () => {
    const { post, tick, published, clock } = createBench();
    await post(opened, signedByGitHub(opened));
    await tick();
    await clock.advance(2 * DAY);

    const again = await post(opened, signedByGitHub(opened, "delivery-2"));
    const { "x-github-delivery": _, ...withoutId } = signedByGitHub(opened);
    const nameless = await post(opened, withoutId);
    await tick();

    expect([again.status, await again.json()]).toEqual([200, { outcome: "duplicate" }]);
    expect([nameless.status, await nameless.json()]).toEqual([200, { outcome: "duplicate" }]);
    expect(published).toHaveLength(1);
  });

  it("keeps the first id when a delivery is repeated before its decision", async () => {
    const { post, tick, published } = createBench();
    await post(opened, signedByGitHub(opened));
    await post(opened, signedByGitHub(opened, "delivery-2"));

    await tick();

    expect(published).toEqual(["github/delivery-1/pull.open"]);
  });

  it("lists what it does not handle, and what is too old", async () => {
    const { post, tick, list, published } = createBench();
    const old = toPullBody({ updatedAt: NOW - 4 * DAY });

    const statuses = [
      (await post(old, signedByGitHub(old))).status,
      (await post("{}", signedByGitHub("{}", "../\n", "star"))).status,
    ];
    await tick();

    expect(statuses).toEqual([200, 200]);
    expect(published).toEqual([]);
    const outcomes = (await list()).map(({ what, outcome }) => [what, outcome?.kind]);
    expect(outcomes).toEqual(
      expect.arrayContaining([
        ["pull.opened", "stale"],
        ["star", "ignored"],
      ]),
    );
  });

  it("answers 429 when the queue is full, and takes the delivery later", async () => {
    const { post, tick, store, clock, published } = createBench();
    const now = clock.now();
    for (let index = 0; index < 10_000; index++) {
      const item = { key: `k${index}`, value: 0, firstPutAt: 0, puts: 1, dueAt: now + DAY, claims: 0 };
      await store.records.put({ key: `queue/hooks/${index}`, value: item, expected: "absent", now });
    }
    await expect(post(opened, signedByGitHub(opened))).rejects.toMatchObject({ code: "QUEUE_FULL" });
    await store.records.remove("queue/hooks/0", 1);
    await tick();

    await post(opened, signedByGitHub(opened, "delivery-2"));
    await tick();

    expect(published).toEqual(["github/delivery-1/pull.open"]);
  });

  it("takes messages of Standard Webhooks, each by its own id", async () => {
    const document = `host: ci
machine: preview
stack: "shop-\${hook.data.number}"
rules: { built: { on: message.built, send: PUSHED, metadata: { sha: "\${hook.data.sha}" } } }
`;
    const { post, tick, published } = createBench({
      options: { hosts: { ci: { type: "standard", secrets: [{ env: "STANDARD" }] } } },
      document,
    });
    const body = JSON.stringify({ type: "built", number: 7, sha: "1" });
    const send = (id: string) => {
      const at = new Date();
      const signature = new Webhook(STANDARD_SECRET).sign(id, at, body);
      const timestamp = String(Math.floor(at.getTime() / 1_000));
      const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
      return post(body, headers, "/hooks/ci");
    };

    const statuses = [(await send("m1")).status, (await send("m2")).status];
    await tick();
    statuses.push((await send("m1")).status);

    expect(statuses).toEqual([202, 202, 200]);
    expect(published.toSorted()).toEqual(["ci/m1/built", "ci/m2/built"]);
  });
});

describe("the decision about a delivery", () => {
  it("follows the pull request, whatever order its deliveries come in", async () => {
    const { post, tick, published } = createBench();
    const bodies = [
      toPullBody({ updatedAt: NOW }),
      toPullBody({ action: "synchronize", head: 2, updatedAt: NOW + 3_000 }),
      toPullBody({ action: "synchronize", head: 3, updatedAt: NOW + 2_000 }),
      toPullBody({ action: "closed", head: 2, state: "closed", updatedAt: NOW + 4_000 }),
    ];
    for (const [index, body] of bodies.entries()) {
      await post(body, signedByGitHub(body, `d${index}`));
      await tick();
    }

    expect(published).toEqual(["github/d0/pull.open", "github/d1/pull.head", "github/d3/pull.closed"]);
  });

  it("sends the events of rules, and none for the fork that is not trusted", async () => {
    const { post, tick, published, list } = createBench();
    const labels = ["preview", "seed"];
    const own = toPullBody({ action: "labeled", label: "seed", labels });
    await post(own, signedByGitHub(own));
    const fork = toPullBody({ action: "labeled", label: "seed", labels, fork: true, updatedAt: NOW + 1_000, head: 2 });
    await post(fork, signedByGitHub(fork, "delivery-2"));

    await tick();
    await tick();

    expect(published.filter((id) => id.endsWith("/seed"))).toEqual(["github/delivery-1/seed"]);
    expect((await list()).map(({ outcome }) => outcome?.kind).toSorted()).toEqual(["events", "waits-for-trust"]);
  });

  it("links the stack to its pull request, and keeps the link for a while after its end", async () => {
    const { post, tick, store, clock } = createBench();
    const deps = { records: store.records, clock };
    await post(opened, signedByGitHub(opened));
    await tick();
    const pushed = toPullBody({ action: "synchronize", head: 2, updatedAt: NOW + 1_000 });
    await post(pushed, signedByGitHub(pushed, "delivery-2"));
    await tick();

    const link = await previewLinks.find(deps, "shop-pr-7");
    // Also where the pull request stays open, but has lost its label.
    const unlabeled = toPullBody({ action: "unlabeled", head: 2, labels: [], updatedAt: NOW + 2_000 });
    await post(unlabeled, signedByGitHub(unlabeled, "delivery-3"));
    await tick();
    await clock.advance(91 * DAY);

    expect(link).toEqual({
      stackId: "shop-pr-7",
      host: "github",
      repository: { id: "424242", fullName: "acme/shop" },
      number: 7,
      url: "https://github.com/acme/shop/pull/7",
      title: "Add a cart",
      head: "2".repeat(40),
      owner: "octocat",
      commands: { down: { event: "CLOSED", metadata: {} } },
      by: "hook",
      machine: "preview",
    });
    expect(await previewLinks.list(deps, { limit: 10 })).toEqual({ items: [] });
  });

  it("keeps with the link which events answer commands that need no more than a duration", async () => {
    const document = `host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull: { open: { send: OPENED }, closed: { send: CLOSED } }
rules:
  longer: { on: command.extend, send: EXTENDED, metadata: { seconds: "\${hook.args.duration}", sha: "\${hook.pull.head}" } }
  down: { on: command.down, send: DOWN }
  rest: { on: command.sleep, send: SLEEP, metadata: { by: "\${hook.sender.name}" } }
  one: { on: command.wake, when: "hook.pull.number < 5", send: WAKE }
  two: { on: command.wake, when: "hook.pull.number >= 5", send: RISE }
`;
    const { post, tick, store, clock } = createBench({ document });
    await post(opened, signedByGitHub(opened));

    await tick();

    expect((await previewLinks.find({ records: store.records, clock }, "shop-pr-7"))?.commands).toEqual({
      extend: { event: "EXTENDED", metadata: { sha: "1".repeat(40) }, duration: "seconds" },
      down: { event: "DOWN", metadata: {} },
    });
  });

  it("makes a dead letter of a stack id that nothing can have", async () => {
    const document = `host: github
machine: preview
stack: "\${hook.pull.title}\\u0007"
pull: { open: { send: OPENED } }
`;
    const { post, tick, queue, published } = createBench({ document });
    await post(opened, signedByGitHub(opened));

    await tick();

    const { items } = await queue.list({ limit: 10 });
    expect(items[0]?.failure?.message).toMatch(/^HOOK_FAILED: open: \/stackId: /);
    expect(published).toEqual([]);
  });

  it.each([
    ["machine: preview", "machine: missing", /document shop: machine: Unknown machine "missing"/],
    [
      "send: OPENED",
      "send: OPENNED",
      /document shop: pull.open.send: Machine "preview" declares no event "OPENNED". Did/,
    ],
    ["hook.pull.number", "hook.pull.missing", /document shop: stack: /],
  ])("makes a dead letter with the place of the fault (%s)", async (before, after, message) => {
    const { post, tick, queue, write, published } = createBench();
    const correct = `host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull: { open: { send: OPENED } }
`;
    write(correct.replace(before, after));
    await post(opened, signedByGitHub(opened));
    await tick();
    const { items } = await queue.list({ limit: 10 });
    expect(items[0]?.failure?.message).toMatch(message);
    expect(items[0]?.failure?.message).toMatch(/^HOOK_FAILED: /);

    write(correct);
    await queue.redrive("github/delivery-1");
    await tick();

    expect(published).toEqual(["github/delivery-1/pull.open"]);
  });

  it("warns once of a document whose host is not in the options", async () => {
    const warn = vi.fn();
    const { findDue, write } = createBench({ logger: { ...silentLogger, warn } });
    write("host: githb\nmachine: preview\nstack: s\n");

    await findDue();
    await findDue();

    expect(warn.mock.calls).toEqual([
      [
        expect.stringContaining("a host that is not in the options"),
        { document: "shop", host: "githb", known: "github" },
      ],
    ]);
  });

  it("waits while a document has faults, and names them", async () => {
    const { post, tick, queue, write, published } = createBench();
    write("host: github\nmachine: 7\n");
    await post(opened, signedByGitHub(opened));

    await expect(tick()).rejects.toThrow(/hooks\/shop\.yaml:2:\d+ .*machine/);

    expect(published).toEqual([]);
    expect((await queue.list({ limit: 10 })).items).toMatchObject([{ key: "github/delivery-1" }]);
  });

  it("says what a command needs where facts cannot be looked up", async () => {
    const { post, tick, queue } = createBench();
    const issue = { number: 7, pull_request: {} };
    const repository = { id: 424242, full_name: "acme/shop", html_url: "https://github.com/acme/shop" };
    const comment = { id: 1, body: "/preview up", created_at: new Date(NOW).toISOString() };
    const sender = { id: 583231, login: "octocat", type: "User" };
    const body = JSON.stringify({ action: "created", issue, comment, repository, sender });
    await post(body, signedByGitHub(body, "c1", "issue_comment"));

    await tick();

    const { items } = await queue.list({ limit: 10 });
    expect(items[0]?.failure?.message).toMatch(/HOOK_FAILED: commands need "appId"/);
  });
});

describe("a process that dies", () => {
  it.each([
    ["before", ["preview", "seed"], ["pull.open", "seed"]],
    ["after", ["preview", "seed"], ["pull.open", "seed"]],
    ["before", ["preview"], ["pull.open"]],
    ["after", ["preview"], ["pull.open"]],
  ] as const)(
    "loses no event, sends none twice and says that it has sent them, %s any call of the store, %j",
    async (when, labels, rules) => {
      let at = 1;
      for (let hasDied = true; hasDied; at++) {
        const bench = createBench();
        const body = toPullBody({ action: "labeled", label: labels.at(-1) ?? "", labels: [...labels] });
        const death = dieAtCall(at, when);
        const dying = bench.start(death.toStore);
        await dying.post(body, signedByGitHub(body)).catch(() => undefined);
        await dying.tick().catch(() => undefined);
        hasDied = death.hasDied();
        const link = await previewLinks.find({ records: bench.store.records, clock: bench.clock }, "shop-pr-7");
        expect({ at, isLinked: link !== undefined || bench.published.length === 0 }).toEqual({ at, isLinked: true });
        await bench.clock.advance(61_000);

        // What was not accepted is sent again by a person, or fetched.
        await bench.post(body, signedByGitHub(body, "delivery-2"));
        await bench.tick();
        await bench.clock.advance(61_000);
        await bench.tick();

        const ids = [...new Set(bench.published.map((id) => id.split("/")[2]))];
        expect({ at, ids, count: bench.published.length }).toEqual({ at, ids: rules, count: rules.length });
        expect((await bench.queue.list({ limit: 10 })).items).toEqual([]);
        const outcomes = (await bench.list()).map(({ outcome }) => outcome?.kind);
        expect({ at, outcomes }).toEqual({ at, outcomes: outcomes.map(() => "events") });
      }
      expect(at).toBeGreaterThan(15);
    },
  );
});

describe("a yard with a code host", () => {
  it("opens, pushes and closes the stack, also when all deliveries come at once", async () => {
    const bench = createBench();
    const bodies = [
      toPullBody({ updatedAt: NOW }),
      toPullBody({ action: "synchronize", head: 2, updatedAt: NOW + 1_000 }),
      toPullBody({ action: "closed", head: 2, state: "closed", updatedAt: NOW + 2_000 }),
    ];
    for (const [index, body] of bodies.entries()) {
      await bench.post(body, signedByGitHub(body, `d${index}`));
      await bench.tick();
    }
    const { store, clock, locator } = bench;
    const ports = { store, clock, locator, ids: countingIds(), logger: silentLogger, executors: new Map() };
    const yard = startYard(ports, { roles: ["engine"], process: { version: "0.0.0", host: "blue" } });

    await clock.advance(5_000);

    const { items } = await store.queries.listHistory({ stackId: "shop-pr-7" }, { limit: 100 });
    expect(items.filter(({ internal }) => internal !== true).map(({ event, outcome }) => [event, outcome])).toEqual([
      ["OPENED", "applied"],
      ["PUSHED", "applied"],
      ["CLOSED", "removed"],
    ]);
    const stopped = yard.stop();
    await clock.advance(60_000);
    await stopped;
  });
});
