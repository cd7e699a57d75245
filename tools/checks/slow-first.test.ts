import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";
import { SLOW } from "./slow-first.ts";

it("names files that exist", () => {
  expect(SLOW.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
});
