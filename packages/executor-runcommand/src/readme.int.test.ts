import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTable } from "@stackyard/core/environment";
import { parseMachine } from "@stackyard/core/machine";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { RunCommandConfig, runCommandDefinition } from "./definition.ts";
import { builtInProfiles, RunCommandOptions } from "./document/profile-definition.ts";
import { aSimFleet } from "./testing/a-sim-fleet.ts";

const folder = import.meta.dirname;
const readme = readFileSync(join(folder, "../README.md"), "utf8");

function findBlock(language: string, path: string): string {
  const [, text = ""] = new RegExp(`\`\`\`${language}\n(?:#|//) file: ${path}\n([\\s\\S]*?)\`\`\``).exec(readme) ?? [];
  return text;
}

/** First column of all rows of the tables; several names may share a row. */
function listRows(from: string, to: string): readonly string[] {
  const part = readme.slice(readme.indexOf(from), readme.indexOf(to));
  return [...part.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""),
  );
}

describe("the README", () => {
  it("shows a machine without a fault", () => {
    const executors = new Map([["runcommand", runCommandDefinition]]);
    const source = findBlock("yaml", "machines/website.yml");

    expect(parseMachine(source, { name: "website", executors, strict: true }).problems).toEqual([]);
  });

  it("shows a task that runs", async () => {
    const fleet = aSimFleet();
    await fleet.addDocument();
    fleet.add({ tags: { Role: "web" } });
    const artifact = { bucket: "my-artifacts", key: "site/1.2.zip", sha256: "a".repeat(64) };

    const { step } = await fleet.run({
      select: { tagKey: "Role", tagValues: ["web"] },
      artifact,
      maxConcurrency: "10%",
      maxErrors: 1,
    });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 1 } });
  });

  it("lists every key of the config and of the options", () => {
    expect(listRows("## Config of a task", "## Options").toSorted()).toEqual(
      Object.keys(RunCommandConfig.properties).toSorted(),
    );
    expect(readme).toContain(formatVariableTable(RunCommandOptions, "option"));
  });

  it("shows options that are taken", () => {
    const source = findBlock("ts", "stackyard.config.ts");
    const [, text = ""] = /runcommand: (\{[\s\S]*?\n {4}\}),/.exec(source) ?? [];
    // An object literal of the README, which is ours.
    const options: unknown = new Function(`return ${text}`)();

    expect(Value.Check(RunCommandOptions, options)).toBe(true);
  });

  it("names the profiles that there are", () => {
    for (const name of [...Object.keys(builtInProfiles), "garlc-1"]) expect(readme).toContain(`\`${name}\``);
  });

  it("explains every code of the sources", () => {
    const files = [folder, join(folder, "document")].flatMap((path) =>
      readdirSync(path)
        .filter((file) => /(?<!\.test)\.ts$/.test(file))
        .map((file) => readFileSync(join(path, file), "utf8")),
    );
    const codes = files.flatMap((text) =>
      [...text.matchAll(/code(?:: |\(|, )"([A-Z]+(?:_[A-Z]+)*)"/g)].map((match) => match[1] ?? ""),
    );
    const inner = ["MAX_ERRORS_EXCEEDED"];

    expect(codes.length).toBeGreaterThan(15);
    for (const code of codes.filter((each) => !inner.includes(each))) expect(readme).toContain(`\`${code}\``);
  });
});
