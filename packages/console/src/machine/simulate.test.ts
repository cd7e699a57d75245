import { describe, expect, it } from "vitest";
import { simulate } from "./simulate.ts";

const text =
  "version: 2\nevents: [OPENED, MERGED]\nstates:\n  INIT: { on: { OPENED: LIVE } }\n  LIVE: { after: [{ in: 72h, event: MERGED }], on: { MERGED: GONE } }\n  GONE: { terminal: true }\n";
const open = { event: { stackId: "s", machine: "m", event: "OPENED" } };

function play(steps: readonly unknown[]) {
  return simulate({ machines: [{ name: "m", text }], revisions: [], steps });
}

describe("a simulated scenario", () => {
  it("names the next timer, when it fires, and the step that reaches it", () => {
    expect(play([open]).timers).toEqual([{ event: "MERGED", at: "2030-01-04T00:00:00.000Z", step: { advance: "3d" } }]);
  });

  it("names all timers that fire in the present state, each from now", () => {
    const timed = text.replace(
      "after: [{ in: 72h, event: MERGED }], on: { MERGED: GONE }",
      "after: [{ in: 72h, event: MERGED }, { in: 24h, event: OPENED }], on: { MERGED: GONE, OPENED: no-op }",
    );
    const { timers } = simulate({
      machines: [{ name: "m", text: timed }],
      revisions: [],
      steps: [open, { advance: "1h" }],
    });

    expect(timers.map(({ event, step }) => [event, step.advance])).toEqual([
      ["OPENED", "23h"],
      ["MERGED", "71h"],
    ]);
  });

  it("names the next try of a task, but no later ones before the timeout of the state", () => {
    const tried =
      "version: 2\nevents: [OPENED]\nstates:\n  INIT: { on: { OPENED: BUILD } }\n  BUILD: { tasks: [app], timeout: 45m, on: { NEXT: LIVE, TIMEOUT: LIVE } }\n  LIVE: {}\ntasks:\n  app: { executor: lambda, timeout: 20m, retry: { attempts: 3, backoff: { from: 1m } }, config: { name: a } }\n";
    const { timers } = simulate({ machines: [{ name: "m", text: tried }], revisions: [], steps: [open] });

    expect(timers.map(({ event, step }) => [event, step.advance])).toEqual([
      ["TASK_TIMED_OUT", "20m"],
      ["TIMEOUT", "45m"],
    ]);
  });

  it("begins at the instant of the stack that it begins with", () => {
    const stack = { id: "s", machine: "m", state: "LIVE", now: "2026-11-26T00:00:00.000Z" };

    expect(play([open]).start).toBe("2030-01-01T00:00:00.000Z");
    expect(play([{ stack }]).start).toBe("2026-11-26T00:00:00.000Z");
  });

  it("counts the reactions that were tried, also of a stack that is gone", () => {
    const { tried, total, now } = play([open, { advance: "3d" }]);

    expect([tried, total, now]).toEqual([2, 2, "2030-01-04T00:00:00.000Z"]);
  });

  it("counts how often each arrow was taken and each state entered, with the time after each step", () => {
    const { edges, states, times } = play([
      open,
      { advance: "1h" },
      { ...open, event: { ...open.event, stackId: "t" } },
    ]);

    expect(edges.filter((count) => count > 0)).toEqual([2]);
    expect(states).toEqual({ INIT: 2, LIVE: 2 });
    expect(times.map((time) => time.slice(11, 16))).toEqual(["00:00", "01:00", "01:00"]);
  });
});

describe("what can happen next", () => {
  const TASKS = `version: 2
events:
  OPENED: { metadata: [sha] }
  PUSHED: {}
  MERGED: {}
metadata: { sha: { type: string }, ready: { type: boolean } }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD:
    tasks: [network, app]
    on:
      NEXT: LIVE
      FAILED: BROKEN
      PUSHED: BUILD
      MERGED: [{ when: "metadata.ready == true", action: advance, state: GONE }]
  LIVE: { on: { MERGED: GONE } }
  BROKEN: {}
  GONE: { terminal: true }
tasks:
  network: { executor: lambda, config: { name: n } }
  app: { executor: lambda, needs: [network], config: { name: a } }
`;
  const machine = { name: "m", text: TASKS };
  const first = { event: { stackId: "s", machine: "m", event: "OPENED", metadata: { sha: "1" } } };
  const after = (...steps: readonly unknown[]) => {
    const played = simulate({ machines: [machine], revisions: [], steps });
    const graph = simulate({ machines: [machine], revisions: [], steps: [] });
    expect(graph.total).toBe(played.total);
    return played.can;
  };

  it("asks for the metadata that the first event must bring", () => {
    const [opened, ...others] = after();

    expect(opened).toMatchObject({ title: "OPENED…", steps: [], form: { kind: "event", name: "OPENED" } });
    expect(opened?.edges).toHaveLength(1);
    expect(others).toEqual([]);
  });

  it("lists the most likely first, and leaves out what would change nothing", () => {
    expect(after(first).map(({ title }) => title)).toEqual([
      "network succeeds",
      "all tasks succeed",
      "network fails…",
      "PUSHED",
    ]);
  });

  it("knows the arrow that each takes, also at the end of several steps", () => {
    const can = after(first);
    const edgesOf = (title: string) => can.find((each) => each.title === title)?.edges ?? [];
    const stepsOf = (title: string) => can.find((each) => each.title === title)?.steps ?? [];

    expect(edgesOf("network succeeds")).toEqual([]);
    expect(stepsOf("all tasks succeed")).toHaveLength(2);
    const played = simulate({ machines: [machine], revisions: [], steps: [first, ...stepsOf("all tasks succeed")] });
    expect(played.lines.at(-1)?.stack?.state).toBe("LIVE");
    expect(played.edges.flatMap((count, index) => (count > 0 ? [index] : []))).toEqual(
      expect.arrayContaining([...edgesOf("all tasks succeed")]),
    );
    const failed = simulate({ machines: [machine], revisions: [], steps: [first, ...stepsOf("network fails…")] });
    expect(failed.lines.at(-1)?.stack?.state).toBe("BROKEN");
    expect(edgesOf("network fails…")).toHaveLength(1);
  });
});
