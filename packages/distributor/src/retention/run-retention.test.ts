import { type Logger, StackyardError, silentLogger } from "@stackyard/core";
import { createFakeClock, createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { expect, it } from "vitest";
import { changeCoverage } from "../cells/coverage-record.ts";
import type { ListedVersion } from "../cells/versions.ts";
import { runRetention } from "./run-retention.ts";

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
