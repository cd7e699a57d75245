import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { TaskMessage } from "../../machine/task-message.ts";
import { defineExecutor, succeeded } from "../../ports/executor.ts";
import { aDispatch } from "../../testing/store-conformance/store-builders.ts";
import { findExclusiveKeys } from "./exclusive-keys.ts";

const terraform = defineExecutor({
  name: "terraform",
  config: Type.Object({ key: Type.Optional(Type.String()), size: Type.Optional(Type.Number()) }),
  exclusiveKey: ({ stackId, target }, { key }) => {
    if (key === "broken") throw new Error("no key");
    return key === "none" ? undefined : `${target?.region ?? "home"}/${key ?? stackId}`;
  },
  start: async () => succeeded({}),
});

function aMessage(
  task: Readonly<Record<string, unknown>>,
  dispatch: Partial<TaskMessage["dispatch"]> = {},
): TaskMessage {
  const { message } = aDispatch("s1/created/1/plan/1");
  return { ...message, task: { name: "plan", ...task }, dispatch: { ...message.dispatch, version: 2, ...dispatch } };
}

describe("what an attempt must hold alone", () => {
  it("is the executor's own key and the task's explicit one", () => {
    const keysOf = (config: object, dispatch = {}) => findExclusiveKeys(terraform, aMessage({ config }, dispatch));

    expect(keysOf({ key: "a" })).toEqual({ exclusiveKeys: ["terraform:home/a"] });
    expect(keysOf({}, { exclusiveKey: "db" })).toEqual({ exclusiveKeys: ["terraform:home/s1", "key:db"] });
    expect(keysOf({ key: "none" }, { exclusiveKey: "db" })).toEqual({ exclusiveKeys: ["key:db"] });
    expect(keysOf({ key: "none" })).toEqual({ exclusiveKeys: [] });
  });

  it("is the explicit key alone where the executor is not known or has none", () => {
    const message = aMessage({}, { exclusiveKey: "db" });
    const { exclusiveKey: _, ...keyless } = terraform;

    expect(findExclusiveKeys(undefined, message)).toEqual({ exclusiveKeys: ["key:db"] });
    expect(findExclusiveKeys(keyless, message)).toEqual({ exclusiveKeys: ["key:db"] });
  });

  it("knows the target", () => {
    const target = { account: "111122223333", region: "eu-west-1" };

    expect(findExclusiveKeys(terraform, aMessage({ config: { key: "a" }, target }))).toEqual({
      exclusiveKeys: ["terraform:eu-west-1/a"],
    });
  });

  it("has the reference of a secret in its place: the value comes with the claim only", () => {
    const config = { key: { $concat: ["db-", { $secret: "name#2" }] }, size: { $secret: "size#1" } };

    expect(findExclusiveKeys(terraform, aMessage({ config }))).toEqual({ exclusiveKeys: ["terraform:home/db-name#2"] });
  });

  it("knows no references in version 1", () => {
    const { version: _, ...dispatch } = aMessage({}).dispatch;
    const keysOf = (config: object) => findExclusiveKeys(terraform, { ...aMessage({ config }), dispatch });

    expect(keysOf({ key: "a", args: { $concat: ["a", "b"] } })).toEqual({ exclusiveKeys: ["terraform:home/a"] });
    expect(keysOf({ key: "a", size: { $secret: "size#1" } })).toEqual({ exclusiveKeys: [] });
  });

  it("is nothing of the executor's for a config that does not fit; the attempt fails before it begins", () => {
    expect(findExclusiveKeys(terraform, aMessage({ config: { key: 7 } }))).toEqual({ exclusiveKeys: [] });
  });

  it("is a fault where the executor cannot name it", () => {
    expect(findExclusiveKeys(terraform, aMessage({ config: { key: "broken" } }))).toMatchObject({
      exclusiveKeys: [],
      fault: { code: "PLUGIN_INVALID" },
    });
  });

  it("is a fault where the target leaves account or region out", () => {
    const message = aMessage({ config: {}, target: { region: "eu-west-1" } });

    expect(findExclusiveKeys(terraform, message)).toMatchObject({
      exclusiveKeys: [],
      fault: { code: "CONFIG_INVALID", message: expect.stringContaining("no account or no region") },
    });
  });
});
