import { expect, it } from "vitest";
import { toProvenance } from "./one-file.ts";

const revision = { version: "1.2.3", commit: "c0de", at: "2026-11-28T10:00:00.000Z" };
const locked = [{ name: "@a/b", version: "2.0.0", integrity: `sha512-${Buffer.from([1, 2]).toString("base64")}` }];

it("names each archive by its name and sum, also that of the documentation, and each package of others once", () => {
  const files = new Map(["z", "docs", "a"].map((name) => [`stackyard-${name}.tgz`, Buffer.from(name)]));

  const { subject, predicate } = JSON.parse(toProvenance(files, [...locked, ...locked], revision));

  expect(subject.map(({ name }: { name: string }) => name)).toEqual([
    "stackyard-a.tgz",
    "stackyard-docs.tgz",
    "stackyard-z.tgz",
  ]);
  expect(subject[0].digest.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(predicate.buildDefinition.resolvedDependencies).toEqual([
    { name: "stackyard", digest: { gitCommit: "c0de" } },
    { uri: "pkg:npm/%40a/b@2.0.0", digest: { sha512: "0102" } },
  ]);
});
