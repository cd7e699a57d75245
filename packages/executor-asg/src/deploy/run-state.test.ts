import { createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { ReleaseError } from "../release-errors.ts";
import type { ReleaseDeps, ReleaseMemory, ReleaseWork } from "../release-state.ts";
import { aRelease, aState, TARGET } from "../testing/builders.ts";
import { createReleaseWorld } from "../testing/release-world.ts";
import { isReleaseWorkName, runState } from "./run-state.ts";
import { createYardMemory } from "./yard-memory.ts";

const NEXT = { ...aRelease(), release_id: "release-3" };

/** A release that has its locks, in a world with real ones. */
async function createWork() {
  const world = createReleaseWorld();
  const memory: ReleaseMemory = createYardMemory({
    records: createMemoryRecords(),
    clock: world.clock,
    generation: "odin",
    at: TARGET,
  });
  const deps: ReleaseDeps = { ...world.deps, memory };
  const work: ReleaseWork = { release: aRelease(), state: aState({ services: { web: { healthy: true, stable: 1 } } }) };
  await memory.locks.acquire(work.release, work.state.uuid);
  return { world, memory, deps, work };
}

describe("runState", () => {
  it("renews the lock before each state that removes something from the old release", async () => {
    const { world, deps, memory, work } = await createWork();
    await world.clock.advance(29 * 60_000);

    await runState(deps, "DetachForSuccess", { ...work, release: { ...work.release, detach_strategy: "SkipDetach" } });
    await world.clock.advance(20 * 60_000);

    expect(await memory.locks.acquire(NEXT, "other")).toMatchObject({ kind: "held" });
  });

  it.each([
    ["Deploy", "LockError"],
    ["CheckHealthy", "LockError"],
    ["DetachForSuccess", "LockError"],
    ["CleanUpSuccess", "CleanUpError"],
  ] as const)("does not do %s when the lock went to another release", async (name, errorClass) => {
    const { world, deps, memory, work } = await createWork();
    await world.clock.advance(36 * 60_000);
    await memory.locks.acquire(NEXT, "other");

    await expect(runState(deps, name, work)).rejects.toMatchObject({ errorClass });
    expect(world.sim.calls).toEqual([]);
    expect(await memory.locks.renew(NEXT, "other")).toBe("held");
  });

  it.each([
    ["ValidateResources", "BadReleaseError"],
    ["Deploy", "HaltError"],
    ["CheckHealthy", "HealthError"],
    ["DetachForSuccess", "DetachError"],
    ["CleanUpSuccess", "CleanUpError"],
  ] as const)("fails as %s does when the lock cannot be renewed: %s", async (name, errorClass) => {
    const { world, deps, memory, work } = await createWork();
    const renew = () => Promise.reject(new ReleaseError("LOCK_FAILED", "away"));
    const away = { ...memory, locks: { ...memory.locks, renew } };

    const message = `Cannot renew the lock before ${name}: away`;
    await expect(runState({ ...deps, memory: away }, name, work)).rejects.toMatchObject({ errorClass, message });
    expect(world.sim.calls.filter(({ operation }) => !operation.includes(".Describe"))).toEqual([]);
  });

  it("has Deploy cleaned up when the lock cannot be renewed after an earlier try has made a group", async () => {
    const { world, deps, memory, work } = await createWork();
    const renew = () => Promise.reject(new ReleaseError("LOCK_FAILED", "away"));
    world.sim.autoScaling.addGroup({
      account: TARGET.account,
      region: TARGET.region,
      name: "org/shop-production-2026-01-01T00-00-00Z-web",
      subnets: world.ids.subnets,
      tags: { ReleaseUUID: work.state.uuid },
    });

    const away = { ...memory, locks: { ...memory.locks, renew } };
    await expect(runState({ ...deps, memory: away }, "Deploy", work)).rejects.toMatchObject({
      errorClass: "DeployError",
      message: expect.stringContaining("Cannot renew the lock before Deploy"),
    });
  });

  it("ends a clean-up well that is delivered again after it gave the lock back, and touches nothing", async () => {
    const { world, deps, memory, work } = await createWork();
    await memory.locks.release(work.release, work.state.uuid);
    await memory.locks.acquire(NEXT, "other");

    expect(await runState(deps, "CleanUpSuccess", work)).toMatchObject({ success: true });
    expect(world.sim.calls).toEqual([]);
    expect(await memory.locks.renew(NEXT, "other")).toBe("held");
  });

  it("keeps the lock without an end when a clean-up fails", async () => {
    const { world, deps, memory, work } = await createWork();
    const refuse = () => {
      throw Object.assign(new Error("no"), { name: "AccessDenied", $metadata: { httpStatusCode: 403 } });
    };
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", refuse);

    await expect(runState(deps, "CleanUpFailure", work)).rejects.toMatchObject({ errorClass: "CleanUpError" });
    await world.clock.advance(24 * 3_600_000);

    expect(await memory.locks.acquire(NEXT, "other")).toMatchObject({ kind: "held" });
    await runState(deps, "CleanUpFailure", work);
    await runState(deps, "ReleaseLockFailure", work);
    expect(await memory.locks.acquire(NEXT, "other")).toMatchObject({ kind: "acquired" });
  });

  it("calls a fault of its own a panic", async () => {
    const { deps, work } = await createWork();
    const memory = { ...deps.memory, clearHalts: () => Promise.reject(new TypeError("x is not a function")) };

    await expect(runState({ ...deps, memory }, "ReleaseLockFailure", work)).rejects.toMatchObject({
      errorClass: "PanicError",
      message: expect.stringContaining("x is not a function"),
    });
  });

  it("knows its states by name", () => {
    expect(["Lock", "RetireKept", "Validate", "Success", "toString", 1].map(isReleaseWorkName)).toEqual([
      ...[true, true, false, false, false, false],
    ]);
  });
});
