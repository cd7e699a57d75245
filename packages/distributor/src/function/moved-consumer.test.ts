import { describe, expect, it } from "vitest";
import { PLACE } from "../testing/a-cell.ts";
import { createFleet } from "../testing/a-fleet.ts";
import { runExecution } from "../testing/run-execution.ts";

type Fleet = ReturnType<typeof createFleet>;
const NEW = { bucket: "another-bucket" };

/** A consumer has a version, and moves to another bucket, where the files of its set come to this end. */
async function move(over: object): Promise<Fleet> {
  const fleet = createFleet();
  await fleet.register(PLACE);
  await fleet.look();
  for (const each of fleet.executions) await runExecution(fleet, each, () => fleet.answer([PLACE]));
  await fleet.created(fleet.write("1", ["a", "b"]));
  await fleet.answer([PLACE]);
  await fleet.clock.advance(3_600_000);
  await fleet.register(PLACE, NEW.bucket);
  await fleet.look();
  for (const each of fleet.executions.slice(1)) {
    await runExecution(fleet, each, () => fleet.answer([PLACE], { ...NEW, ...over }));
  }
  return fleet;
}

describe("a consumer that has moved to another bucket", () => {
  it("has what it says of that bucket", async () => {
    const fleet = await move({ status: "present" });

    expect(await fleet.coverage()).toMatchObject([{ covered: true, cells: [{ status: "present", filesDone: 2 }] }]);
  });

  it("has not what could not be copied there", async () => {
    const fleet = await move({ status: "failed", code: "TARGET_DENIED" });

    expect(await fleet.coverage()).toMatchObject([{ covered: false, cells: [{ status: "failed", filesDone: 0 }] }]);
  });

  it("is sent again what it does not answer", async () => {
    const fleet = await move({ artifact: { name: "app", version: "1", key: "lost" } });

    expect(await fleet.coverage()).toMatchObject([{ covered: false, cells: [{ status: "announced" }] }]);
    const before = fleet.sent().length;
    await fleet.lookFor(1);

    expect(fleet.sent().slice(before)).toHaveLength(4);
  });

  it("does not go back with a late word of the old bucket", async () => {
    const fleet = await move({ status: "failed", code: "TARGET_DENIED" });
    const [message] = fleet.sent().filter(({ ArtifactKey }) => ArtifactKey !== undefined);
    if (message === undefined) throw new Error("Nothing was sent.");
    const at = new Date(fleet.clock.now() - 3_600_000).toISOString();

    expect(await fleet.handle(fleet.receipt(message, PLACE, { at }))).toEqual({ kind: "ignored" });

    const { answer } = (await fleet.handle({ op: "consumer", ...PLACE })) as { answer: object };
    expect(answer).toMatchObject({ ...NEW, cells: [{ status: "failed", filesDone: 0 }] });
  });
});
