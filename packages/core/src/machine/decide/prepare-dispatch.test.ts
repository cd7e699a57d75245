import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent, type MachineSketch } from "../../testing/builders.ts";
import { anExpression, aTemplate, readKey, readOutput } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { DynamicConfig, Task } from "../machine.ts";
import { decide } from "./decide.ts";

const go = (metadata: object = {}) => anEvent("GO", { machine: "review-app", metadata });
const dynamic = (
  resolve: Parameters<typeof aTemplate>[0],
  config: Partial<Omit<DynamicConfig, "template">> = {},
): Pick<Task, "dynamicConfig"> => {
  return {
    dynamicConfig: {
      template: aTemplate(resolve),
      findFault: () => undefined,
      findTimeoutMs: () => undefined,
      ...config,
    },
  };
};
const build = (task: Partial<Task>, sketch: MachineSketch = {}) =>
  aMachineV2(
    { INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["db"], on: { NEXT: [], FAILED: [], SET: [] } } },
    { ...sketch, tasks: { db: task } },
  );
const send = (task: Partial<Task>, sketch: MachineSketch = {}) =>
  toApplied(decide(build(task, sketch), undefined, go()));
const failure = (errorCode: string, errorMessage: string) => ({ name: "db", status: "ERROR", errorMessage, errorCode });

describe("the config of a task that is sent", () => {
  it("is resolved with the metadata and what the needed tasks gave", () => {
    const machine = aMachineV2(
      { INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["net", "db"] } },
      {
        tasks: {
          db: {
            needs: ["net"],
            ...dynamic((scope) => ({ id: readOutput(scope, "net", "id"), size: readKey(scope, "size") })),
          },
        },
      },
    );
    const event = anEvent("TASK_COMPLETED", { task: { name: "net" }, outputs: { id: 7 } });

    const { dispatches } = toApplied(decide(machine, play(machine, go({ size: 1 })), event));

    expect(dispatches[0]?.message.task).toEqual({ name: "db", executor: "lambda", config: { id: 7, size: 1 } });
  });

  it("fails the task when an expression fails, without a message", () => {
    const { stack, dispatches } = send(dynamic((scope) => readKey(scope, "size")));

    expect(stack.tasks).toEqual([failure("EXPRESSION_FAILED", "The config failed: No such key: size")]);
    expect([dispatches, stack.runs, stack.attempts]).toEqual([[], [], {}]);
  });

  it("fails the task when the executor does not take it", () => {
    const { stack } = send(dynamic(() => ({}), { findFault: () => "/name must be there." }));

    expect(stack.tasks).toEqual([failure("CONFIG_INVALID", "/name must be there.")]);
  });

  it("fails the task when it is larger than any message may be", () => {
    const { stack } = send(dynamic(() => ({ text: "é".repeat(200_000) })));

    expect(stack.tasks).toEqual([failure("CONFIG_INVALID", "The config would be larger than 262144 bytes.")]);
  });

  it("says how long the attempt may take, where the task does not", () => {
    const { dispatches, stack } = send(dynamic(() => ({}), { findTimeoutMs: () => 5_000 }));
    const event = anEvent("TASK_TIMED_OUT", { origin: "worker", dispatchId: "pr-12/event-1/1/db/1" });

    const late = decide(build(dynamic(() => ({}))), stack, event);

    expect(dispatches.map(({ timeoutMs, message }) => [timeoutMs, message.dispatch.deadline])).toEqual([
      [5_000, "1970-01-01T00:00:06.000Z"],
    ]);
    expect(toApplied(late).stack.tasks[0]?.errorMessage).toBe("timed out after 5s");
  });
});

