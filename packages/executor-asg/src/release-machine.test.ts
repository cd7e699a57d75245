import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  advance,
  FIRST_POSITION,
  RELEASE_MACHINES,
  RELEASE_STATE_NAMES,
  type ReleaseStateName,
} from "./release-machine.ts";
import { HEALTHY, type Script, walkRelease } from "./testing/release-world.ts";

const { odin, "step-asg-deployer": seed } = RELEASE_MACHINES;
const walk = (script: Script = {}) => walkRelease(odin, script);
const walkSeed = (script: Script = {}) => walkRelease(seed, script);

const TO_DEPLOY = ["Validate", "Lock", "ValidateResources", "Deploy"];
const LOOK = ["WaitForHealthy", "CheckHealthy", "Healthy?"];
const TO_HEALTHY = [...TO_DEPLOY, "WaitForDeploy", ...LOOK];
const DETACHED = ["WaitForDetach", "DetachForSuccess", "WaitDetachForSuccess", "CleanUpSuccess", "Success"];
const UNLOCKED = ["ReleaseLockFailure", "FailureClean"];
const TORN_DOWN = ["DetachForFailure", "WaitDetachForFailure", "CleanUpFailure", ...UNLOCKED];

describe("the states of a release", () => {
  it("are all in the table, in their order", () => {
    expect(Object.keys(odin)).toEqual(RELEASE_STATE_NAMES);
    expect(Object.keys(seed)).toEqual(RELEASE_STATE_NAMES.filter((name) => !name.includes("Detach")));
  });

  it("lead to states only", () => {
    for (const machine of [odin, seed]) {
      const targets = JSON.stringify(machine).matchAll(/"(?:next|halted|healthy|unhealthy|otherwise)":"([^"]+)"/g);
      for (const [, name] of targets) expect(Object.keys(machine)).toContain(name);
    }
  });
});

describe("a release", () => {
  it("goes well", () => {
    expect(walk()).toEqual({ path: [...TO_HEALTHY, ...DETACHED], pauses: [90, 15, 30, 5], end: "Success" });
  });

  it("waits until it is healthy, and for the slow start that its resources have", () => {
    const script: Script = {
      ValidateResources: [{ healthy: false, wait_for_healthy: 60, wait_for_detach: 900 }],
      CheckHealthy: [{}, {}, { healthy: true }],
    };

    expect(walk(script)).toEqual({
      path: [...TO_HEALTHY, ...LOOK, ...LOOK, ...DETACHED],
      end: "Success",
      pauses: [90, 60, 60, 60, 900, 5],
    });
  });

  it.each([
    ["a bad document", { Validate: ["BadReleaseError"] }, ["Validate", "FailureClean"]],
    ["an invalid one", { Validate: ["UnmarshalError"] }, ["Validate", "FailureClean"]],
    ["a lock that is held", { Lock: ["LockExistsError"] }, ["Validate", "Lock", "FailureClean"]],
    ["a lock that may be taken", { Lock: ["LockError"] }, ["Validate", "Lock", ...UNLOCKED]],
    ["a bug in the lock", { Lock: ["PanicError"] }, ["Validate", "Lock", ...UNLOCKED]],
    ["a bad resource", { ValidateResources: ["BadReleaseError"] }, [...TO_DEPLOY.slice(0, 3), ...UNLOCKED]],
    ["a halt before anything is made", { Deploy: ["HaltError"] }, [...TO_DEPLOY, ...UNLOCKED]],
    ["a creation that fails", { Deploy: ["DeployError"] }, [...TO_DEPLOY, ...TORN_DOWN]],
    ["a bug while creating", { Deploy: ["PanicError"] }, [...TO_DEPLOY, ...TORN_DOWN]],
    ["a halt while waiting", { CheckHealthy: ["HaltError"] }, [...TO_HEALTHY.slice(0, -1), ...TORN_DOWN]],
  ] as const)("ends clean with %s", (_name, script, path) => {
    expect(walk(script)).toMatchObject({ path, end: "FailureClean" });
  });

  it("ends clean with a halt after some looks", () => {
    const script: Script = { ValidateResources: [{ healthy: false }], CheckHealthy: [{}, "HaltError"] };

    expect(walk(script).path).toEqual([...TO_HEALTHY, "WaitForHealthy", "CheckHealthy", ...TORN_DOWN]);
  });

  it("does not know what to do with a health that is neither", () => {
    for (const healthy of [undefined, null, "true", 1]) {
      expect(walk({ CheckHealthy: [{ healthy }] }).path).toEqual([...TO_HEALTHY, ...TORN_DOWN]);
    }
  });

  it("looks again three times, each pause twice as long, when a look fails", () => {
    const failing = Array(4).fill("HealthError");
    const looks = [...TO_HEALTHY.slice(0, -1), ...Array(3).fill("CheckHealthy")];

    expect(walk({ CheckHealthy: failing })).toEqual({
      path: [...looks, ...TORN_DOWN],
      end: "FailureClean",
      pauses: [90, 15, 15, 30, 60, 60],
    });
    expect(walk({ CheckHealthy: failing.slice(1) })).toEqual({
      path: [...looks, "Healthy?", ...DETACHED],
      end: "Success",
      pauses: [90, 15, 15, 30, 60, 30, 5],
    });
  });

  it("has its retries anew at each look", () => {
    const script: Script = {
      ValidateResources: [{ healthy: false }],
      CheckHealthy: [
        "HealthError",
        "HealthError",
        "HealthError",
        {},
        "HealthError",
        "HealthError",
        "HealthError",
        HEALTHY,
      ],
    };

    expect(walk(script)).toMatchObject({ end: "Success", pauses: [90, 15, 15, 30, 60, 15, 15, 30, 60, 30, 5] });
  });

  it("gives old groups ten minutes to drain, and deletes them after that", () => {
    const { path, pauses, end } = walk({ DetachForSuccess: Array(61).fill("DetachError") });

    expect(end).toBe("Success");
    expect(path).toEqual([...TO_HEALTHY, "WaitForDetach", ...Array(61).fill("DetachForSuccess"), ...DETACHED.slice(2)]);
    expect(pauses).toEqual([90, 15, 30, ...Array(60).fill(10), 5]);
  });

  it("counts the retries of each rule by itself", () => {
    const errors = ["DetachError", "PanicError", "DetachError", "PanicError", "PanicError", "DetachError"];

    expect(walk({ DetachForSuccess: errors }).pauses).toEqual([90, 15, 30, 10, 60, 10, 120, 240, 10, 5]);
    expect(walk({ DetachForSuccess: Array(4).fill("PanicError") }).path.slice(-3)).toEqual(DETACHED.slice(2));
  });

  it.each([
    ["CleanUpSuccess", {}, [60, 60, 60]],
    ["CleanUpFailure", { Deploy: ["DeployError"] }, [30, 60, 120]],
    ["ReleaseLockFailure", { Deploy: ["HaltError"] }, [30, 60, 120]],
  ] as const)("ends dirty when %s fails four times", (state, before, pauses) => {
    const walked = walk({ ...before, [state]: Array(4).fill("CleanUpError") });

    expect(walked.path.slice(-5)).toEqual([state, state, state, state, "FailureDirty"]);
    expect(walked).toMatchObject({ end: "FailureDirty" });
    expect(walked.pauses.slice(-3)).toEqual(pauses);
    expect(walk({ ...before, [state]: Array(3).fill("LockError") }).end).not.toBe("FailureDirty");
  });

  it("takes new groups away even where they do not let go", () => {
    const walked = walk({ Deploy: ["DeployError"], DetachForFailure: Array(4).fill("DetachError") });

    expect(walked.path).toEqual([...TO_DEPLOY, ...Array(3).fill("DetachForFailure"), ...TORN_DOWN]);
    expect(walked.pauses).toEqual([60, 120, 240, 60]);
  });
});

