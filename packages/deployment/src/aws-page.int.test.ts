import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { synthesizeTemplates } from "@stackyard/cdk";
import { afterAll, describe, expect, it } from "vitest";
import { createCloud } from "./testing/a-cloud.ts";
import { writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

// Plays the commands of the page on AWS in two simulated accounts, in the order of the page.
const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/aws.md"), "utf8");
const FLAGS_WITHOUT_VALUE = new Set(["dryRun", "replace"]);

interface PageCommand {
  readonly text: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Returns the commands of shell blocks that begin with `npx stackyard apps`. */
function readCommands(page: string): readonly PageCommand[] {
  const blocks = [...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, text = ""]) => text);
  const lines = blocks.flatMap((text) => text.replaceAll(/\\\n\s*/g, "").split("\n"));
  return lines.flatMap((line) => {
    const [text = ""] = line.trim().split(/\s+#\s/);
    const [program, tool, group, verb, ...words] = text.split(/\s+/);
    if ([program, tool, group].join(" ") !== "npx stackyard apps") return [];
    return [{ text, name: `apps ${verb}`, args: toArgs(words) }];
  });
}

function toArgs(words: readonly string[]): Readonly<Record<string, unknown>> {
  const args: Record<string, unknown> = {};
  const parameter: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (!word.startsWith("--")) {
      args["name"] = word;
      continue;
    }
    const flag = word.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (FLAGS_WITHOUT_VALUE.has(flag)) {
      args[flag] = true;
      continue;
    }
    at += 1;
    if (flag === "parameter") parameter.push(words[at] ?? "");
    else args[flag] = words[at];
  }
  return parameter.length > 0 ? { ...args, parameter } : args;
}

/** Puts the outputs of the distributor in place of the values that the page shortens with `…`. */
function fillIn({ args, name }: PageCommand, outputs: Readonly<Record<string, string>>) {
  const given = args["parameter"];
  if (!Array.isArray(given)) return { name, args };
  const parameter = given.map(String).map((each) => {
    const [key = ""] = each.split("=");
    return each.includes("…") ? `${key}=${outputs[key] ?? "MISSING"}` : each;
  });

  return { name, args: { ...args, parameter } };
}

const commands = readCommands(PAGE);
const bucketsOf = (named: string) => commands.find(({ args }) => args["bucket"] === named);

describe("the page on AWS", () => {
  const project = makeProject();
  afterAll(() => project.remove());
  const home = createCloud();
  const other = createCloud();
  writeRelease(join(project.folder, "dist/release"), {
    zips: Object.fromEntries(["state-manager", "task-runner", "distributor"].map((name) => [name, name])),
    templates: Object.fromEntries(
      synthesizeTemplates({ consumer: { copy: "exports.handler = 1;", resources: "exports.bucket = 1;" } }).map(
        ({ name, body }) => [name, body],
      ),
    ),
  });
  renameSync(join(project.folder, "dist/release"), join(project.folder, "release-0.1.0"));
  for (const name of ["my-releases", "my-code-of-b"]) {
    const { sim } = name === "my-releases" ? home : other;
    sim.s3.createBucket({ name, account: "111122223333", region: "eu-west-1", versioned: true });
  }

  it("has the commands that this test plays", () => {
    expect(commands.length).toBeGreaterThanOrEqual(8);
    expect([bucketsOf("my-releases"), bucketsOf("my-code-of-b")]).not.toContain(undefined);
  });

  let cloud = home;
  let outputs: Readonly<Record<string, string>> = {};
  it.each(commands.map((command) => [command.text, command] as const))("%s works as written", async (_, command) => {
    // From this command on, the page is in the other account.
    if (command.args["bucket"] === "my-code-of-b") cloud = other;
    const { name, args } = fillIn(command, outputs);

    const { exitCode, results } = await project.run(cloud.aws, name, args);

    expect(exitCode).toBe(0);
    if (command.args["name"] === "distributor") outputs = Object(results[0]).outputs;
  });
});
