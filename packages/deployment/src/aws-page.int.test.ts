import { readFileSync } from "node:fs";
import { join } from "node:path";
import { synthesizeTemplates } from "@stackyard/cdk";
import { type PageCommand, readPageCommands } from "@stackyard/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { createAppsCommands } from "./commands.ts";
import { createCloud } from "./testing/a-cloud.ts";
import { writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

// Plays the commands of the pages on AWS in two simulated accounts, in the order of the page.
const read = (path: string) => readFileSync(join(import.meta.dirname, "../../..", path), "utf8");
const known = createAppsCommands(() => {
  throw new Error("Nothing is called here.");
});

const PLACEHOLDERS: Readonly<Record<string, string>> = { ACCOUNT: "111122223333", BUCKET: "my-project" };

/** Puts the outputs of the distributor in place of the values that the page shortens with `…`, and fills in capitals. */
function fillIn({ args, name }: PageCommand, outputs: Readonly<Record<string, string>>) {
  const given = args["parameter"];
  if (!Array.isArray(given)) return { name, args };
  const parameter = given.map(String).map((each) => {
    const [key = ""] = each.split("=");
    if (each.includes("…")) return `${key}=${outputs[key] ?? "MISSING"}`;
    return each.replaceAll(/\b[A-Z]+$/g, (word) => PLACEHOLDERS[word] ?? word);
  });
  return { name, args: { ...args, parameter } };
}

const YARD = { name: "yard", yard: "production", parameter: ["MachineBucket=my-machines"] };

const release = {
  zips: Object.fromEntries(
    ["state-manager", "task-runner", "distributor", "releases", "services"].map((name) => [name, name]),
  ),
  templates: Object.fromEntries(
    synthesizeTemplates({ consumer: { copy: "exports.handler = 1;", resources: "exports.bucket = 1;" } }).map(
      ({ name, body }) => [name, body],
    ),
  ),
};

describe.each([
  ["docs/aws.md", 10],
  ["docs/aws-organization.md", 2],
  ["docs/code-hosts.md", 1],
  ["docs/releases.md", 1],
  ["apps/releases/README.md", 2],
  ["packages/deployment/README.md", 3],
])("%s", (path, atLeast) => {
  const commands = readPageCommands(read(path), known);
  const project = makeProject();
  afterAll(() => project.remove());
  const home = createCloud();
  const other = createCloud();
  for (const folder of ["dist/release", "release-0.1.0"]) writeRelease(join(project.folder, folder), release);
  for (const name of ["my-code", "my-releases", "my-code-of-b"]) {
    const { sim } = name === "my-code-of-b" ? other : home;
    sim.s3.createBucket({ name, account: "111122223333", region: "eu-west-1", versioned: true });
  }

  it("has the commands that this test plays, from an account with apps and yard", async () => {
    expect(commands.length).toBeGreaterThanOrEqual(atLeast);
    if (commands[0]?.name !== "apps publish") {
      await project.run(home.aws, "apps publish", { bucket: "my-releases" });
      await project.run(home.aws, "apps deploy", YARD);
    }
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
