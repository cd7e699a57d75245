import { MOST_UNWATCHED_MS } from "@stackyard/core";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { AsgConfig, AsgOutputs, asgDefinition } from "./definition.ts";

const release = { project_name: "org/shop", config_name: "production" };
const at = { account: "111122223333", region: "eu-west-1", project: "org/shop", config: "production" };
const target = { account: "111122223333", region: "eu-west-1" };
const MINUTE_MS = 60_000;

describe("AsgConfig", () => {
  it.each([
    [{ release }, true],
    [{ release, userData: "#!/bin/sh", preset: "odin", queue: true, actor: "ann", revision: "0123" }, true],
    [
      {
        release,
        constants: { optInTag: "ours", wildcard: "*" },
        memory: { bucket: "releases", lockTable: "ours-locks" },
      },
      true,
    ],
    [{ op: "rollback", at, releaseId: "r1" }, true],
    [{ op: "repair", at, confirm: true, force: true }, true],
    [{ op: "lock", at, reason: "audit" }, true],
    [{ op: "unlock", at, root: true }, true],
    [{ op: "retire", at, releaseId: "r1", uuid: "u" }, true],
    [{ release: "text" }, false],
    [{ release, preset: "other" }, false],
    [{ release, memory: {} }, false],
    [{ release, memory: { bucket: "B" } }, false],
    [{ op: "other", at }, false],
    [{ op: "lock", at: { ...at, account: "1" } }, false],
    [{ release, other: 1 }, false],
  ])("with %j: %s", (config, valid) => {
    expect(Value.Check(AsgConfig, config)).toBe(valid);
  });
});

describe("AsgOutputs", () => {
  it("are scalars by name", () => {
    expect(Value.Check(AsgOutputs, { releaseId: "r", dirty: false, found: 1 })).toBe(true);
    expect(Value.Check(AsgOutputs, { groups: [] })).toBe(false);
  });
});

describe("asgDefinition", () => {
  it("is resumable, and may take half an hour to stop", () => {
    expect(asgDefinition).toMatchObject({ name: "asg", resumable: true, cancelWithin: "30m" });
  });

  it.each([
    [{ release }, 110],
    [{ release: { ...release, timeout: 3_600 } }, 160],
    [{ release: { ...release, timeout: 1e9 } }, 2_980],
    [{ release: { ...release, timeout: "no", drain_timeout: 1_200 } }, 120],
    [{ release, queue: true }, 170],
    [{ op: "lock", at }, 5],
  ] as const)("gives %j so many minutes: %d, and a release a day of unwatched time", (config, minutes) => {
    const unwatched = "op" in config ? 0 : MOST_UNWATCHED_MS;

    expect(asgDefinition.timeout(config)).toBe(minutes * MINUTE_MS + unwatched);
  });

  it("has one release of a project-config at a time where releases may wait", () => {
    const key = asgDefinition.exclusiveKey({ target }, { release, queue: true });

    expect(key).toBe("111122223333/eu-west-1/org%2Fshop/production");
    expect(asgDefinition.exclusiveKey({}, { release: { ...release, aws_account_id: "1" }, queue: true })).toBe(
      "1//org%2Fshop/production",
    );
    expect(asgDefinition.exclusiveKey({ target }, { release })).toBeUndefined();
    expect(asgDefinition.exclusiveKey({ target }, { op: "repair", at, queue: true })).toBeUndefined();
  });
});
