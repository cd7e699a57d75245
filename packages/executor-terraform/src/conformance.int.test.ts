// @module-tag adapter
import { join } from "node:path";
import { type ExecutorUnderTest, executorConformance } from "@stackyard/core/testing";
import { afterAll, describe, it } from "vitest";
import { aProject } from "./testing/a-project.ts";
import { hasTerraform } from "./testing/program.ts";

/** What the module makes is a line in a file, so that making it twice would show. */
function mainOf(dir: string): string {
  return `terraform {
  backend "local" { path = "${dir}/kept.tfstate" }
}
resource "terraform_data" "app" {
  provisioner "local-exec" { command = "echo made >> ${join(dir, "made")}" }
}`;
}

describe.skipIf(!hasTerraform())("terraform as an executor", () => {
  const endings: (() => void)[] = [];
  const create = async (): Promise<ExecutorUnderTest> => {
    const project = aProject();
    endings.push(project.remove);
    project.write({ "network/main.tf": mainOf(project.dir) });
    return {
      executor: project.executor(),
      restart: () => project.executor(),
      config: { action: "apply", source: { type: "local", location: "network" }, sharedState: "kept" },
      invalidConfig: { action: "refresh" },
      countWork: () =>
        project
          .read("made")
          .split("\n")
          .filter((line) => line === "made").length,
    };
  };
  afterAll(() => {
    for (const end of endings) end();
  });

  for (const promise of executorConformance) it(promise.name, () => promise.run(create));
});
