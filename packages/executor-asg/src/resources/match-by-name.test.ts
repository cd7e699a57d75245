import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchByName, type NamedResource } from "./match-by-name.ts";

const groups = (asked: readonly string[], found: readonly NamedResource[]) => {
  return matchByName({ kind: "security-group", asked, found });
};
const subnets = (asked: readonly string[], found: readonly NamedResource[]) => {
  return matchByName({ kind: "subnet", asked, found });
};
const messagesOf = (match: ReturnType<typeof matchByName>) => {
  return match.kind === "refused" ? match.problems.map(({ code, message }) => [code, message]) : match.kind;
};

const A = { id: "sg-a", name: "a" };
const B = { id: "sg-b", name: "b" };
const PRIVATE = { id: "subnet-00000001", name: "private-a" };
const OTHER = { id: "subnet-00000002", name: "private-b" };

describe("matchByName", () => {
  it("gives ids in the order asked", () => {
    expect(groups(["b", "a"], [A, B])).toEqual({ kind: "matched", ids: ["sg-b", "sg-a"] });
    expect(groups([], [])).toEqual({ kind: "matched", ids: [] });
  });

  it("takes subnets by name and by id at once", () => {
    expect(subnets(["private-b", PRIVATE.id], [PRIVATE, OTHER])).toEqual({
      kind: "matched",
      ids: [OTHER.id, PRIVATE.id],
    });
    expect(subnets([PRIVATE.id], [{ id: PRIVATE.id }])).toEqual({ kind: "matched", ids: [PRIVATE.id] });
  });

  it("takes what is too short for an id as a name", () => {
    expect(subnets(["subnet-"], [{ id: "subnet-1", name: "subnet-" }])).toEqual({ kind: "matched", ids: ["subnet-1"] });
  });

  it("does not take security groups by id", () => {
    expect(messagesOf(groups(["sg-a"], []))).toEqual([
      ["security-group-not-found", 'Security group "sg-a" was not found.'],
    ]);
  });

  it("refuses a count that is right by accident", () => {
    const twin = { id: "subnet-00000003", name: "private-a" };

    expect(messagesOf(subnets(["private-a", "private-b"], [PRIVATE, twin]))).toEqual([
      ["subnet-ambiguous", 'Subnet "private-a" is the name of 2: subnet-00000001, subnet-00000003. It must be one.'],
      ["subnet-not-found", 'Subnet "private-b" was not found.'],
    ]);
  });

  it("refuses one that is asked for twice", () => {
    expect(messagesOf(subnets(["private-a", PRIVATE.id], [PRIVATE, PRIVATE]))).toEqual([
      ["subnet-repeated", "Subnet subnet-00000001 is asked for twice."],
    ]);
    expect(messagesOf(groups(["a", "a"], [A]))).toEqual([
      ["security-group-repeated", "Security group sg-a is asked for twice."],
    ]);
  });

  it("refuses what nobody has asked for", () => {
    expect(messagesOf(groups(["a"], [A, B]))).toEqual([
      ["security-group-unexpected", 'Security group sg-b ("b") was not asked for.'],
    ]);
  });

  it("refuses a security group without a name", () => {
    expect(messagesOf(groups(["a"], [A, { id: "sg-c" }]))).toEqual([
      ["security-group-unnamed", 'Security group sg-c has no tag "Name".'],
    ]);
  });

  it("matches exactly when each is found once and nothing is left", () => {
    const names = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 4 });
    fc.assert(
      fc.property(names, names, (asked, present) => {
        const found = present.map((name, index) => ({ id: `sg-${index}`, name }));
        const isOneToOne =
          asked.toSorted().join() === present.toSorted().join() && new Set(asked).size === asked.length;

        expect(groups(asked, found).kind).toBe(isOneToOne ? "matched" : "refused");
      }),
    );
  });
});
