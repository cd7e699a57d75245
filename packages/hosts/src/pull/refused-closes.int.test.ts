// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import { readFileSync } from "node:fs";
import { pullFaults } from "@stackyard/core/services";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench, type RunningProcess, runYard } from "../testing/report-bench.ts";

const MACHINE = `version: 2
revision: follow
events: [OPENED, PUSHED, CLOSED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
`;
const LOOKS_AHEAD = MACHINE.replace(
  "events:",
  'metadata: { tag: { type: string, pattern: "^(?=v)v[0-9]+$" } }\nevents:',
);
const withClosed = (rule: string) =>
  MACHINE.replace("[OPENED, PUSHED, CLOSED]", `{ OPENED: {}, PUSHED: {}, CLOSED: ${rule} }`);
const withKeys = (keys: string) => MACHINE.replace("events:", `metadata: { ${keys} }\nevents:`);

const toDocument = (closed = "{ send: CLOSED }") => `host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }
  head: { send: PUSHED, metadata: { sha: "\${hook.pull.head}" } }
  closed: ${closed}
`;
const GOOD = toDocument();

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

/** How a close is refused with a code: before the pull request is opened, or after it. */
interface Refused {
  /** What the list of previews says. Default: the code. */
  readonly says?: string;
  readonly machine?: string;
  readonly document?: string;
  readonly act?: (bench: Bench) => void;
  readonly later?: { readonly machine?: string; readonly document?: string; readonly act?: Act };
}

/** Changes the yard; returns the server that runs from then on, if it is another one. */
type Act = (bench: Bench) => undefined | Promise<RunningProcess>;

/** By code. A text: why the close of a pull request is never refused with it. */
const REASONS: Readonly<Record<string, Refused | string>> = {
  EVENT_NOT_HANDLED: { machine: MACHINE.replace(", CLOSED: GONE", "") },
  EXPRESSION_FAILED: {
    machine: MACHINE.replace(
      "CLOSED: GONE",
      'CLOSED: [{ when: "int(metadata.sha) > 0", action: advance, state: GONE }]',
    ),
  },
  STATE_UNKNOWN: "a stack keeps the revision that has its state",
  MACHINE_UNKNOWN: { later: { machine: "", act: loseRevision }, says: 'Unknown machine "preview"' },
  MACHINE_INVALID: { later: { machine: "states: [", document: toDocument("{ send: CLOSE }") } },
  PATTERN_NOT_LINEAR: {
    document: toDocument("{ send: CLOSED, metadata: { tag: v1 } }"),
    // As a version located it that let such patterns in.
    act: ({ install }) => install(LOOKS_AHEAD, { kept: true }),
    later: { machine: LOOKS_AHEAD },
  },
  EVENT_INVALID: {
    document: toDocument("{ send: CLOSED, metadata: { id: 616581622363398142 } }"),
    says: "HOOK_FAILED: closed: .*whole number beyond 9007199254740991",
  },
  EVENT_RESERVED: { later: { document: toDocument("{ send: TIMEOUT }") } },
  EVENT_UNDECLARED: { document: toDocument("{ send: CLOSE }") },
  EVENT_METADATA_REQUIRED: {
    machine: withClosed("{ metadata: [reason] }").replace("events:", "metadata: { reason: { type: string } }\nevents:"),
  },
  METADATA_NOT_FLAT: {
    document: toDocument('{ send: CLOSED, metadata: { labels: "${hook.pull.labels}" } }'),
    says: "pull.closed.metadata.labels: a value of metadata is text",
  },
  METADATA_INVALID: {
    machine: withKeys('sha: { type: string }, reason: { type: string, pattern: "^[a-z]+$" }'),
    document: toDocument('{ send: CLOSED, metadata: { reason: "Not wanted" } }'),
  },
  METADATA_TOO_LARGE: {
    document: toDocument(`{ send: CLOSED, metadata: { text: "${"x".repeat(70_000)}" } }`),
  },
  MACHINE_MISMATCH: "events go to the machine of the stack that exists",
  CONFIRMATION_REQUIRED: { machine: MACHINE.replace("LIVE: {", "LIVE: { protected: true,") },
  NOT_ALLOWED: { machine: withClosed(`{ allow: "actor.kind == 'person'" }`) },
  TASK_NOT_CURRENT: "it answers a task",
  TASK_NOT_RUNNING: "it answers a task",
  UPGRADE_NEED_MISSING: "it upgrades a stack",
  UPGRADE_STATE_MISSING: "it upgrades a stack",
  UPGRADE_TASK_UNKNOWN: "it upgrades a stack",
  APPROVAL_CLOSED: "it answers an approval",
  APPROVAL_REPEATED: "it answers an approval",
  COMMENT_REQUIRED: "it answers an approval",
  STACK_CHANGED: "it is of a release",
  PLAN_STALE: "it has the digest of a dry run",
  EVENT_EXPIRED: "it is of a release",
};

