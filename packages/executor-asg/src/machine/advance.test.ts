import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HEALTHY, walkRelease } from "../testing/walk-release.ts";
import { advance, FIRST_POSITION } from "./advance.ts";
import { RELEASE_MACHINES } from "./release-machine.ts";
import { RELEASE_STATE_NAMES, type ReleaseStateName } from "./state-name.ts";

const { odin } = RELEASE_MACHINES;
const at = (state: ReleaseStateName, retries: readonly number[] = []) => ({ state, retries });
const failed = (errorClass: string) => ({ kind: "failed", errorClass }) as const;
const done = { kind: "done" } as const;

describe("advance", () => {
  it("moves on when a state is done, and says what has to pass first", () => {
    expect(advance(odin, FIRST_POSITION, done, HEALTHY)).toEqual({
      kind: "moved",
      position: at("Lock"),
      pauseSeconds: 0,
      caught: false,
    });
    expect(advance(odin, at("Deploy"), done, HEALTHY)).toMatchObject({
      position: at("WaitForDeploy"),
      pauseSeconds: 90,
    });
    expect(advance(odin, at("Healthy?"), done, HEALTHY)).toMatchObject({
      position: at("WaitForDetach"),
      pauseSeconds: 30,
    });
  });

  it("counts retries by rule, and forgets them when the state is left", () => {
    const second = advance(odin, at("DetachForSuccess", [4, 1]), failed("PanicError"), HEALTHY);

    expect(second).toEqual({ kind: "retrying", position: at("DetachForSuccess", [4, 2]), pauseSeconds: 120 });
    expect(advance(odin, at("DetachForSuccess", [4, 2]), done, HEALTHY)).toMatchObject({
      position: at("WaitDetachForSuccess"),
      caught: false,
    });
  });

  it("says that an error leads on", () => {
    expect(advance(odin, at("DetachForSuccess", [60, 0]), failed("DetachError"), HEALTHY)).toMatchObject({
      kind: "moved",
      position: at("WaitDetachForSuccess"),
      caught: true,
    });
    expect(advance(odin, at("Validate"), failed("BadReleaseError"), HEALTHY)).toEqual({
      kind: "ended",
      position: at("FailureClean"),
      end: "FailureClean",
      caught: true,
    });
  });

  it.each(["WaitForDeploy", "WaitForHealthy", "WaitForDetach"] as const)("obeys a halt during %s", (state) => {
    expect(advance(odin, at(state), failed("HaltError"), HEALTHY)).toEqual({
      kind: "moved",
      position: at("DetachForFailure"),
      pauseSeconds: 0,
      caught: true,
    });
  });

  it.each(["WaitDetachForSuccess", "WaitDetachForFailure"] as const)("goes on waiting in %s", (state) => {
    expect(advance(odin, at(state), failed("HaltError"), HEALTHY)).toEqual({ kind: "too-late" });
  });

  it("stays where it has ended", () => {
    expect(advance(odin, at("Success"), done, HEALTHY)).toEqual({
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

    expect(advance(odin, at("Healthy?"), done, values)).toMatchObject({ pauseSeconds: 0 });
  });

  it("always ends, whatever fails, and frees the lock unless somebody has to look", () => {
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
    const tasks = RELEASE_STATE_NAMES.filter((name) => odin[name]?.kind === "task");
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
