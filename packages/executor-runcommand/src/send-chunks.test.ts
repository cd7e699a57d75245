import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { resolveCommand } from "./plan-run.ts";
import { toSendRequest } from "./send-chunks.ts";
import { anId } from "./testing/a-run.ts";

const chunk = {
  chunk: 7,
  ids: [anId(1), anId(2)],
  platform: "linux" as const,
  roles: ["web"],
  maxConcurrency: "50",
  maxErrors: "0",
};

function toRequest(config: RunCommandConfig, targets?: RunCommandConfig["targets"]) {
  const subject = { platform: chunk.platform, roles: chunk.roles, startedAt: Date.UTC(2026, 2, 4, 5, 6, 7) };
  const command = resolveCommand(config, subject);
  if (command.kind === "problem") throw new Error(command.message);
  return toSendRequest({ config, state: { runId: "run-1" }, command, chunk, ...(targets && { targets }) });
}

describe("toSendRequest", () => {
  it("names the run and the chunk in the comment, and the limits that are left", () => {
    expect(toRequest({ document: "Our-Document", parameters: { Key: ["a", "b"] }, documentVersion: "3" })).toEqual({
      DocumentName: "Our-Document",
      DocumentVersion: "3",
      Parameters: { Key: ["a", "b"] },
      InstanceIds: [anId(1), anId(2)],
      Comment: "stackyard:run-1:7",
      MaxConcurrency: "50",
      MaxErrors: "0",
      TimeoutSeconds: 900,
    });
  });

  it("has targets instead of ids", () => {
    const targets = [{ key: "tag:Role", values: ["web"] }];
    const request = toRequest({ document: "Our-Document", deliveryTimeout: "1h" }, targets);

    expect(request).toMatchObject({ Targets: [{ Key: "tag:Role", Values: ["web"] }], TimeoutSeconds: 3_600 });
    expect(request).not.toHaveProperty("InstanceIds");
  });

  it("says where output goes", () => {
    const output = { bucket: "logs", prefix: "fleet/", logGroup: "/fleet/runs" };

    expect(toRequest({ document: "Our-Document", output })).toMatchObject({
      OutputS3BucketName: "logs",
      OutputS3KeyPrefix: "fleet/run-1/",
      CloudWatchOutputConfig: { CloudWatchOutputEnabled: true, CloudWatchLogGroupName: "/fleet/runs" },
    });
    expect(toRequest({ document: "Our-Document", output: { bucket: "logs" } })).toMatchObject({
      OutputS3KeyPrefix: "runs/run-1/",
    });
  });

  it("gives AWS's shell documents the timeout, unless the parameters do", () => {
    expect(toRequest({ document: "AWS-RunShellScript", timeout: "90s" }).Parameters).toEqual({
      executionTimeout: ["90"],
    });
    const own = { executionTimeout: ["5"] };
    expect(toRequest({ document: "AWS-RunShellScript", parameters: own }).Parameters).toEqual(own);
  });

  it("sends the predecessor's lines with one stamp for the whole run", () => {
    const request = toRequest({ profile: "garlc-1", artifact: { bucket: "builds", key: "a/b.zip" } });

    expect(request.DocumentName).toBe("AWS-RunShellScript");
    expect(request.Parameters?.["executionTimeout"]).toEqual(["600"]);
    expect(request.Parameters?.["commands"]?.join("\n")).toContain("/tmp/20260304050607");
  });

  it("passes the inventory to our own document, pinned by its hash", () => {
    const artifact = { bucket: "builds", key: "a/b.zip", sha256: "a".repeat(64) };
    const request = toRequest({ profile: "ansible", artifact });

    expect(request).toMatchObject({ DocumentName: "Stackyard-ApplyArtifact", DocumentHashType: "Sha256" });
    const [text = ""] = request.Parameters?.["Inventory"] ?? [];
    expect(Buffer.from(text, "base64").toString()).toBe("[web]\nlocalhost ansible_connection=local\n");
  });
});
