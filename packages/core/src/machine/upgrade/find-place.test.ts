import { describe, expect, it } from "vitest";
import { MACHINE_LIMITS } from "../document/compile-context.ts";
import { createProblemList } from "../document/problem-list.ts";
import { readYaml } from "../document/read-yaml.ts";
import { findPlace } from "./upgrade-machine.ts";

const source = `tasks:
  a.b:
    config: {list: [x,
      y]}
  a: 1
`;
const tree = readYaml(source, MACHINE_LIMITS, createProblemList({ strict: false, maxProblems: 9 }));

describe("findPlace", () => {
  it.each([
    ["tasks", 1, 1],
    ["tasks.a", 5, 3],
    ["tasks.a.b", 2, 3],
    ["tasks.a.b.config.list.1", 4, 7],
    ["tasks.a.b.config.gone.deep", 3, 5],
    ["other", 1, 1],
    ["", 1, 1],
  ])("finds %s, or the nearest part around it", (path, line, column) => {
    expect(tree && findPlace(tree, path)).toEqual({ line, column });
  });
});
