import { readdirSync, readFileSync } from "node:fs";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { Check } from "typebox/value";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createMachineV2Schema, machineV2Schema } from "./machine-v2-schema.ts";

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
  "after-event-needs-metadata",
  "after-event-not-handled",
  "approved-invalid",
  "approved-undefined",
  "config-invalid",
  "duplicate-mapping-key",
  "executor-unknown",
  "expression-fails",
  "expression-syntax",
  "expression-type",
  "expression-task-not-available",
  "expression-unknown-name",
  "expression-unterminated",
  "expression-variable-unavailable",
  "metadata-read-only",
  "metadata-undeclared",
  "needs-cycle",
  "needs-not-in-state",
  "needs-undefined",
  "on-event-undeclared",
  "pattern-not-linear",
  "raise-event-needs-metadata",
  "raise-event-not-handled",
  "range-empty",
  "sensitive-leak",
  "set-invalid",
  "state-task-undefined",
  "target-undefined",
  "task-name-pattern",
  // What the schemas of executors for documents say.
  "config-unknown-key",
  "lambda-name-not-string",
  "lambda-name-required",
  "source-missing",
  "source-type-missing",
  "terraform-action-required",
  "terraform-action-unknown",
  "terraform-value-invalid",
  "not-utf8",
  "terraform-state-shared",
]);

const isBeyond = (file: string) => BEYOND.has(file.replace(".yaml", ""));

const isApproval = (file: string) => file.startsWith("approval-");

describe("machineV2Schema", () => {
  it.each(list("valid-v2"))("accepts valid-v2/%s", (file) => {
    expect(validator.Errors(load(`valid-v2/${file}`))).toEqual([]);
  });

  it.each(list("invalid-v2").filter((file) => !isBeyond(file) && !isApproval(file)))(
    "refuses invalid-v2/%s",
    (file) => {
      expect(validator.Check(load(`invalid-v2/${file}`))).toBe(false);
    },
  );

  it.each([...BEYOND])("cannot refuse invalid-v2/%s.yaml", (code) => {
    expect(validator.Check(load(`invalid-v2/${code}.yaml`))).toBe(true);
  });

  it.each(list("invalid-v2").filter(isApproval))("refuses invalid-v2/%s when executors have schemas", (file) => {
    const documentSchemas = { v1: Type.Unknown(), v2: Type.Unknown() };
    const schema = createMachineV2Schema([
      { name: "sleeper", config: Type.Unknown(), resumable: true, documentSchemas },
    ]);

    expect(Check(schema, load(`invalid-v2/${file}`))).toBe(false);
  });

  it("is what the package publishes", async () => {
    const json = JSON.stringify(machineV2Schema, null, 2);
    // As the formatter wants it: lists of texts on one line.
    const published = json.replaceAll(/\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g, (_, items: string) => {
      return `[${items.replaceAll(/\s+/g, " ")}]`;
    });

    await expect(`${published}\n`).toMatchFileSnapshot("../../../schema/machine-v2.schema.json");
  });
});
