import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { toScript } from "../testing/to-script.ts";
import { applyArtifactHash } from "./apply-artifact-document.ts";
import { builtInProfiles, ProfileDefinition } from "./profile-definition.ts";
import { type ProfileInput, type ResolvedProfile, resolveProfile } from "./resolve-profile.ts";

const SUM = "a".repeat(64);
const INPUT: ProfileInput = {
  artifact: { bucket: "artifacts", key: "app/build.zip", versionId: "v1", sha256: SUM },
  inventory: "[web]\nlocalhost ansible_connection=local\n",
  platform: "linux",
  timeoutSeconds: 900,
  stamp: "20261005123456",
};

function resolve(name: string, input: Partial<ProfileInput> = {}): ResolvedProfile {
  const answer = resolveProfile(name, { ...INPUT, ...input });
  if (answer.kind === "problem") throw new Error(answer.message);
  return answer;
}

describe("the profile ansible", () => {
  it("sends the document, pinned by its content, with everything as parameters", () => {
    expect(resolve("ansible")).toEqual({
      kind: "resolved",
      documentName: "Stackyard-ApplyArtifact",
      documentHash: applyArtifactHash,
      perInstanceInventory: true,
      parameters: {
        ArtifactLocation: ["s3://artifacts/app/build.zip?versionId=v1"],
        ArtifactSha256: [SUM],
        Inventory: [Buffer.from("[web]\nlocalhost ansible_connection=local\n").toString("base64")],
        EntryPoint: ["ansible/playbook.yml"],
        ExecutionTimeout: ["900"],
      },
    });
  });

  it("lets each instance read its own tag when one command is sent to many", () => {
    const { parameters, perInstanceInventory } = resolve("ansible", { inventory: { kind: "from-tags" } });

    expect([parameters["InventorySource"], parameters["Inventory"], perInstanceInventory]).toEqual([
      ["instance-tags"],
      undefined,
      false,
    ]);
  });

  it.each(Object.keys(builtInProfiles).filter((name) => !name.startsWith("patch")))(
    "and %s give parameters that the document takes",
    (name) => {
      const platform = name === "powershell" ? "windows" : "linux";

      const { parameters } = resolve(name, { platform });

      expect(() => toScript(parameters, platform === "linux" ? "Linux" : "Windows")).not.toThrow();
    },
  );

  it.each([
    ["no artifact", { artifact: undefined }, "ARTIFACT_MISSING"],
    ["an unknown sum", { artifact: { bucket: "artifacts", key: "a" } }, "ARTIFACT_UNUSABLE"],
    [
      "a name that cannot be passed to an instance",
      { artifact: { bucket: "artifacts", key: "a\n", sha256: SUM } },
      "ARTIFACT_UNUSABLE",
    ],
    ["Windows", { platform: "windows" }, "PROFILE_PLATFORM"],
  ] as const)("is rejected for %s", (_what, input, code) => {
    expect(resolveProfile("ansible", { ...INPUT, ...input })).toMatchObject({ kind: "problem", code });
  });
});

