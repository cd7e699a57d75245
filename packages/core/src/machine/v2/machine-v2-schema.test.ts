import { readdirSync, readFileSync } from "node:fs";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { machineV2Schema } from "./machine-v2-schema.ts";

const folder = new URL("../../../fixtures/machines/", import.meta.url);

const validator = Compile(machineV2Schema);

const list = (kind: string) => readdirSync(new URL(kind, folder)).filter((file) => file.endsWith(".yaml"));

const load = (file: string): unknown =>
  parse(readFileSync(new URL(file, folder), "utf8"), {
    merge: true,
    schema: "core",
    uniqueKeys: false,
    maxAliasCount: -1,
  });

// What a schema cannot say: names that must exist elsewhere, expressions, what must fit to each other.
const BEYOND = new Set([
  "advance-state-undefined",
  "after-at",
  "after-cron",
  "after-event-needs-metadata",
  "after-event-not-handled",
  "after-event-undeclared",
  "after-in-required",
  "after-kind",
  "after-zone",
  "config-invalid",
  "constraint-not-applicable",
  "default-invalid",
  "duplicate-mapping-key",
  "enum-invalid",
  "executor-unknown",
  "expression-syntax",
  "expression-task-not-available",
  "expression-unknown-name",
  "expression-unterminated",
  "expression-variable-unavailable",
  "metadata-undeclared",
  "needs-cycle",
  "needs-not-in-state",
  "needs-undefined",
  "on-event-undeclared",
  "pattern-invalid",
  "pattern-not-linear",
  "raise-event-needs-metadata",
  "raise-event-not-handled",
  "raise-event-undeclared",
  "range-empty",
  "sensitive-leak",
  "state-task-undefined",
  "target-undefined",
  "task-name-pattern",
  // What the schemas of executors for documents say.
  "approval-comment-unknown",
  "approval-count-invalid",
  "approval-from-invalid",
  "approval-from-required",
  "approval-of-invalid",
  "config-unknown-key",
  "lambda-args-not-map",
  "lambda-name-not-string",
  "lambda-name-required",
  "source-field-required",
  "source-missing",
  "source-not-map",
  "source-type-missing",
  "source-type-unknown",
  "source-unknown-key",
  "terraform-action-required",
  "terraform-action-unknown",
  "terraform-value-invalid",
  "variables-not-map",
]);

describe("machineV2Schema", () => {
  it.each(list("valid-v2"))("accepts valid-v2/%s", (file) => {
    expect(validator.Errors(load(`valid-v2/${file}`))).toEqual([]);
  });

  it.each(list("invalid-v2").filter((file) => !BEYOND.has(file.replace(".yaml", ""))))(
    "refuses invalid-v2/%s",
    (file) => {
      expect(validator.Check(load(`invalid-v2/${file}`))).toBe(false);
    },
  );

  it("is what the package publishes", async () => {
    const json = JSON.stringify(machineV2Schema, null, 2);
    // As the formatter wants it: lists of texts on one line.
    const published = json.replaceAll(/\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g, (_, items: string) => {
      return `[${items.replaceAll(/\s+/g, " ")}]`;
    });

    await expect(`${published}\n`).toMatchFileSnapshot("../../../schema/machine-v2.schema.json");
  });
});
