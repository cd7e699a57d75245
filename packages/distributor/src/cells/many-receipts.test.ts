import type { Records } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { aReceiptEvent, aRegistration, createDistributorWorld } from "../testing/a-distributor-world.ts";
import { listCells } from "./cells.ts";
import { onPublished } from "./on-published.ts";
import { onReceipt } from "./on-receipt.ts";

const PLACES = Array.from({ length: 10 }, (_, index) => ({
  account: index % 2 === 0 ? "111122223333" : "444455556666",
  region: `eu-west-${index + 1}`,
}));

/** A version of so many files was announced to consumers; each call of the records takes so long. */
async function createAnnounced({ files, consumers, callMs }: { files: number; consumers: number; callMs: number }) {
  const world = createDistributorWorld();
  const { clock, records } = world.context;
  const places = PLACES.slice(0, consumers);
  for (const place of places) await onReceipt(world.context, aRegistration(place));
  const artifact = await world.publish({ version: "1.0.0", files });
  await onPublished(world.context, artifact);
  const slow =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (callMs > 0) await clock.sleep(callMs);
      return call(...args);
    };
  const taken: Records = {
    get: slow(records.get),
    put: slow(records.put),
    remove: slow(records.remove),
    list: slow(records.list),
  };
  const events = places.flatMap((place) =>
    Array.from({ length: files }, (_, file) => aReceiptEvent(artifact, place, { file })),
  );

  async function bring(): Promise<void> {
    await Promise.all(events.map((event) => onReceipt({ ...world.context, records: taken }, event)));
  }

  async function check(): Promise<void> {
    const cells = await listCells(world.context, artifact.manifest);
    expect(cells.map((cell) => cell.files)).toEqual(places.map(() => "S".repeat(files)));
    await world.sim.eventBridge.deliver();
    expect(world.covered).toHaveLength(1);
  }
  return { bring, check };
}

describe("many receipts at once", () => {
  it.each([
    ["ten thousand", { files: 1_000, consumers: 10, callMs: 0 }],
    ["two thousand over a table that needs time", { files: 1_000, consumers: 2, callMs: 5 }],
  ])("are all counted and told once: %s", async (_, input) => {
    const { bring, check } = await createAnnounced(input);

    await bring();

    await check();
  });
});
