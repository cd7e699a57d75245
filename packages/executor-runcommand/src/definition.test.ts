import { MOST_UNWATCHED_MS } from "@stackyard/core";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { RunCommandConfig, runCommandDefinition } from "./definition.ts";
import { anId } from "./testing/a-run.ts";

describe("RunCommandConfig", () => {
  it.each([
    [{}, true],
    [{ profile: "ansible", maxConcurrency: "10%", maxErrors: 0 }, true],
    [{ maxConcurrency: 5, maxErrors: "0%" }, true],
    [{ maxConcurrency: 0 }, false],
    [{ maxConcurrency: "0" }, false],
    [{ maxConcurrency: "101%" }, false],
    [{ maxErrors: "-1" }, false],
    [{ maxErrors: "12345678" }, false],
    [{ instance: anId(1) }, true],
    [{ instance: "i-123" }, false],
    [{ instanceIds: [] }, false],
    [{ instanceIds: [anId(1), "mi-0123456789abcdef0"] }, true],
    [{ targets: [{ key: "tag:Env", values: ["a"] }] }, true],
    [{ targets: [{ key: "Env", values: ["a"] }] }, false],
    [{ targets: [{ key: "tag:Env", values: [] }] }, false],
    [{ targets: Array(6).fill({ key: "tag-key", values: ["a"] }) }, false],
    [{ select: { tagKey: "fleet", tagValues: ["a"], platform: "any" } }, true],
    [{ select: { platform: "macos" } }, false],
    [{ artifact: { bucket: "builds", key: "a.zip", sha256: "A".repeat(64) } }, false],
    [{ timeout: "10m", deliveryTimeout: "30s" }, true],
    [{ timeout: 600 }, false],
    [{ source: "pipeline" }, true],
    [{ source: "cron" }, false],
    [{ window: "mw-1" }, false],
  ])("of %j: %s", (config, valid) => {
    expect(Value.Check(RunCommandConfig, config)).toBe(valid);
  });
});

describe("runCommandDefinition", () => {
  it("gives a fleet a day, or longer where one command may take longer, and a day of unwatched time", () => {
    expect(runCommandDefinition.timeout({})).toBe(24 * 3_600_000 + MOST_UNWATCHED_MS);
    expect(runCommandDefinition.timeout({ timeout: "48h" })).toBeGreaterThan(48 * 3_600_000 + MOST_UNWATCHED_MS);
  });

  it("gives one instance what waiting, delivery and work may take", () => {
    expect(runCommandDefinition.timeout({ instance: anId(1) })).toBe((10 + 15 + 10 + 10) * 60_000 + MOST_UNWATCHED_MS);
  });
});
