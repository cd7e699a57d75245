import type { MachineListing } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { toChanges } from "./dev.ts";

function aListing(name: string, hash?: string): MachineListing {
  const origin = `${name}.yaml`;
  if (hash === undefined) return { name, origin, located: { kind: "invalid", problems: [] } };
  const revision = { name, hash, source: "" };
  return { name, origin, located: { kind: "found", machine: { name } as never, revision, problems: [] } };
}

describe("toChanges", () => {
  it("reports new, changed and removed machines", () => {
    const before = [aListing("same", "1"), aListing("edited", "1"), aListing("broken", "1"), aListing("gone", "1")];
    const after = [aListing("same", "1"), aListing("edited", "2"), aListing("broken"), aListing("new", "1")];

    const changes = toChanges(before, after).map(({ kind, listing }) => `${kind} ${listing.name}`);

    expect(changes).toEqual(["changed edited", "changed broken", "added new", "removed gone"]);
  });
});
