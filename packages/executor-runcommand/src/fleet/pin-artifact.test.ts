import { S3Client } from "@aws-sdk/client-s3";
import { connectionReset } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { ARTIFACT_SHA256, ARTIFACT_TEXT, createFleetWorld } from "../testing/a-fleet-world.ts";
import { ARTIFACT_PLACE } from "../testing/a-pipeline-event.ts";
import { pinArtifact } from "./pin-artifact.ts";

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
