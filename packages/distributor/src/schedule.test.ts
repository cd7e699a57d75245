import { describe, expect, it } from "vitest";
import { retire } from "./calls.ts";
import { findCell, listCells } from "./cell-records.ts";
import { statusOf } from "./cell-status.ts";
import { noteConsumer } from "./consumers.ts";
import { onPublished, onReceipt } from "./coverage.ts";
import { onSchedule } from "./schedule.ts";
import { PLACE } from "./testing/a-cell.ts";
import {
  aReceiptEvent,
  aRegistration,
  createDistributorWorld,
  type DistributorWorld,
  SOURCE,
  type WorldOptions,
} from "./testing/a-distributor-world.ts";
import { type AskedExecution, createFleet, OTHER as OTHER_PLACE } from "./testing/a-fleet.ts";
import { runExecution } from "./testing/run-execution.ts";

const MINUTE = 60_000;
const MACHINE_ARN = "arn:aws:states:eu-west-1:999988887777:stateMachine:initial-set";
const OTHER = { account: "444455556666", region: "us-east-1" };

async function createRegistered(options: WorldOptions = {}): Promise<DistributorWorld> {
  const world = createDistributorWorld(options);
  await onReceipt(world.context, aRegistration(PLACE));
  return world;
}

function look(world: DistributorWorld, resume = async () => {}) {
  return onSchedule(world.context, resume, { deadlineAt: world.context.clock.now() + 900_000 });
}

describe("the sweep", () => {
  it("announces what is overdue to that consumer alone, three times, and then there is an alarm", async () => {
    const world = await createRegistered();
    const artifact = await world.publish({ version: "1.0.0" });
    await onPublished(world.context, artifact);
    await onReceipt(world.context, aReceiptEvent(artifact, PLACE, { file: 0 }));
    const begin = world.context.clock.now();

    const reports: (readonly [number, number])[] = [];
    for (let minute = 5; minute <= 240; minute += 5) {
      await world.pass(5 * MINUTE);
      const { announced, alarmed } = await look(world);
      reports.push([announced, alarmed]);
    }

    const keys = ["billing-api/1.0.0/file-1"];
    expect(world.announced.map(({ to, keys, at }) => [to, keys, (at - begin) / MINUTE])).toEqual(
      [15, 45, 105].map((minute) => ["111122223333/eu-west-1", keys, minute]),
    );
    expect(reports.filter(([, alarmed]) => alarmed > 0)).toHaveLength(1);
    const cell = await findCell(world.context, { ...artifact.manifest, ...PLACE });
    expect(cell && statusOf(cell)).toBe("overdue");
  });

  it("reports an alarm once when two processes check at the same time", async () => {
    const told: unknown[] = [];
    const world = await createRegistered();
    await onPublished(world.context, await world.publish({ version: "1.0.0" }));
    for (let hour = 0; hour < 3; hour += 1) {
      await world.pass(60 * MINUTE);
      await look(world);
    }
    await world.pass(120 * MINUTE);
    const logger = { ...world.context.logger, error: (_text: string, facts?: object) => void told.push(facts) };

    const reports = await Promise.all([1, 2].map(() => look({ ...world, context: { ...world.context, logger } })));

    expect(reports.map(({ alarmed }) => alarmed).sort()).toEqual([0, 1]);
    expect(told).toMatchObject([{ code: "ARTIFACT_OVERDUE" }]);
  });

  it("announces once when two look at the same time", async () => {
    const world = await createRegistered();
    await onPublished(world.context, await world.publish({ version: "1.0.0" }));
    await world.pass(15 * MINUTE);

    const reports = await Promise.all([look(world), look(world)]);

    expect(reports.map(({ announced }) => announced).sort()).toEqual([0, 2]);
  });

  it("waits for a consumer for the configured time", async () => {
    const world = await createRegistered({ config: { overdueSeconds: 60 } });
    await onPublished(world.context, await world.publish({ version: "1.0.0" }));
    await world.pass(MINUTE);

    expect((await look(world)).announced).toBe(2);
  });

  it("expects nothing of a consumer that cannot answer", async () => {
    const world = createDistributorWorld();
    await noteConsumer(world.context, PLACE, { kind: "asked", at: world.context.clock.now() });
    const artifact = await world.publish({ version: "1.0.0" });
    await onPublished(world.context, artifact);
    await world.pass(60 * MINUTE);

    expect((await look(world)).announced).toBe(0);
    expect((await listCells(world.context, artifact.manifest, [])).map(statusOf)).toEqual(["announced"]);
  });

  it("finds a version whose cells a crash has left out", async () => {
    const world = await createRegistered();
    const artifact = await world.publish({ version: "1.0.0" });

    await look(world);
    const before = (await listCells(world.context, artifact.manifest, [])).map(statusOf);
    await world.pass(15 * MINUTE);

    expect(before).toEqual(["expected"]);
    expect((await look(world)).announced).toBe(2);
  });

  it("brings the version before a retired one to who came after it", async () => {
    const world = await createRegistered();
    const artifact = await world.publish({ version: "1.0.0", files: 1 });
    await onPublished(world.context, artifact);
    await onReceipt(world.context, aReceiptEvent(artifact, PLACE));
    await onPublished(world.context, await world.publish({ version: "2.0.0", files: 1 }));
    await onReceipt(world.context, aRegistration(OTHER));

    await retire(world.context, { op: "retire", name: "billing-api", version: "2.0.0" });
    await look(world);
    await world.pass(15 * MINUTE);
    await look(world);

    expect(world.announced).toMatchObject([{ to: "444455556666/us-east-1", version: "billing-api@1.0.0" }]);
  });

  it("reports what is present everywhere when it was not reported yet, and does not check it again", async () => {
    const world = await createRegistered();
    const artifact = await world.publish({ version: "1.0.0", files: 1 });
    await onReceipt(world.context, aRegistration(OTHER));
    await onPublished(world.context, artifact);
    await onReceipt(world.context, aReceiptEvent(artifact, PLACE));
    await world.pass(1_000);
    const left = { account: OTHER.account, "detail-type": "consumer.unregistered", detail: { v: 1, ...OTHER } };
    await onReceipt(world.context, left);

    const covered = [(await look(world)).covered, (await look(world)).covered];
    await world.sim.eventBridge.deliver();

    expect([covered, world.covered.length]).toEqual([[1, 0], 1]);
  });

  it("writes metrics of what is missing, without versions among the dimensions", async () => {
    const world = await createRegistered();
    await onPublished(world.context, await world.publish({ version: "1.0.0" }));

    await look(world);

    const lines = world.metrics.map((line) => JSON.parse(line));
    expect(lines.find((line) => "MissingFiles" in line)).toMatchObject({
      Artifact: "billing-api",
      Consumer: "111122223333/eu-west-1",
      version: "1.0.0",
      MissingFiles: 2,
      _aws: { CloudWatchMetrics: [{ Namespace: "Stackyard/Artifacts", Dimensions: [["Artifact", "Consumer"]] }] },
    });
    expect(lines.find(({ Status }) => Status === "announced")).toMatchObject({ Cells: 1 });
    expect(lines.find(({ Status }) => Status === "overdue")).toMatchObject({ Cells: 0 });
    expect(world.metrics.every((line) => line.endsWith("}\n"))).toBe(true);
  });
});

