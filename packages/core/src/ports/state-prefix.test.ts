import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findStateOwner, toStatePrefix } from "./state-prefix.ts";

describe("toStatePrefix", () => {
  it.each([
    ["review-app", "pr-12", "review-app/pr-12/"],
    ["review-app", "team/prod", "review-app/team%2Fprod/"],
    ["review-app", "50%", "review-app/50%25/"],
    ["review-app", "team%2Fprod", "review-app/team%252Fprod/"],
    ["ns/app", "ä b+c:d", "ns%2Fapp/ä b+c:d/"],
    [".", "..", "%2E/%2E%2E/"],
  ])("of machine %j and stack %j is %j", (machine, stackId, prefix) => {
    expect(toStatePrefix({ machine, stackId })).toBe(prefix);
  });

  it("never begins another stack's prefix", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "/", "%", "2", "5", "F", "."), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(text, text, text, text, (machine, stackId, otherMachine, otherStack) => {
        fc.pre(machine !== otherMachine || stackId !== otherStack);
        const other = toStatePrefix({ machine: otherMachine, stackId: otherStack });
        expect(other.startsWith(toStatePrefix({ machine, stackId }))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("findStateOwner", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "/", "%", "2", "5", "F", "E", "."), minLength: 1, maxLength: 6 });

  it("finds the stack of each of its keys", () => {
    fc.assert(
      fc.property(text, text, text, (machine, stackId, rest) => {
        expect(findStateOwner(`${toStatePrefix({ machine, stackId })}${rest}`)).toEqual({ machine, stackId });
      }),
      { numRuns: 2_000 },
    );
  });

  it("finds no stack whose prefix a key does not have", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "/", "%", "2", "5", "F", "E", "."), maxLength: 12 }),
        (key) => {
          const owner = findStateOwner(key);
          if (owner !== undefined) expect(key.startsWith(toStatePrefix(owner))).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each(["", "a", "a/b", "/b/c", "a//c", "team%2fprod/b/c"])("does not exist for %j", (key) => {
    expect(findStateOwner(key)).toBeUndefined();
  });
});
