import { devNull } from "node:os";
import type { SourceArchives } from "@stackyard/core/services";
import { toTarball } from "@stackyard/host-sim";
import type { GitSourceConfig } from "@stackyard/sources";
import { describe, expect, it } from "vitest";
import type { TerraformOptions } from "../definition.ts";
import { aContext } from "../testing/a-context.ts";
import { aProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";
import { startStateServer } from "../testing/state-server.ts";

const MAIN = `
resource "terraform_data" "a" {
  provisioner "local-exec" { command = "tr '\\\\0' '\\\\n' < /proc/$$/environ | grep -E '^(HOME|REGISTRY|APP_KEY|STACKYARD|AWS_ACC|AWS_PRO|AWS_CON|AWS_WEB|AWS_ROLE)' | sort" }
}
output "made" { value = terraform_data.a.id != "" }
`;

const source: GitSourceConfig = {
  type: "git",
  host: "github",
  repository: "acme/shop",
  commit: "0123456789abcdef0123456789abcdef01234567",
  trusted: true,
};

/** The archive of a host: everything is in one folder. */
const archives: SourceArchives = {
  open: async () =>
    new Blob([Buffer.from(toTarball([{ path: "acme-shop-0123456/infra/main.tf", content: MAIN }]))]).stream(),
};

describe.skipIf(!hasTerraform())("a run of a commit", () => {
  const target = { account: "111122223333", region: "eu-central-1", partition: "aws", role: "preview" };
  const credentials = async () => ({ accessKeyId: "ASIATARGET", secretAccessKey: "s" });
  const environment = {
    ...runnerEnvironment(),
    REGISTRY_TOKEN: "t",
    APP_KEY: "k",
    STACKYARD_SEAL_KEY: "k",
    AWS_PROFILE: "runner",
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/1",
    AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    AWS_ROLE_ARN: "arn:aws:iam::111122223333:role/runner",
  };

  it("that is not trusted needs the option and a role, and sees nothing of the runner", async () => {
    const server = await startStateServer();
    const project = aProject({}, { environment });
    const ctx = aContext({ stateBackendUrl: server.url, archives, credentials, target });
    const start = (context: typeof ctx, untrusted?: TerraformOptions["untrusted"], trusted = false) =>
      project.start(
        context,
        { source: { ...source, path: "infra", trusted } },
        { passEnvironment: ["REGISTRY_*"], ...(untrusted && { untrusted }) },
      );

    const byDefault = await start(ctx);
    const withoutRole = await start(aContext({ archives }), "allow");
    const allowed = await start(ctx, "allow");

    expect(byDefault).toMatchObject({
      code: "TERRAFORM_SOURCE_REFUSED",
      message: expect.stringContaining("is not trusted"),
    });
    expect(withoutRole).toMatchObject({ code: "TERRAFORM_SOURCE_REFUSED", message: expect.stringContaining("role") });
    expect(allowed).toMatchObject({ kind: "succeeded", outputs: { made: true } });
    const seen = ctx.lines.filter((line) => line.includes("(local-exec): ") && line.includes("="));
    expect(seen.map((line) => line.split(": ")[1])).toEqual([
      "AWS_ACCESS_KEY_ID=***",
      `AWS_CONFIG_FILE=${devNull}`,
      expect.stringMatching(`^HOME=${project.workDir}/`),
      // The mark by which a program that outlives its starter is found again.
      expect.stringMatching(/^STACKYARD_PROGRAM=[0-9a-f-]{36}$/),
    ]);
    expect([...server.states.keys()]).toEqual(["/state/review-app/pr-12/git%3Agithub/acme/shop%3Ainfra"]);
    await server.close();
    project.remove();
  });
});
