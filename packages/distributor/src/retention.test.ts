import { type Logger, StackyardError, silentLogger } from "@stackyard/core";
import { createFakeClock, createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { runRetention } from "./retention.ts";
import { PLACE } from "./testing/a-cell.ts";
import { createFleet, OTHER } from "./testing/a-fleet.ts";
import { changeCoverage, type ListedVersion } from "./versions.ts";

const DAY = 86_400_000;

it("does not keep others from being removed when one is no longer as it was published", async () => {
  const clock = createFakeClock();
  const deps = { records: createMemoryRecords(), clock, random: createRandom(1) };
  const publishedAt = new Date(clock.now()).toISOString();
  const versions = ["1", "2", "3"].map((version, index) => {
    const facts = { name: "app", version, sequence: index + 1, labels: {}, retired: false, isCurrent: index === 2 };
    return {
      ...facts,
      record: { manifestKey: `app/${version}/manifest.json`, publishedAt },
    } as unknown as ListedVersion;
  });
  for (const each of versions) await changeCoverage(deps, each, (known) => ({ ...known, coveredAt: clock.now() }));
  await clock.advance(2 * DAY);
  const [asked, told]: [string[], unknown[]] = [[], []];
  const logger: Logger = { ...silentLogger, error: (_text, facts) => void told.push(facts) };
  const loadPublished = async (_name: string, version: string) => {
    asked.push(version);
    if (version === "1") throw new StackyardError("STORE_CORRUPT", "It is no longer the manifest that was published.");
    return undefined;
  };
  const turn = { deadlineAt: Number.POSITIVE_INFINITY };
  const context = {
    ...deps,
    logger,
    loadPublished,
    s3: {} as never,
    config: { keepDays: 1, bucket: "source" } as never,
  };

  expect(await runRetention(context, { versions, consumers: [], turn })).toBe(0);
  expect([asked, told]).toEqual([["1", "2"], ["1", "2"].map((version) => ({ name: "app", version }))]);
});

type Fleet = ReturnType<typeof createFleet>;
const DAY_MS = 86_400_000;
const BUCKET = `bucket-${PLACE.account}-${PLACE.region}`;

/** Both consumers have two versions, of which the first is old, covered, and not current. */
async function createOld(): Promise<Fleet> {
  const fleet = createFleet({ keepDays: 1 });
  for (const place of [PLACE, OTHER]) await fleet.register(place);
  for (const version of ["1", "2"]) {
    await fleet.created(fleet.write(version));
    await fleet.answer([PLACE, OTHER]);
    await fleet.clock.advance(1_000);
  }
  await fleet.clock.advance(2 * DAY_MS);
  return fleet;
}

const isThere = ({ sim }: Fleet) => sim.s3.findObject("source", "artifacts/app/1/a") !== undefined;
const lose = (fleet: Fleet) => {
  const seen = [{ key: "artifacts/app/1/a", sha256: null }];
  return fleet.handle({ op: "compare", name: "app", version: "1", ...PLACE, bucket: BUCKET, seen });
};

describe("an old version", () => {
  it("is kept while a consumer that has lost it is sent it again", async () => {
    const fleet = await createOld();
    await lose(fleet);

    expect(await fleet.look()).toMatchObject({ announced: 1, removed: 0 });
    expect(isThere(fleet)).toBe(true);
    await fleet.answer([PLACE]);

    expect(await fleet.look()).toMatchObject({ removed: 1 });
  });

  it("is kept while a consumer has requested it again", async () => {
    const fleet = await createOld();
    await fleet.handle({ op: "refresh", name: "app", version: "1", ...PLACE });
    await lose(fleet);

    await fleet.look();

    expect(isThere(fleet)).toBe(true);
  });

  it.each([
    ["never answers", async () => undefined],
    ["is not trusted any more", async (fleet: Fleet) => fleet.restart({ trustedAccounts: [OTHER.account] })],
  ])("is not kept forever for a consumer that %s", async (_, change) => {
    const fleet = await createOld();
    await lose(fleet);
    await change(fleet);

    await fleet.lookFor(6);

    expect(isThere(fleet)).toBe(false);
  });

  it("stays published when it was published again while a look that wanted to remove it was late", async () => {
    const fleet = await createOld();
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    fleet.sim.once("S3.DeleteObject", async (proceed) => {
      stop();
      await opened;
      return proceed();
    });
    const late = fleet.look();
    await stopped;
    await fleet.look();
    const key = fleet.write("1");
    await fleet.created(key);

    open();
    await late;
    await fleet.look();

    expect(fleet.sim.s3.findObject("source", key)).toBeDefined();
    expect(isThere(fleet)).toBe(true);
    expect(await fleet.coverage()).toMatchObject([{ version: "1" }]);
  });
});