describe("initial sets", () => {
  async function createWithMachine() {
    const world = await createRegistered({ config: { machineArn: MACHINE_ARN } });
    const definition = { StartAt: "Done", States: { Done: { Type: "Succeed" } } };
    world.sim.stepFunctions.addStateMachine({ ...SOURCE, name: "initial-set", definition });
    return world;
  }

  it("start automatically for a new consumer, once", async () => {
    const world = await createWithMachine();

    const sets = [(await look(world)).sets, (await look(world)).sets];

    const { executions } = world.sim.stepFunctions;
    expect(executions.map(({ input }) => JSON.parse(input))).toEqual([
      { AccountId: "111122223333", Region: "eu-west-1" },
    ]);
    expect(sets).toEqual([1, 1]);
  });

  it("begin for no account that is no longer trusted", async () => {
    const world = await createWithMachine();
    const context = { ...world.context, trust: { accounts: [OTHER.account] } };

    expect((await look({ ...world, context })).sets).toBe(0);
  });
});

describe("the schedule", () => {
  it("does the rest when one part fails, and fails then", async () => {
    const world = await createRegistered();
    await onPublished(world.context, await world.publish({ version: "1.0.0" }));
    await world.pass(15 * MINUTE);
    const resume = async () => {
      throw new Error("S3 does not answer.");
    };

    await expect(look(world, resume)).rejects.toThrow("S3 does not answer.");

    expect(world.announced).toHaveLength(1);
  });

  it("leaves to the next one what it has no time for", async () => {
    const world = await createRegistered();
    await onPublished(world.context, await world.publish({ version: "1.0.0" }));
    await world.pass(15 * MINUTE);

    const report = await onSchedule(world.context, async () => {}, { deadlineAt: world.context.clock.now() + 1_000 });

    expect([report.announced, world.announced]).toEqual([0, []]);
  });
});

describe("retention", () => {
  const DAY = 24 * 60 * MINUTE;

  async function createOld(keepDays?: number) {
    const world = await createRegistered(keepDays === undefined ? {} : { config: { keepDays } });
    world.sim.s3.createBucket({ ...SOURCE, name: "source" });
    const publishedAt = world.context.clock.now() - 40 * DAY;
    const [old] = [
      await world.publish({ version: "1", publishedAt }),
      await world.publish({ version: "2", publishedAt }),
    ];
    const keys = ["1", "2"].flatMap((version) => ["file-0", "file-1"].map((file) => `billing-api/${version}/${file}`));
    for (const key of keys) world.sim.s3.write("source", key, "content");
    const kept = () => keys.filter((key) => world.sim.s3.findObject("source", key) !== undefined);
    const cover = async () => {
      for (const file of [0, 1]) await onReceipt(world.context, aReceiptEvent(old, PLACE, { file }));
    };
    return { world, kept, cover, keys };
  }

  it("removes a version that is old, covered and not current, and forgets none of it", async () => {
    const { world, kept, cover } = await createOld(30);
    await cover();

    const removed = [(await look(world)).removed, (await look(world)).removed];

    expect(removed).toEqual([1, 0]);
    expect(kept()).toEqual(["file-0", "file-1"].map((file) => `billing-api/2/${file}`));
    expect((await world.context.records.get("artifact/billing-api/1", 0))?.value).toMatchObject({ version: "1" });
  });

  it.each([
    ["it was not covered", 30, false],
    ["it is too young", 50, true],
    ["no consumer requested it", undefined, true],
  ])("removes nothing when %s", async (_, keepDays, evaluate) => {
    const { world, kept, cover, keys } = await createOld(keepDays);
    if (evaluate) await cover();

    expect((await look(world)).removed).toBe(0);
    expect(kept()).toEqual(keys);
  });
});

