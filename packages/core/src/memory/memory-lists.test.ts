import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSortedKeys } from "./memory-lists.ts";

const key = fc.string({ unit: fc.constantFrom("a", "b", "/"), minLength: 1, maxLength: 4 });

describe("createSortedKeys", () => {
  it("lists the keys that are still there, in order, by prefix and after the cursor", () => {
    fc.assert(
      fc.property(
        fc.array(key),
        fc.array(key),
        key,
        fc.option(key, { nil: undefined }),
        (added, gone, prefix, after) => {
          const there = new Set(added);
          const keys = createSortedKeys((each) => there.has(each));
          for (const [index, each] of added.entries()) {
            keys.add(each);
            // Lists between additions must not change what later ones give.
            if (index % 3 === 0) [...keys.list("", undefined)];
          }
          for (const each of gone) there.delete(each);

          const listed = [...keys.list(prefix, after)];

          const wanted = [...there].filter((each) => each.startsWith(prefix) && (after === undefined || each > after));
          expect(listed).toEqual(wanted.sort());
        },
      ),
    );
  });

  it("lists a key again that went and came back", () => {
    const there = new Set(["a"]);
    const keys = createSortedKeys((each) => there.has(each));
    keys.add("a");
    there.delete("a");
    expect([...keys.list("", undefined)]).toEqual([]);

    there.add("a");
    keys.add("a");

    expect([...keys.list("", undefined)]).toEqual(["a"]);
  });
});
