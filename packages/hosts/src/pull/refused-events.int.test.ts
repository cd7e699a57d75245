// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import { pullFaults } from "@stackyard/core/services";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const PLAIN = `version: 2
revision: follow
events: [OPENED, PUSHED, CLOSED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
`;
const withClosed = (rule: string) =>
  PLAIN.replace("[OPENED, PUSHED, CLOSED]", `{ OPENED: {}, PUSHED: {}, CLOSED: ${rule} }`);
const STRICT = PLAIN.replace("events:", "additionalMetadata: false\nmetadata: { sha: { type: string } }\nevents:");
const SHA = 'sha: "${hook.pull.head}"';

interface Given {
  readonly open?: string;
  readonly head?: string;
  readonly closed?: string;
  readonly rules?: string;
}

function toDocument({ open = SHA, head = open, closed = "{ send: CLOSED }", rules = "" }: Given = {}): string {
  return `host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { ${open} } }
  head: { send: PUSHED, metadata: { ${head} } }
  closed: ${closed}
${rules}`;
}

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench(machine = PLAIN, document = toDocument()) {
  const bench = await createReportBench(document, { machine });
  benches.push(bench);
  const { github, store, clock, pass } = bench;
  return {
    ...bench,
    async open() {
      await github.openPull(SHOP, { head: toCommit(1), labels: [] });
      await pass(3);
    },
    async close() {
      await github.closePull(SHOP, 1);
      await pass(3);
    },
    async listFaults() {
      const { items } = await pullFaults.list({ records: store.records, clock }, { limit: 10 });
      return items.map(({ stackId, reason }) => `${stackId}: ${reason}`);
    },
    async listNotices() {
      const { items } = await store.records.list("notices/log/", { limit: 10, now: clock.now() });
      return items.map(({ value }) => (value as { readonly kind: string }).kind);
    },
  };
}

const TYPO = toDocument({ closed: "{ send: CLOSE }" });

describe("the close of a pull request that the yard refuses", () => {
  it("for one reason after the other is sent when the last of them has gone [coolify#11609]", async () => {
    const { open, close, wait, stateOf, write, install } = await createBench(PLAIN, TYPO);
    await open();
    await close();
    await wait(5);
    install(withClosed(`{ allow: "actor.kind == 'person'" }`));
    write(toDocument());
    await wait(10);
    install(PLAIN.replace("LIVE: {", "LIVE: { protected: true,"));
    await wait(10);
    expect(await stateOf()).toBe("LIVE");

    install(PLAIN);
    await wait(5);

    expect(await stateOf()).toBeUndefined();
  });

  // inngest#4058, st2web#665
  it("for a number that JSON rounds is a dead letter of its queue, and is sent when the document is mended", async () => {
    const closed = "{ send: CLOSED, metadata: { id: 616581622363398142 } }";
    const { open, close, wait, write, stateOf, listNotices, published } = await createBench(
      PLAIN,
      toDocument({ closed }),
    );
    await open();
    await close();
    await wait(5);
    expect([await stateOf(), published.length]).toEqual(["LIVE", 1]);
    expect(new Set(await listNotices())).toEqual(new Set(["dead-letter"]));

    write(toDocument());
    await wait(10);

    expect(await stateOf()).toBeUndefined();
  });

  it("is not sent for a pull request that was opened again", async () => {
    const { github, open, close, wait, stateOf, write, pass, listFaults } = await createBench(PLAIN, TYPO);
    await open();
    await close();
    await wait(5);
    await github.reopenPull(SHOP, 1);
    await pass(3);
    write(toDocument());

    await wait(10);

    expect(await stateOf()).toBe("LIVE");
    expect(await listFaults()).toEqual([]);
  });

  it("is sent by a restarted server weeks after it was refused [jx#3898]", async () => {
    const bench = await createBench(PLAIN, TYPO);
    const { open, close, wait, write, start, clock, published, stopEngine } = bench;
    await open();
    await close();
    await wait(10);
    await stopEngine();
    await clock.advance(20 * 86_400_000);
    const { poll, tick } = start();
    write(toDocument());

    await poll();
    await tick();

    expect(published.at(-1)).toMatch(/^github\/converge\/424242\/1\/closed\//);
  });
});

describe("an event of an open pull request that the yard refuses", () => {
  const bad = `${SHA}, title: "\${hook.pull.title}"`;

  it("opens the preview when its document is mended, and is listed until then", async () => {
    const { open, wait, stateOf, write, listFaults } = await createBench(STRICT, toDocument({ open: bad }));
    await open();
    await wait(10);
    expect(await stateOf()).toBeUndefined();
    expect(await listFaults()).toEqual([expect.stringContaining('shop-pr-1: "OPENED" for pull request 1 was refused')]);

    write(toDocument());
    await wait(5);

    expect(await stateOf()).toBe("LIVE");
  });

  it("brings the newest head when it is mended", async () => {
    const { github, open, wait, write, pass, findStack } = await createBench(STRICT, toDocument({ head: bad }));
    await open();
    await github.push(SHOP, 1, toCommit(2));
    await pass(3);
    await github.push(SHOP, 1, toCommit(3));
    await pass(3);
    await wait(10);
    expect((await findStack())?.metadata).toEqual({ sha: toCommit(1) });

    write(toDocument());
    await wait(5);

    expect((await findStack())?.metadata).toEqual({ sha: toCommit(3) });
  });

  it("brings a head with a value that only a newer machine may search, and says so until then", async () => {
    const old = PLAIN.replace("events:", 'metadata: { tag: { type: string, pattern: "^(?=v)v[0-9]+$" } }\nevents:');
    const document = toDocument({ head: `${SHA}, tag: v1` });
    const { github, open, wait, pass, install, findStack, listFaults, reports } = await createBench(PLAIN, document);
    // As a version located it that let such patterns in.
    install(old, { kept: true });
    await open();
    install(old);
    await github.push(SHOP, 1, toCommit(2));
    await pass(25);
    expect(reports.comments[0]?.body).toContain('because `"PUSHED" is parked (PATTERN_NOT_LINEAR)');
    await wait(90);
    await pass(25);
    expect(await listFaults()).toEqual([expect.stringContaining("was refused (PATTERN_NOT_LINEAR)")]);
    expect(reports.comments[0]?.body).toContain('because `"PUSHED" was refused (PATTERN_NOT_LINEAR)');

    install(PLAIN);
    await wait(10);

    expect((await findStack())?.metadata).toEqual({ sha: toCommit(2), tag: "v1" });
    expect(await listFaults()).toEqual([]);
  });

  it("is sent after an outage of weeks, though no one had looked at its refusal", async () => {
    const bench = await createBench(
      PLAIN.replace("[OPENED, PUSHED, CLOSED]", "{ OPENED: {}, PUSHED: {}, CLOSED: {} }").replace(
        "PUSHED: {}",
        `PUSHED: { allow: "actor.kind == 'person'" }`,
      ),
    );
    const { github, open, pass, install, start, clock, published, stopEngine } = bench;
    await open();
    await github.push(SHOP, 1, toCommit(2));
    await pass(3);
    await stopEngine();
    await clock.advance(20 * 86_400_000);
    install(PLAIN);
    const { poll, tick } = start();

    await poll();
    await tick();

    expect(published.at(-1)).toMatch(/^github\/converge\/424242\/1\/head\//);
  });

  it("that repeats a parked event of another sender is sent when that one is given up", async () => {
    const states = "LIVE: { on: { GO: READY } }\n  READY: { on: { PUSHED: READY } }";
    const machine = PLAIN.replace("OPENED, ", "OPENED, GO, ").replace(/LIVE: \{ on.*/, states);
    const { github, open, wait, pass, send, findStack } = await createBench(machine);
    await open();
    await send("PUSHED", { sha: toCommit(2) });
    await github.push(SHOP, 1, toCommit(2));
    await pass(3);
    await wait(90);

    await send("GO");
    await wait(10);

    expect((await findStack())?.metadata).toEqual({ sha: toCommit(2) });
  });

  it("says to a person who requests the preview why it is not there", async () => {
    const { github, open, wait, pass, reports } = await createBench(STRICT, toDocument({ open: bad }));
    await open();
    await wait(10);

    const id = await github.comment(SHOP, 1, "/preview up");
    await pass(20);

    expect(reports.comments.find((each) => each.id === id)?.reactions).toEqual(["confused"]);
    expect(reports.comments.map(({ body }) => body).join()).toContain("METADATA_INVALID");
  });

  it("waits in the list while it is parked, also without a stack", async () => {
    const { open, wait, listFaults, stateOf, install } = await createBench(
      PLAIN.replace("OPENED: LIVE", "PUSHED: LIVE"),
    );
    await open();
    await wait(5);
    expect(await listFaults()).toEqual([expect.stringContaining('"OPENED" for pull request 1 is parked')]);
    await wait(90);
    expect(await listFaults()).toEqual([expect.stringContaining('"OPENED" for pull request 1 was refused')]);

    install(PLAIN);
    await wait(5);

    expect(await stateOf()).toBe("LIVE");
  });
});