/** Restarts the yard where the revision of the stack does not compile any more, as without its plugin. */
async function loseRevision(bench: Bench): Promise<RunningProcess> {
  await bench.stopEngine();
  const { revisions } = bench.store;
  const { get } = revisions;
  async function lose(hash: string) {
    const found = await get(hash);
    return found?.source === MACHINE ? { ...found, source: "states: [" } : found;
  }
  Object.assign(revisions, { get: lose });
  const { stopEngine } = runYard(bench);
  benches.push({ ...bench, stop: stopEngine });
  return bench.start();
}

/** Returns the codes with which the engine refuses events, as its source lists them. */
function listCodes(): readonly string[] {
  const source = new URL("../../../core/src/machine/decide/decision.ts", import.meta.url);
  const types = readFileSync(source, "utf8").match(/^type (?:Parked|DeadLetter|Answer)Code =[^;]*;/gm) ?? [];
  return types.flatMap((type) => [...type.matchAll(/"([A-Z_]+)"/g)].map(([, code = ""]) => code));
}

const TRIED = Object.entries(REASONS).filter((entry): entry is [string, Refused] => typeof entry[1] !== "string");

describe("the close of a pull request", () => {
  it("has a row for each reason for which the engine refuses events", () => {
    expect(listCodes().length).toBeGreaterThan(20);
    expect(Object.keys(REASONS).toSorted()).toEqual(listCodes().toSorted());
  });

  it.each(TRIED)(
    "that is refused for %s is listed, and sent when that has changed [coolify#4821]",
    async (code, given) => {
      const { machine = MACHINE, document = GOOD, act, later = {}, says = code } = given;
      const bench = await createReportBench(document, { machine });
      benches.push(bench);
      const { github, store, clock, pass, wait, stateOf, install, write, published, reports } = bench;
      const listFaults = async () => {
        const { items } = await pullFaults.list({ records: store.records, clock }, { limit: 10 });
        return items.map(({ stackId, reason }) => `${stackId}: ${reason}`);
      };
      act?.(bench);
      await github.openPull(SHOP, { head: toCommit(1), labels: [] });
      await pass(3);
      if (later.machine !== undefined) install(later.machine);
      if (later.document !== undefined) write(later.document);
      const running = (await later.act?.(bench)) ?? bench;
      await github.closePull(SHOP, 1);
      await pass(3, running);
      await wait(125, running);
      const sent = published.length;
      await wait(125, running);

      expect(await stateOf()).toBe("LIVE");
      expect(await listFaults()).toEqual([expect.stringMatching(`^shop-pr-1: .*${says}`)]);
      const { items } = await store.records.list("notices/log/", { limit: 10, now: clock.now() });
      const notices = new Set(items.map(({ value }) => Object(value)["kind"]));
      expect([new Set(["pull-refused"]), new Set(["dead-letter"])]).toContainEqual(notices);
      await pass(25, running);
      if (says === code) expect(reports.comments[0]?.body).toMatch(new RegExp(`Not removed, because.*${code}`));
      // An event that would be refused again is not sent again and again.
      expect(published.length).toBe(sent);

      install(MACHINE);
      write(GOOD);
      await wait(10, running);

      expect(await stateOf()).toBeUndefined();
      await wait(5, running);
      expect(await listFaults()).toEqual([]);
    },
  );
});
