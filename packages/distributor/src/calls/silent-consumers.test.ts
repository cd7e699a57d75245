import type { ConsumerPlace, DistributorRequest } from "@stackyard/sdk/artifacts";
import { beforeEach, describe, expect, it } from "vitest";
import { onPublished } from "../cells/on-published.ts";
import { onReceipt } from "../cells/on-receipt.ts";
import { onSchedule } from "../function/on-schedule.ts";
import { noteConsumer } from "../registry/consumers.ts";
import { PLACE } from "../testing/a-cell.ts";
import { aRegistration, createDistributorWorld, type DistributorWorld } from "../testing/a-distributor-world.ts";
import { onCall } from "./on-call.ts";

const OTHER = { account: "444455556666", region: "us-east-1" };

let world: DistributorWorld;
beforeEach(async () => {
  world = createDistributorWorld();
  await noteConsumer(world.context, OTHER, { kind: "asked", at: world.context.clock.now() });
});

async function ask(request: DistributorRequest): Promise<unknown> {
  const reply = await onCall(world.context, request);
  return reply.kind === "answer" ? reply.answer : reply;
}

async function publish(): Promise<(place: ConsumerPlace) => Promise<unknown>> {
  const artifact = await world.publish({ version: "1" });
  await onPublished(world.context, artifact);
  const { name, version, files } = artifact.manifest;
  const seen = files.map(({ key, sha256 }) => ({ key, sha256 }));
  return (place) => ask({ op: "compare", name, version, ...place, bucket: "tts-cloud", seen });
}

describe("consumers that cannot answer", () => {
  it("are counted apart", async () => {
    await onReceipt(world.context, aRegistration(PLACE));
    const look = await publish();

    expect(await ask({ op: "coverage" })).toMatchObject({ rows: [{ covered: false, silent: 1 }] });
    await look(OTHER);
    expect(await ask({ op: "coverage" })).toMatchObject({ rows: [{ covered: false, silent: 0 }] });
  });

  it("are told once, and leave a version announced without any alarm, where there are no others", async () => {
    const look = await publish();

    for (let hours = 0; hours < 72; hours += 1) {
      await world.pass(3_600_000);
      const deadlineAt = world.context.clock.now() + 900_000;
      const report = await onSchedule(world.context, async () => {}, { deadlineAt });
      expect(report).toMatchObject({ announced: 0, alarmed: 0, covered: 0 });
    }

    const rows = [{ covered: false, silent: 1, cells: [{ status: "announced" }] }];
    expect(await ask({ op: "coverage" })).toMatchObject({ rows });
    expect(world.metrics.filter((line) => line.includes('"AlarmedCells":1'))).toEqual([]);
    await look(OTHER);
    await world.sim.eventBridge.deliver();
    expect(world.covered).toHaveLength(1);
  });

  it("have a version when it was seen at each of them, where there are no others", async () => {
    await noteConsumer(world.context, PLACE, { kind: "asked", at: world.context.clock.now() });
    const look = await publish();

    await look(OTHER);
    expect(await ask({ op: "coverage" })).toMatchObject({ rows: [{ covered: false, silent: 1 }] });
    await look(PLACE);

    expect(await ask({ op: "coverage" })).toMatchObject({ rows: [{ covered: true, silent: 0 }] });
    await world.sim.eventBridge.deliver();
    expect(world.covered).toHaveLength(1);
  });
});