describe("a release of the seed", () => {
  const SEED_TORN_DOWN = ["CleanUpFailure", ...UNLOCKED];

  it("goes well, and does not detach", () => {
    expect(walkSeed()).toEqual({
      path: [...TO_HEALTHY, "CleanUpSuccess", "Success"],
      pauses: [30, 15],
      end: "Success",
    });
  });

  it.each([
    ["a bad document", { Validate: ["BadReleaseError"] }, ["Validate", "FailureClean"]],
    ["a lock that is held", { Lock: ["LockExistsError"] }, ["Validate", "Lock", "FailureClean"]],
    ["a lock that may be taken", { Lock: ["LockError"] }, ["Validate", "Lock", ...UNLOCKED]],
    ["a bug in the lock", { Lock: ["PanicError"] }, ["Validate", "Lock", "FailureDirty"]],
    ["a bad resource", { ValidateResources: ["BadReleaseError"] }, [...TO_DEPLOY.slice(0, 3), ...UNLOCKED]],
    ["a halt before anything is made", { Deploy: ["HaltError"] }, [...TO_DEPLOY, ...UNLOCKED]],
    ["a creation that fails", { Deploy: ["DeployError"] }, [...TO_DEPLOY, ...SEED_TORN_DOWN]],
    ["a halt while waiting", { CheckHealthy: ["HaltError"] }, [...TO_HEALTHY.slice(0, -1), ...SEED_TORN_DOWN]],
    ["a health that is neither", { CheckHealthy: [{ healthy: null }] }, [...TO_HEALTHY, ...SEED_TORN_DOWN]],
  ] as const)("ends with %s", (_name, script, path) => {
    expect(walkSeed(script).path).toEqual(path);
  });

  it("retries only what it names, and the last clean-up every half minute, minute, two minutes", () => {
    expect(walkSeed({ CleanUpSuccess: Array(4).fill("CleanUpError") })).toMatchObject({
      end: "FailureDirty",
      pauses: [30, 15, 30, 60, 120],
    });
    expect(walkSeed({ CleanUpSuccess: ["DeployError"] })).toMatchObject({ end: "FailureDirty", pauses: [30, 15] });
    expect(walkSeed({ CheckHealthy: ["HealthError", "PanicError"] }).pauses).toEqual([30, 15, 15, 30]);
  });
});

