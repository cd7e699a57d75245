import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aContext } from "./testing/a-context.ts";
import { aProject, type TestProject } from "./testing/a-project.ts";
import { hasTerraform } from "./testing/program.ts";
import { type StateServer, startStateServer } from "./testing/state-server.ts";

const main = `
variable "name" { default = "none" }
resource "terraform_data" "app" {
  input            = var.name
  triggers_replace = [var.name]
}
output "name" { value = var.name }
`;

describe.skipIf(!hasTerraform())("a run with protected resources", () => {
  let project: TestProject;
  let server: StateServer;
  const inYard = (name: string) => aContext({ stateBackendUrl: server.url, metadata: { name } });
  const stateOf = () => JSON.parse([...server.states.values()][0] ?? "{}");

  beforeEach(async () => {
    server = await startStateServer();
    project = aProject({ "network/main.tf": main });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it("creates and changes them, and returns the outputs", async () => {
    const step = await project.start(inYard("blue"), { protect: ["terraform_data.*"] });

    expect(step).toEqual({ kind: "succeeded", outputs: { name: "blue" } });
  });

  it("neither replaces nor destroys them, nor under a new address, and changes nothing else", async () => {
    await project.start(inYard("blue"), {});
    const before = stateOf();
    const config = { protect: ["terraform_data.a*"] };

    const replaced = await project.start(inYard("green"), config);
    const destroyed = await project.start(inYard("blue"), { action: "destroy" as const, ...config });
    const moved = `moved {\n from = terraform_data.app\n to = terraform_data.web\n}\n`;
    project.write({ "network/main.tf": main.replace('"app"', '"web"') + moved });
    const renamed = await project.start(inYard("green"), config);

    expect([replaced, destroyed, renamed]).toEqual([
      failedWith("terraform_data.app is protected and would be replaced."),
      failedWith("terraform_data.app is protected and would be deleted."),
      failedWith("terraform_data.web is protected and would be replaced."),
    ]);
    expect(stateOf()).toEqual(before);
    expect(server.locks.size).toBe(0);
  });

  it("destroys others", async () => {
    await project.start(inYard("blue"), {});

    const step = await project.start(inYard("blue"), { action: "destroy", protect: ["aws_db_instance.*"] });

    expect(step).toEqual({ kind: "succeeded", outputs: {} });
    expect(stateOf().resources).toEqual([]);
  });

  it("takes a changed output for no drift, which Terraform itself reports as a change", async () => {
    await project.start(inYard("blue"), {});

    const step = await project.start(inYard("green"), { action: "drift" });

    expect(step).toEqual({ kind: "succeeded", outputs: { drifted: false, summary: "No drift." } });
  });
});

function failedWith(text: string) {
  return {
    kind: "failed",
    code: "TERRAFORM_PROTECTED",
    retryable: false,
    message: `Protected resources would be lost, so nothing was changed:\n${text}`,
  };
}
