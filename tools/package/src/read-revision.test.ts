import { expect, it } from "vitest";
import { type GitFacts, toRevision } from "./read-revision.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const git: GitFacts = { commit, tags: [], isChanged: false, committedAt: 1_767_225_600 };
const at = "2026-01-01T00:00:00.000Z";

it.each([
  ["a tagged commit is the release", { ...git, tags: ["v0.1.0"] }, { version: "0.1.0", commit, at }],
  ["another tag does not count", { ...git, tags: ["v0.0.9"] }, { version: "0.1.0-g0123456789ab", commit, at }],
  ["a commit between releases has its name", git, { version: "0.1.0-g0123456789ab", commit, at }],
  [
    "changes are marked, also at a tag",
    { ...git, tags: ["v0.1.0"], isChanged: true },
    { version: "0.1.0-g0123456789ab.changed", commit, at },
  ],
  ["without git it is the packages' version", undefined, { version: "0.1.0", commit: undefined, at: undefined }],
])("%s", (_, facts, expected) => {
  expect(toRevision("0.1.0", facts)).toEqual(expected);
});
