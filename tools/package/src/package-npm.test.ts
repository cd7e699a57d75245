import { expect, it } from "vitest";
import { findExtra } from "./package-npm.ts";

it("puts aside what needs a large peer, and what depends on that", () => {
  const manifests = [
    { name: "above", dependencies: { needs: "1.0.0" } },
    { name: "needs", peerDependencies: { large: "^1.0.0" } },
    { name: "may", peerDependencies: { large: "^1.0.0" }, peerDependenciesMeta: { large: { optional: true } } },
    { name: "plain", dependencies: { may: "1.0.0" } },
  ];

  expect([...findExtra(manifests)].sort()).toEqual(["above", "needs"]);
});
