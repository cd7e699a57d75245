import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const example = join(import.meta.dirname, "..");

/** Without the tasks that Terraform, or a function in its place, does. */
function readLifecycle(file: string): string {
  const [, lifecycle = ""] = /^(version: 2\n.*?)\n {2}plan:\n/ms.exec(readFileSync(join(example, file), "utf8")) ?? [];
  return lifecycle;
}

it("has the same lifecycle with and without Terraform", () => {
  const lifecycle = readLifecycle("machines/preview.yaml");

  expect(lifecycle).toContain("sign-off:");
  expect(readLifecycle("demo/machines/preview.yaml")).toBe(lifecycle);
});
