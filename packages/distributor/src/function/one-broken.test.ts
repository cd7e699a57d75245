import { describe, expect, it } from "vitest";
import { PLACE } from "../testing/a-cell.ts";
import { type AskedExecution, createFleet, OTHER } from "../testing/a-fleet.ts";
import { runExecution } from "../testing/run-execution.ts";

type Fleet = ReturnType<typeof createFleet>;
const BOTH = [PLACE, OTHER];

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

describe("a receipt of before 1970", () => {
  it("counts, and what is known of the version can be read", async () => {
    const fleet = createFleet();
    await fleet.register(PLACE);
    await fleet.created(fleet.write("1"));

    await fleet.answer([PLACE], { at: "1969-12-31T00:00:00Z", storedSha256: "f".repeat(64) });

    expect(await fleet.coverage()).toMatchObject([{ covered: true, cells: [{ status: "stored" }] }]);
  });
});

describe("the schedule", () => {
  it("begins other sets where Step Functions refuses one, and tells of it", async () => {
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

    expect(fleet.executions).toMatchObject([{ input: { AccountId: OTHER.account } }]);
  });

  it("looks at other versions where what is known of one cannot be read, and tells of it", async () => {
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

  it("removes other versions where S3 refuses to delete one, and tells of it", async () => {
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
