import { Type } from "typebox";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { keyArg, toFollowArgs, toRunArg } from "./run-args.ts";

const args = Type.Object({ run: toRunArg("ecs run"), key: keyArg, ...toFollowArgs("run") });

describe("the arguments of commands over runs", () => {
  it.each([
    ["a run alone", { run: "run-7" }, true],
    ["all of them", { run: "run-7", key: "release-7", detach: true, giveUpAfter: "30m" }, true],
    ["an id with a slash", { run: "run/7" }, false],
    ["an empty key", { run: "run-7", key: "" }, false],
    ["a length without a unit", { run: "run-7", giveUpAfter: "30" }, false],
    ["a length of nothing", { run: "run-7", giveUpAfter: "0s" }, false],
  ])("%s: %j", (_what, given, fits) => {
    expect(Value.Check(args, given)).toBe(fits);
  });

  it("say what goes on, and what has printed the id", () => {
    const { giveUpAfter } = toFollowArgs("release");

    expect([giveUpAfter, toRunArg("fleet run")]).toMatchObject([
      { description: expect.stringContaining("the release goes on (exit code 4)") },
      { description: "As `fleet run` prints it." },
    ]);
  });
});
