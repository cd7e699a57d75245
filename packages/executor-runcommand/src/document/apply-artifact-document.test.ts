import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { toScript } from "../testing/to-script.ts";
import { applyArtifactDocument, applyArtifactHash, applyArtifactText } from "./apply-artifact-document.ts";

const VALUES = { ArtifactLocation: ["s3://artifacts/a.zip"], ArtifactSha256: ["0".repeat(64)] } as const;

describe("the document", () => {
  it("has a step for each platform, and the time-out of the run on both", () => {
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

  it.each(["Linux", "Windows"] as const)("names no parameter on %s that there is not", (platform) => {
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
