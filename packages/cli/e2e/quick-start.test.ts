import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
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
