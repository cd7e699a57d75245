import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = join(import.meta.dirname, "../../../deploy/systemd");
const read = (file: string) => readFileSync(join(folder, file), "utf8");
const SERVICES = ["stackyard-server.service", "stackyard-worker@.service", "stackyard-backup.service"];
const temp = mkdtempSync(join(tmpdir(), "stackyard-systemd-"));
afterAll(() => rmSync(temp, { recursive: true, force: true }));

/** Whether a program of systemd, 250 or later, is here. */
const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

describe.skipIf(!has("systemd-analyze"))("the units (skipped without systemd-analyze)", () => {
  beforeAll(() => {
    // Node.js may be elsewhere on this machine; an instance makes the template complete.
    for (const file of readdirSync(folder).filter((name) => /\.(?:service|timer)$/.test(name)))
      writeFileSync(join(temp, file.replace("@.", "@1.")), read(file).replaceAll("/usr/bin/node", process.execPath));
  });

  it.each([...SERVICES, "stackyard-backup.timer"])("%s has no fault", (file) => {
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", join(temp, file.replace("@.", "@1."))], {
      encoding: "utf8",
    });

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it.each(SERVICES)("%s is exposed little", (file) => {
    const words = ["security", "--offline=true", "--no-pager", "--threshold=20", join(temp, file.replace("@.", "@1."))];
    const { status, stdout } = spawnSync("systemd-analyze", words, { encoding: "utf8" });

    expect(
      status,
      stdout
        .split("\n")
        .filter((line) => line.includes("✗"))
        .join("\n"),
    ).toBe(0);
  });
});

describe.skipIf(!has("systemd-sysusers"))("the users (skipped without systemd-sysusers)", () => {
  it("are those of the services", () => {
    const users = SERVICES.map((file) => /^User=(.*)$/m.exec(read(file))?.[1]);
    const words = ["--root", temp, "--dry-run", join(folder, "stackyard.sysusers.conf")];

    execFileSync("systemd-sysusers", words, { stdio: "pipe" });

    const made = [...read("stackyard.sysusers.conf").matchAll(/^u (\S+)/gm)].map(([, user]) => user);
    expect(made.sort()).toEqual(users.sort());
  });
});

describe.skipIf(!has("systemd-tmpfiles") || process.getuid?.() !== 0)(
  "the files (skipped without systemd-tmpfiles, and without root)",
  () => {
    it("of secrets can be read by root only", () => {
      const root = join(temp, "root");
      const secrets = SERVICES.flatMap((file) =>
        [...read(file).matchAll(/^LoadCredential=[^:]+:(\S+)$/gm)].map(([, path = ""]) => path),
      );
      mkdirSync(join(root, "etc/stackyard"), { recursive: true });
      for (const path of secrets) writeFileSync(join(root, path), "secret", { mode: 0o644 });

      execFileSync("systemd-tmpfiles", ["--create", `--root=${root}`, join(folder, "stackyard.tmpfiles.conf")], {
        stdio: "pipe",
      });

      expect(secrets.length).toBeGreaterThan(5);
      for (const path of secrets) expect([path, statSync(join(root, path)).mode & 0o777]).toEqual([path, 0o600]);
      expect(statSync(join(root, "etc/stackyard")).mode & 0o777).toBe(0o700);
    });
  },
);

describe("the services", () => {
  it("give a worker neither API tokens nor the database role of servers", () => {
    expect(read("stackyard-worker@.service")).not.toMatch(/api-tokens|\/etc\/stackyard\/database-url/);
  });

  it("wait for the drain timeout and 5 more minutes before systemd kills", () => {
    const minutesOf = (file: string) => Number(/^TimeoutStopSec=(\d+)min$/m.exec(read(file))?.[1]);
    const [, drain] = /--drain-timeout (\d+)m\b/.exec(read("stackyard-worker@.service")) ?? [];

    expect(minutesOf("stackyard-worker@.service")).toBeGreaterThan(Number(drain) + 5);
    expect(minutesOf("stackyard-server.service")).toBeGreaterThan(5);
  });
});

describe("the backup", () => {
  const state = join(temp, "backups");
  const commandOf = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(read("stackyard-backup.service"))?.[1] ?? "";
  /** Runs a command of the unit, whose `$$` and `%%` mean one character. */
  const run = (key: string) => {
    const line = commandOf(key)
      .replaceAll("$$", "$")
      .replaceAll("%%", "%")
      .replace(/-name (\S+)/, "-name '$1'");
    execFileSync("sh", ["-euc", line], {
      env: { PATH: `${temp}/bin:${process.env["PATH"]}`, STATE_DIRECTORY: state },
      stdio: "pipe",
    });
  };
  /** What the real one does with its second argument, `--file=FILE`. */
  const WRITES = 'echo dump > "$(echo "$2" | cut -d= -f2)"';
  const pgDump = (script: string) => {
    writeFileSync(join(temp, "bin/pg_dump"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(temp, "bin/pg_dump"), 0o755);
  };
  beforeAll(() => {
    mkdirSync(join(temp, "bin"));
    mkdirSync(state);
  });

  it("is a file that is complete as soon as it has its name", () => {
    pgDump(`${WRITES}; exit 1`);
    expect(() => run("ExecStart")).toThrow();
    expect(readdirSync(state)).toEqual([expect.stringMatching(/\.dump\.part$/)]);

    pgDump(WRITES);
    run("ExecStart");
    expect(readdirSync(state)).toContainEqual(expect.stringMatching(/^\d{4}-\d\d-\d\dT\d{6}Z\.dump$/));
  });

  it("deletes backups of more than two weeks, and only those", () => {
    const day = 86_400_000;
    for (const [name, age] of [
      ["old.dump", 16],
      ["new.dump", 13],
    ] as const) {
      writeFileSync(join(state, name), "");
      const at = new Date(Date.now() - age * day);
      utimesSync(join(state, name), at, at);
    }

    run("ExecStartPost");

    expect(readdirSync(state)).toContain("new.dump");
    expect(readdirSync(state)).not.toContain("old.dump");
  });
});
