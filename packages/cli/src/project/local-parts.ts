import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type ConfigReport, type DocumentConfig, isMap } from "@stackyard/core";
import type { ConfigFile } from "./config.ts";
import type { ExecutorRegistry } from "./executors.ts";

/**
 * Adds to the checks of the built-in executors what only the project's machine knows: whether local sources and local
 * functions exist. They are warnings, because a runner elsewhere may have another copy of the project.
 */
export function withLocalParts(executors: ExecutorRegistry, file: ConfigFile): ExecutorRegistry {
  // Paths start at the project.
  if (file.path === undefined) return executors;
  const checks: ReadonlyMap<string, (config: DocumentConfig, report: ConfigReport) => void> = new Map([
    ["terraform", (config, report) => checkSource(config, report, file)],
    ["lambda", (config, report) => checkFunction(config, report, file)],
  ]);
  return new Map(
    [...executors].map(([name, executor]) => {
      const check = checks.get(name);
      if (check === undefined) return [name, executor] as const;
      const checkConfig = (config: DocumentConfig, report: ConfigReport): void => {
        executor.checkConfig?.(config, report);
        check(config, report);
      };
      return [name, { ...executor, checkConfig }] as const;
    }),
  );
}

function checkSource({ source }: DocumentConfig, report: ConfigReport, { config, projectDir }: ConfigFile): void {
  if (!isMap(source) || source["type"] !== "local") return;
  const { location } = source;
  const path = ["source", "location"];
  if (typeof location !== "string" || report.hasExpression(path)) return;
  // After "//" comes the module in the folder that is copied.
  const options = config.executors?.["terraform"];
  const sourcesDir = isMap(options) ? String(options["sourcesDir"] ?? ".") : ".";
  const whole = resolve(projectDir, sourcesDir, location.replace("//", "/"));
  if (existsSync(whole)) return;
  report.warn("source-not-found", path, `There is no ${report.quote(location)} in the project. Correct it, or add it.`);
}

function checkFunction({ name }: DocumentConfig, report: ConfigReport, { config, projectDir }: ConfigFile): void {
  if (typeof name !== "string" || report.hasExpression(["name"])) return;
  const options = config.executors?.["lambda"];
  const { functions, mode } = isMap(options) ? options : {};
  const local = isMap(functions) ? functions : {};
  // An alias or a version follows a colon.
  const given = local[name] ?? local[name.split(":")[0] ?? name];
  if (given === undefined && mode === "local") {
    const near = report.suggest(name, Object.keys(local));
    report.warn("function-not-found", ["name"], `No local function is named ${report.quote(name)}.${near}`);
  }
  const file = findFile(given);
  if (file === undefined || mode === "aws" || existsSync(resolve(projectDir, file))) return;
  const message = `The function ${report.quote(name)} has no file ${report.quote(file)} in the project.`;
  report.warn("function-not-found", ["name"], message);
}

/** Returns the file of a local function, without its handler, which follows a colon; undefined for a command. */
function findFile(given: unknown): string | undefined {
  const file = isMap(given) ? given["file"] : given;
  return typeof file === "string" ? file.replace(/:[\w$]+$/, "") : undefined;
}
