import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toScript } from "../testing/to-script.ts";
import {
  applyArtifactDocument,
  applyArtifactHash,
  applyArtifactText,
  findArtifactLocation,
} from "./apply-artifact-document.ts";

const VALUES = { ArtifactLocation: ["s3://artifacts/a.zip"], ArtifactSha256: ["0".repeat(64)] } as const;

describe("the document", () => {
  it("has a step for each platform, and the timeout of the run on both", () => {
    expect(
      applyArtifactDocument.mainSteps.map(({ action, precondition, inputs }) => [
        ...[action, precondition.StringEquals, inputs.timeoutSeconds],
      ]),
    ).toEqual([
      ["aws:runShellScript", ["platformType", "Linux"], "{{ ExecutionTimeout }}"],
      ["aws:runPowerShellScript", ["platformType", "Windows"], "{{ ExecutionTimeout }}"],
    ]);
  });

  it("fits what SSM takes: 64 KB", () => {
    expect(Buffer.byteLength(applyArtifactText)).toBeLessThan(64 * 1024);
  });

  it("is known by the sum of its text", () => {
    expect(applyArtifactHash).toBe(createHash("sha256").update(applyArtifactText).digest("hex"));
    expect(JSON.parse(applyArtifactText)).toEqual(applyArtifactDocument);
  });

  it.each(["Linux", "Windows"] as const)("names a parameter on %s only between single quotes", (platform) => {
    const { inputs } = applyArtifactDocument.mainSteps.find(
      ({ precondition }) => precondition.StringEquals[1] === platform,
    ) ?? { inputs: { runCommand: [] } };

    const named = inputs.runCommand.flatMap((line) => line.match(/.?\{\{.*?\}\}.?/g) ?? []);
    expect(named.length).toBeGreaterThanOrEqual(4);
    expect(named.filter((text) => !/^'\{\{ [A-Za-z0-9]+ \}\}'$/.test(text))).toEqual([]);
  });

  it.each(["Linux", "Windows"] as const)("uses only existing parameters on %s", (platform) => {
    expect(toScript(VALUES, platform)).not.toContain("{{");
  });

  it("names every parameter that has a default or must be given", () => {
    const { parameters } = applyArtifactDocument;
    const required = Object.entries(parameters).filter(([, parameter]) => parameter.default === undefined);

    expect(required.map(([name]) => name)).toEqual(["ArtifactLocation", "ArtifactSha256"]);
    expect(
      Object.values(parameters).filter(({ allowedPattern, default: usual }) => {
        return usual !== undefined && !new RegExp(allowedPattern).test(usual);
      }),
    ).toEqual([]);
  });

  it.each([
    ["ExecutionTimeout", ["1", "600", "172800"], ["0", "172801", "-1", "", "1.5", "999999"]],
    ["EntryPoint", ["site.yml", "a/b-c/run.sh"], ["", "/a", "a/", "a//b", "a/../b", ".git/x", "-v"]],
    [
      "ArtifactLocation",
      ["s3://abc/a%20b", "s3://abc/a?versionId=1"],
      ["s3://abc/", "s3://ab/a", "https://a/b", "s3://abc/a%0A"],
    ],
    ["Inventory", ["", "QQ=="], ["Q Q=", "QQ==="]],
  ])("takes for %s what is right, and nothing else", (name, right, wrong) => {
    const pattern = new RegExp(applyArtifactDocument.parameters[name]?.allowedPattern ?? "");

    expect([right.filter((value) => !pattern.test(value)), wrong.filter((value) => pattern.test(value))]).toEqual([
      [],
      [],
    ]);
  });

  it("demands tokens of the metadata service and checks sums on Windows as well", () => {
    const script = toScript(VALUES, "Windows");

    const order = [
      "/latest/api/token",
      "WaitOne",
      "New-Item -ItemType Directory",
      "Get-Artifact $region",
      "Expand-Artifact (",
      "powershell.exe",
      "Remove-Item",
    ];
    const main = script.slice(script.lastIndexOf("$Status = 1"));
    expect(order.slice(1).map((part) => main.indexOf(part))).toEqual(
      order
        .slice(1)
        .map((part) => main.indexOf(part))
        .toSorted((a, b) => a - b),
    );
    expect(order.filter((part) => !script.includes(part))).toEqual([]);
    expect(script).toContain("$ErrorActionPreference = 'Stop'");
    expect(script).toContain("-Algorithm SHA256");
  });
});

describe("the location of an artifact", () => {
  it.each([
    ["app/build.zip", "s3://artifacts/app/build.zip"],
    ["a b/'c'(1)!*~%.zip", "s3://artifacts/a%20b/%27c%27%281%29%21%2A~%25.zip"],
    ["café?versionId=1", "s3://artifacts/caf%C3%A9%3FversionId%3D1"],
    ["//a", "s3://artifacts///a"],
  ])("of %j is a text without quotes", (key, location) => {
    expect(findArtifactLocation({ bucket: "artifacts", key })).toBe(location);
  });

  it("names the version", () => {
    expect(findArtifactLocation({ bucket: "artifacts", key: "a", versionId: "3HL4kqtJ._-" })).toBe(
      "s3://artifacts/a?versionId=3HL4kqtJ._-",
    );
  });

  it.each([
    ["a line's end", { bucket: "artifacts", key: "a\nb" }],
    ["no key", { bucket: "artifacts", key: "" }],
    ["a key that is too long", { bucket: "artifacts", key: "é".repeat(513) }],
    ["half a character", { bucket: "artifacts", key: "a\uD800" }],
    ["a key that the AWS CLI would read from a file", { bucket: "artifacts", key: "file:///etc/shadow" }],
    ["an invalid bucket", { bucket: "Not a bucket", key: "a" }],
    ["an invalid version", { bucket: "artifacts", key: "a", versionId: "1'" }],
  ])("is not there for %s", (_what, artifact) => {
    expect(findArtifactLocation(artifact)).toBeUndefined();
  });

  it("gives back the key for every key that it takes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), (key) => {
        const location = findArtifactLocation({ bucket: "artifacts", key });
        return location === undefined || decodeURIComponent(location.slice("s3://artifacts/".length)) === key;
      }),
    );
  });
});
