import { describe, expect, it } from "vitest";
import { createTrial } from "../../testing/trial.ts";
import { evaluateCommit } from "../evaluate-commit.ts";

const SOURCE = `
version: 2
events: { OPENED: {}, PUSHED: {}, NOTED: {}, BACK: {}, CHECK: {}, CLOSE: {} }
metadata: { sha: { type: string }, good: { type: string }, note: { type: string } }
states:
  INIT: { on: { OPENED: ROLL } }
  LIVE: { on: { PUSHED: ROLL, NOTED: no-op, CHECK: CHECKING, BACK: [{ action: advance, state: ROLL, set: { sha: "\${metadata.good}" } }] } }
  ROLL:
    leaving: abandon
    tasks: [up]
    on:
      NEXT: [{ action: advance, state: LIVE, set: { good: "\${metadata.sha}" } }]
      FAILED: [{ when: "has(metadata.good)", action: advance, state: LIVE, set: { sha: "\${metadata.good}" } }, { action: advance, state: LIVE }]
      PUSHED: ROLL
      CLOSE: CLOSING
  CHECKING: { tasks: [look], on: { NEXT: LIVE, FAILED: LIVE } }
  CLOSING: { tasks: [down], on: { NEXT: GONE } }
  GONE: { terminal: true }
tasks:
  up: { executor: work, config: {} }
  look: { executor: work, config: {} }
  down: { executor: work, config: {} }
`;

/** A machine of which a key is sensitive, and does the work of another one. */
const SECRET = `
version: 2
revision: follow
events: { OPENED: {}, PUSHED: {} }
metadata: { sha: { type: string }, password: { type: string, sensitive: true } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE } }
tasks: {}
`;

const toId = (digit: number) => `${digit}`.repeat(40);
const commit = (digit: number) => ({
  metadata: { sha: toId(digit) },
  commit: { id: toId(digit), key: "sha" },
});

async function play(source = SOURCE) {
  const failing = new Set<string>();
  const running = new Set<string>();
  const { yard, locator } = createTrial({
    source,
    script: ({ task }) => {
      if (running.has(task)) return { kind: "running", progress: {}, message: "", pollAfterMs: 3_600_000 };
      return failing.has(task) ? { kind: "failed", code: "X", message: "no", retryable: false } : undefined;
    },
  });
  const show = (verdict: ReturnType<typeof evaluateCommit>) => verdict && `${verdict.id?.[0] ?? "?"} ${verdict.is}`;
  return {
    failing,
    running,
    write: (text: string) => locator.write("app", text),
    find: () => yard.findStack("s"),
    async send(event: string, more: Readonly<Record<string, unknown>> = {}) {
      await yard.publish({ id: `${event}-${yard.clock.now()}`, stackId: "s", event, machine: "app", ...more });
      await yard.settle();
      await yard.advance(1_000);
      const stack = await yard.findStack("s");
      return stack && show(evaluateCommit(stack));
    },
    async lines() {
      return (await yard.listHistory("s")).flatMap(({ commits = [] }) => commits.map(show));
    },
    history: () => yard.listHistory("s"),
  };
}

describe("the commit of a stack", () => {
  it("is that of the event which has brought it, with the work of that event", async () => {
    const { send, lines } = await play();

    expect([await send("OPENED", commit(1)), await send("PUSHED", commit(2))]).toEqual(["1 done", "2 done"]);
    expect(await lines()).toEqual(["1 open", "1 done", "1 done", "2 open", "2 done"]);
  });

  it("has failed, and is not that of a check which succeeds, or of an event that only mentions it", async () => {
    const { send, failing } = await play();
    failing.add("up");
    const failed = await send("OPENED", commit(1));
    failing.clear();
    const checked = await send("CHECK");

    const other = await send("PUSHED", { metadata: { sha: toId(9), note: toId(1) } });

    expect([failed, checked, other]).toEqual(["1 failed", "1 failed", "9 done"]);
  });

  it("is what the machine has set after a failure, and that one has failed before", async () => {
    const { send, failing, lines } = await play();
    await send("OPENED", commit(1));
    failing.add("up");

    expect(await send("PUSHED", commit(2))).toBe("1 noted");
    expect((await lines()).slice(-2)).toEqual(["2 failed", "1 noted"]);
  });

  it("is not known where another value has taken its place that is none", async () => {
    const { send } = await play();
    await send("OPENED", commit(1));

    expect(await send("NOTED", { metadata: { sha: "main" } })).toBe("? noted");
  });

  it("is done with the values that an event has only brought once another event has worked with them", async () => {
    const { send, failing } = await play();
    await send("OPENED", commit(1));
    const noted = await send("NOTED", commit(2));
    failing.add("look");

    expect([noted, await send("CHECK")]).toEqual(["2 noted", "2 failed"]);
  });

  it("has not failed where the removal of its stack leaves its work", async () => {
    const { send, running, lines } = await play();
    running.add("up").add("down");
    await send("OPENED", commit(1));

    await send("CLOSE");

    expect(await lines()).toEqual(["1 open"]);
  });

  it("is another one where an event states so of the same value", async () => {
    const { send, lines } = await play();
    const latest = (digit: number) => ({ metadata: { sha: "latest" }, commit: { ...commit(digit).commit } });
    await send("OPENED", latest(1));

    const pushed = [await send("PUSHED", latest(2)), await send("PUSHED", { metadata: { sha: "latest" } })];
    const noted = [await send("NOTED", latest(3)), await send("CHECK")];

    expect([pushed, noted]).toEqual([
      ["2 done", "2 done"],
      ["3 noted", "3 done"],
    ]);
    expect(await lines()).toEqual(expect.arrayContaining(["1 done", "2 done", "3 noted"]));
    expect(await lines()).not.toContain("1 replaced");
  });

  it("is not kept of a message whose commit is not one", async () => {
    const { send } = await play();

    expect(await send("OPENED", { ...commit(1), commit: { id: "main", key: "sha" } })).toBeUndefined();
  });

  it("is not the value of a sensitive key, whatever a sender says about it", async () => {
    const { send, find, history } = await play(SECRET);
    const stated = { commit: { id: toId(1), key: "password" } };

    await send("OPENED", { metadata: { password: toId(7) }, ...stated });
    const first = await find();
    await send("PUSHED", { metadata: { password: toId(8) } });
    const second = await find();

    expect([first?.commit, second?.commit]).toMatchObject([{ id: toId(1), value: "#1" }, { value: "#2" }]);
    expect(second?.commit).not.toHaveProperty("id");
    expect(JSON.stringify([first?.commit, second?.commit, await history()])).not.toMatch(/7{40}|8{40}/);
  });

  it.each([
    ["the same value", {}, "#1", []],
    ["another one", { metadata: { password: toId(8) } }, "#2", ["? done", "? done"]],
  ])("is not named any more once its key is sensitive: with %s", async (_, more, value, verdicts) => {
    const { send, write, find, history } = await play(SECRET.replace(", sensitive: true", ""));
    const known = await send("OPENED", { metadata: { password: toId(7) }, commit: { id: toId(7), key: "password" } });
    const before = (await history()).length;
    write(SECRET);

    await send("PUSHED", more);
    const { commit } = (await find()) ?? {};
    const since = (await history()).slice(before);

    expect([known, commit?.value, commit?.id]).toEqual(["7 done", value, undefined]);
    expect(since.flatMap(({ commits = [] }) => commits.map(({ id, is }) => `${id?.[0] ?? "?"} ${is}`))).toEqual(
      verdicts,
    );
    expect(JSON.stringify([commit, since])).not.toMatch(/7{40}|8{40}/);
  });
});
