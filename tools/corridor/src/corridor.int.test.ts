import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";

const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, ".."), ...args], { encoding: "utf8" });

/** Returns the names of the files in the picture of ARCHITECTURE.md. */
function listPictured(): readonly string[] {
  const page = readFileSync(join(import.meta.dirname, "../../../ARCHITECTURE.md"), "utf8");
  return (
    page
      .split("### The corridor")[1]
      ?.split("```")[1]
      ?.match(/[\w-]+\.ts\b/g) ?? []
  );
}

describe("npm run corridor", () => {
  it("finds the files between the request and the applied result, and none that only start a yard", () => {
    const { status, stdout, stderr } = run("--json");

    const { total, files } = JSON.parse(stdout);
    const paths = files.map(({ path }: { path: string }) => path);
    expect([status, stderr, total]).toEqual([0, "", files.length]);
    expect(paths).toEqual(expect.arrayContaining(["packages/core/src/machine/decide/decide.ts"]));
    expect(new Set(files.map((file: { package: string }) => file.package))).toEqual(
      new Set(["core", "server", "store-sqlite", "telemetry"]),
    );
    expect(listPictured().filter((name) => !paths.some((path: string) => basename(path) === name))).toEqual([]);
    expect(paths.filter((path: string) => /parse-machine|store-sqlite\/src\/schema|machine-folder/.test(path))).toEqual(
      [],
    );
  });

  it("fails above the maximum, and leaves the server out on request", () => {
    const { status, stdout, stderr } = run("--direct", "--max", "1");

    expect([status, stdout.includes("server:")]).toEqual([1, false]);
    expect(stderr).toMatch(/^\d+ files run, \d+ more than the maximum of 1\. .+\n$/);
    expect(run("--max", "x").status).toBe(64);
  });
});
