import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTable } from "@stackyard/core/environment";
import { expect, it } from "vitest";
import { Variables } from "./settings.ts";

it("the README has every variable", () => {
  expect(readFileSync(join(import.meta.dirname, "../README.md"), "utf8")).toContain(formatVariableTable(Variables));
});
