import { S3Client } from "@aws-sdk/client-s3";
import { connectionReset } from "@stackyard/aws-sim";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARTIFACT_SHA256, ARTIFACT_TEXT, createFleetWorld } from "../testing/a-fleet-world.ts";
import { ARTIFACT_PLACE } from "../testing/a-pipeline-event.ts";
import { findNewest, findNewestArtifact, pinArtifact, toArtifactPrefix } from "./pin-artifact.ts";

function createWorld() {
  const world = createFleetWorld();
  const s3 = world.deps.aws.own.client(S3Client, undefined);
  return { ...world, pin: () => pinArtifact(s3, ARTIFACT_PLACE) };
}

describe("pinArtifact", () => {
  it("names version and content by reading once", async () => {
    const { sim, pin } = createWorld();

    const pinned = await pin();

    expect(pinned).toEqual({ ...ARTIFACT_PLACE, versionId: expect.any(String), sha256: ARTIFACT_SHA256 });
    expect(sim.calls.map(({ operation }) => operation)).toEqual(["S3.GetObject"]);
  });

  it("names another version after another write", async () => {
    const { sim, pin } = createWorld();
    const first = await pin();
    sim.s3.write(ARTIFACT_PLACE.bucket, ARTIFACT_PLACE.key, "another playbook");

    const second = await pin();

    expect(second).not.toEqual(first);
  });

  it("names no version where the bucket keeps none", async () => {
    const { sim, pin } = createWorld();
    sim.s3.createBucket({ name: ARTIFACT_PLACE.bucket, account: "123456789012", region: "eu-west-1" });
    sim.s3.write(ARTIFACT_PLACE.bucket, ARTIFACT_PLACE.key, ARTIFACT_TEXT);

    expect(await pin()).toEqual({ ...ARTIFACT_PLACE, sha256: ARTIFACT_SHA256 });
  });

  it("fails where the artifact is gone", async () => {
    const { sim, pin } = createWorld();
    sim.s3.remove(ARTIFACT_PLACE.bucket, ARTIFACT_PLACE.key);

    expect(await pin()).toMatchObject({ kind: "failed", code: "ARTIFACT_NOT_FOUND" });
  });

  it("fails where the artifact may not be read", async () => {
    const { sim, pin } = createWorld();
    sim.s3.createBucket({ name: ARTIFACT_PLACE.bucket, account: "210987654321", region: "eu-west-1" });

    expect(await pin()).toMatchObject({ kind: "failed", code: "ARTIFACT_ACCESS_DENIED" });
  });

  it("reads again when the connection breaks, three times at most", async () => {
    const { sim, pin } = createWorld();
    const reset = async () => {
      throw connectionReset();
    };
    for (let times = 0; times < 2; times++) sim.once("S3.GetObject", reset);
    expect(await pin()).toMatchObject({ sha256: ARTIFACT_SHA256 });

    for (let times = 0; times < 3; times++) sim.once("S3.GetObject", reset);
    await expect(pin()).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

const at = (seconds: number) => new Date(seconds * 1_000);

describe("toArtifactPrefix", () => {
  it.each([
    ["GARLC", "MyApp", "GARLC/MyApp/"],
    ["a-pipeline-of-22-chars", "SourceArtifact", "a-pipeline-of-22-cha/SourceArti/"],
    ["exactly-20-character", "exactly-10", "exactly-20-character/exactly-10/"],
  ])("cuts %s and %s", (pipeline, artifact, prefix) => {
    expect(toArtifactPrefix(pipeline, artifact)).toBe(prefix);
  });
});

describe("findNewest", () => {
  it("takes the newest", () => {
    const objects = [
      { Key: "p/c", Size: 1, LastModified: at(2) },
      { Key: "p/a", Size: 1, LastModified: at(3) },
      { Key: "p/b", Size: 1, LastModified: at(1) },
    ];

    expect(findNewest(objects)?.Key).toBe("p/a");
  });

  it("takes the greatest key of one instant, in the order of UTF-8", () => {
    const objects = ["p/a", "p/\uffff", "p/😀", "p/b"].map((Key) => ({ Key, Size: 1, LastModified: at(1) }));

    expect(findNewest(objects)?.Key).toBe("p/😀");
  });

  it("skips folders and what is empty", () => {
    const objects = [
      { Key: "p/folder/", Size: 1, LastModified: at(9) },
      { Key: "p/empty", Size: 0, LastModified: at(9) },
      { Key: "p/a", Size: 1, LastModified: at(1) },
    ];

    expect(findNewest(objects)?.Key).toBe("p/a");
    expect(findNewest(objects.slice(0, 2))).toBeUndefined();
    expect(findNewest([])).toBeUndefined();
  });

  it("takes the same whatever the order", () => {
    const object = fc.record({
      Key: fc.string({ minLength: 1, maxLength: 3 }),
      Size: fc.integer({ min: 0, max: 1 }),
      LastModified: fc.integer({ min: 0, max: 3 }).map(at),
    });
    const objects = fc.uniqueArray(object, { selector: ({ Key }) => Key });

    fc.assert(
      fc.property(objects, (list) => {
        expect(findNewest(list.toReversed())).toEqual(findNewest(list));
      }),
    );
  });
});

describe("findNewestArtifact", () => {
  it("looks through all pages of the pipeline's own prefix, and no further", async () => {
    const { sim, deps } = createFleetWorld();
    const { bucket } = ARTIFACT_PLACE;
    for (let n = 0; n < 1_100; n++) sim.s3.write(bucket, `GARLC/MyApp/${String(n).padStart(4, "0")}.zip`, "x");
    sim.s3.write(bucket, "GARLC/MyAppOut/9999.zip", "x");
    sim.s3.write(bucket, "Other/MyApp/9999.zip", "x");
    sim.s3.write(bucket, "GARLC/MyApp/9999/", "x");
    const s3 = deps.aws.own.client(S3Client, undefined);

    const newest = await findNewestArtifact(s3, { bucket, pipeline: "GARLC", artifact: "MyApp" });

    expect(newest).toEqual({ bucket, key: "GARLC/MyApp/1099.zip" });
    expect(sim.calls.filter(({ operation }) => operation === "S3.ListObjectsV2").length).toBe(2);
  });

  it("finds nothing where there is nothing", async () => {
    const { deps } = createFleetWorld();
    const s3 = deps.aws.own.client(S3Client, undefined);
    const source = { bucket: ARTIFACT_PLACE.bucket, pipeline: "none", artifact: "none" };

    expect(await findNewestArtifact(s3, source)).toBeUndefined();
  });
});
