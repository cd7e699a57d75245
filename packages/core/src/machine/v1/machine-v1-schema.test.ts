import { readdirSync, readFileSync } from "node:fs";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { machineV1Schema } from "./machine-v1-schema.ts";

const folder = new URL("../../../fixtures/machines/", import.meta.url);

const validator = Compile(machineV1Schema);

const list = (kind: string) => readdirSync(new URL(kind, folder)).filter((file) => file.endsWith(".yaml"));

const load = (file: string): unknown =>
  parse(readFileSync(new URL(file, folder), "utf8"), { merge: true, schema: "core", uniqueKeys: false });

// What a schema cannot say: names that must exist elsewhere, what is registered, what the text looked like.
const BEYOND = new Set([
  "advance-state-undefined",
  "config-invalid",
  "executor-unknown",
  "state-task-undefined",
  // What the schemas of executors for documents say.
  "config-unknown-key",
  "lambda-args-not-map",
  "lambda-name-not-string",
  "lambda-name-required",
  "source-field-required",
  "source-not-map",
  "source-type-unknown",
  "source-unknown-key",
  "terraform-action-required",
  "terraform-action-unknown",
  "variables-not-map",
]);

// What the reader of YAML reports.
const UNREADABLE = new Set(["limit-exceeded", "yaml-syntax"]);

const isBeyond = (file: string) => [BEYOND, UNREADABLE].some((codes) => codes.has(file.replace(".yaml", "")));

describe("machineV1Schema", () => {
  it.each(list("valid"))("accepts valid/%s", (file) => {
    expect(validator.Errors(load(`valid/${file}`))).toEqual([]);
  });

  it.each(list("invalid").filter((file) => !isBeyond(file)))("refuses invalid/%s", (file) => {
    expect(validator.Check(load(`invalid/${file}`))).toBe(false);
  });

  it.each([...BEYOND])("cannot refuse invalid/%s.yaml", (code) => {
    expect(validator.Check(load(`invalid/${code}.yaml`))).toBe(true);
  });

  it("is what the package publishes", async () => {
    const json = JSON.stringify(machineV1Schema, null, 2);
    // As the formatter wants it: lists of texts on one line.
    const published = json.replaceAll(/\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g, (_, items: string) => {
      return `[${items.replaceAll(/\s+/g, " ")}]`;
    });

    await expect(`${published}\n`).toMatchFileSnapshot("../../../schema/machine-v1.schema.json");
  });
});
