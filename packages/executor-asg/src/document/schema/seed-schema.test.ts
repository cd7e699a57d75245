import { type TObject, type TSchema, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { ReleaseDocument } from "./release-schema.ts";
import { SeedDocument } from "./seed-schema.ts";

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
