import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readInput } from "./read-input.ts";

const folder = mkdtempSync(join(tmpdir(), "stackyard-input-"));
afterAll(() => rmSync(folder, { recursive: true }));

function aPipe(name: string): string {
  const path = join(folder, name);
  execFileSync("mkfifo", [path]);
  return path;
}

describe("readInput", () => {
  it("reads a file", async () => {
    writeFileSync(join(folder, "file"), "état");

    expect(await readInput(join(folder, "file"))).toBe("état");
  });

  it("reads a pipe to its end, also one whose writer comes later and writes in parts", async () => {
    const path = aPipe("late");
    const text = "é".repeat(100_000);

    const read = readInput(path);
    const writer = spawn("sh", ["-c", 'sleep 0.2; exec 3> "$0"; printf a >&3; sleep 0.2; cat >&3', path]);
    writer.stdin.end(text);

    expect(await read).toBe(`a${text}`);
  });

  it("names a link that leads nowhere, and a name that is not UTF-8", async () => {
    symlinkSync("missing.yaml", join(folder, "link"));
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), "");
    const [name = ""] = readdirSync(folder).filter((each) => each.startsWith("caf"));

    await expect(readInput(join(folder, "link"))).rejects.toThrow(/is a link to missing\.yaml/);
    await expect(readInput(join(folder, name))).rejects.toThrow(/not UTF-8/);
    await expect(readInput(join(folder, "nothing"))).rejects.toThrow(/ENOENT/);
  });

  it("does not keep the process from ending while no one writes", async () => {
    const module = join(import.meta.dirname, "read-input.ts");
    const program = `import { readInput } from ${JSON.stringify(module)}; void readInput(${JSON.stringify(aPipe("silent"))}); setTimeout(() => process.exit(7), 200);`;

    const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);

    expect(await once(child, "exit", { signal: AbortSignal.timeout(20_000) })).toEqual([7, null]);
  });
});
