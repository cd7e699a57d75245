import { expect, it } from "vitest";
import { findNodeProblem } from "./node-version.ts";

it.each(["22.18.0", "22.23.3", "24.0.0", "25.1.0"])("takes Node %s", (version) => {
  expect(findNodeProblem(version)).toBeUndefined();
});

it.each(["20.20.2", "22.17.1", "18.0.0"])("does not take Node %s", (version) => {
  expect(findNodeProblem(version)).toContain(version);
});
