import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTable } from "@stackyard/core/environment";
import { expect, it } from "vitest";
import { Variables } from "./environment.ts";

it("the README lists every environment variable as the schema describes it", () => {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

  expect(readme).toContain(formatVariableTable(Variables));
});
