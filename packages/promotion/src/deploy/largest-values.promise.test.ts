import { describe, expect, it } from "vitest";
import { aPlannedRelease } from "../testing/a-planned-release.ts";
import { TENANT } from "../testing/a-release-yard.ts";

const MINUTE = 60_000;
/** What a release may send: keys, and characters of each. */
const [KEYS, CHARACTERS] = [16, 2_000] as const;
/** All metadata of a stack: 64 KiB, less what keys and other values take. */
const MOST_BEFORE = 60_000;

interface Shape {
  readonly keys: number;
  readonly characters: number;
  readonly tenants: number;
}

const shapes: readonly Shape[] = [
  { keys: 1, characters: CHARACTERS, tenants: 3 },
  { keys: KEYS, characters: CHARACTERS, tenants: 3 },
  { keys: KEYS, characters: 200, tenants: 24 },
];

/** A value of so many characters, which each version has another of. */
const toValue = (version: string, characters: number) => version.padEnd(characters, "v");

describe("releases of the largest values", () => {
  it.each(shapes)(
    "of $keys keys with $characters characters, to $tenants tenants, arrive again and again, planned and taken back [helm#7126, kubernetes#77387]",
    async ({ keys: count, characters, tenants }) => {
      const others = Array.from({ length: count - 1 }, (_, index) => `image_${index}`);
      const declared = others.map((key) => `${key}: { type: string }, `).join("");
      const long = TENANT.replace("metadata: { api:", `metadata: { ${declared}api:`).replace(
        "RELEASED: { metadata: [api] }",
        "RELEASED: {}",
      );
      const version = "$" + "{metadata.api}";
      const fill = "v".repeat(Math.max(0, characters - 20));
      const metadata = Object.fromEntries(["api", ...others].map((key) => [key, `${version}${fill}`]));
      const bench = aPlannedRelease({ metadata }, { tenant: long });
      await bench.addTenants(tenants, () =>
        Object.fromEntries(
          ["api", ...others].map((key) => [key, toValue("0", MOST_BEFORE / count / (tenants > 3 ? 20 : 1))]),
        ),
      );
      const ends: string[] = [];
      for (const each of ["1.42.0", "1.43.0"]) {
        await bench.start(each);
        await bench.yard.advance(MINUTE);
        await bench.send(`shop-${each}`, "PLANNED");
        await bench.finish(each);
        ends.push(await bench.taskOf(each), await bench.tallyOf(each));
      }

      await bench.send("shop-1.43.0", "ROLLBACK");
      await bench.finish("1.43.0");

      ends.push(await bench.tallyOf("1.43.0", "undo"));
      const done = `done ${tenants}`;
      expect([ends, new Set(Object.values(await bench.versionsOf()))]).toEqual([
        ["DONE", done, "DONE", done, done],
        new Set([`1.42.0${fill}`]),
      ]);
    },
  );
});
