import { describe, expect, it } from "vitest";
import {
  aMachineV2,
  anEvent,
  anExpression,
  type MachineSketch,
  play,
  readOutput,
  someRules,
  toApplied,
} from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import { SEMANTICS_V1 } from "../machine.ts";
import { readSecrets } from "../secrets.ts";
import { decide } from "./decide.ts";
import { createMetadataPattern } from "./metadata-pattern.ts";

const rules = someRules({
  url: { type: "string", pattern: createMetadataPattern("^https:") },
  password: { sensitive: true },
  once: { immutable: true },
});
const build = (outputs: Readonly<Record<string, string>> = {}, sketch: MachineSketch = {}) =>
  aMachineV2(
    {
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: ["db", "app"], on: { NEXT: ["LIVE"], FAILED: ["BROKEN"], AGAIN: ["BUILD"] } },
      LIVE: {},
      BROKEN: {},
    },
    { metadata: rules, tasks: { db: { outputs: new Map(Object.entries(outputs)) } }, ...sketch },
  );
const done = (outputs: Readonly<Record<string, unknown>>, event: Partial<StackEvent> = {}) =>
  anEvent("TASK_COMPLETED", { task: { name: "db" }, outputs, ...event });
const finish = (machine: ReturnType<typeof build>, event: StackEvent, metadata = {}) =>
  toApplied(decide(machine, play(machine, anEvent("GO", { metadata })), event));
const failure = (errorMessage: string) => ({ name: "db", status: "ERROR", errorMessage, errorCode: "OUTPUT_INVALID" });

describe("outputs of a task", () => {
  it("are kept while the state lasts: only scalars, with their types", () => {
    const { stack } = finish(build(), done({ host: "h", port: 1, ok: false, none: null, list: [1], map: {} }));

    expect(stack.outputs).toEqual({ db: { host: "h", port: 1, ok: false, none: null } });
    expect(play(build(), anEvent("GO"), done({ host: "h" }), anEvent("AGAIN")).outputs).toBeUndefined();
  });

  it("are those of its last result", () => {
    expect(play(build(), anEvent("GO"), done({ a: 1, b: 2 }), done({ a: 3 })).outputs).toEqual({ db: { a: 3 } });
  });

  it("are kept of a task that has failed, too, and are not mapped", () => {
    const { stack } = finish(build({ url: "url" }), { ...done({ url: "https:x" }), name: "TASK_ERROR" });

    expect([stack.outputs, stack.metadata]).toEqual([{ db: { url: "https:x" } }, {}]);
  });

  it("go into the metadata that the task maps, over what the result brought, and before NEXT", () => {
    const machine = build({ url: "address" }, { tasks: { db: { outputs: new Map([["url", "address"]]) }, app: {} } });
    const stack = play(machine, anEvent("GO"), anEvent("TASK_COMPLETED", { task: { name: "app" } }));

    const after = toApplied(
      decide(machine, stack, done({ address: "https:b" }, { metadata: { url: "https:a", k: 1 } })),
    );

    expect([after.stack.state, after.stack.metadata]).toEqual(["LIVE", { url: "https:b", k: 1 }]);
  });

  it("leave a key unchanged when the output is missing, with a note", () => {
    const { stack, notes } = finish(build({ url: "address" }), done({}), { url: "https:old" });

    expect([stack.metadata, stack.tasks[0]?.status]).toEqual([{ url: "https:old" }, "SATISFIED"]);
    expect(notes).toEqual(['Task "db" returned no output "address", so the metadata key "url" is unchanged.']);
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    [
      "is not a scalar",
      { address: ["https:x"], other: 1 },
      'The output "address" is neither text, number, boolean nor null, which the metadata key "url" may hold.',
    ],
    ["breaks the rules", { address: "ftp:x" }, 'The metadata key "url" does not match the pattern ^https:.'],
    [
      "makes the metadata too large",
      { address: `https:${"x".repeat(70_000)}` },
      "The stack's metadata would be larger than 65536 bytes.",
    ],
  ])("fail the task for good when one that is mapped %s, and none is stored", (_why, outputs, reason) => {
    const { stack } = finish(build({ url: "address" }), done(outputs, { metadata: { k: 1 } }));

    expect([stack.tasks[0], stack.outputs, stack.metadata]).toEqual([failure(reason), undefined, { k: 1 }]);
  });

  it("fail the task when they are larger than a record can bear", () => {
    const { stack } = finish(build(), done({ log: "x".repeat(70_000) }));

    expect(stack.tasks[0]).toEqual(failure("The outputs of the state's tasks would be larger than 65536 bytes."));
    expect(stack.outputs).toBeUndefined();
  });

  it("are left out of a failed task when they are too large", () => {
    const { stack } = finish(build(), { ...done({ log: "x".repeat(70_000) }), name: "TASK_ERROR", description: "no" });

    expect([stack.tasks[0]?.errorMessage, stack.outputs]).toEqual(["no", undefined]);
  });

  it("may set an immutable key once, also where the result's own metadata says something else", () => {
    const { stack } = finish(build({ once: "id" }), done({ id: "b" }, { metadata: { once: "a" } }));
    const fixed = finish(build({ once: "id" }), done({ id: "b" }), { once: "a" });

    expect(stack.metadata).toEqual({ once: "b" });
    expect(fixed.stack.tasks[0]).toEqual(failure('The metadata key "once" is immutable and has a value already.'));
  });

  it("are ignored where the machine stores none", () => {
    const old = { ...build({ url: "address" }), semantics: SEMANTICS_V1 };

    const { stack } = finish(old, done({ address: "https:x" }));

    expect(["outputs" in stack, stack.metadata]).toEqual([false, {}]);
  });
});

