import { SimFault } from "@stackyard/aws-sim";
import type { Executor, Step } from "@stackyard/core";
import { createRandom, runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAsgExecutor } from "./asg.ts";
import { createYardMemory } from "./deploy/yard-memory.ts";
import { toPlaceKey } from "./plan/release-place-record.ts";
import { TARGET } from "./testing/builders.ts";
import { type AsgYard, addServingGroup, aTaskConfig, createAsgYard, OLD_GROUP } from "./testing/yards.ts";

const AT = { account: TARGET.account, region: TARGET.region, project: "org/shop", config: "production" };
const KEY = { aws_account_id: TARGET.account, project_name: "org/shop", config_name: "production" };
const NEW = "org/shop-production-2026-01-01T00-00-00Z-web";
const CLEAN = { end: "FailureClean", dirty: false, success: false };

function memoryOf({ records, world }: AsgYard) {
  return createYardMemory({ records, clock: world.clock, generation: "odin", at: TARGET });
}

/** What the yard remembers of the place. */
async function findPlace({ records, world }: AsgYard): Promise<unknown> {
  return (await records.get(toPlaceKey(AT), world.clock.now()))?.value;
}

/** The state that a running step says it is in. */
function statesOf(steps: readonly Step[]): readonly string[] {
  const states = steps.flatMap((step) => (step.kind === "running" ? [step.message.split(/[:.,]/)[0] ?? ""] : []));
  return states.filter((state, index) => state !== states[index - 1]);
}

describe("a release as a task", () => {
  it("needs no id, time or target in its document, and returns flat outputs", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);

    const { step, steps } = await yard.run(aTaskConfig());

    expect(step).toEqual({
      kind: "succeeded",
      outputs: {
        releaseId: expect.stringMatching(/^release-2026-01-01T00-00-00Z-[a-z]{7}$/),
        end: "Success",
        dirty: false,
        success: true,
        groups: NEW,
        image: yard.world.ids.image,
        previousReleaseId: "release-1",
      },
    });
    expect(await findPlace(yard)).toEqual({
      ...AT,
      running: {
        releaseId: expect.stringMatching(/^release-2026-01-01/),
        since: expect.any(String),
        stackId: expect.any(String),
      },
      updatedAt: expect.any(String),
    });
    expect(statesOf(steps)).toEqual([
      ...["Lock", "ValidateResources", "Deploy", "WaitForDeploy", "WaitForHealthy", "CheckHealthy", "Healthy?"],
      ...["WaitForDetach", "DetachForSuccess", "WaitDetachForSuccess", "CleanUpSuccess"],
    ]);
    expect(yard.groups()).toEqual([NEW]);
  });

  it.each([
    [
      { actor: "ann", revision: "4f1c" },
      { "stackyard:actor": "ann", "stackyard:revision": "4f1c" },
    ],
    [{ actor: "ann" }, { "stackyard:actor": "ann" }],
    [{ revision: "4f1c" }, { "stackyard:revision": "4f1c" }],
    [{}, {}],
  ])("tags its group with what is known of %j", async (config, expected) => {
    const yard = createAsgYard();

    await yard.run(aTaskConfig({}, config));

    const [group] = yard.world.sim.autoScaling.listGroups({ account: TARGET.account, region: TARGET.region });
    const told = Object.entries(group?.tags ?? {}).filter(([key]) => /:(actor|revision)$/.test(key));
    expect(Object.fromEntries(told)).toEqual(expected);
  });

  it("checks at least every 30 s, and records its progress", async () => {
    const yard = createAsgYard();

    const { steps } = await yard.run(aTaskConfig());

    for (const step of steps) if (step.kind === "running") expect(step.pollAfterMs).toBeLessThanOrEqual(30_000);
    expect((await yard.records.get("job-report/s1/0000", 0))?.value).toMatchObject({
      operation: "deploy",
      state: "Success",
      end: "Success",
      services: { web: { isHealthy: true, group: NEW } },
    });
  });

  it("is not ended by any error of a poll, because its groups and its lock would be left behind", async () => {
    const progress = { op: "deploy", writtenBy: "a later version" };
    const executor: Executor = createAsgExecutor();

    const step = await executor.poll?.(createAsgYard().context(), aTaskConfig() as never, progress as never);

    const message = 'Retries: The progress of the operation "deploy" was written by another version of the executor.';
    expect(step).toEqual({ kind: "running", progress, pollAfterMs: 30_000, message });
  });

  it.each([
    [{ unknown: 1 }, "RELEASE_UNREADABLE", "UnmarshalError"],
    [{ timeout: 1e9 }, "BAD_RELEASE", "BadReleaseError"],
    [{ aws_account_id: "999900001111" }, "BAD_RELEASE", "BadReleaseError"],
    [{ aws_region: "eu-north-1" }, "BAD_RELEASE", "BadReleaseError"],
    [{ user_data_sha256: "0".repeat(64) }, "BAD_RELEASE", "BadReleaseError"],
    [{ created_at: "2025-12-01T00:00:00Z" }, "BAD_RELEASE", "BadReleaseError"],
  ])("is rejected before any check, with %j", async (over, code, error) => {
    const yard = createAsgYard();

    const { step } = await yard.run(aTaskConfig(over));

    expect(step).toMatchObject({ kind: "failed", code, retryable: false, outputs: { ...CLEAN, error } });
    expect(yard.world.sim.calls).toEqual([]);
  });

  it("fails clean when a resource is bad, and can be repeated under a new id", async () => {
    const yard = createAsgYard();

    const { step } = await yard.run(aTaskConfig({ ami: "none" }));
    const again = await yard.run(aTaskConfig());

    expect(step).toMatchObject({ code: "BAD_RELEASE", outputs: { ...CLEAN, state: "ValidateResources" } });
    expect(again.step.kind).toBe("succeeded");
  });

  it("plans without a change", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const before = yard.groups();

    const plan = await createAsgExecutor().plan?.(yard.context(), aTaskConfig() as never);

    expect(plan).toMatchObject({
      summary: "1 new group, 1 old to be replaced.",
      details: { services: [{ service: "web", desired: 2, previousGroup: OLD_GROUP }] },
    });
    expect(yard.groups()).toEqual(before);
  });
});

