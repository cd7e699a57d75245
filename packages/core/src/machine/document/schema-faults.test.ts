import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { describeFaults } from "./describe-faults.ts";
import { listSchemaFaults } from "./schema-faults.ts";

const closed = { additionalProperties: false };
const Secret = Type.Union([Type.Object({ env: Type.String() }, closed), Type.Object({ file: Type.String() }, closed)], {
  expected: "{ env: NAME } or { file: PATH }",
});
const Host = Type.Union([
  Type.Object({ type: Type.Literal("git"), id: Type.Integer(), secret: Secret }, closed),
  Type.Object({ type: Type.Literal("git"), token: Secret, secret: Secret }, closed),
  Type.Object({ type: Type.Literal("mail"), to: Type.Array(Type.String()) }, closed),
]);
const Schema = Type.Object({ hosts: Type.Record(Type.String({ pattern: "^[a-z]+$" }), Host, closed) }, closed);

const secret = { env: "A" };
const faultsOf = (hosts: unknown) =>
  listSchemaFaults(Schema, { hosts }).map(({ keyword, instancePath }) => [keyword, instancePath]);

describe("listSchemaFaults", () => {
  it.each([
    ["the member with the constant", { a: { type: "mail" } }, [["required", "/hosts/a"]]],
    ["the member that fits best", { a: { type: "git", id: "1", secret } }, [["type", "/hosts/a/id"]]],
    ["a union in a union", { a: { type: "git", id: 1, secret: "x" } }, [["expected", "/hosts/a/secret"]]],
    [
      "only the constant where no member has it",
      { a: { type: "gti", secret: "x" } },
      Array.from({ length: 3 }, () => ["const", "/hosts/a/type"]),
    ],
    ["a key that is not a valid name", { A: 1 }, [["name", "/hosts/A"]]],
    [
      "more than eight faults",
      Object.fromEntries([..."abcdefghij"].map((name) => [name, { type: "mail" }])),
      [..."abcdefghij"].map((name) => ["required", `/hosts/${name}`]),
    ],
  ])("lists %s", (_what, hosts, faults) => {
    expect(faultsOf(hosts)).toEqual(faults);
  });

  it("has no fault of a value that fits", () => {
    expect(faultsOf({ a: { type: "git", id: 1, secret } })).toEqual([]);
  });

  it("says what a pattern expects instead of the regular expression", () => {
    const Length = Type.Object({ for: Type.String({ pattern: "^[0-9]+m$", expected: "a duration such as 30m" }) });

    const faults = describeFaults(listSchemaFaults(Length, { for: "often" }));

    expect(faults).toEqual([{ kind: "value", path: ["for"], what: "must be a duration such as 30m" }]);
  });
});
