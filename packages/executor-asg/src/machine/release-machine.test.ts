import { describe, expect, it } from "vitest";
import { HEALTHY, type Script, walkRelease } from "../testing/walk-release.ts";
import { RELEASE_MACHINES } from "./release-machine.ts";
import { RELEASE_STATE_NAMES } from "./state-name.ts";

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
    ["one that is none", { Validate: ["UnmarshalError"] }, ["Validate", "FailureClean"]],
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

  it("gives old groups ten minutes to let go, and takes them away nevertheless", () => {
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
