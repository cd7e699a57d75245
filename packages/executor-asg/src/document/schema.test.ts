import { readFileSync } from "node:fs";
import { type TObject, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { releaseFixture } from "../testing/builders.ts";
import { ReleaseDocument, SeedDocument, toReleaseSchema } from "./schema.ts";

const validator = Compile(ReleaseDocument);

describe("toReleaseSchema", () => {
  it.each(["odin/one-service", "odin/every-new-key"])("accepts %s", (name) => {
    expect(validator.Errors(JSON.parse(releaseFixture(name)))).toEqual([]);
  });

  it.each([
    ["a key that is unknown", { warm_pool: {} }],
    ["a strategy that is unknown", { detach_strategy: "Maybe" }],
    ["a timeout of three days", { timeout: 259_200 }],
    ["a subnet that is there twice", { subnets: ["a", "a"] }],
    ["no services", { services: {} }],
  ])("rejects %s", (_, over) => {
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

/** Pointers of all members that a schema knows; `*` for items and names. */
function membersOf(schema: TSchema, pointer = ""): readonly string[] {
  if (Type.IsArray(schema)) return membersOf(schema.items, `${pointer}/*`);
  if (Type.IsRecord(schema)) {
    const patterns: Readonly<Record<string, TSchema>> = schema.patternProperties;
    return Object.values(patterns).flatMap((inner) => membersOf(inner, `${pointer}/*`));
  }
  if (!Type.IsObject(schema)) return [];
  const { properties }: TObject = schema;
  return Object.entries(properties).flatMap(([key, inner]) => [
    `${pointer}/${key}`,
    ...membersOf(inner, `${pointer}/${key}`),
  ]);
}

describe("SeedDocument", () => {
  it("knows nothing beyond the newest generation but the user data", () => {
    const newest = membersOf(ReleaseDocument);

    expect(membersOf(SeedDocument).filter((member) => !newest.includes(member))).toEqual(["/user_data"]);
  });

  it("knows nothing that came later", () => {
    const members = membersOf(SeedDocument);

    for (const key of ["strategy", "spot_price", "health_check_grace_period", "default_cooldown", "safe_release"]) {
      expect(members.filter((member) => member.endsWith(`/${key}`))).toEqual([]);
    }
    expect(members).not.toContain("/services/*/autoscaling/policies/*/name");
  });
});
