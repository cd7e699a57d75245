// @module-tag adapter
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEnvironmentAws } from "./environment-aws.ts";
import { toExecutorDefinitions } from "./executor-definitions.ts";
import { openLocator } from "./open-locator.ts";
import { anEnvironment } from "./testing/memory-parts.ts";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { REVIEW_APP } from "./testing/start-manager.ts";

let cloud: Cloud;
let folder: string;
beforeAll(async () => {
  cloud = await startCloud();
  folder = await mkdtemp(join(tmpdir(), "machines-"));
});
afterAll(async () => {
  await cloud.stop();
  await rm(folder, { recursive: true });
});

async function open(values: Readonly<Record<string, string>>) {
  const environment = anEnvironment({ ...cloud.environment, ...values });
  const deps = { clock: systemClock, logger: silentLogger };
  const aws = createEnvironmentAws({ environment, session: { name: "t" }, ...deps });
  if (environment.machines === undefined) throw new TypeError("No machines are configured.");
  return openLocator(environment.machines, { aws, executors: toExecutorDefinitions(), ...deps });
}

const BROKEN = "version: 1\nevents: []\nstates: {}\ntasks: {}\n";

describe("machines", () => {
  it("lie in a folder, each judged alone", async () => {
    await writeFile(join(folder, "review-app.yml"), REVIEW_APP);
    await writeFile(join(folder, "broken.yaml"), BROKEN);
    await writeFile(join(folder, "README.md"), "# Machines");

    const locator = await open({ MACHINE_LOCATOR: "LOCAL_FS", MACHINE_SPEC_DIR: folder });

    const kinds = (await locator.list()).map(({ name, located }) => [name, located.kind]);
    expect(kinds.toSorted()).toEqual([
      ["broken", "invalid"],
      ["review-app", "found"],
    ]);
  });

  it("lie in a bucket under a prefix", async () => {
    await cloud.createBucket("yard", {
      "m/review-app.yml": REVIEW_APP,
      "m/broken.yml": BROKEN,
      "other/x.yml": REVIEW_APP,
    });

    const locator = await open({ MACHINE_LOCATOR: "S3", MACHINE_S3_BUCKET: "yard", MACHINE_S3_KEY: "m/" });

    expect([(await locator.find("review-app")).kind, (await locator.find("broken")).kind]).toEqual([
      "found",
      "invalid",
    ]);
    expect((await locator.find("x")).kind).toBe("unknown");
  });
});
