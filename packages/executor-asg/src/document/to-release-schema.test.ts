import { readFileSync } from "node:fs";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { releaseFixture } from "../testing/release-fixture.ts";
import { ReleaseDocument } from "./schema/release-schema.ts";
import { toReleaseSchema } from "./to-release-schema.ts";

const validator = Compile(ReleaseDocument);

describe("toReleaseSchema", () => {
  it.each(["odin/one-service", "odin/every-new-key"])("accepts %s", (name) => {
    expect(validator.Errors(JSON.parse(releaseFixture(name)))).toEqual([]);
  });

  it.each([
    ["a key that is unknown", { warm_pool: {} }],
    ["a strategy that is unknown", { detach_strategy: "Maybe" }],
    ["a time-out of three days", { timeout: 259_200 }],
    ["a subnet that is there twice", { subnets: ["a", "a"] }],
    ["no services", { services: {} }],
  ])("refuses %s", (_, over) => {
    expect(validator.Check({ ...JSON.parse(releaseFixture("odin/one-service")), ...over })).toBe(false);
  });

  it("says which draft it is written in", () => {
    expect(toReleaseSchema()).toMatchObject({ $schema: "http://json-schema.org/draft-07/schema#", type: "object" });
  });

  it("is what the package publishes", async () => {
    const json = JSON.stringify(toReleaseSchema(), null, 2);
    // As the formatter wants it: lists of texts on one line where they fit.
    const published = json.replaceAll(
      /^(.*)\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/gm,
      (lines, before: string, items: string) => {
        const line = `${before}[${items.replaceAll(/\s+/g, " ")}]`;
        return line.length < 120 ? line : lines;
      },
    );

    await expect(`${published}\n`).toMatchFileSnapshot("../../schema/release.schema.json");
    const { files } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(files).toContain("schema");
  });
});
