import { createAwsSim } from "@stackyard/aws-sim";
import { beforeEach, describe, expect, it } from "vitest";
import { isNewest } from "./source-bucket.ts";
import { T0 } from "./testing/a-cell.ts";
import { SOURCE } from "./testing/a-distributor-world.ts";
import { aFile, aManifest } from "./testing/an-artifact.ts";
import { createPassingClock } from "./testing/passing-clock.ts";
import { openSimClients } from "./testing/sim-clients.ts";

const KEY = "uploads/app/40/a";

let [clock, sim] = createServices();
beforeEach(() => {
  [clock, sim] = createServices();
});

function createServices() {
  const clock = createPassingClock(T0);
  const sim = createAwsSim({ clock });
  sim.s3.createBucket({ ...SOURCE, name: "versioned", versioned: true });
  sim.s3.createBucket({ ...SOURCE, name: "plain" });
  return [clock, sim] as const;
}

/** Uploads a file, and gives the manifest that is made of it. */
function upload(bucket: string) {
  sim.s3.write(bucket, KEY, "x");
  const versionId = bucket === "versioned" ? sim.s3.findObject(bucket, KEY)?.versionId : undefined;
  const file = aFile({ key: KEY, size: 1, ...(versionId && { versionId }) });
  return aManifest({ createdAt: new Date(clock.now()).toISOString(), files: [file] });
}

describe.each(["versioned", "plain"])("an upload in a bucket that is %s", (bucket) => {
  it("is the newest until another has the key", async () => {
    const { s3 } = openSimClients(sim, SOURCE);
    const first = upload(bucket);
    const before = await isNewest(s3, bucket, first);
    await clock.advance(1_000);
    const second = upload(bucket);

    expect([before, await isNewest(s3, bucket, first), await isNewest(s3, bucket, second)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("is not when the object does not exist", async () => {
    const { s3 } = openSimClients(sim, SOURCE);
    const manifest = aManifest({ files: [aFile({ key: "uploads/none" })] });

    expect(await isNewest(s3, bucket, manifest)).toBe(false);
  });
});
