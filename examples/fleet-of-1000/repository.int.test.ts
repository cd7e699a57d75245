import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inventory } from "@stackyard/executor-runcommand";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

const REPOSITORY = join(import.meta.dirname, "repository");

const read = (path: string) => parse(readFileSync(join(REPOSITORY, "ansible", path), "utf8"));

describe("generate_inventory_file.sh", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "fleet-of-1000-"));
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
    const plays: readonly { hosts: string; roles: readonly string[] }[] = read("playbook.yml");

    expect(plays.map(({ hosts, roles }) => [hosts, roles])).toEqual([
      ["all", ["common"]],
      ["webserver", ["webserver"]],
      ["appserver", ["appserver"]],
      ["dbserver", ["dbserver"]],
    ]);
    for (const role of plays.flatMap(({ roles }) => roles)) {
      const tasks: readonly { name?: string }[] = read(`roles/${role}/tasks/main.yml`);
      expect(tasks.length).toBeGreaterThan(1);
      expect(tasks.every(({ name = "" }) => name !== "")).toBe(true);
    }
  });
});
