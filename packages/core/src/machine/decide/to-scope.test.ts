import { describe, expect, it } from "vitest";
import { aMachineV2, aStack, someRules } from "../../testing/builders.ts";
import { toFindSecret, toScope } from "./to-scope.ts";

const machine = aMachineV2(
  { INIT: {}, A: { tasks: ["db", "__proto__"] }, "CLEAN-UP": {} },
  { metadata: someRules({ size: {}, password: { sensitive: true }, token: { sensitive: true } }) },
);
const stack = aStack({
  state: "A",
  visits: { INIT: 1, A: 3 },
  tasks: [{ name: "db", status: "PENDING", detail: "RETRYING" }, "__proto__"],
  metadata: { password: "hunter22", token: null, extra: true },
  secretVersions: { password: 2, token: 1 },
  outputs: { db: { host: "h", pass: { $secret: "tasks.db.outputs.pass#1" } } },
});
const input = { machine, stack, at: 9 };

describe("what expressions see", () => {
  it("is each declared key, null without a value, and no sensitive value", () => {
    expect(toScope(input).metadata).toEqual({ size: null, token: null, extra: true });
  });

  it("is sensitive metadata where the place allows it", () => {
    const { metadata, event } = toScope(input, {
      sensitive: true,
      event: { name: "GO", metadata: { password: "hunter22" } },
    });

    expect([metadata, event?.metadata]).toEqual([
      { size: null, password: "hunter22", token: null, extra: true },
      { password: "hunter22" },
    ]);
  });

  it("is the event without its sensitive values elsewhere", () => {
    const { event } = toScope(input, { event: { name: "GO", metadata: { password: "hunter22", size: 1 } } });

    expect(event).toEqual({ name: "GO", metadata: { size: 1 } });
  });

  it("counts the entries into every state", () => {
    expect(toScope(input).stack.visits).toEqual({ INIT: 1, A: 3, "CLEAN-UP": 0 });
    expect(toScope({ ...input, stack: aStack({ state: "A" }) }).stack.visits).toMatchObject({ INIT: 0, A: 1 });
  });

  it("is each task with its detail, else its status, and the outputs that may be seen", () => {
    const { tasks } = toScope(input, { tasks: true });

    expect(Object.entries(tasks ?? {})).toEqual([
      ["db", { status: "RETRYING", outputs: { host: "h" } }],
      ["__proto__", { status: "PENDING", outputs: {} }],
    ]);
  });

  it("is neither event nor tasks where they are not asked for", () => {
    expect([Object.keys(toScope(input)).sort(), toScope(input).now]).toEqual([["metadata", "now", "stack"], 9]);
  });
});

describe("the reference of a sensitive value", () => {
  const find = toFindSecret(stack);

  it("is found for metadata and for outputs", () => {
    expect(find({ kind: "metadata", key: "password" })).toBe("password#2");
    expect(find({ kind: "output", task: "db", output: "pass" })).toBe("tasks.db.outputs.pass#1");
  });

  it("is none for what is not sensitive, null or not there", () => {
    expect(
      [
        find({ kind: "metadata", key: "token" }),
        find({ kind: "metadata", key: "extra" }),
        find({ kind: "output", task: "db", output: "host" }),
        find({ kind: "output", task: "db", output: "toString" }),
        find({ kind: "output", task: "toString", output: "name" }),
      ].filter((ref) => ref !== undefined),
    ).toEqual([]);
  });
});
