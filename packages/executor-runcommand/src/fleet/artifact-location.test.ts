import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARTIFACT_PLACE, anInputArtifact } from "../testing/a-pipeline-event.ts";
import { findArtifactLocation } from "./artifact-location.ts";

describe("findArtifactLocation", () => {
  it("finds bucket and key", () => {
    expect(findArtifactLocation(anInputArtifact())).toEqual(ARTIFACT_PLACE);
  });

  it.each(["abc", "a.b-c", "1bucket1", "a".repeat(63)])("takes the bucket %s", (bucket) => {
    expect(findArtifactLocation(anInputArtifact({ bucket }))?.bucket).toBe(bucket);
  });

  it.each([
    "",
    "ab",
    "a".repeat(64),
    "Bucket",
    "my_bucket",
    "my bucket",
    "-bucket",
    "bucket-",
    "a..b",
    "192.168.5.4",
    "bücket",
    "bucket\n",
    7,
    null,
  ])("refuses the bucket %j", (bucket) => {
    expect(findArtifactLocation(anInputArtifact({ bucket }))).toBeUndefined();
  });

  it.each(["k", "a b/ü/😀.zip", "k".repeat(1_024), "ü".repeat(512)])("takes the key %j", (key) => {
    expect(findArtifactLocation(anInputArtifact({ key }))?.key).toBe(key);
  });

  it.each(["", "k".repeat(1_025), "ü".repeat(513), "a\nb", "a\u0000", "a\u007f", "a\u0085", "\ud800", 7, undefined])(
    "refuses the key %j",
    (key) => {
      const artifact = { location: { s3Location: { bucketName: "abc", objectKey: key } } };

      expect(findArtifactLocation(artifact)).toBeUndefined();
    },
  );

  it("finds none in whatever else there is", () => {
    fc.assert(
      fc.property(fc.anything(), (artifact) => {
        expect(findArtifactLocation(artifact)).toBeUndefined();
      }),
    );
  });
});
