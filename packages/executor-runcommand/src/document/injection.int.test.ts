import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { aPreparedInstance, type PreparedInstance } from "../testing/a-prepared-instance.ts";
import { toScript } from "../testing/to-script.ts";
import { type ApplyArtifactParameter, applyArtifactParameters } from "./apply-artifact-document.ts";

const VALUES = {
  ArtifactLocation: ["s3://artifacts/app/build.zip"],
  ArtifactSha256: ["0".repeat(64)],
} as const;
const ATTACKS = [
  "'; touch $NOTES/evil; '",
  "$(touch $NOTES/evil)",
  "`touch $NOTES/evil`",
  "a\ntouch $NOTES/evil\n",
  "a' || touch $NOTES/evil #",
  "\\'; touch $NOTES/evil #",
  "\u2019; New-Item evil; \u2018",
  "{{ssm:secret}}",
  "../../../evil.sh",
  "--extra-vars=@/etc/shadow",
];
const NAMES: readonly string[] = Object.keys(applyArtifactParameters);

describe("a parameter of the document", () => {
  it.each(NAMES.flatMap((name) => ATTACKS.map((attack) => [name, attack] as const)))(
    "%s refuses %j",
    (name, attack) => {
      expect(() => toScript({ ...VALUES, [name]: [attack] })).toThrow(`InvalidParameters: ${name}`);
    },
  );

  it.each(NAMES)("%s lets nothing through that could end its quotes, whatever is tried", (name) => {
    const pattern = new RegExp(patternOf(name));
    const characters = fc.constantFrom(
      ..."aZ09/=.-_%+:?&'\"`$\\ \n\r\t;|<>(){}[]*!#~\u2018\u2019\u201A\u201B\u0000\u007F\u00E9",
    );
    const begin = fc.constantFrom("", "s3://bucket/", "s3://bucket/a?versionId=", "a/", "0".repeat(63), "parameter");

    fc.assert(
      fc.property(begin, fc.string({ unit: characters, maxLength: 12 }), (start, end) => {
        const value = `${start}${end}`;
        return !pattern.test(value) || /^[A-Za-z0-9_.~/:?=%+-]*$/.test(value);
      }),
      { numRuns: 5_000 },
    );
  });
});

function patternOf(name: string): string {
  const found = Object.entries(applyArtifactParameters).find(([known]) => known === name);
  return found?.[1].allowedPattern ?? "";
}

describe("a value that the agent passes in the environment", () => {
  let instance: PreparedInstance;
  afterEach(() => instance.stop());

  it.each<readonly [ApplyArtifactParameter, string]>([
    ["EntryPoint", "x'; touch $NOTES/evil; '$(touch $NOTES/evil)"],
    ["Inventory", "$(touch $NOTES/evil)"],
    ["LockWait", "0; touch $NOTES/evil"],
    ["ArtifactSha256", "`touch $NOTES/evil`"],
    ["InventorySource", "instance-tags; touch $NOTES/evil"],
    ["ArtifactLocation", "s3://artifacts/app/build.zip;touch $NOTES/evil $(touch $NOTES/evil)"],
  ])("as %s is data, even if nothing had checked it", async (name, value) => {
    instance = await aPreparedInstance({ environment: { [`SSM_${name}`]: value } });

    await instance.run(instance.script);

    expect(existsSync(join(instance.notes, "evil"))).toBe(false);
  });

  it("overrides the value in the text", async () => {
    instance = await aPreparedInstance({ environment: { SSM_EntryPoint: "other.yml" } });

    const end = await instance.run(instance.script);

    expect(end.stderr).toContain("the artifact has no file other.yml.");
  });
});
