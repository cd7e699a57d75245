import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { isStackyardError } from "../errors/stackyard-error.ts";
import { anEvent, play } from "../testing/builders.ts";
import { decide } from "./decide/decide.ts";
import type { ExecutorDefinition } from "./executor-definition.ts";
import { jobMachineSource, jobStackId, parseJobMachine } from "./job-machine.ts";
import { PLAIN_MACHINE, PLAIN_STATE, PLAIN_TASK, SEMANTICS_V1, toReactions } from "./machine.ts";

const input = { executor: "asg", config: { group: "g" } };
const definition: ExecutorDefinition = {
  name: "asg",
  config: Type.Object({ group: Type.String() }),
  resumable: true,
  cancelWithin: "30m",
  timeout: (config: { readonly group: string }) => config.group.length * 1_000,
};
const machine = parseJobMachine(jobMachineSource(input));
const DAY_MS = 86_400_000;

describe("jobMachineSource", () => {
  it("writes executor, config and limits into one line of JSON", () => {
    expect(jobMachineSource(input)).toBe(
      '{"machine":"stackyard.run","executor":"asg","config":{"group":"g"},"timeoutMs":3600000,"cancelWithinMs":300000}',
    );
  });

  it("takes the limits from the executor, and keeps the target unchanged", () => {
    const source = jobMachineSource({ ...input, target: { region: "eu-west-1" }, definition });

    expect(JSON.parse(source)).toEqual({
      machine: "stackyard.run",
      ...input,
      target: { region: "eu-west-1" },
      timeoutMs: 1_000,
      cancelWithinMs: 1_800_000,
    });
  });

  it("prefers the timeout that is given", () => {
    expect(JSON.parse(jobMachineSource({ ...input, timeoutMs: 5_000, definition }))).toMatchObject({
      timeoutMs: 5_000,
    });
  });

  it("allows 256 KiB and refuses more", () => {
    const free = 262_144 - jobMachineSource({ ...input, config: { text: "" } }).length;
    const build = (length: number) => jobMachineSource({ ...input, config: { text: "a".repeat(length) } });
    let thrown: unknown;
    try {
      build(free + 1);
    } catch (error) {
      thrown = error;
    }

    expect(build(free)).toHaveLength(262_144);
    expect(isStackyardError(thrown, "PAYLOAD_TOO_LARGE") && thrown.message).toBe(
      "The config of the job makes 262145 bytes; at most 262144 are allowed.",
    );
  });
});

describe("parseJobMachine", () => {
  it("compiles a job with one task", () => {
    const target = { account: "111122223333", region: "eu-west-1" };
    const job = parseJobMachine(jobMachineSource({ ...input, target, timeoutMs: 5_000, definition }));
    const to = (...advance: string[]) => toReactions(advance);
    const state = (name: string, rest: object) => [
      name,
      { ...PLAIN_STATE, name, terminal: false, tasks: [], on: new Map(), ...rest },
    ];

    expect(job).toEqual({
      ...PLAIN_MACHINE,
      semantics: { ...SEMANTICS_V1, outputsInHistory: true },
      name: "stackyard.run",
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      revision: "pin",
      events: new Set(["START", "RETRY", "CLOSE"]),
      states: new Map([
        state("INIT", { on: new Map([["START", to("RUN")]]) }),
        state("RUN", {
          tasks: ["run"],
          on: new Map([
            ["NEXT", to("DONE")],
            ["FAILED", to("FAILED")],
          ]),
        }),
        state("DONE", {
          on: new Map([["CLOSE", to("CLOSED")]]),
          after: [{ kind: "in", key: "0", inMs: DAY_MS, event: "CLOSE" }],
        }),
        state("FAILED", {
          on: new Map([
            ["RETRY", to("RUN")],
            ["CLOSE", to("CLOSED")],
          ]),
          after: [{ kind: "in", key: "0", inMs: 30 * DAY_MS, event: "CLOSE" }],
        }),
        state("CLOSED", { terminal: true }),
      ] as never),
      tasks: new Map([
        [
          "run",
          {
            ...PLAIN_TASK,
            name: "run",
            executor: "asg",
            definition: { ...input, target },
            timeoutMs: 5_000,
            cancelWithinMs: 1_800_000,
          },
        ],
      ]),
    });
  });

  it("gives another revision another hash, and the same one the same", () => {
    const other = parseJobMachine(jobMachineSource({ ...input, config: { group: "h" } }));

    expect(machine?.hash).toBe(parseJobMachine(jobMachineSource(input))?.hash);
    expect(machine?.hash).not.toBe(other?.hash);
  });

  it.each<[string, () => number]>([
    ["half a millisecond", () => 0.5],
    ["no number", () => Number.NaN],
  ])("has an hour where the executor says %s", (_what, timeout) => {
    const source = jobMachineSource({ ...input, definition: { ...definition, timeout } });

    expect(parseJobMachine(source)?.tasks.get("run")?.timeoutMs).toBe(3_600_000);
  });

  it.each(["", "{", "[]", "{}", '{"machine":"other","executor":"a","config":{},"timeoutMs":1,"cancelWithinMs":1}'])(
    "finds no machine in %j",
    (source) => {
      expect(parseJobMachine(source)).toBeUndefined();
    },
  );
});

describe("a run", () => {
  const started = anEvent("START");
  const failed = anEvent("TASK_ERROR", { task: { name: "run" }, description: "no" });
  const done = anEvent("TASK_COMPLETED", { task: { name: "run" } });
  if (machine === undefined) throw new Error("The run's machine compiles.");

  it("ends in DONE, from which it is closed after a day", () => {
    const stack = play(machine, started, done);
    const close = anEvent("CLOSE", { origin: "timer", timerId: "2/after/0", at: DAY_MS + 1_000 });

    expect([stack.state, stack.timers]).toEqual(["DONE", [{ id: "2/after/0", event: "CLOSE", dueAt: DAY_MS + 1_000 }]]);
    expect(decide(machine, stack, close)).toMatchObject({ kind: "applied", removed: true });
  });

  it("ends in FAILED when its task fails, and can be tried again from there", () => {
    const stack = play(machine, started, failed);

    expect([stack.state, stack.timers[0]?.dueAt]).toEqual(["FAILED", 30 * DAY_MS + 1_000]);
    expect(play(machine, started, failed, anEvent("RETRY"), done).state).toBe("DONE");
  });
});

describe("jobStackId", () => {
  it("is the same for the same key, and takes an id that is fresh", () => {
    expect(jobStackId({ key: "ä" })).toBe("run-33e6d73fee82904c8d7afb78de1154d1");
    expect(jobStackId({ ulid: "01ARZ3NDEKTSV4RRFFQ69G5FAV" })).toBe("run-01ARZ3NDEKTSV4RRFFQ69G5FAV");
  });
});
