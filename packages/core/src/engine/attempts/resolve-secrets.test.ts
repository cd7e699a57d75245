import { describe, expect, it } from "vitest";
import type { TaskMessage } from "../../machine/task-message.ts";
import { resolveSecrets } from "./resolve-secrets.ts";

function aMessage(config: unknown, metadata: TaskMessage["stack"]["metadata"] = {}): TaskMessage {
  return {
    task: { name: "db", executor: "lambda", config },
    stack: { id: "s1", machine: "m", _state: "RUN", previousState: "INIT", tasks: [], metadata },
    dispatch: { id: "s1/e1/1/db/1", attempt: 1, deadline: "2030-01-01T01:00:00.000Z", version: 2 },
  };
}

describe("resolveSecrets", () => {
  it("puts values where references stand, at any depth and in the metadata", () => {
    const message = aMessage({ args: { list: [{ $secret: "pw#2" }], plain: 1 } }, { pw: { $secret: "pw#2" }, n: 1 });

    const resolved = resolveSecrets(message, { "pw#2": "hush" });

    expect(resolved).toMatchObject({
      missing: [],
      message: { task: { config: { args: { list: ["hush"], plain: 1 } } }, stack: { metadata: { pw: "hush", n: 1 } } },
    });
  });

  it("joins text around a value, numbers as JSON writes them", () => {
    const config = { url: { $concat: ["postgres://u:", { $secret: "pw#1" }, "@h:", { $secret: "port#1" }] } };

    const resolved = resolveSecrets(aMessage(config), { "pw#1": "a b", "port#1": 5432 });

    expect(resolved).toMatchObject({ message: { task: { config: { url: "postgres://u:a b@h:5432" } } } });
  });

  it("names every reference that has no value, each once, and puts *** in its place", () => {
    const message = aMessage([{ $secret: "a#1" }, { $secret: "b#1" }], { b: { $secret: "b#1" } });

    expect(resolveSecrets(message, {})).toMatchObject({
      message: { task: { config: ["***", "***"] }, stack: { metadata: { b: "***" } } },
      missing: ["a#1", "b#1"],
    });
  });

  it("leaves a message of version 1 unchanged, which has no references", () => {
    const message = aMessage({ args: { $secret: "pw#2" }, url: { $concat: ["a", "b"] } });
    const { version: _, ...dispatch } = message.dispatch;
    const older = { ...message, dispatch };

    expect(resolveSecrets(older, { "pw#2": "hush" })).toEqual({ message: older, missing: [] });
  });

  it("keeps a null that is a value", () => {
    expect(resolveSecrets(aMessage({ x: { $secret: "a#1" } }), { "a#1": null })).toMatchObject({
      message: { task: { config: { x: null } } },
    });
  });
});
