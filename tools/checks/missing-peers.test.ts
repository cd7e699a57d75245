import { describe, expect, it } from "vitest";
import { findMissingPeers } from "./missing-peers.ts";

const lock = {
  packages: {
    "": {},
    "node_modules/a-runner": { peer: true },
    "node_modules/a-runner/node_modules/a-reporter": { peer: true },
    "node_modules/a-binary-of-another-platform": { peer: true, optional: true },
    "node_modules/a-library": {},
  },
};

describe("findMissingPeers", () => {
  it("returns what only peer dependencies need, and nothing else", () => {
    expect(findMissingPeers(lock, () => false)).toEqual([
      "node_modules/a-runner",
      "node_modules/a-runner/node_modules/a-reporter",
    ]);
  });

  it("returns nothing when all of it is installed", () => {
    expect(findMissingPeers(lock, () => true)).toEqual([]);
  });
});
