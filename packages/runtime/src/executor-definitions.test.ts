import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { toExecutorDefinitions } from "./executor-definitions.ts";

const delay = { name: "delay", config: Type.Object({ seconds: Type.Number() }), resumable: false, cancelWithin: "1m" };

describe("the executors that a state manager knows", () => {
  it("are those that are built in", () => {
    expect([...toExecutorDefinitions().keys()]).toEqual(["terraform", "lambda", "command", "deploy", "gate"]);
  });

  it("are those of a user's runners too, whose configs it knows only where they are defined", () => {
    const known = toExecutorDefinitions([delay], ["delay", "ecs"]);

    expect(known.get("delay")).toBe(delay);
    expect(known.get("ecs")).toMatchObject({ name: "ecs", resumable: true });
  });

  it("keep what is known of them when they are named as well", () => {
    expect(toExecutorDefinitions([], ["lambda"]).get("lambda")).toBe(lambdaDefinition);
  });
});