describe("sensitive outputs", () => {
  const secret = done({ pass: "hunter22", user: "ann", none: null }, { sensitiveOutputs: ["pass", "none"] });

  it("are kept apart, behind a reference", () => {
    const { stack } = finish(build(), secret);

    const ref = "tasks.db.outputs.pass#1";
    expect(stack.outputs).toEqual({ db: { pass: { $secret: ref }, user: "ann", none: null } });
    expect(readSecrets(stack, [ref])).toEqual({ [ref]: "hunter22" });
  });

  it("are not in what expressions see", () => {
    const read = (output: string) => anExpression((scope) => readOutput(scope, "db", output) === "ann");
    const machine = aMachineV2({
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: ["db"], on: { NEXT: [], ASK: [{ when: read("user"), to: "A" }], PRY: [{ when: read("pass") }] } },
      A: {},
    });
    const { stack } = finish(machine, secret);

    expect(toApplied(decide(machine, stack, anEvent("ASK"))).stack.state).toBe("A");
    expect(decide(machine, stack, anEvent("PRY"))).toMatchObject({ code: "EXPRESSION_FAILED" });
  });

  it("are dropped when the state is left, or the task has given others", () => {
    const again = play(build(), anEvent("GO"), secret, done({ pass: "other456" }, { sensitiveOutputs: ["pass"] }));

    expect(again.keptSecrets).toEqual({ "tasks.db.outputs.pass#2": "other456" });
    expect("keptSecrets" in play(build(), anEvent("GO"), secret, anEvent("AGAIN"))).toBe(false);
  });

  it("go into a key that is declared sensitive only", () => {
    const kept = finish(build({ password: "pass" }), secret).stack;
    const shown = finish(build({ k: "pass" }), secret).stack;

    expect([kept.metadata, kept.secretVersions]).toEqual([{ password: "hunter22" }, { password: 1 }]);
    expect(shown.tasks[0]).toEqual(
      failure(
        'The output "pass" is sensitive, or contains a sensitive value, and the metadata key "k" is not declared so.',
      ),
    );
    expect(JSON.stringify(shown)).not.toContain("hunter22");
  });

  it("are also those that the worker shows, but that go into a sensitive key", () => {
    const { stack } = finish(build({ password: "pass" }), done({ pass: "hunter22" }));

    expect(stack.outputs).toEqual({ db: { pass: { $secret: "tasks.db.outputs.pass#1" } } });
  });
});
