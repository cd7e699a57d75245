import { createAwsSim } from "@stackyard/aws-sim";
import { ARTIFACT_NAME, ARTIFACT_VERSION, isManifestKey } from "@stackyard/sdk/artifacts";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { PublishedArtifact } from "./fan-out.ts";
import { validateManifest } from "./publish.ts";
import {
  classifyKey,
  isNewest,
  isUploadVersion,
  rememberPublished,
  toOverwrittenVersion,
  toUploadName,
} from "./source-bucket.ts";
import { T0 } from "./testing/a-cell.ts";
import { createDistributorWorld, SOURCE } from "./testing/a-distributor-world.ts";
import { aFile, aManifest, SHA256 } from "./testing/an-artifact.ts";
import { createPassingClock } from "./testing/passing-clock.ts";
import { openSimClients } from "./testing/sim-clients.ts";

describe("toUploadName", () => {
  it.each([
    [
      "tts-cloud/build-artifact-consumer/dev/40/packaged.yaml",
      "tts-cloud/build-artifact-consumer/dev/packaged.yaml",
      "40",
    ],
    ["app/1.4.2+build/a.zip", "app/a.zip", "1.4.2+build"],
    ["40/a.zip", "a.zip", "40"],
    ["a.zip", "a.zip", "0"],
  ])("makes of %j %j in version %j", (path, name, version) => {
    expect(toUploadName(path)).toEqual({ name, version });
  });

  it("distinguishes what would have the same name", () => {
    const names = ["App/40/A b.zip", "app/40/a b.zip", "app/40/a-b.zip"].map((path) => toUploadName(path).name);

    expect(new Set(names).size).toBe(3);
    expect(names[2]).toBe("app/a-b.zip");
  });

  it("makes names and versions that artifacts may have, of every key that may be stored, each its own", () => {
    const segment = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.string({ maxLength: 20, unit: "grapheme" }),
      fc.constantFrom("...", "-", "_x", "A"),
    );
    const key = fc
      .array(segment, { minLength: 1, maxLength: 8 })
      .map((each) => each.join("/"))
      .filter(isManifestKey);
    fc.assert(
      fc.property(key, key, (one, other) => {
        const [first, second] = [toUploadName(one), toUploadName(other)];

        expect(first.name).toMatch(new RegExp(ARTIFACT_NAME));
        expect(first.version).toMatch(new RegExp(ARTIFACT_VERSION));
        const again = toOverwrittenVersion(first.version, "v2");
        expect(again).toMatch(new RegExp(ARTIFACT_VERSION));
        expect([first.version, again].every((version) => isUploadVersion(version, first.version))).toBe(true);
        if (one !== other) expect(second).not.toEqual(first);
      }),
    );
  });

  it("knows the versions of an upload from others", () => {
    expect(
      ["40", "40+0123456789ab", "40+0123456789AB", "40+0123", "400123456789ab"].map((each) =>
        isUploadVersion(each, "40"),
      ),
    ).toEqual([...[true, true, false, false, false]]);
  });
});

describe("classifyKey", () => {
  it.each([
    ["artifacts/a/1/manifest.json", "manifest"],
    ["artifacts/a/1/app.zip", "other"],
    ["a/1/manifest.json", "upload"],
    ["a/1/", "other"],
  ])("with uploads at the root, %j is %s", (key, kind) => {
    expect(classifyKey(key, { prefix: "artifacts/", uploadPrefix: "" })).toBe(kind);
  });

  it.each([
    ["uploads/a/1/manifest.json", "upload"],
    ["a/1/manifest.json", "manifest"],
    ["manifest.json", "other"],
  ])("with artifacts at the root, %j is %s", (key, kind) => {
    expect(classifyKey(key, { prefix: "", uploadPrefix: "uploads/" })).toBe(kind);
  });

  it("accepts no uploads when no account may upload", () => {
    expect(classifyKey("a/1/x", { prefix: "artifacts/" })).toBe("other");
  });
});

describe("validateManifest", () => {
  const prefixes = { prefix: "artifacts/", uploadPrefix: "in/" };
  const evaluate = (name: string, version: string, keys: readonly string[]) =>
    validateManifest(
      aManifest({ name, version, files: keys.map((key) => aFile({ key, sha256: SHA256 })) }),
      `artifacts/${name}/${version}/manifest.json`,
      prefixes,
    )?.code;

  it("lets one upload be announced under its own name, and nothing else outside of the folder", () => {
    expect(evaluate("team/x.yaml", "40", ["in/team/40/x.yaml"])).toBeUndefined();
    expect(evaluate("team/x.yaml", "40+0123456789ab", ["in/team/40/x.yaml"])).toBeUndefined();
    expect(evaluate("team/x.yaml", "41", ["in/team/40/x.yaml"])).toBe("KEY_INVALID");
    expect(evaluate("evil", "40", ["in/team/40/x.yaml"])).toBe("KEY_INVALID");
    expect(evaluate("team/x.yaml", "40", ["in/team/40/x.yaml", "in/team/40/y.yaml"])).toBe("KEY_INVALID");
    expect(evaluate("team/x.yaml", "40", ["artifacts/other/1/x"])).toBe("KEY_INVALID");
    expect(evaluate("team/x.yaml", "40", ["artifacts/team/x.yaml/40/a"])).toBeUndefined();
  });
});

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

async function createCounted(answers: readonly (PublishedArtifact | Error)[] = []) {
  const artifact = await createDistributorWorld().publish({ version: "1" });
  const asked: string[] = [];
  const remember = rememberPublished(async ({ distributionId }) => {
    asked.push(distributionId);
    const answer = answers[asked.length - 1];
    if (answer instanceof Error) throw answer;
    return answer ?? artifact;
  });
  const load = (distributionId: string) => remember({ distributionId });
  return { artifact, asked, load };
}

describe("rememberPublished", () => {
  it("asks once for many at the same time, and later", async () => {
    const { artifact, asked, load } = await createCounted();

    const loaded = await Promise.all([load("d-1"), load("d-1")]);

    expect([...loaded, await load("d-1")]).toEqual([artifact, artifact, artifact]);
    expect(asked).toEqual(["d-1"]);
  });

  it("asks again after an error", async () => {
    const { artifact, load } = await createCounted([new Error("S3 does not answer.")]);

    await expect(load("d-1")).rejects.toThrow("S3 does not answer.");
    expect(await load("d-1")).toBe(artifact);
  });

  it("keeps the 20 that were used last", async () => {
    const { asked, load } = await createCounted();
    for (let version = 1; version <= 20; version += 1) await load(`d-${version}`);
    await load("d-1");
    await load("d-21");

    await load("d-1");
    expect(asked).toHaveLength(21);
    await load("d-2");
    expect(asked.at(-1)).toBe("d-2");
  });
});
