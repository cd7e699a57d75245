import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { type CommitLine, type CommitNotes, evaluateCommit, NO_COMMITS, noteLines, noteRest } from "./commit-notes.ts";
import type { PreviewPhase } from "./preview-phase.ts";

const [ONE, TWO, THREE] = [toCommit(1), toCommit(2), toCommit(3)];
const brought = {
  sent: new Map([
    ["e1", ONE],
    ["e2", TWO],
    ["e3", THREE],
  ]),
  head: THREE,
};

type Step = Partial<CommitLine> & {
  readonly rest?: PreviewPhase;
  readonly stack?: Readonly<Record<string, unknown>>;
};

/** Plays lines one after the other; `rest`: how the stack is after the line, when a report looks; `stack`: its metadata. */
function play(...steps: readonly Step[]): CommitNotes {
  return steps.reduce((notes, { rest, stack = {}, ...step }, index) => {
    const line = {
      position: index + 1,
      at: index,
      eventId: `o${index}`,
      event: "PUSHED",
      outcome: "applied",
      sent: [],
    } as const;
    const noted = noteLines(notes, [{ ...line, ...step }], brought);
    return rest === undefined
      ? noted
      : noteRest(noted, { phase: rest, enteredAt: index, watching: ["idle"], metadata: stack });
  }, NO_COMMITS);
}

const pushed = (eventId: string, over: Step = {}): Step => ({
  eventId,
  from: "LIVE",
  to: "ROLL",
  sent: ["up"],
  metadata: { sha: brought.sent.get(eventId) },
  ...over,
});
const failed: Step = { event: "TASK_ERROR", task: "up", code: "BOOM", from: "ROLL", to: "LIVE", unfinished: ["up"] };
const succeeded: Step = { event: "TASK_COMPLETED", task: "up", from: "ROLL", to: "LIVE" };

function verdicts(notes: CommitNotes, phase: PreviewPhase = "ready") {
  return Object.fromEntries(notes.notes.map((note) => [note.head[0], evaluateCommit(note, phase).kind]));
}

