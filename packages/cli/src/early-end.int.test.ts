import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "stackyard-end-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program that loads this module as a command loads one of a project. */
function load(text: string) {
  writeFileSync(join(folder, "module.mjs"), text);
  const program = `import { reportEarlyEnd } from ${JSON.stringify(join(import.meta.dirname, "early-end.ts"))};
const done = reportEarlyEnd(process, (text) => process.stderr.write(text));
await import(${JSON.stringify(join(folder, "module.mjs"))});
done();
process.exit();`;
  writeFileSync(join(folder, "program.mts"), program);
  const { status, stderr } = spawnSync(process.execPath, [join(folder, "program.mts")], { encoding: "utf8" });
  return { status, stderr };
}

describe("reportEarlyEnd", () => {
  it.each([
    ["ends the process", "process.exit(0);", 3, "has ended the process (exit code 0)"],
    ["never ends loading", "await new Promise(() => {});", 3, "never ends loading"],
    ["ends the process with a code of its own", "process.exit(9);", 9, "exit code 9"],
  ])("reports a module that %s", (_what, text, status, says) => {
    expect(load(text)).toEqual({ status, stderr: expect.stringContaining(says) });
  });

  it("is silent about an end after the command", () => {
    expect(load("export default 1;")).toEqual({ status: 0, stderr: "" });
  });
});
