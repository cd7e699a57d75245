import { createHash } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { createAwsSim, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReleaseFile } from "./load-release.ts";
import { findPublishedName, parsePlace, publishFile, toKey } from "./published-objects.ts";

describe("a place", () => {
  it.each([
    ["releases", undefined, { bucket: "releases", prefix: "" }],
    ["releases", "stackyard", { bucket: "releases", prefix: "stackyard/" }],
    ["my.releases-1", "a/b/", { bucket: "my.releases-1", prefix: "a/b/" }],
  ])("is %s and %s", (bucket, prefix, place) => {
    expect(parsePlace(bucket, prefix)).toEqual(place);
  });

  it.each([
    ["Releases", ""],
    ["x", ""],
    ["releases/stackyard", ""],
    ["releases", "/stackyard"],
    ["releases", "a//b"],
    ["releases", "a?b"],
    ["releases", "a b"],
  ])("is not %s and %s", (bucket, prefix) => {
    expect(() => parsePlace(bucket, prefix)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

describe("keys", () => {
  const place = { prefix: "stackyard/" };

  it("are what templates ask for", () => {
    expect(toKey(place, { kind: "app", name: "state-manager", version: "0.1.0" })).toBe(
      "stackyard/state-manager/0.1.0/state-manager.zip",
    );
    expect(toKey({ prefix: "" }, { kind: "template", name: "yard", version: "0.1.0" })).toBe(
      "templates/0.1.0/yard.template.json",
    );
  });

  it("identify the published app or template", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/).filter((text) => text !== "templates");
    const version = fc.stringMatching(/^[0-9][0-9A-Za-z.-]{0,20}$/);
    fc.assert(
      fc.property(fc.constantFrom("app" as const, "template" as const), name, version, (kind, app, of) => {
        const published = { kind, name: app, version: of };
        expect(findPublishedName(place, toKey(place, published))).toEqual(published);
      }),
    );
  });

  it.each([
    "other/state-manager/0.1.0/state-manager.zip",
    "stackyard/state-manager/0.1.0/other.zip",
    "stackyard/state-manager/0.1.0/x/state-manager.zip",
    "stackyard/state-manager.zip",
    "stackyard/templates/0.1.0/yard.json",
    "stackyard/",
  ])("of other objects are ignored: %s", (key) => {
    expect(findPublishedName(place, key)).toBeUndefined();
  });
});

describe("an upload whose answer is lost", () => {
  function createReleases() {
    const sim = createAwsSim({ clock: createFakeClock() });
    const home = { account: "111122223333", region: "eu-west-1" };
    sim.s3.createBucket({ ...home, name: "releases" });
    const credentials = sim.iam.addUser({ account: home.account, name: "publisher" });
    const s3 = new S3Client({ region: home.region, credentials, maxAttempts: 1 });
    s3.middlewareStack.use(createSimPlugin(sim));
    const body = Buffer.from("zip");
    const sha256 = createHash("sha256").update(body).digest("hex");
    const file: ReleaseFile = { kind: "app", name: "state-manager", version: "0.1.0", body, sha256 };
    return { sim, publish: () => publishFile(s3, { bucket: "releases", prefix: "" }, file), sha256 };
  }

  // apache/hudi#14373, apache/hudi PR 14286, earth-mover/icechunk PR 2156, netlify/primitives#741
  it.each([
    ["PreconditionFailed", 412],
    ["ConditionalRequestConflict", 409],
  ])("is recognized when it is sent again and S3 answers %s", async (name, status) => {
    const { sim, publish, sha256 } = createReleases();
    sim.once("S3.PutObject", async (proceed) => {
      await proceed();
      throw new SimFault(name, status, "At least one of the preconditions you specified did not hold.");
    });

    expect(await publish()).toMatchObject({ key: "state-manager/0.1.0/state-manager.zip", action: "uploaded", sha256 });
  });

  it("is not taken for that of another publication", async () => {
    const { sim, publish } = createReleases();
    sim.once("S3.PutObject", async (proceed) => {
      sim.s3.write("releases", "state-manager/0.1.0/state-manager.zip", "theirs");
      return proceed();
    });

    await expect(publish()).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
  });
});