describe("what became of commits", () => {
  it.each<readonly [string, readonly Step[], Readonly<Record<string, string>>, string | undefined]>([
    ["is pending while its run is under way", [pushed("e1", { rest: "working" })], { 1: "pending" }, undefined],
    ["is done when the stack rests", [pushed("e1"), { ...succeeded, rest: "ready" }], { 1: "done" }, ONE],
    [
      "is failed when a task of its run has not succeeded",
      [pushed("e1"), { ...failed, rest: "ready" }],
      { 1: "failed" },
      undefined,
    ],
    [
      "is failed when its event is refused",
      [{ eventId: "e1", outcome: "refused", code: "NOT_ALLOWED" }],
      { 1: "failed" },
      undefined,
    ],
    [
      "is pending while its event is parked",
      [{ eventId: "e1", outcome: "parked", code: "X" }],
      { 1: "pending" },
      undefined,
    ],
    [
      "is that of the last decision about its event",
      [{ eventId: "e1", outcome: "parked", code: "X" }, pushed("e1"), { ...succeeded, rest: "ready" }],
      { 1: "done" },
      ONE,
    ],
    [
      "is pending in a stack that sleeps",
      [{ eventId: "e1", from: "ASLEEP", to: "ASLEEP", rest: "asleep" }],
      { 1: "pending" },
      undefined,
    ],
    [
      "is replaced by the next commit, which does not change one that is done",
      [pushed("e1"), { ...succeeded, rest: "ready" }, pushed("e2"), pushed("e3"), { ...failed, rest: "ready" }],
      { 1: "done", 2: "replaced", 3: "failed" },
      ONE,
    ],
    [
      "is not changed by the refusal of a later one",
      [pushed("e1"), { ...succeeded, rest: "ready" }, { eventId: "e2", outcome: "dead-lettered", code: "X" }],
      { 1: "done", 2: "failed" },
      ONE,
    ],
    [
      "is ended with its stack",
      [pushed("e1"), { event: "CLOSED", outcome: "removed", from: "ROLL" }],
      { 1: "ended" },
      undefined,
    ],
    [
      "is failed although its stack has ended since",
      [pushed("e1"), { ...failed, rest: "ready" }, { event: "CLOSED", outcome: "removed", from: "LIVE" }],
      { 1: "failed" },
      undefined,
    ],
    [
      "is done although a task watches the stack that is left",
      [
        pushed("e1"),
        { ...succeeded, rest: "ready" },
        { event: "SLEEP", from: "LIVE", to: "ASLEEP", unfinished: ["idle"], rest: "asleep" },
      ],
      { 1: "done" },
      ONE,
    ],
    [
      "is failed although another task has succeeded since",
      [
        pushed("e1"),
        { ...failed, rest: "ready" },
        { event: "CHECK", from: "LIVE", to: "DRIFT", sent: ["look"], rest: "working" },
        { event: "TASK_COMPLETED", task: "look", from: "DRIFT", to: "LIVE", rest: "ready" },
      ],
      { 1: "failed" },
      undefined,
    ],
    [
      "is done when the same task has succeeded since",
      [
        pushed("e1"),
        { ...failed, rest: "ready" },
        { event: "RETRY", from: "LIVE", to: "ROLL", sent: ["up"] },
        { ...succeeded, rest: "ready" },
      ],
      { 1: "done" },
      ONE,
    ],
    [
      "is failed although a run of an earlier commit, which a worker kept, has succeeded since [danger-js#1423]",
      [
        pushed("e1", { rest: "working" }),
        pushed("e2", { from: "ROLL", unfinished: ["up"], sent: [], rest: "working" }),
        { event: "ABORT", from: "ROLL", to: "LIVE", unfinished: ["up"], rest: "working" },
        { event: "CHECK", from: "LIVE", to: "DRIFT", rest: "working" },
        { event: "TASK_COMPLETED", task: "up", from: "DRIFT", to: "DRIFT", sent: ["look"], rest: "working" },
        { event: "TASK_COMPLETED", task: "look", from: "DRIFT", to: "LIVE", rest: "ready" },
      ],
      { 1: "replaced", 2: "failed" },
      undefined,
    ],
    [
      "is done when a person has settled what was left",
      [
        pushed("e1"),
        { ...failed, to: "FIX", rest: "waiting" },
        { event: "SETTLE_TASK", task: "up", from: "FIX", to: "LIVE", rest: "ready" },
      ],
      { 1: "done" },
      ONE,
    ],
    [
      "is failed where a rollback has succeeded",
      [
        pushed("e1"),
        { ...failed, to: "ROLLBACK", sent: ["restore"] },
        { event: "TASK_COMPLETED", task: "restore", from: "ROLLBACK", to: "LIVE", rest: "ready" },
      ],
      { 1: "failed" },
      undefined,
    ],
    [
      "is decided by an event whose metadata name it, unless that event moves nothing",
      [
        { eventId: "job", metadata: { image: THREE }, from: "INIT", to: "ROLL", sent: ["up"] },
        { ...failed, rest: "ready" },
        { eventId: "more", metadata: { image: THREE }, from: "LIVE", to: "LIVE", rest: "ready" },
      ],
      { 3: "failed" },
      undefined,
    ],
    [
      "is failed although the machine has set the one before it again, which has succeeded before a report looked",
      [
        pushed("e1", { rest: "working", stack: { sha: ONE } }),
        { ...succeeded, rest: "ready", stack: { sha: ONE } },
        pushed("e2"),
        { ...failed, rest: "ready", stack: { sha: TWO } },
        { event: "BACK", from: "LIVE", to: "ROLL", sent: ["up"] },
        { ...succeeded, rest: "ready", stack: { sha: ONE } },
      ],
      { 1: "done", 2: "failed" },
      ONE,
    ],
    [
      "is failed although the machine sets the one before it again, which succeeds, in lines that are read at once [cf_deployer#38]",
      [
        pushed("e1", { set: { image: ONE } }),
        { ...succeeded, set: { good: ONE }, rest: "ready" },
        pushed("e2", { set: { image: TWO } }),
        failed,
        { event: "BACK", from: "LIVE", to: "ROLL", sent: ["up"], set: { image: ONE } },
        { ...succeeded, rest: "ready" },
      ],
      { 1: "done", 2: "failed" },
      ONE,
    ],
    [
      "is that of its last run when the machine sets it again",
      [
        pushed("e1", { set: { image: ONE } }),
        { ...succeeded, rest: "ready" },
        pushed("e2", { set: { image: TWO } }),
        { ...failed, rest: "ready" },
        { event: "BACK", from: "LIVE", to: "ROLL", sent: ["up"], set: { image: ONE } },
        { ...failed, rest: "ready" },
      ],
      { 1: "failed", 2: "failed" },
      ONE,
    ],
    [
      "stays so when the machine sets it again and runs nothing",
      [
        pushed("e1", { set: { image: ONE } }),
        { ...succeeded, rest: "ready" },
        pushed("e2", { set: { image: TWO } }),
        { ...failed, set: { image: ONE }, rest: "ready" },
        { event: "CHECK", from: "LIVE", to: "DRIFT", sent: ["look"], rest: "working" },
        { event: "TASK_ERROR", task: "look", from: "DRIFT", to: "LIVE", unfinished: ["look"], rest: "ready" },
      ],
      { 1: "done", 2: "failed" },
      ONE,
    ],
    [
      "stays so however often a report looks, although another key names the newest one",
      [
        pushed("e1", { set: { image: ONE } }),
        { ...succeeded, rest: "ready", stack: { sha: ONE, image: ONE } },
        pushed("e2", { set: { image: TWO } }),
        { ...failed, set: { image: ONE }, rest: "ready", stack: { sha: TWO, image: ONE } },
        { event: "CHECK", from: "LIVE", to: "LIVE", rest: "ready", stack: { sha: TWO, image: ONE } },
        { event: "CHECK", from: "LIVE", to: "DRIFT", sent: ["look"], rest: "working", stack: { sha: TWO, image: ONE } },
      ],
      { 1: "done", 2: "failed" },
      ONE,
    ],
    [
      "is replaced by one that an event brings under the key by which the machine had set it again",
      [
        pushed("e1", { metadata: { note: ONE }, set: { image: ONE } }),
        { event: "PIN", from: "ROLL", to: "ROLL", sent: ["up"], set: { image: "9".repeat(40) } },
        { event: "BACK", from: "ROLL", to: "ROLL", sent: ["up"], set: { image: ONE } },
        { event: "PIN", from: "ROLL", to: "ROLL", sent: ["up"], metadata: { image: "9".repeat(40) } },
        { ...succeeded, rest: "ready" },
      ],
      { 1: "replaced" },
      undefined,
    ],
    [
      "is not done by that of a commit that the machine sets again, runs nothing for, and that never ran",
      [
        pushed("e1", { set: { image: ONE } }),
        pushed("e2", { set: { image: TWO } }),
        { ...failed, set: { image: ONE }, rest: "ready" },
      ],
      { 1: "replaced", 2: "failed" },
      undefined,
    ],
    [
      "is replaced by one that the machine sets by the event that brings it",
      [
        pushed("e1", { set: { image: ONE } }),
        pushed("e2", { set: { sha: ONE, image: ONE } }),
        { ...succeeded, rest: "ready" },
      ],
      { 1: "done", 2: "replaced" },
      ONE,
    ],
    [
      "is pending again when the machine sets it after a commit that is none of the pull request",
      [
        pushed("e1", { set: { image: ONE } }),
        { ...succeeded, rest: "ready" },
        { event: "PIN", from: "LIVE", to: "ROLL", sent: ["up"], set: { image: "9".repeat(40) } },
        { ...succeeded, rest: "ready" },
        { event: "BACK", from: "LIVE", to: "ROLL", sent: ["up"], set: { image: ONE }, rest: "working" },
      ],
      { 1: "pending" },
      undefined,
    ],
    [
      "is done although the machine has kept a part of its name, and cleared another key",
      [
        pushed("e1", { metadata: { sha: ONE, next: ONE }, rest: "working", stack: { sha: ONE, next: ONE } }),
        { ...succeeded, rest: "ready", stack: { sha: ONE.slice(0, 8), next: "" } },
      ],
      { 1: "done" },
      ONE,
    ],
    [
      "is pending while a person brings it back after another one",
      [
        pushed("e1"),
        { ...succeeded, rest: "ready", stack: { sha: ONE } },
        { event: "BACK", metadata: { sha: "9".repeat(40) }, from: "LIVE", to: "ROLL", rest: "ready" },
        { event: "BACK", metadata: { sha: ONE }, from: "LIVE", to: "ROLL", sent: ["up"], rest: "working" },
      ],
      { 1: "pending" },
      undefined,
    ],
    ["is not decided by events of the engine", [{ eventId: "e1", internal: true, rest: "ready" }], {}, undefined],
  ])("%s", (_, steps, expected, running) => {
    const notes = play(...steps);

    expect(verdicts(notes)).toEqual(expected);
    expect(notes.running).toBe(running);
  });

  it("waits for the lines that a stack is newer than", () => {
    const notes = play(pushed("e1"));

    expect(noteRest(notes, { phase: "ready", enteredAt: 99, watching: [], metadata: {} })).toBe(notes);
  });

  it("is pending while its run is repeated before the task that was rejected", () => {
    const rejected = {
      event: "REJECT_TASK",
      task: "sign",
      from: "REVIEW",
      to: "BROKEN",
      unfinished: ["sign"],
    } as const;
    const steps: readonly Step[] = [
      pushed("e1", { to: "PLAN", sent: ["plan"] }),
      { event: "TASK_COMPLETED", task: "plan", from: "PLAN", to: "REVIEW" },
      { ...rejected, rest: "ready" },
    ];
    const again = [...steps, { event: "RETRY", from: "BROKEN", to: "PLAN", sent: ["plan"] }];

    expect(verdicts(play(...steps))).toEqual({ 1: "failed" });
    expect(verdicts(play(...again), "working")).toEqual({ 1: "pending" });
    // Nothing has to be signed this time.
    expect(verdicts(play(...again, { ...succeeded, task: "plan", from: "PLAN", rest: "ready" }))).toEqual({
      1: "done",
    });
  });

  it("is pending while the failed task runs again", () => {
    const notes = play(
      pushed("e1"),
      { ...failed, rest: "ready" },
      { event: "RETRY", from: "LIVE", to: "ROLL", sent: ["up"] },
    );

    expect(verdicts(notes, "working")).toEqual({ 1: "pending" });
  });

  it("is the same however the lines are read, again or in parts", () => {
    const step = fc.constantFrom<Step>(
      pushed("e1"),
      pushed("e2"),
      pushed("e3"),
      failed,
      succeeded,
      { eventId: "e2", outcome: "parked", code: "X" },
      { event: "CLOSED", outcome: "removed" },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.nat({ max: 12 }), (steps, at) => {
        const lines = steps.map(
          (each, index): CommitLine => ({
            position: index + 1,
            at: index,
            eventId: `o${index}`,
            event: "PUSHED",
            outcome: "applied",
            sent: [],
            ...each,
          }),
        );
        const whole = noteLines(NO_COMMITS, lines, brought);
        const part = noteLines(NO_COMMITS, lines.slice(0, at), brought);

        expect(noteLines(part, lines, brought)).toEqual(whole);
      }),
    );
  });
});
