import { chmodSync, existsSync } from "node:fs";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aContext } from "./testing/a-context.ts";
import { aProject, type TestProject } from "./testing/a-project.ts";
import { hasTerraform } from "./testing/program.ts";
import { type StateServer, startStateServer } from "./testing/state-server.ts";

const STATE = "/state/review-app/pr-12/local/network";

/** A state with one resource of this provider. */
function aState(provider: string): string {
  const resource = {
    mode: "managed",
    type: "evil_thing",
    name: "a",
    provider,
    instances: [{ attributes: { id: "1" } }],
  };
  return JSON.stringify({
    version: 4,
    terraform_version: "1.9.0",
    serial: 3,
    lineage: "l",
    outputs: {},
    resources: [resource],
  });
}

describe.skipIf(!hasTerraform())("providers that a run may start", () => {
  let project: TestProject;
  let server: StateServer;
  let ran: string;
  const start = (options = {}) =>
    project.start(aContext({ stateBackendUrl: server.url }), {}, { cliConfigFile: "mirror.tfrc", ...options });

  beforeEach(async () => {
    server = await startStateServer();
    project = aProject({ "network/main.tf": 'resource "terraform_data" "a" {}' });
    ran = join(project.dir, "ran");
    const system = `${platform()}_${arch() === "x64" ? "amd64" : arch()}`;
    // A mirror that has them, as a registry would: a program that leaves a mark when it is started.
    for (const name of ["evil", "known"]) {
      const file = `mirror/registry.example.org/acme/${name}/1.0.0/${system}/terraform-provider-${name}_v1.0.0`;
      project.write({ [file]: `#!/bin/sh\necho ${name} >> '${ran}'\nexit 1\n` });
      chmodSync(join(project.dir, file), 0o755);
    }
    project.write({
      "mirror.tfrc": `provider_installation {\n  filesystem_mirror {\n    path = "${join(project.dir, "mirror")}"\n  }\n}\n`,
    });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it.each([
    'provider["registry.example.org/acme/evil"]',
    'module.net.provider["registry.example.org/acme/evil"].west',
    // A host that is not to be asked.
    'provider["localhost:1/acme/evil"]',
  ])("are none that only the state names, as %s", async (provider) => {
    server.states.set(STATE, aState(provider));

    const step = await start();

    expect(step).toMatchObject({ kind: "failed", code: "STATE_PROVIDER_UNKNOWN", retryable: false });
    expect(step).toMatchObject({
      message: expect.stringMatching(/(?:registry\.example\.org|localhost:1)\/acme\/evil/),
    });
    expect(step).not.toMatchObject({ message: expect.stringContaining("connection refused") });
    expect([existsSync(ran), server.states.get(STATE)]).toEqual([false, aState(provider)]);
  });

  it("are those that a module of the configuration requires", async () => {
    project.write({
      "network/main.tf": 'module "net" {\n  source = "./net"\n}',
      "network/net/main.tf":
        'terraform {\n  required_providers {\n    evil = { source = "registry.example.org/acme/known" }\n  }\n}\nresource "evil_thing" "a" {}',
    });
    server.states.set(STATE, aState('module.net.provider["registry.example.org/acme/known"]'));

    const step = await start();

    expect(step).not.toMatchObject({ code: "STATE_PROVIDER_UNKNOWN" });
    expect(project.read("ran")).toContain("known");
  });

  it("are not those of a registry that the option does not name", async () => {
    project.write({
      "network/main.tf":
        'terraform {\n  required_providers {\n    evil = { source = "registry.example.org/acme/known" }\n  }\n}\nresource "evil_thing" "a" {}',
    });

    const step = await start({ registries: ["registry.terraform.io"] });

    expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_PROVIDER_REFUSED", retryable: false });
    expect(step).toMatchObject({ message: expect.stringContaining("registry.example.org/acme/known") });
    expect(existsSync(ran)).toBe(false);
  });
});
