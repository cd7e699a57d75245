import { describe, expect, it } from "vitest";
import { findGrants, type Grant, isAllowed, listPairs } from "./find-grants.ts";

const grant: Grant = {
  policy: "Machines",
  sid: "List",
  actions: ["s3:ListBucket"],
  resources: ["arn:aws:s3:::machines"],
  conditions: { StringLike: { "s3:prefix": "m/*" } },
};

describe("a grant", () => {
  it.each([
    [true, "the call that it is for", { action: "s3:ListBucket", resource: "arn:aws:s3:::machines", prefix: "m/a" }],
    [false, "another action", { action: "s3:GetObject", resource: "arn:aws:s3:::machines", prefix: "m/a" }],
    [false, "another resource", { action: "s3:ListBucket", resource: "arn:aws:s3:::machines2", prefix: "m/a" }],
    [false, "what its condition excludes", { action: "s3:ListBucket", resource: "arn:aws:s3:::machines", prefix: "n" }],
  ])("allows (%s) %s", (allowed, _what, { action, resource, prefix }) => {
    expect(isAllowed([grant], { action, resource, context: { "s3:prefix": prefix } })).toBe(allowed);
  });

  it("does not allow a call without the value that its condition checks", () => {
    expect(isAllowed([grant], { action: "s3:ListBucket", resource: "arn:aws:s3:::machines" })).toBe(false);
  });

  it("takes a star for anything, and a dot for a dot", () => {
    const objects = { ...grant, actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a.b/m/*"], conditions: {} };
    const allows = (resource: string) => isAllowed([objects], { action: "s3:GetObject", resource });

    expect([allows("arn:aws:s3:::a.b/m/x/y"), allows("arn:aws:s3:::axb/m/x"), allows("arn:aws:s3:::a.b/n")]).toEqual([
      ...[true, false, false],
    ]);
  });

  it("is read from a role, and ignores statements that deny", () => {
    const role = (Effect: string) => ({
      resources: {
        Role: {
          type: "AWS::IAM::Role",
          properties: {
            Policies: [
              { PolicyName: "P", PolicyDocument: { Statement: [{ Sid: "S", Effect, Action: ["a"], Resource: "r" }] } },
            ],
          },
        },
      },
      outputs: {},
    });

    expect(listPairs(findGrants(role("Allow"), "Role"))).toEqual(["a r"]);
    expect(findGrants(role("Deny"), "Role")).toEqual([]);
    expect(() => findGrants(role("deny"), "Role")).toThrow("P S allows nothing.");
  });
});
