import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
const SOURCE = join(import.meta.dirname, "keep-compiled.ts");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "compiled-"));
});

/** Runs a program that keeps what it compiles and prints the value of a TypeScript module, which imports another one. */
async function start(env: Readonly<Record<string, string>>): Promise<string> {
  const program = `import { keepCompiled } from ${JSON.stringify(SOURCE)};
    keepCompiled(process.env);
    const { value } = await import("./config.ts");
    console.log(value);`;
  await writeFile(join(folder, "program.mjs"), program);
  await writeFile(
    join(folder, "config.ts"),
    'import { part } from "./part.ts";\nexport const value: string = "is ".concat(part);',
  );
  const { PATH = "" } = process.env;
  const { stdout, stderr } = await run(process.execPath, ["program.mjs"], { cwd: folder, env: { PATH, ...env } });
  expect(stderr).toBe("");
  return stdout.trim();
}

const setPart = (part: string) =>
  writeFile(join(folder, "part.ts"), `export const part: string = ${JSON.stringify(part)};`);

describe("what Node compiles", () => {
  it("is kept in the user's cache folder, and a change of an imported file is seen", async () => {
    const env = { XDG_CACHE_HOME: join(folder, "cache"), HOME: "/nonexistent" };
    await setPart("one");
    expect([await start(env), await start(env)]).toEqual(["is one", "is one"]);
    expect(await readdir(join(folder, "cache/stackyard/compiled"))).toHaveLength(1);

    await setPart("two");

    expect([await start(env), await start(env)]).toEqual(["is two", "is two"]);
  });

  it("is kept below the home folder without XDG_CACHE_HOME, or with a relative one", async () => {
    await setPart("one");
    expect(await start({ HOME: folder, XDG_CACHE_HOME: "relative" })).toBe("is one");
    expect(await readdir(join(folder, ".cache/stackyard"))).toEqual(["compiled"]);
    expect(await readdir(folder)).not.toContain("relative");
  });

  it.each(["a file", "a folder that cannot be written", "nothing that can be made"])(
    "is not kept where the cache folder is %s",
    async (kind) => {
      await setPart("one");
      const cache = join(folder, "cache");
      if (kind === "a file") await writeFile(cache, "");
      if (kind === "a folder that cannot be written") {
        await mkdir(cache);
        await chmod(cache, 0o500);
      }
      const place = kind === "nothing that can be made" ? "/proc/none" : cache;
      expect(await start({ XDG_CACHE_HOME: place, HOME: folder })).toBe("is one");
    },
  );

  it("is not kept where Node is told so", async () => {
    await setPart("one");
    expect(await start({ XDG_CACHE_HOME: join(folder, "cache"), NODE_DISABLE_COMPILE_CACHE: "1" })).toBe("is one");
    expect(await readdir(folder)).not.toContain("cache");
  });

  it("is not kept for a user without a home", async () => {
    await setPart("one");
    expect(await start({ HOME: "" })).toBe("is one");
  });
});
