import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { RunCommandConfig } from "../definition.ts";
import { type RunArgs, toRunConfig } from "./to-run-config.ts";

const validator = Compile(RunCommandConfig);

describe("toRunConfig", () => {
  it("is the executor's default fleet where no words say more", () => {
    expect(toRunConfig({})).toEqual({ source: "command" });
  });

  it.each<[string, RunArgs, object]>([
    [
      "tags",
      { tagKey: "Role", tagValue: ["web", "app"], platform: "linux" },
      { select: { tagKey: "Role", tagValues: ["web", "app"], platform: "linux" } },
    ],
    ["ids", { instanceId: ["i-0123456789abcdef0"] }, { instanceIds: ["i-0123456789abcdef0"] }],
    ["targets", { target: ["tag:Role=web,app"] }, { targets: [{ key: "tag:Role", values: ["web", "app"] }] }],
    [
      "a document with parameters",
      { document: "AWS-RunShellScript", parameter: ["commands=a=b", "commands=c", "x=1"] },
      { document: "AWS-RunShellScript", parameters: { commands: ["a=b", "c"], x: ["1"] } },
    ],
    [
      "an artifact",
      { artifact: "s3://my-bucket/a/b.zip", artifactVersion: "v", artifactSha256: "0".repeat(64) },
      { artifact: { bucket: "my-bucket", key: "a/b.zip", versionId: "v", sha256: "0".repeat(64) } },
    ],
    [
      "outputs",
      { output: "s3://logs-bucket/fleet", logGroup: "/fleet" },
      { output: { bucket: "logs-bucket", prefix: "fleet", logGroup: "/fleet" } },
    ],
    ["outputs of a whole bucket", { output: "s3://logs-bucket" }, { output: { bucket: "logs-bucket" } }],
    ["a log group alone", { logGroup: "/fleet" }, { output: { logGroup: "/fleet" } }],
    [
      "limits",
      {
        maxConcurrency: "10%",
        maxErrors: "5",
        timeout: "1h",
        deliveryTimeout: "30s",
        allowEmpty: true,
        ignoreUnreachable: true,
      },
      {
        maxConcurrency: "10%",
        maxErrors: "5",
        timeout: "1h",
        deliveryTimeout: "30s",
        allowEmpty: true,
        ignoreUnreachable: true,
      },
    ],
  ])("takes %s, as the executor's schema wants them", (_what, args, config) => {
    const given = toRunConfig(args);

    expect(given).toEqual({ ...config, source: "command" });
    expect(validator.Check(given)).toBe(true);
  });

  it("lets flags win over the file, and keeps the rest of it", () => {
    const file = { select: { tagKey: "a", states: ["running"] }, maxErrors: 1, timeout: "1h", source: "pipeline" };

    expect(toRunConfig({ tagValue: ["b"], maxErrors: "2" }, file)).toEqual({
      select: { tagKey: "a", states: ["running"], tagValues: ["b"] },
      maxErrors: "2",
      timeout: "1h",
      source: "command",
    });
    expect(toRunConfig({ instanceId: ["i-1"] }, file)).toEqual({
      instanceIds: ["i-1"],
      maxErrors: 1,
      timeout: "1h",
      source: "command",
    });
  });

  it.each<[string, RunArgs, RegExp]>([
    ["tags and ids", { tagKey: "a", instanceId: ["i-1"] }, /different ways/],
    ["a platform of ids", { platform: "linux", instanceId: ["i-1"] }, /different ways/],
    ["ids and targets", { target: ["a=b"], instanceId: ["i-1"] }, /different ways/],
    ["a profile and a document", { profile: "ansible", document: "d" }, /--profile or --document/],
    ["a parameter without a value", { parameter: ["commands"] }, /--parameter "commands" is not name=value/],
    ["a target without a key", { target: ["=web"] }, /--target/],
    ["an artifact without a valid address", { artifact: "https://bucket/key" }, /--artifact .* is invalid/],
    ["an artifact without a key", { artifact: "s3://bucket" }, /names an object/],
    ["a checksum of no artifact", { artifactSha256: "0" }, /--artifact; give that too/],
  ])("rejects %s", (_what, args, message) => {
    expect(() => toRunConfig(args)).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringMatching(message) }),
    );
  });

  it("keeps a parameter's name away from the prototype of objects", () => {
    const { parameters } = toRunConfig({ parameter: ["__proto__=x"] });

    expect(Object.getPrototypeOf(parameters)).toBe(Object.prototype);
    expect(Object.keys(parameters as object)).toEqual(["__proto__"]);
  });
});