describe("a second release of the project-config", () => {
  async function hold(yard: AsgYard) {
    await memoryOf(yard).locks.acquire({ ...KEY, release_id: "other" }, "other");
  }

  it("is rejected while another release has the lock", async () => {
    const yard = createAsgYard();
    await hold(yard);

    const { step } = await yard.run(aTaskConfig());

    expect(step).toMatchObject({ code: "LOCK_EXISTS", outputs: { ...CLEAN, state: "Lock", error: "LockExistsError" } });
  });

  it("waits for the lock where it may, and its timeout counts from then", async () => {
    const yard = createAsgYard();
    await hold(yard);
    const { clock } = yard.world;
    void clock.sleep(15 * 60_000).then(() => memoryOf(yard).locks.release({ ...KEY, release_id: "other" }, "other"));

    const { step, steps } = await yard.run(aTaskConfig({}, { queue: true }));

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(steps[1]).toMatchObject({ message: "Lock: waiting for release other." });
  }, 10_000);

  it("waits for an hour, and stops to wait when it is cancelled", async () => {
    const yard = createAsgYard();
    await memoryOf(yard).locks.acquire({ ...KEY, release_id: "other" }, "other");
    await memoryOf(yard).locks.keep({ ...KEY, release_id: "other" }, "other");

    const cancelled = await yard.run(aTaskConfig({}, { queue: true }), { cancelAfterMs: 60_000 });
    const waited = await yard.run(aTaskConfig({}, { queue: true }));

    expect(cancelled.step).toMatchObject({ code: "RELEASE_HALTED", outputs: CLEAN });
    expect(waited.step).toMatchObject({ code: "LOCK_EXISTS", outputs: CLEAN });
  });
});

