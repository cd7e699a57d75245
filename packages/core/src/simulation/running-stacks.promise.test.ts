import { describe, expect, it } from "vitest";
import { parseMachine } from "../machine/parse-machine.ts";
import { acceptingExecutors } from "../testing/builders.ts";
import { createSimulation } from "./simulation.ts";

// The rows of the table "What happens to running stacks when a document changes" in docs/machine-reference.md.

const executors = acceptingExecutors("lambda", "approval");
const LAMBDA = "executor: lambda, config: { name: x }";
const APPROVAL = "executor: approval, config: { from: [managers] }";

interface Sketch {
  readonly tasks: Readonly<Record<string, string>>;
  /** Of the state RELEASE. */
  readonly names: readonly string[];
  readonly on?: string;
  readonly rest?: string;
  readonly metadata?: string;
  readonly mode?: "pin" | "follow";
  readonly events?: string;
}

function compile({
  tasks,
  names,
  on = "NEXT: LIVE",
  rest = "",
  metadata = "{}",
  mode = "follow",
  events = "",
}: Sketch) {
  const list = Object.entries(tasks).map(([name, task]) => `  ${name}: { ${task} }`);
  const text = `
version: 2
revision: ${mode}
events: [GO, NOTE, END${events}]
metadata: ${metadata}
states:
  INIT: { on: { GO: RELEASE } }
  RELEASE: { tasks: [${names.join(", ")}], on: { NOTE: no-op, END: GONE, ${on} }${rest} }
  LIVE: { on: { GO: RELEASE, NOTE: no-op, END: GONE } }
  GONE: { terminal: true }
tasks:
${list.join("\n")}
`;
  const { machine, problems } = parseMachine(text, { name: "m", executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

const go = { event: { stackId: "s", event: "GO", machine: "m" } };
const note = { event: { stackId: "s", event: "NOTE" } };
const load = { load: "next" };
const done = (task: string) => ({ task, result: "succeeded" });
const failed = (task: string) => ({ task, result: "failed", message: "no" });

function play(from: Sketch, to: Sketch, steps: readonly unknown[]) {
  const simulation = createSimulation(new Map([["m", compile(from)]]), {
    revisions: new Map([["next", { name: "m", machine: compile(to) }]]),
  });
  return steps.map((step) => {
    const { outcome, code, reason, stack, dispatched = [] } = simulation.step(step);
    return { outcome, code, reason, state: stack?.state, dispatched, stack };
  });
}

const sent = (lines: ReturnType<typeof play>) => lines.map(({ dispatched }) => dispatched.join(" "));

const TWO: Sketch = { names: ["build", "deploy"], tasks: { build: LAMBDA, deploy: `${LAMBDA}, needs: [build]` } };
const GATED: Sketch = {
  names: ["build", "sign-off", "deploy"],
  tasks: { build: LAMBDA, "sign-off": APPROVAL, deploy: `${LAMBDA}, needs: [build, sign-off]` },
};

describe("a running stack whose document changes", () => {
  it("does not move past an approval that the revision adds: it ends the state as it began it", () => {
    const lines = play(TWO, GATED, [go, load, note, done("build"), done("deploy"), go]);

    expect(sent(lines)).toEqual(["build", "", "", "deploy", "", "build"]);
    expect(lines[4]?.state).toBe("LIVE");
    expect(lines[5]?.stack?.tasks.map(({ name }) => name)).toEqual(["build", "sign-off", "deploy"]);
  });

  it("refuses an upgrade past an added approval, with the same answer as its dry run", () => {
    const pinned = { ...TWO, mode: "pin" } as const;
    const lines = play(pinned, { ...GATED, mode: "pin" }, [go, load, { upgrade: "s", dryRun: true }, { upgrade: "s" }]);

    const [planned, upgraded] = lines.slice(2);
    expect([planned?.outcome, planned?.code, planned?.reason]).toEqual([
      "refused",
      "UPGRADE_NEED_MISSING",
      upgraded?.reason,
    ]);
    expect(upgraded?.reason).toContain('"sign-off"');
  });

  it("does not move past an approval that no task needs, because NEXT needs all tasks", () => {
    const added = { ...TWO, names: ["build", "deploy", "sign-off"], tasks: { ...TWO.tasks, "sign-off": APPROVAL } };
    const lines = play(TWO, added, [go, load, note, done("build"), note]);

    expect(lines.map(({ stack }) => stack?.tasks.length)).toEqual([2, 2, 2, 2, 2]);
  });

  it("keeps its revision while a task runs that the revision has under another name", () => {
    const renamed = { names: ["app", "deploy"], tasks: { app: LAMBDA, deploy: `${LAMBDA}, needs: [app]` } };
    const lines = play(TWO, renamed, [go, load, note, note, done("build"), done("deploy")]);

    expect(sent(lines)).toEqual(["build", "", "", "", "deploy", ""]);
    expect(lines[5]?.state).toBe("LIVE");
  });

  it("does not run what needs a failed task, although the revision has that under another name", () => {
    const renamed = { names: ["app", "deploy"], tasks: { app: LAMBDA, deploy: `${LAMBDA}, needs: [app]` } };
    const lines = play(TWO, renamed, [go, failed("build"), load, note]);

    expect(sent(lines)).toEqual(["build", "", "", ""]);
  });

  it("sends a waiting task that the revision no longer has, on the revision that it began with", () => {
    const lines = play(TWO, { names: ["build"], tasks: { build: LAMBDA } }, [
      go,
      load,
      note,
      done("build"),
      done("deploy"),
    ]);

    expect(sent(lines)).toEqual(["build", "", "", "deploy", ""]);
    expect(lines[4]?.state).toBe("LIVE");
  });

  it("keeps the needs that a task began with, also where the revision no longer has them", () => {
    const free = { names: ["build", "deploy"], tasks: { build: LAMBDA, deploy: LAMBDA } };
    const lines = play(TWO, free, [go, load, note, done("build")]);

    expect(sent(lines)).toEqual(["build", "", "", "deploy"]);
  });

  it("moves when a task has ended that the revision lacks", () => {
    const lines = play(TWO, { names: ["deploy"], tasks: { deploy: LAMBDA } }, [
      go,
      load,
      done("build"),
      done("deploy"),
      note,
    ]);

    expect(lines[2]?.dispatched).toEqual(["deploy"]);
    expect(lines[3]?.state).toBe("LIVE");
  });

  it("does not have a worker's task turned into an approval, nor the other way", () => {
    const asked = { names: ["build", "deploy"], tasks: { build: APPROVAL, deploy: `${LAMBDA}, needs: [build]` } };
    const toAsked = play(TWO, asked, [go, load, note, done("build")]);
    const toWork = play(asked, TWO, [go, load, note]);

    expect(sent(toAsked)).toEqual(["build", "", "", "deploy"]);
    expect(toWork[2]?.stack?.approvals?.map(({ task }) => task)).toEqual(["build"]);
  });
});

describe("an event of the engine that no state has handled", () => {
  const one: Sketch = { names: ["t"], tasks: { t: LAMBDA }, on: "" };

  it("NEXT is tried again after an upgrade", () => {
    const from = { ...one, mode: "pin" } as const;
    const lines = play(from, { ...from, on: "NEXT: LIVE" }, [go, done("t"), load, { upgrade: "s" }]);

    expect(lines.map(({ state, stack }) => [state, stack?.stalled])).toEqual([
      ["RELEASE", undefined],
      ["RELEASE", true],
      ["RELEASE", true],
      ["LIVE", undefined],
    ]);
  });

  it("NEXT is tried again with the next event of a stack that follows its machine", () => {
    const lines = play(one, { ...one, on: "NEXT: LIVE" }, [go, done("t"), load, note]);

    expect(lines[3]?.state).toBe("LIVE");
  });

  it("NEXT is tried again when metadata makes its condition true, and stays while it does not", () => {
    const ready = { event: { stackId: "s", event: "NOTE", metadata: { ready: true } } };
    const from: Sketch = {
      ...one,
      metadata: "{ ready: { type: boolean, default: false }, label: { type: string } }",
      on: 'NEXT: [{ when: "metadata.ready", action: advance, state: LIVE }]',
    };
    const other = { event: { stackId: "s", event: "NOTE", metadata: { label: "x" } } };
    const lines = play(from, from, [go, done("t"), other, ready]);

    expect(lines.map(({ state, stack }) => `${state} ${stack?.stalled === true}`)).toEqual([
      "RELEASE false",
      "RELEASE true",
      "RELEASE true",
      "LIVE false",
    ]);
  });

  it("FAILED is tried again on a revision that handles it", () => {
    const lines = play(one, { ...one, on: "FAILED: LIVE" }, [go, failed("t"), load, note]);

    expect(lines[3]?.state).toBe("LIVE");
  });

  it("TIMEOUT is tried again on a revision that handles it", () => {
    const slow = { ...one, rest: ", timeout: 1h" };
    const lines = play(slow, { ...slow, on: "TIMEOUT: LIVE" }, [go, { advance: "2h" }, load, note]);

    expect([lines[1]?.stack?.overdue, lines[3]?.state, lines[3]?.stack?.overdue]).toEqual([true, "LIVE", undefined]);
  });

  it("TIMEOUT is tried again when a task ends on which its condition depends", () => {
    const slow: Sketch = {
      ...TWO,
      rest: ", timeout: 1m",
      on: "TIMEOUT: [{ when: \"tasks.build.status == 'SATISFIED'\", action: advance, state: LIVE }]",
    };
    const lines = play(slow, slow, [go, { advance: "2m" }, note, done("build")]);

    expect(lines.map(({ state }) => state)).toEqual(["RELEASE", "RELEASE", "RELEASE", "LIVE"]);
  });

  it("is not tried again after the state was left", () => {
    const lines = play(one, { ...one, on: "NEXT: LIVE" }, [
      go,
      done("t"),
      { event: { stackId: "s", event: "END" } },
      load,
    ]);

    expect(lines[2]?.outcome).toBe("removed");
  });
});

describe("an equal event, once something that the first one began has ended", () => {
  const text = `
version: 2
events: [OPENED, PUSHED, READY, CLOSED]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [app], on: { NEXT: COOLDOWN, CLOSED: GONE } }
  COOLDOWN:
    after: [{ in: 10m, event: READY }]
    on: { READY: LIVE, CLOSED: GONE }
  LIVE: { on: { PUSHED: BUILD, CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  app: { executor: lambda, config: { name: app } }
`;

  it("is parked, and is applied in the state to which a timer leads", () => {
    const { machine } = parseMachine(text, { name: "m", executors });
    const simulation = createSimulation(new Map([["m", machine]]));
    const pushed = { event: { stackId: "s", event: "PUSHED", metadata: { branch: "main" } } };
    const opened = { event: { stackId: "s", event: "OPENED", machine: "m" } };
    const steps = [opened, done("app"), { advance: "10m" }, pushed, done("app"), pushed, { advance: "10m" }];

    const lines = steps.map((step) => simulation.step(step));

    expect([lines[5]?.outcome, lines[5]?.code]).toEqual(["refused", "EVENT_NOT_HANDLED"]);
    expect([lines[6]?.stack?.state, lines[6]?.dispatched]).toEqual(["BUILD", ["app"]]);
  });
});