describe("the event of a label or a command that the yard refuses", () => {
  const rules = (seed: string, sleep = "SLEEP") => `rules:
  seed: { on: pull.labeled, when: "hook.label == 'seed'", send: ${seed} }
  sleep: { on: command.sleep, send: ${sleep} }
  down: { on: command.down, send: CLOSED }
`;
  const MACHINE = `version: 2
events: [OPENED, PUSHED, CLOSED, SEED, SLEEP]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, SEED: SEEDED, SLEEP: ASLEEP, CLOSED: GONE } }
  SEEDED: { on: { PUSHED: SEEDED, SLEEP: ASLEEP, CLOSED: GONE } }
  ASLEEP: { on: { CLOSED: GONE } }
  GONE: { terminal: true }
`;
  const typo = toDocument({ rules: rules("SED", "SLEP") });
  const good = toDocument({ rules: rules("SEED") });

  it("is sent when its document is mended, while the label is there [static-web-apps#873]", async () => {
    const { github, open, wait, pass, stateOf, write, listFaults } = await createBench(MACHINE, typo);
    await open();
    await github.labelPull(SHOP, 1, "seed");
    await pass(3);
    await wait(10);
    expect(await listFaults()).toEqual([expect.stringContaining('shop-pr-1: "SED" waits (EVENT_UNDECLARED)')]);

    write(good);
    await wait(5);

    expect(await stateOf()).toBe("SEEDED");
    await wait(5);
    expect(await listFaults()).toEqual([]);
  });

  it("is sent once it can be published: its metadata is not a flat map", async () => {
    const { github, open, wait, pass, stateOf, write, listFaults } = await createBench(MACHINE, good);
    await open();
    write(toDocument({ rules: rules('SEED, metadata: { labels: "${hook.pull.labels}" }') }));
    await github.labelPull(SHOP, 1, "seed");
    await pass(3);
    await wait(10);
    expect(await stateOf()).toBe("LIVE");
    expect((await listFaults()).join()).toContain("a value of metadata is text");

    write(good);
    await wait(5);

    expect(await stateOf()).toBe("SEEDED");
    await wait(5);
    expect(await listFaults()).toEqual([]);
  });

  it("is sent for a day, and not after it", async () => {
    const { github, open, wait, pass, stateOf, write, clock } = await createBench(MACHINE, typo);
    await open();
    await github.comment(SHOP, 1, "/preview sleep");
    await pass(10);
    await wait(60);
    await clock.advance(86_400_000);
    write(good);

    await wait(10);

    expect(await stateOf()).toBe("LIVE");
  });

  it("is the newest command only", async () => {
    const { github, open, wait, pass, stateOf, write } = await createBench(MACHINE, typo);
    await open();
    await github.comment(SHOP, 1, "/preview sleep");
    await pass(10);
    await wait(5);
    write(good);
    await github.comment(SHOP, 1, "/preview down");
    await pass(10);

    await wait(10);

    expect(await stateOf()).toBeUndefined();
  });
});
