import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseMachine } from "@stackyard/core/machine";
import { expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { commandDefinition } from "./definition.ts";
import { COMMAND_FAILURES } from "./failure.ts";
import { aContext, aProject } from "./testing/a-project.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
const files = [...readme.matchAll(/```\w+\n(?:\/\/|#) file: (\S+)\n([\s\S]*?)```/g)];
const textOf = (path: string) => files.find((file) => file[1] === path)?.[2] ?? "";

it("shows a machine and a program that work", async () => {
  const project = aProject();
  onTestFinished(project.remove);
  const path = join(project.folder, "scripts/migrate.sh");
  mkdirSync(dirname(path));
  writeFileSync(path, textOf("scripts/migrate.sh"));
  chmodSync(path, 0o755);
  const source = textOf("machines/shop.yml");
  const executors = new Map([["command", commandDefinition]]);
  const { problems } = parseMachine(source, { name: "shop", executors });
  const config = parse(source).tasks.migrate.config;
  const ctx = aContext();

  const step = await project.start({ ...config, run: [config.run[0], "pr-12"] }, { ctx });

  expect(problems).toEqual([]);
  expect(step).toEqual({ kind: "succeeded", outputs: { version: 7 } });
  expect(ctx.reports).toEqual(["migrating pr-12"]);
});

it("lists the failures as the code has them", () => {
  const rows = [...readme.matchAll(/^\| `(COMMAND_[A-Z_]+)` \| (yes|no|config) \| (.*) \|$/gm)].map((row) =>
    row.slice(1),
  );
  const texts = { true: "yes", false: "no", config: "config" };

  expect(rows).toEqual(
    Object.entries(COMMAND_FAILURES).map(([code, { retryable, meaning }]) => [code, texts[`${retryable}`], meaning]),
  );
});
