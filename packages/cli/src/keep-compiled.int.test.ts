import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rename, stat, writeFile } from "node:fs/promises";
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

  it("is not kept where an option of Node says so", async () => {
    await setPart("one");
    expect(await start({ XDG_CACHE_HOME: join(folder, "cache"), NODE_DISABLE_COMPILE_CACHE: "1" })).toBe("is one");
    expect(await readdir(folder)).not.toContain("cache");
  });

  it("is not kept for a user without a home", async () => {
    await setPart("one");
    expect(await start({ HOME: "" })).toBe("is one");
  });
});

describe("what other tools' users report of such caches", () => {
  const keep = () => ({ XDG_CACHE_HOME: join(folder, "cache"), HOME: "/nonexistent" });

  async function listKept(): Promise<readonly string[]> {
    const kept = join(folder, "cache/stackyard/compiled");
    const [version = ""] = await readdir(kept);
    return (await readdir(join(kept, version))).map((name) => join(kept, version, name));
  }

  it("files that are cut off, empty or strange are not used (nodejs/node#65473)", async () => {
    await setPart("one");
    await start(keep());
    const files = await listKept();
    expect(files.length).toBeGreaterThan(1);
    await Promise.all(files.map((file, index) => writeFile(file, ["", "strange"][index % 2] ?? "")));

    expect([await start(keep()), await start(keep())]).toEqual(["is one", "is one"]);
  });

  it("a disk without room stops nothing (nodejs/node#65473)", async () => {
    await setPart("one");
    await start({ HOME: "" });
    const { stdout } = await run(
      "/bin/bash",
      ["-c", `ulimit -f 0; trap '' XFSZ; "${process.execPath}" program.mjs | cat`],
      {
        cwd: folder,
        env: { PATH: "/usr/bin:/bin", ...keep() },
      },
    );

    expect(stdout).toBe("is one\n");
  });

  it("a file of another name after an update is found (openclaw/openclaw#71348)", async () => {
    await setPart("one");
    await start(keep());
    await rename(join(folder, "part.ts"), join(folder, "part-2.ts"));
    const program = `import { keepCompiled } from ${JSON.stringify(SOURCE)};
      keepCompiled(process.env);
      console.log((await import("./config.ts")).value);`;
    await writeFile(join(folder, "program.mjs"), program);
    await writeFile(
      join(folder, "config.ts"),
      'import { part } from "./part-2.ts";\nexport const value: string = part;',
    );

    expect((await run(process.execPath, ["program.mjs"], { cwd: folder, env: keep() })).stdout).toBe("one\n");
  });

  it("processes that start at once share the folder (rails/bootsnap#77)", async () => {
    await setPart("one");
    await start({ HOME: "" });
    const starts = Array.from({ length: 8 }, () =>
      run(process.execPath, ["program.mjs"], { cwd: folder, env: keep() }).then(({ stdout }) => stdout),
    );

    expect(await Promise.all(starts)).toEqual(Array.from({ length: 8 }, () => "is one\n"));
  });

  it("only its user can enter the folder (zertosh/v8-compile-cache#2)", async () => {
    await setPart("one");
    await start(keep());

    expect((await stat(join(folder, "cache/stackyard"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, "cache/stackyard/compiled"))).mode & 0o777).toBe(0o700);
  });
});