describe("other profiles", () => {
  it("garlc-1 sends the six lines with the old budget, whatever the timeout of the run", () => {
    const { documentName, documentHash, parameters, perInstanceInventory } = resolve("garlc-1");

    expect([documentName, documentHash, perInstanceInventory]).toEqual(["AWS-RunShellScript", undefined, false]);
    expect(parameters["commands"]).toHaveLength(6);
    expect(parameters["executionTimeout"]).toEqual(["600"]);
  });

  it.each([["a{{ssm:secret}}"], ["a\nreboot"], ["a\uD800"]])("garlc-1 does not send the key %j", (key) => {
    const answer = resolveProfile("garlc-1", { ...INPUT, artifact: { bucket: "artifacts", key } });

    expect(answer).toMatchObject({ kind: "problem", code: "ARTIFACT_UNUSABLE" });
  });

  it("garlc-1 is for Linux", () => {
    expect(resolveProfile("garlc-1", { ...INPUT, platform: "windows" })).toEqual({
      kind: "problem",
      code: "PROFILE_PLATFORM",
      message: 'Profile "garlc-1" is for linux, and the instances run windows.',
    });
  });

  it("powershell runs a script of the artifact on Windows, without an inventory", () => {
    const { documentName, parameters } = resolve("powershell", { platform: "windows" });

    expect([documentName, parameters["EntryPoint"], parameters["Inventory"]]).toEqual([
      "Stackyard-ApplyArtifact",
      ["windows/configure.ps1"],
      undefined,
    ]);
  });

  it.each([
    ["patch-scan", { Operation: ["Scan"], RebootOption: ["NoReboot"] }],
    ["patch-install", { Operation: ["Install"], RebootOption: ["RebootIfNeeded"] }],
  ])("%s runs AWS-RunPatchBaseline on both platforms, without an artifact", (name, parameters) => {
    for (const platform of ["linux", "windows"] as const) {
      expect(resolve(name, { platform, artifact: undefined })).toEqual({
        kind: "resolved",
        documentName: "AWS-RunPatchBaseline",
        perInstanceInventory: false,
        parameters,
      });
    }
  });

  it.each(["nothing", "constructor", "__proto__"])("%s is not known, and those that are are listed", (name) => {
    expect(resolveProfile(name, INPUT)).toEqual({
      kind: "problem",
      code: "PROFILE_UNKNOWN",
      message: `Unknown profile "${name}". Valid profiles: ansible, garlc-1, patch-install, patch-scan, powershell.`,
    });
  });
});

describe("a profile of the installation", () => {
  it("runs another entry point, with another document pinned by its version", () => {
    const site: ProfileDefinition = {
      kind: "artifact",
      entryPoint: "deploy/run.sh",
      lockWaitSeconds: 0,
      document: "Acme-Apply",
      documentVersion: "3",
    };

    const { documentName, documentHash, documentVersion, parameters } = resolve("site", { profiles: { site } });

    expect([documentName, documentHash, documentVersion]).toEqual(["Acme-Apply", undefined, "3"]);
    expect([parameters["EntryPoint"], parameters["LockWait"]]).toEqual([["deploy/run.sh"], ["0"]]);
  });

  it("sends a document with values of the run as whole values, never inside a text", () => {
    const own: ProfileDefinition = {
      kind: "document",
      document: "Acme-Own",
      documentHash: SUM,
      parameters: {
        Where: ["@artifact.location"],
        Sum: ["@artifact.sha256"],
        Wait: ["@timeout"],
        Text: ["to @timeout"],
      },
    };

    expect(resolve("own", { profiles: { own } })).toEqual({
      kind: "resolved",
      documentName: "Acme-Own",
      documentHash: SUM,
      perInstanceInventory: false,
      parameters: {
        Where: ["s3://artifacts/app/build.zip?versionId=v1"],
        Sum: [SUM],
        Wait: ["900"],
        Text: ["to @timeout"],
      },
    });
  });

  it("needs an artifact only where it names one, and keeps to its platforms", () => {
    const own: ProfileDefinition = { kind: "document", document: "AWS-UpdateSSMAgent", platforms: ["linux"] };
    const input = { ...INPUT, artifact: undefined, profiles: { own } };

    expect(resolveProfile("own", input)).toMatchObject({ kind: "resolved", parameters: {} });
    expect(resolveProfile("own", { ...input, platform: "windows" })).toMatchObject({ code: "PROFILE_PLATFORM" });
  });

  it("may take the place of a built-in one", () => {
    const ansible: ProfileDefinition = { kind: "patch", operation: "Install", rebootOption: "NoReboot" };

    expect(resolve("ansible", { profiles: { ansible } }).parameters["RebootOption"]).toEqual(["NoReboot"]);
  });

  it.each([
    { kind: "artifact", entryPoint: "../x" },
    { kind: "artifact", entryPoint: "x", more: 1 },
    { kind: "patch", operation: "Remove" },
    { kind: "document", document: "a b" },
    { kind: "document", document: "Acme", documentVersion: "0" },
  ])("is not %j", (definition) => {
    expect(Value.Check(ProfileDefinition, definition)).toBe(false);
  });
});
