import { describe, expect, it } from "vitest";
import { runCli } from "./testing/run-cli.ts";

const BIG = "x".repeat(100_000);

describe("a word of 100 kB", () => {
  it.each([
    ["an unknown command", [BIG]],
    ["a command under a group", ["stacks", BIG]],
    ["a familiar command of another tool, whose hint repeats it", ["logs", BIG]],
    ["an unknown option", ["stacks", "ls", `--${BIG}`]],
    ["an unknown option with a value", ["stacks", "ls", `--wrong=${BIG}`]],
    ["a choice", ["init", "new", "--template", BIG]],
    ["a choice behind its option", ["init", "new", `--template=${BIG}`]],
    ["metadata", ["send", "a", "OPENED", "--metadata", BIG, "--url", "http://127.0.0.1:1"]],
    ["an address", ["stacks", "ls", "--url", BIG]],
    ["a file", ["validate", BIG]],
    ["a word that is quoted as JSON", ["simulate", "machines", "--now", `"${BIG}\n"`]],
  ])("is not printed whole: %s", async (_, words) => {
    const people = await runCli(words);
    const json = await runCli([...words, "--json"]);

    expect(people.exitCode).not.toBe(0);
    expect(people.stderr.length).toBeLessThan(2_500);
    expect(json.stderr.length).toBeLessThan(2_500);
    expect(json.stdout.length).toBeLessThan(2_500);
  });

  it("keeps its beginning, at which it is known again", async () => {
    const { stderr } = await runCli([BIG]);

    expect(stderr).toContain(`Unknown command '${"x".repeat(199)}…'.`);
  });
});