describe("an order to halt", () => {
  it("is seen in a wait, and obeyed at once", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const memory = memoryOf(yard);
    const config = aTaskConfig({ release_id: "r2" });
    void yard.world.clock
      .sleep(40_000)
      .then(() => memory.orderHalt({ ...KEY, release_id: "r2" }, { message: "Wrong image." }));

    const { step, steps } = await yard.run(config);

    expect(step).toMatchObject({
      code: "RELEASE_HALTED",
      message: "Wrong image.",
      outputs: { ...CLEAN, state: "WaitForDeploy" },
    });
    expect(statesOf(steps).slice(-4)).toEqual([
      "DetachForFailure",
      "WaitDetachForFailure",
      "CleanUpFailure",
      "ReleaseLockFailure",
    ]);
    expect(yard.groups()).toEqual([OLD_GROUP]);
    expect(await memory.listHalts({ ...KEY, release_id: "r2" })).toEqual([]);
  });

  it("is seen while a look at the health is to be tried again", async () => {
    const yard = createAsgYard();
    const { sim, clock } = yard.world;
    const away = () => {
      throw new SimFault("InternalFailure", 500, "Not now.");
    };
    void clock.sleep(100_000).then(() => {
      for (let calls = 0; calls < 3; calls += 1) sim.once("AutoScaling.DescribeAutoScalingGroups", away);
    });
    const memory = memoryOf(yard);
    const order = { message: "Wrong image." };
    void clock.sleep(160_000).then(() => memory.orderHalt({ ...KEY, release_id: "r2" }, order));

    const { step, elapsedMs } = await yard.run(aTaskConfig({ release_id: "r2" }));

    // The fourth look would be after 210 s; the clean-up waits for a minute.
    expect(elapsedMs).toBe(240_000);
    expect(step).toMatchObject({ code: "RELEASE_HALTED", outputs: { ...CLEAN, state: "CheckHealthy" } });
  });

  it("that is for another release halts nothing", async () => {
    const yard = createAsgYard();
    await memoryOf(yard).orderHalt({ ...KEY, release_id: "r1" }, { message: "Stop." });

    expect((await yard.run(aTaskConfig({ release_id: "r2" }))).step.kind).toBe("succeeded");
  });

  it("that comes when traffic has moved is answered, and the release ends well", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const memory = memoryOf(yard);
    const context = yard.context();
    void yard.world.clock
      .sleep(108_000)
      .then(() => memory.orderHalt({ ...KEY, release_id: "r2" }, { message: "Stop." }));

    const { step } = await yard.run(aTaskConfig({ release_id: "r2" }), { context });

    expect(step.kind).toBe("succeeded");
    expect(context.reports.join("\n")).toContain("A halt request came too late.");
  });

  it("before the first call ends the attempt with nothing begun", async () => {
    const { cancel } = createAsgExecutor();
    const yard = createAsgYard();

    const step = await cancel?.(yard.context(), aTaskConfig() as never, undefined as never);

    expect(step).toMatchObject({ code: "RELEASE_HALTED", outputs: CLEAN });
    expect(yard.world.sim.calls).toEqual([]);
  });
});

describe("a release that leaves something behind", () => {
  it("fails with LEFT_BEHIND, keeps its lock without an end, and is repaired", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    yard.world.sim.autoScaling.script("org/", { neverHealthy: true });
    const refuse = () => {
      throw Object.assign(new Error("no"), {
        name: "AccessDenied",
        $metadata: { httpStatusCode: 403 },
        $fault: "client",
      });
    };
    for (let calls = 0; calls < 4; calls += 1) yard.world.sim.once("AutoScaling.DeleteAutoScalingGroup", refuse);

    const { step } = await yard.run(aTaskConfig({ release_id: "r2", timeout: 120 }));
    await yard.world.clock.advance(24 * 3_600_000);
    const next = await yard.run(aTaskConfig());

    expect(step).toMatchObject({
      code: "LEFT_BEHIND",
      message: expect.stringMatching(
        /^Timeout: Halting Release: web: target group .*\. Then .*\. Resources may be left behind/s,
      ),
      outputs: { end: "FailureDirty", dirty: true, failure: "RELEASE_TIMED_OUT" },
    });
    expect(next.step).toMatchObject({ code: "LOCK_EXISTS", message: expect.stringContaining("release r2") });

    const repaired = await yard.run({ op: "repair", at: AT, preset: "odin", confirm: true, force: true });

    expect(repaired.step).toMatchObject({ kind: "succeeded", outputs: { lockedBy: "r2" } });
    expect(yard.groups()).toEqual([OLD_GROUP]);
    yard.world.sim.autoScaling.script("org/", {});
    expect((await yard.run(aTaskConfig())).step.kind).toBe("succeeded");
  });
});

