import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inventory } from "@stackyard/executor-runcommand";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { breakWebserver, REPOSITORY, readRepository } from "./repository.ts";
import { playOn } from "./simulated-host.ts";

const files = readRepository();

describe("generate_inventory_file.sh", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "fleet-demo-"));
    // The environment of an instance: the answers of the metadata service, and the AWS CLI.
    writeProgram("curl", 'case "$*" in *api/token*) echo a-token;; *instance-id*) echo i-00000000000000001;; esac');
    writeProgram(
      "aws",
      'case "$*" in *resource-id,Values=i-00000000000000001*) printf "%s\\n" "$ROLES";; *) exit 9;; esac',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function writeProgram(name: string, body: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }

  function run(roles: string): string {
    const INVENTORY_FILE = join(folder, "inventory");
    const env = { PATH: `${folder}:${process.env["PATH"]}`, ROLES: roles, INVENTORY_FILE };
    execFileSync("bash", [join(REPOSITORY, "generate_inventory_file.sh")], { env });
    return readFileSync(INVENTORY_FILE, "utf8");
  }

  it.each(["webserver,appserver", "dbserver", " webserver , appserver ", "web server", "a,,b,"])(
    "writes what the control plane would for %j",
    (roles) => {
      const known = inventory(roles);

      expect(run(roles)).toBe("text" in known ? known.text : "");
    },
  );

  it("writes an empty file for an instance without the tag", () => {
    expect(run("None")).toBe("");
  });
});

describe("the playbook", () => {
  it("has a role for each play, with tasks that have names", () => {
    const plays: readonly { hosts: string; roles: readonly string[] }[] = parse(files["ansible/playbook.yml"] ?? "");

    expect(plays.map(({ hosts, roles }) => [hosts, roles])).toEqual([
      ["all", ["common"]],
      ["webserver", ["webserver"]],
      ["appserver", ["appserver"]],
      ["dbserver", ["dbserver"]],
    ]);
    for (const role of plays.flatMap(({ roles }) => roles)) {
      const tasks: readonly { name?: string }[] = parse(files[`ansible/roles/${role}/tasks/main.yml`] ?? "");
      expect(tasks.length).toBeGreaterThan(1);
      expect(tasks.every(({ name = "" }) => name !== "")).toBe(true);
    }
  });
});

describe("a simulated host", () => {
  it("works the plays of its roles", () => {
    expect(playOn(files, "dbserver").stdout).toBe(
      [
        ...["common : Keep the clock", "common : Say whose machine this is"],
        ...["dbserver : Install the database", "dbserver : Start it now and at boot"],
      ]
        .map((name) => `TASK [${name}] changed: [localhost]\n`)
        .join("")
        .concat("PLAY RECAP localhost : ok=4 changed=4 failed=0\n"),
    );
  });

  it("does nothing without a role", () => {
    expect(playOn(files, "")).toMatchObject({ stdout: "PLAY RECAP localhost : ok=0 changed=0 failed=0\n" });
  });

  it("ends at a task that fails, on those instances alone whose role has it", () => {
    const broken = breakWebserver(files);

    expect(playOn(broken, "webserver,appserver")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("nginx"),
    });
    expect(playOn(broken, "dbserver")).not.toHaveProperty("exitCode");
  });
});
