import { describe, expect, it } from "vitest";
import { aStack } from "../testing/builders.ts";
import { readAttemptSecrets } from "./decide/work.ts";
import { attemptIdOf } from "./event-message.ts";

const stack = aStack({ life: "e1", metadata: { password: "hunter22" }, secretVersions: { password: 1 } });
const idIn = (life: string) => attemptIdOf({ stackId: stack.id, life, entry: 1, task: "db", attempt: 1 });

describe("the secrets of an attempt", () => {
  it("are those of its stack", () => {
    expect(readAttemptSecrets(stack, idIn("e1"), ["password#1", "password#2"])).toEqual({ "password#1": "hunter22" });
  });

  it("are none of another life, of no stack, and of an id that names no life", () => {
    expect(readAttemptSecrets(stack, idIn("e0"), ["password#1"])).toEqual({});
    expect(readAttemptSecrets(undefined, idIn("e1"), ["password#1"])).toEqual({});
    expect(readAttemptSecrets(stack, "a1", ["password#1"])).toEqual({});
  });

  it("are found for any life that an event's id may make", () => {
    const odd = { ...stack, life: "half \ud800/%" };

    expect(readAttemptSecrets(odd, idIn(odd.life), ["password#1"])).toEqual({ "password#1": "hunter22" });
  });
});