describe("groups that are kept", () => {
  it("are deleted by the follow-up job", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);

    const { step } = await yard.run(aTaskConfig({ rollback_window: 3_600 }));
    const kept = yard.groups();
    const followUp = step.kind === "succeeded" ? step.followUp : undefined;
    const retired = await yard.run({ ...followUp?.config });

    expect([followUp?.inMs, kept]).toEqual([3_600_000, [OLD_GROUP, NEW]]);
    expect(retired.step).toMatchObject({ kind: "succeeded", outputs: { end: "Success" } });
    expect(yard.groups()).toEqual([NEW]);
  });

  it("come back by a rollback, and the new ones go", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    await yard.run(aTaskConfig({ rollback_window: 3_600 }));

    const { step } = await yard.run({ op: "rollback", at: AT, preset: "odin" });

    expect(step).toMatchObject({
      kind: "succeeded",
      outputs: { end: "Success", releaseId: "release-1", groups: OLD_GROUP },
    });
    expect(yard.groups()).toEqual([OLD_GROUP]);
    expect(await findPlace(yard)).toMatchObject({ running: { releaseId: "release-1" } });
  });
});

describe("a rollback without kept groups", () => {
  it("releases the document of the release before anew", async () => {
    const yard = createAsgYard();
    await yard.run(aTaskConfig({ release_id: "r1" }));
    await yard.world.clock.advance(60_000);
    await yard.run(aTaskConfig({ release_id: "r2" }));
    await yard.world.clock.advance(60_000);

    const { step } = await runExecutor(
      createAsgExecutor({ random: createRandom(9) }),
      { op: "rollback", at: AT, preset: "odin" },
      { context: yard.context({ stackId: "s2" }) },
    );

    expect(step).toMatchObject({ kind: "succeeded", outputs: { end: "Success", previousReleaseId: "r2" } });
    expect(yard.groups()).toHaveLength(1);
  });
});

describe("a person's lock", () => {
  it("keeps releases away until it is taken off", async () => {
    const yard = createAsgYard();
    const place = { at: AT, preset: "odin" };

    const locked = await yard.run({ op: "lock", ...place, actor: "bob", reason: "audit" });
    const whileLocked = await findPlace(yard);
    const refused = await yard.run(aTaskConfig());
    const unlocked = await yard.run({ op: "unlock", ...place, root: true });

    expect(whileLocked).toMatchObject({ ...AT, lock: { user: "bob", reason: "audit" } });
    expect(await findPlace(yard)).not.toHaveProperty("lock");
    expect(locked.step).toMatchObject({ outputs: { locked: true, user: "bob", reason: "audit" } });
    expect(refused.step).toMatchObject({
      code: "LOCK_EXISTS",
      message: expect.stringContaining("locked by bob: audit"),
    });
    expect(unlocked.step).toMatchObject({ outputs: { unlocked: true, rootRemoved: false, user: "bob" } });
    expect((await yard.run(aTaskConfig())).step.kind).toBe("succeeded");
  });

  it.each([
    [{ op: "lock" }, "needs"],
    [{ op: "unlock", at: { ...AT, region: "eu-north-1" } }, "the target of the task"],
    [{ op: "lock", at: { ...AT, project: "../../other" } }, '"../../other" is not a valid project name'],
    [{ op: "lock", at: { ...AT, config: "pro\nd" } }, '"pro\\nd" is not a valid config name'],
  ])("is rejected for %j", async (config, message) => {
    const { step } = await createAsgYard().run(config);

    expect(step).toMatchObject({ code: "BAD_RELEASE", message: expect.stringContaining(message) });
  });
});

const at = { account: TARGET.account, region: TARGET.region, project: "org/shop", config: "production" };

/** Two groups for one service, neither with traffic. */
function createAmbiguous(): AsgYard {
  const yard = createAsgYard();
  yard.world.addOldGroup({ service: "web", releaseId: "release-1" });
  yard.world.addOldGroup({ service: "web", releaseId: "release-2" });
  return yard;
}

function repair(yard: AsgYard, over: object = {}) {
  return yard.run({ op: "repair", at, preset: "odin", confirm: true, ...over });
}

describe("repair of groups that traffic does not distinguish", () => {
  it("removes nothing until a person says which release stays", async () => {
    const yard = createAmbiguous();

    const { step } = await repair(yard);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { found: 2, removed: 0 } });
    expect(yard.groups()).toHaveLength(2);
  });

  it("removes the others when that was said", async () => {
    const yard = createAmbiguous();

    const { step } = await repair(yard, { releaseId: "release-2" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { found: 1, removed: 1 } });
    expect(yard.groups()).toEqual(["org/shop-production-release-2-web"]);
  });
});
