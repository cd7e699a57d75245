import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { aContext } from "../testing/a-context.ts";
import { aProject } from "../testing/a-project.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";

const SECRETS = {
  STACKYARD_SEAL_KEY: "the-seal-key",
  STACKYARD_API_TOKENS: "ci=the-api-token",
  STACKYARD_TOKEN: "the-token",
  DATABASE_URL: "postgres://yard:the-password@db/yard",
  PGPASSWORD: "the-pg-password",
  OIDC_CLIENT_SECRET: "the-oidc-secret",
  GITHUB_APP_KEY: "the-app-key",
  NODE_OPTIONS: "--max-http-header-size=16385",
};

/** Writes its environment, and whatever it can see of it elsewhere, into a file of its own for each call. */
const PROGRAM = (folder: string) => `#!/bin/sh
env > "${folder}/$1.$$"
[ "$1" = version ] && echo "Terraform v1.11.4"
[ "$1" = state ] && echo '{"version":4,"serial":1,"lineage":"a","resources":[],"outputs":{}}'
[ "$1" = show ] && echo '{"format_version":"1.2","resource_changes":[]}'
exit 0
`;

it.each<[string[]]>([[[]], [["*"]], [["STACKYARD_*", "PG*", "DATABASE_*", "OIDC_*", "NODE_*"]]])(
  "nothing of the yard is in the environment of a program, with passEnvironment %j",
  async (passEnvironment) => {
    const seen = mkdtempSync(join(tmpdir(), "seen-"));
    onTestFinished(() => rmSync(seen, { recursive: true }));
    const environment = { ...runnerEnvironment(), ...SECRETS };
    const backend = 'terraform {\n  backend "s3" {}\n}';
    const project = aProject({ "network/main.tf": backend, "bin/terraform": PROGRAM(seen) }, { environment });
    onTestFinished(() => project.remove());
    chmodSync(join(project.dir, "bin/terraform"), 0o755);

    await project.start(aContext(), {}, { binary: "bin/terraform", passEnvironment });

    const texts = readdirSync(seen).map((name) => readFileSync(join(seen, name), "utf8"));
    expect(texts.length).toBeGreaterThan(1);
    for (const [name, value] of Object.entries(SECRETS)) {
      // It is none of the yard's own names, so a star means it too.
      if (name === "GITHUB_APP_KEY" && passEnvironment.some((each) => each === "*")) continue;
      expect(texts.filter((text) => text.includes(`${name}=`) || text.includes(value))).toEqual([]);
    }
  },
);
