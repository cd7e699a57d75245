import { expect, it } from "vitest";
import { toCommit } from "./to-commit.ts";

const head = "a".repeat(40);

it.each<[string, Readonly<Record<string, string>>, object]>([
  ["no key", { sha: "main" }, {}],
  ["one key", { note: "main", sha: head }, { commit: { id: head, key: "sha" } }],
  ["several keys", { good: head, sha: head }, {}],
])("sends the commit of a pull request that %s has", (_, metadata, sent) => {
  expect(toCommit({ metadata }, head)).toEqual(sent);
});