type Fleet = ReturnType<typeof createFleet>;
const BOTH = [PLACE, OTHER_PLACE];

/** Two artifacts are announced, and the manifest of the first is gone then. */
async function loseManifest(fleet: Fleet): Promise<void> {
  for (const name of ["first", "second"]) await fleet.created(fleet.write("1", ["a"], name));
  fleet.sim.s3.remove("source", "artifacts/first/1/manifest.json");
  fleet.restart();
}

async function runAll(fleet: Fleet, executions: readonly AskedExecution[]): Promise<void> {
  for (const each of executions) await runExecution(fleet, each, () => fleet.answer(BOTH));
}

describe("a version whose manifest is not there any more", () => {
  it("does not keep others from consumers that have not answered", async () => {
    const fleet = createFleet({}, { versioned: false });
    for (const place of BOTH) await fleet.register(place);
    await loseManifest(fleet);
    await fleet.clock.advance(3_600_000);
    const before = fleet.sent().length;

    expect(await fleet.look()).toMatchObject({ announced: 2 });

    expect(fleet.sent().slice(before)).toMatchObject([
      { artifact: { name: "second" } },
      { artifact: { name: "second" } },
    ]);
  });

  it("does not keep others from a new consumer", async () => {
    const fleet = createFleet({}, { versioned: false });
    await loseManifest(fleet);
    await fleet.register(PLACE);
    await fleet.look();

    await runAll(fleet, fleet.executions);

    expect(await fleet.coverage("second")).toMatchObject([{ covered: true }]);
  });
});

describe("a receipt from before 1970", () => {
  it("counts, and what is known of the version can be read", async () => {
    const fleet = createFleet();
    await fleet.register(PLACE);
    await fleet.created(fleet.write("1"));

    await fleet.answer([PLACE], { at: "1969-12-31T00:00:00Z", storedSha256: "f".repeat(64) });

    expect(await fleet.coverage()).toMatchObject([{ covered: true, cells: [{ status: "stored" }] }]);
  });
});

describe("the schedule", () => {
  it("starts other sets when Step Functions rejects one, and reports it", async () => {
    const fleet = createFleet();
    for (const place of BOTH) await fleet.register(place);
    const refuse = Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException" });
    let isFirst = true;
    const { send } = fleet.options.states;
    fleet.options.states.send = ((...given: [never]) => {
      const isRefused = isFirst;
      isFirst = false;
      return isRefused ? Promise.reject(refuse) : send(...given);
    }) as never;

    await expect(fleet.look()).rejects.toThrow("Rate exceeded");

    expect(fleet.executions).toMatchObject([{ input: { AccountId: OTHER_PLACE.account } }]);
  });

  it("checks other versions when the record of one cannot be read, and reports it", async () => {
    const fleet = createFleet();
    await fleet.register(PLACE);
    for (const name of ["first", "second"]) await fleet.created(fleet.write("1", ["a"], name));
    const key = `cell/first/1/${PLACE.account}/${PLACE.region}`;
    const now = fleet.clock.now();
    const found = await fleet.records.get(key, now);
    await fleet.records.put({ key, value: { v: 2 }, expected: found?.version ?? "absent", now });
    await fleet.clock.advance(3_600_000);
    const before = fleet.sent().length;

    await expect(fleet.look()).rejects.toMatchObject({ code: "STORE_CORRUPT" });

    expect(fleet.sent().slice(before)).toMatchObject([{ artifact: { name: "second" } }]);
    const lines = fleet.metrics.map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ Artifact: "second", MissingFiles: 1 }));
  });

  it("removes other versions when S3 refuses to delete one, and reports it", async () => {
    const fleet = createFleet({ keepDays: 1 });
    await fleet.register(PLACE);
    for (const version of ["1", "2", "3"]) {
      await fleet.created(fleet.write(version));
      await fleet.answer([PLACE]);
    }
    await fleet.clock.advance(2 * 86_400_000);
    fleet.sim.once("S3.DeleteObject", () => Promise.reject(new Error("It is locked.")));

    await expect(fleet.look()).rejects.toThrow();

    expect(await fleet.coverage()).toMatchObject([{ version: "1" }, { version: "3" }]);
  });
});