const { odin: advanceOdin } = RELEASE_MACHINES;
const at = (state: ReleaseStateName, retries: readonly number[] = []) => ({ state, retries });
const failed = (errorClass: string) => ({ kind: "failed", errorClass }) as const;
const done = { kind: "done" } as const;

describe("advance", () => {
  it("moves on when a state is done, and says what has to pass first", () => {
    expect(advance(advanceOdin, FIRST_POSITION, done, HEALTHY)).toEqual({
      kind: "moved",
      position: at("Lock"),
      pauseSeconds: 0,
      caught: false,
    });
    expect(advance(advanceOdin, at("Deploy"), done, HEALTHY)).toMatchObject({
      position: at("WaitForDeploy"),
      pauseSeconds: 90,
    });
    expect(advance(advanceOdin, at("Healthy?"), done, HEALTHY)).toMatchObject({
      position: at("WaitForDetach"),
      pauseSeconds: 30,
    });
  });

  it("counts retries by rule, and forgets them when the state is left", () => {
    const second = advance(advanceOdin, at("DetachForSuccess", [4, 1]), failed("PanicError"), HEALTHY);

    expect(second).toEqual({ kind: "retrying", position: at("DetachForSuccess", [4, 2]), pauseSeconds: 120 });
    expect(advance(advanceOdin, at("DetachForSuccess", [4, 2]), done, HEALTHY)).toMatchObject({
      position: at("WaitDetachForSuccess"),
      caught: false,
    });
  });

  it("says that an error leads on", () => {
    expect(advance(advanceOdin, at("DetachForSuccess", [60, 0]), failed("DetachError"), HEALTHY)).toMatchObject({
      kind: "moved",
      position: at("WaitDetachForSuccess"),
      caught: true,
    });
    expect(advance(advanceOdin, at("Validate"), failed("BadReleaseError"), HEALTHY)).toEqual({
      kind: "ended",
      position: at("FailureClean"),
      end: "FailureClean",
      caught: true,
    });
  });

  it.each(["WaitForDeploy", "WaitForHealthy", "WaitForDetach"] as const)("obeys a halt during %s", (state) => {
    expect(advance(advanceOdin, at(state), failed("HaltError"), HEALTHY)).toEqual({
      kind: "moved",
      position: at("DetachForFailure"),
      pauseSeconds: 0,
      caught: true,
    });
  });

  it.each(["WaitDetachForSuccess", "WaitDetachForFailure"] as const)("keeps waiting in %s", (state) => {
    expect(advance(advanceOdin, at(state), failed("HaltError"), HEALTHY)).toEqual({ kind: "too-late" });
  });

  it("stays where it has ended", () => {
    expect(advance(advanceOdin, at("Success"), done, HEALTHY)).toEqual({
      kind: "ended",
      position: at("Success"),
      end: "Success",
      caught: false,
    });
  });

  it("ends dirty in a state that the table does not have", () => {
    const seed = RELEASE_MACHINES["step-asg-deployer"];

    expect(advance(seed, at("WaitForDetach"), done, HEALTHY)).toMatchObject({ kind: "ended", end: "FailureDirty" });
  });

  it("never waits for less than nothing", () => {
    const values = { ...HEALTHY, wait_for_detach: -5 };

    expect(advance(advanceOdin, at("Healthy?"), done, values)).toMatchObject({ pauseSeconds: 0 });
  });

  it("always ends, whatever fails, and frees the lock unless a person has to act", () => {
    const classes = [
      "BadReleaseError",
      "LockExistsError",
      "LockError",
      "HaltError",
      "DetachError",
      "PanicError",
      "Lambda.Unknown",
    ];
    const failures = fc.array(fc.constantFrom(...classes, {}), { maxLength: 6 });
    const tasks = RELEASE_STATE_NAMES.filter((name) => advanceOdin[name]?.kind === "task");
    const scripts = fc.record(Object.fromEntries(tasks.map((name) => [name, failures])));
    fc.assert(
      fc.property(scripts, fc.constantFrom(...Object.values(RELEASE_MACHINES)), (script, machine) => {
        const { path, end } = walkRelease(machine, script);

        expect(path.at(-1)).toBe(end);
        if (end === "FailureClean" && path.includes("ValidateResources"))
          expect(path.at(-2)).toBe("ReleaseLockFailure");
        if (end === "FailureClean" && path.includes("WaitForDeploy")) expect(path).toContain("CleanUpFailure");
        if (end === "Success") expect(path.at(-2)).toBe("CleanUpSuccess");
      }),
    );
  });
});
