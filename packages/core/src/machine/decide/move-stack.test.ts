import { describe, expect, it } from "vitest";
import { acceptingExecutors, anEvent, play, toApplied } from "../../testing/builders.ts";
import { NEXT } from "../machine.ts";
import { parseMachine } from "../parse-machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";
import { moveStack } from "./move-stack.ts";

const executors = acceptingExecutors("lambda", "approval");
const WORK = "executor: lambda, config: { name: x }";

interface Sketch {
  readonly tasks?: Readonly<Record<string, string>>;
  /** Of the state RELEASE. */
  readonly state?: string;
  readonly metadata?: string;
}

function compile({ tasks = { build: WORK }, state = "", metadata = "{}" }: Sketch) {
  const list = Object.entries(tasks).map(([name, task]) => `  ${name}: { ${task} }`);
  const text = `
version: 2
revision: follow
events: [GO, NOTE, LATE, ALARM]
metadata: ${metadata}
states:
  INIT: { on: { GO: RELEASE } }
  RELEASE: { tasks: [${Object.keys(tasks).join(", ")}], on: { NOTE: no-op, LATE: no-op, ALARM: no-op, NEXT: LIVE }${state} }
  LIVE: { on: { GO: RELEASE } }
tasks:
${list.join("\n")}
`;
  const { machine, problems } = parseMachine(text, { name: "m", executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

const begin = (sketch: Sketch, ...events: Parameters<typeof anEvent>[]): Stack =>
  play(compile(sketch), anEvent("GO", { machine: "m" }), ...events.map((each) => anEvent(...each)));

const faultOf = (stack: Stack, to: Sketch) => {
  const move = moveStack(compile(to), stack, 5_000);
  return move.kind === "held" ? move.fault.code : move.kind;
};

const DEPLOY = `${WORK}, needs: [build]`;
const SIGN_OFF = "executor: approval, config: { from: [managers] }";

describe("what keeps a stack on its revision", () => {
  it.each<[string, Sketch, Sketch, string]>([
    ["a running task that the revision lacks", {}, { tasks: { app: WORK } }, "UPGRADE_TASK_UNKNOWN"],
    ["a running task that is an approval there", {}, { tasks: { build: SIGN_OFF } }, "UPGRADE_TASK_UNKNOWN"],
    ["an approval that is a task there", { tasks: { build: SIGN_OFF } }, {}, "UPGRADE_TASK_UNKNOWN"],
    ["a waiting task that it lacks", { tasks: { build: WORK, deploy: DEPLOY } }, {}, "UPGRADE_TASK_UNKNOWN"],
    [
      // Reported: danielgerlag/workflow-core#107.
      "a waiting task that needs what the entry lacks",
      { tasks: { build: WORK, deploy: DEPLOY } },
      { tasks: { build: WORK, scan: WORK, deploy: `${WORK}, needs: [build, scan]` } },
      "UPGRADE_NEED_MISSING",
    ],
    ["an approval that it adds", {}, { tasks: { build: WORK, "sign-off": SIGN_OFF } }, "UPGRADE_NEED_MISSING"],
    ["nothing, where it only adds a task", {}, { tasks: { build: WORK, scan: WORK } }, "moved"],
    [
      "nothing, where it changes the config of a running task",
      {},
      { tasks: { build: `${WORK}, timeout: 2h` } },
      "moved",
    ],
  ])("is %s", (_, from, to, expected) => {
    expect(faultOf(begin(from), to)).toBe(expected);
  });

  it("is not a task that has ended", () => {
    const ended = begin({ tasks: { build: WORK, scan: WORK } }, ["TASK_COMPLETED", { task: { name: "build" } }]);

    expect(faultOf(ended, { tasks: { scan: WORK } })).toBe("moved");
  });

  it("is an added approval also while NEXT waits, which would pass it", () => {
    const stuck: Stack = { ...begin({}), tasks: [{ name: "build", status: "SATISFIED" }], pending: [NEXT] };

    expect(faultOf(stuck, { tasks: { build: WORK, "sign-off": SIGN_OFF } })).toBe("UPGRADE_NEED_MISSING");
  });
});

describe("what a move changes", () => {
  const moved = (stack: Stack, to: Sketch) => {
    const move = moveStack(compile(to), stack, 5_000);
    if (move.kind === "held") throw new Error(move.fault.reason);
    return move.stack;
  };

  it("ends schedules that the revision lacks, and begins others. Reported: hatchet-dev/hatchet#410", () => {
    const from: Sketch = {
      state: ', timeout: 1h, after: [{ cron: "0 1 * * *", event: LATE }, { in: 2h, event: NOTE }]',
    };
    const to: Sketch = { state: ', timeout: 3h, after: [{ cron: "0 2 * * *", event: ALARM }]' };

    expect(moved(begin(from), to).timers.map(({ event }) => event)).toEqual(["TIMEOUT", "NOTE", "ALARM"]);
  });

  it("hides a value that has become sensitive, and keeps hidden what was", () => {
    const to: Sketch = { metadata: "{ pin: { type: string, sensitive: true } }" };
    const open = { ...begin({}), metadata: { pin: "one4" } };
    const hidden = moved(open, to);

    expect(hidden.secretVersions).toEqual({ pin: 1 });
    expect(moved(hidden, {}).secretVersions).toEqual({ pin: 1 });
  });

  it("changes nothing else: tasks, runs, what they began with, approvals and the metadata are the same objects", () => {
    const before = begin({ tasks: { build: WORK, deploy: DEPLOY } });
    const { machineHash: _, ...after } = moved(before, { tasks: { build: WORK, deploy: `${DEPLOY}, timeout: 2h` } });

    const changed = Object.entries(after).filter(
      ([key, value]) => new Map<string, unknown>(Object.entries(before)).get(key) !== value,
    );
    expect(changed).toEqual([]);
  });
});

describe("an open approval of a stack that follows its machine", () => {
  const about = (of: string, config = "") => ({
    release: `executor: approval, config: { from: [managers], count: 2, of: ${of}${config} }`,
  });
  const ada = { kind: "person", id: "ada", name: "ada", groups: ["managers"] } as const;
  const answered = begin({ tasks: about("one") }, [
    "APPROVE_TASK",
    { task: { name: "release" }, of: "one", sender: ada },
  ]);
  const note = (tasks: Readonly<Record<string, string>>) => {
    return toApplied(decide(compile({ tasks }), answered, anEvent("NOTE"))).stack.approvals?.["release"];
  };

  it("is asked again when the revision changes what it is about", () => {
    expect(answered.approvals?.["release"]?.given).toHaveLength(1);
    expect(note(about("two"))).toMatchObject({ of: "two", count: 2, given: [] });
  });

  it("keeps its terms and what was given at each revision that only changes its terms", () => {
    for (const config of [", comment: required", ", own: true"]) {
      expect(note(about("one", config))).toEqual(answered.approvals?.["release"]);
    }
  });

  it("keeps what was given when the revision leaves it as it is", () => {
    expect(note({ ...about("one"), scan: WORK })?.given).toHaveLength(1);
  });
});
