import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const DOCUMENT = `host: github
when: "hook.repository.fullName == 'acme/shop'"
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull: { open: { send: OPENED }, head: { send: PUSHED }, closed: { send: CLOSED } }
rules:
  sleep: { on: command.sleep, send: SLEEP }
  wake: { on: command.wake, send: WAKE }
  extend: { on: command.extend, send: EXTENDED }
  retry: { on: command.retry, send: SECRET }
  down: { on: command.down, send: CLOSED }
`;
const MACHINE = `version: 2
events: [OPENED, PUSHED, CLOSED, SLEEP, WAKE, EXTENDED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, SLEEP: ASLEEP, EXTENDED: LIVE, CLOSED: GONE } }
  ASLEEP: { on: { WAKE: LIVE, CLOSED: GONE } }
  GONE: { leaving: cancel, terminal: true }
`;

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench(machine = MACHINE) {
  const bench = await createReportBench(DOCUMENT, { machine });
  benches.push(bench);
  const { github, reports, pass } = bench;
  await bench.report();
  await github.openPull(SHOP, { head: toCommit(1) });
  await pass(20);
  return {
    ...bench,
    /** Comments, and returns the reaction and the line of the answer. */
    async say(text: string, seconds = 30) {
      const id = await github.comment(SHOP, 1, text);
      await pass(seconds);
      const { reactions } = reports.comments.find((each) => each.id === id) ?? {};
      const answer = reports.comments.flatMap(({ body, appId }) =>
        appId === undefined ? [] : (/octocat: .*/.exec(body) ?? []),
      );
      return [reactions?.join(), ...answer];
    },
  };
}

describe("the answer to a comment", () => {
  it("is a thumb only if its event was applied", async () => {
    const { say } = await createBench();

    expect(await say("/preview extend 1d")).toEqual(["+1"]);
    expect(await say("/preview sleep")).toEqual(["+1"]);
  });

  it("says that the event is parked, and for how long", async () => {
    const { say } = await createBench();
    await say("/preview sleep");

    expect(await say("/preview extend 1d")).toEqual([
      "confused",
      expect.stringMatching(/"EXTENDED" does nothing now: .*"ASLEEP".* sent again as soon as the stack takes it/),
    ]);
  });

  it("says that a repeated event did nothing", async () => {
    const { say } = await createBench();
    await say("/preview sleep");

    expect(await say("/preview sleep")).toEqual([
      "confused",
      expect.stringContaining('"SLEEP" did nothing (EVENT_REPEATED)'),
    ]);
  });

  it("is about each of two comments that arrive together, not about the state before both", async () => {
    const { github, say, reports } = await createBench();
    const first = await github.comment(SHOP, 1, "/preview sleep");

    const [second] = await say("/preview sleep");

    const [reaction] = reports.comments.find(({ id }) => id === first)?.reactions ?? [];
    expect([reaction, second].toSorted()).toEqual(["+1", "confused"]);
  });

  it("is a thumb for a preview that a comment ends, which stays ended", async () => {
    const { say, store } = await createBench();

    expect(await say("/preview down")).toEqual(["+1"]);
    expect((await store.load(["shop-pr-1"]))[0]?.stack).toBeUndefined();
  });

  it("says that the event that would create a preview is refused", async () => {
    // The stack waits in a state of its end, which handles nothing.
    const { say, store, clock } = await createBench(
      MACHINE.replace(
        "terminal: true }",
        "terminal: true, tasks: [off] }\ntasks: { off: { executor: lambda, timeout: 6h, config: { name: off } } }",
      ),
    );
    await say("/preview down");
    expect((await store.load(["shop-pr-1"]))[0]?.stack?.state).toBe("GONE");
    await clock.advance(1_000);

    const [reaction] = await say("/preview wake");

    expect(reaction).toBe("confused");
  });

  it("names an event that the machine does not declare", async () => {
    const { say } = await createBench();

    expect(await say("/preview retry")).toEqual(["confused", expect.stringContaining('"SECRET" did nothing')]);
  });

  it("comes also while no engine decides", async () => {
    const { say, stopEngine } = await createBench();
    await stopEngine();

    expect(await say("/preview extend 1d", 300)).toEqual([
      "confused",
      expect.stringContaining('The yard has not decided about "EXTENDED" yet'),
    ]);
  });
});
