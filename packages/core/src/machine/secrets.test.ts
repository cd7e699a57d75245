import { describe, expect, it } from "vitest";
import { findSecretRef, isReference, listSecretRefs, maskSecrets, readSecrets, toShownMetadata } from "./secrets.ts";

const holder = {
  metadata: { password: "new", user: "u", token: null },
  secretVersions: { password: 2, token: 1 },
  keptSecrets: { "password#1": "old", "tasks.db.outputs.key#1": "k" },
};

describe("secrets", () => {
  it("shows references in place of sensitive values, and null as it is", () => {
    expect(toShownMetadata(holder)).toEqual({ password: { $secret: "password#2" }, user: "u", token: null });
  });

  it("shows metadata without sensitive keys as it is", () => {
    const { metadata } = holder;

    expect(toShownMetadata({ metadata })).toBe(metadata);
    expect(findSecretRef({ metadata }, "password")).toBeUndefined();
  });

  it("reads present and kept values, and leaves out what is gone", () => {
    const refs = ["password#2", "password#1", "tasks.db.outputs.key#1", "password#0", "user#1", "__proto__#1"];

    expect(readSecrets(holder, refs)).toEqual({
      "password#2": "new",
      "password#1": "old",
      "tasks.db.outputs.key#1": "k",
    });
  });

  it.each([
    { $secret: "x#1" },
    { $concat: ["t", { $secret: "x#1" }] },
    { $secret: "x#1", more: 1 },
    { $secret: 3 },
    { more: 1, $concat: "t" },
  ])("takes %j for a reference, and masks it as a whole", (value) => {
    expect(isReference(value)).toBe(true);
    expect(maskSecrets({ a: [value], b: "open" })).toEqual({ a: ["***"], b: "open" });
  });

  it.each([{ secret: "x#1" }, ["$secret"], "$secret", null, {}])("takes %j for no reference", (value) => {
    expect(isReference(value)).toBe(false);
    expect(maskSecrets(value)).toEqual(value);
  });

  it("lists every reference of a value once", () => {
    const value = { a: [{ $secret: "x#1" }], b: { $concat: ["t", { $secret: "y#2" }, { $secret: "x#1" }] } };

    expect(listSecretRefs(value)).toEqual(["x#1", "y#2"]);
  });
});
