import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { COMMAND_NAMES } from "../src/command-table.ts";
import { DIRECT_WORDS } from "../src/direct-words.ts";
import { runCli } from "../src/testing/run-cli.ts";
import { execCli } from "./spawn-cli.ts";

it.each([
  [["--version"]],
  [["--help"]],
  [["help", "stacks"]],
  [["stacks", "ls", "--help"]],
  [["completion", "bash"]],
  [["__complete", "--", "stacks", ""]],
])("the built table answers %j as the commands do", async (words) => {
  const cwd = await mkdtemp(join(tmpdir(), "quick-"));

  const [{ stdout }, built] = await Promise.all([runCli(words, { cwd }), execCli(words, { cwd })]);

  expect(built).toEqual({ exitCode: 0, stdout, stderr: "" });
});

it("the build of the direct commands has all of them, and refuses a flag as the commands do", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "direct-"));
  const direct = COMMAND_NAMES.map((name) => name.split(" ")).filter(([first = ""]) => DIRECT_WORDS.has(first));
  expect(direct.length).toBeGreaterThan(40);

  for (const words of direct.map((name) => [...name, "--none-such"])) {
    const [asked, built] = await Promise.all([runCli(words, { cwd }), execCli(words, { cwd })]);
    expect([words, built]).toEqual([words, { exitCode: 64, stdout: asked.stdout, stderr: asked.stderr }]);
  }
});

/** What the program names of Node's modules before it has looked at the version: old versions have these, too. */
const OLD_NAMES = new Set(["dirname", "existsSync", "homedir", "join", "mkdirSync"]);

it("an old Node gets as far as the message about its version", async () => {
  const folder = join(import.meta.dirname, "../dist");
  const bin = await readFile(join(folder, "bin.js"), "utf8");
  const chunks = [...bin.matchAll(/^(?:import|\} from) "?.*"\.\/(chunk-\w+\.js)"/gm)].map(([, name = ""]) => name);
  expect(chunks.length).toBeGreaterThan(0);
  const texts = await Promise.all(chunks.map((name) => readFile(join(folder, name), "utf8")));

  const named = [bin, ...texts].flatMap((text) =>
    [...text.matchAll(/^import \{([^}]*)\} from "node:/gm)].flatMap(([, names = ""]) => names.split(",")),
  );

  expect(named.map((name) => name.trim().split(" ")[0] ?? "").filter((name) => !OLD_NAMES.has(name))).toEqual([]);
});

it("what a project's configuration imports loads no other file", async () => {
  const text = await readFile(join(import.meta.dirname, "../dist/index.js"), "utf8");

  expect(text.match(/\bfrom"|\bimport"/g) ?? []).toEqual([]);
  // The functions that make plugins and executors, without the library of schemas.
  expect(text.length).toBeLessThan(6_000);
});

it("the licenses of all foreign packages are next to the builds that contain them", async () => {
  const read = (name: string) => readFile(join(import.meta.dirname, "../dist/start", name), "utf8");
  const texts = await Promise.all(["start", "direct"].map((name) => read(`${name}.LICENSES.txt`)));

  const titles = texts.map((text) =>
    text.match(/^(?:@[\w-]+\/)?[\w-]+ \d+\.\d+\.\d+$/gm)?.map((line) => line.split(" ")[0]),
  );
  expect(titles[0]).toEqual(expect.arrayContaining(["commander", "typebox"]));
  expect(titles[1]).toEqual(expect.arrayContaining(["@marcbachmann/cel-js", "@noble/hashes", "re2js", "yaml"]));
  for (const text of texts) expect(text).toMatch(/Permission is hereby granted/);
});
