import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConnection } from "./store-options.ts";

const secret = { username: "ada", password: "p@ss", host: "db.example.org", dbname: "yard", port: 6543 };

describe("parseConnection", () => {
  it("reads an address, with what is encoded in it", () => {
    expect(parseConnection("postgres://ada:p%40s%2Fs@db.example.org:6543/yard")).toEqual({
      host: "db.example.org",
      port: 6543,
      database: "yard",
      user: "ada",
      password: "p@s/s",
    });
  });

  it("has the usual defaults for what an address leaves out", () => {
    expect(parseConnection("postgresql://ada@/yard?host=/run/postgresql")).toEqual({
      host: "/run/postgresql",
      port: 5432,
      database: "yard",
      user: "ada",
    });
    expect(parseConnection("postgres://ada@db")).toMatchObject({ host: "db", database: "ada" });
  });

  it.each([
    ["disable", "off"],
    ["prefer", "prefer"],
    ["require", "require"],
    ["no-verify", "require"],
    ["verify-ca", "verify-full"],
    ["verify-full", "verify-full"],
  ])("takes sslmode=%s as %s", (mode, tls) => {
    expect(parseConnection(`postgres://db/yard?sslmode=${mode}`).tls).toBe(tls);
  });

  it("reads the certificates of sslrootcert", () => {
    const folder = mkdtempSync(join(tmpdir(), "stackyard-ca-"));
    const file = join(folder, "ca.pem");
    writeFileSync(file, "PEM");

    expect(parseConnection(`postgres://db/yard?sslrootcert=${file}`).ca).toBe("PEM");
    expect(() => parseConnection("postgres://db/yard?sslrootcert=/nowhere.pem")).toThrow("/nowhere.pem");
    rmSync(folder, { recursive: true });
  });

  it("reads a secret as RDS writes it, or its JSON, and ignores other keys", () => {
    const fields = { host: "db.example.org", port: 6543, database: "yard", user: "ada", password: "p@ss" };

    expect(parseConnection(secret)).toEqual(fields);
    expect(parseConnection(JSON.stringify({ ...secret, engine: "postgres", port: "6543" }))).toEqual(fields);
    const { port: _, ...withoutPort } = secret;
    expect(parseConnection(withoutPort).port).toBe(5432);
  });

  it("lists all that a secret lacks", () => {
    expect(() => parseConnection({ username: "ada", port: "x" })).toThrow(/password.*host|host.*password/s);
  });

  it.each([
    ["mysql://db/yard"],
    ["db.example.org"],
    [""],
    ["{"],
    [undefined],
    [42],
    ["postgres://db"],
    ["postgres://ada:%zz@db/yard"],
    ["postgres://db:99999/yard"],
    ["postgres://db/yard?sslmode=maybe"],
    ["postgres://db/yard?port=0"],
    [{ ...secret, port: 70_000 }],
    [{ ...secret, port: "70000" }],
  ])("refuses %j", (value) => {
    expect(() => parseConnection(value)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("shows no password when it refuses", () => {
    for (const value of ["postgres://ada:hunter2@db:99999/yard", { ...secret, password: "hunter2", host: 5 }]) {
      expect(() => parseConnection(value)).toThrow(expect.not.stringContaining("hunter2") as never);
    }
  });
});