describe("the target of a task that is sent", () => {
  const target = (resolve: Parameters<typeof aTemplate>[0]) => ({
    targets: new Map([["preview", aTemplate(resolve)]]),
  });
  const task = { target: "preview" };

  it("is resolved into its message", () => {
    const address = { account: "111122223333", region: "eu-west-1", role: "stackyard" };

    const { dispatches } = send(
      task,
      target(() => address),
    );

    expect(dispatches[0]?.message.task).toEqual({
      name: "db",
      executor: "lambda",
      config: { name: "db" },
      target: address,
    });
  });

  it.each<[string, () => unknown, string]>([
    [
      "an expression fails",
      () => {
        throw new Error("No such key: x");
      },
      "No such key: x",
    ],
    ["it is no map", () => "preview", "it is no map."],
    ["a value is no text", () => ({ account: 1 }), '"account" must be a text that is not empty.'],
    ["a value is empty", () => ({ region: "" }), '"region" must be a text that is not empty.'],
    ["the account is none", () => ({ account: "12" }), '"account" must have twelve digits.'],
  ])("fails the task when %s", (_why, resolve, reason) => {
    const { stack, dispatches } = send(task, target(resolve));

    expect(stack.tasks).toEqual([failure("EXPRESSION_FAILED", `The target "preview" failed: ${reason}`)]);
    expect(dispatches).toEqual([]);
  });

  it("fails the task when the machine does not have it", () => {
    expect(send(task).stack.tasks).toEqual([
      failure("EXPRESSION_FAILED", 'The target "preview" is not in the machine.'),
    ]);
  });
});

describe("the exclusive key of a task that is sent", () => {
  const keyOf = (value: unknown) => {
    const { dispatches, stack } = send({ exclusive: anExpression(() => value, "key") });
    return dispatches[0]?.message.dispatch.exclusiveKey ?? stack.tasks[0]?.errorMessage;
  };

  it("is a text, number or boolean, made text; null and nothing mean none", () => {
    expect([keyOf("shared-db"), keyOf(5), keyOf(true), keyOf(null), keyOf("")]).toEqual([
      ...["shared-db", "5", "true"],
      ...[undefined, undefined],
    ]);
  });

  it("fails the task when it is anything else", () => {
    expect(keyOf([])).toBe('The exclusive key "key" failed: it gives no text, number or boolean.');
    expect(keyOf("x".repeat(1_025))).toBe('The exclusive key "key" failed: it has more than 1024 characters.');
  });

  it("stays the attempt's when it is sent again, and is another for the next", () => {
    const machine = build({ exclusive: anExpression((scope) => readKey(scope, "key")) });
    const sent = play(machine, go({ key: "a" }), anEvent("SET", { metadata: { key: "b" } }));
    const keysAfter = (stack: typeof sent, name: string) =>
      toApplied(decide(machine, stack, anEvent(name))).dispatches.map(({ message }) => message.dispatch.exclusiveKey);
    const failed = toApplied(decide(machine, sent, anEvent("TASK_ERROR", { task: { name: "db" } }))).stack;

    expect([keysAfter(sent, "RETRY_PENDING_TASKS"), keysAfter(failed, "RETRY_FAILED_TASKS")]).toEqual([["a"], ["b"]]);
  });
});

describe("messages of version 2", () => {
  it("say so, and show tasks with their details", () => {
    const { message } = send({}).dispatches[0] ?? {};

    expect([message?.dispatch.version, message?.stack.tasks]).toEqual([
      2,
      [{ name: "db", status: "PENDING", detail: "RUNNING" }],
    ]);
  });

  it("name a deadline also when no date could", () => {
    expect(send({ timeoutMs: 9e15 }).dispatches[0]?.message.dispatch.deadline).toBe("+275760-09-13T00:00:00.000Z");
  });
});

describe("an attempt that is sent again", () => {
  it("is not, with a note, when its config cannot be resolved any more; the attempt goes on", () => {
    const machine = build(dynamic((scope) => (readKey(scope, "size") === 1 ? {} : raise())));
    const sent = play(machine, go({ size: 1 }), anEvent("SET", { metadata: { size: 2 } }));

    const { stack, dispatches, notes } = toApplied(decide(machine, sent, anEvent("RETRY_PENDING_TASKS")));

    expect([stack.tasks[0]?.detail, dispatches]).toEqual(["RUNNING", []]);
    expect(notes).toEqual(['Task "db" was not sent again: The config failed: odd']);
  });
});

function raise(): never {
  throw new Error("odd");
}
