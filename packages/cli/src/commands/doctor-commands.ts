import { formatNames, isMap } from "@stackyard/core";
import { findInPath } from "@stackyard/core/programs";
import { type Finding, ok, warn } from "@stackyard/sdk/commands";
import type { ConfigFile } from "../project/config.ts";

interface CheckCommandsInput {
  /** True if a machine of the project runs a program. */
  readonly needed: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Checks which of the programs that the project allows are found on this machine. */
export async function checkCommands(
  file: ConfigFile,
  { needed, env }: CheckCommandsInput,
): Promise<readonly Finding[]> {
  const options = file.config.executors?.["command"];
  if (options === undefined) return needed ? [warn("command", NOT_ALLOWED, NOT_ALLOWED_HINT)] : [];
  // A path starts in the folder of a task, which is not known here.
  const named = listPrograms(options).filter((program) => !/[*]|^[^/].*[/]/.test(program));
  const found = await Promise.all(named.map((program) => findInPath(program, env["PATH"] ?? "")));
  const missing = named.filter((_, index) => found[index] === undefined);
  if (missing.length === 0) return [ok("command", formatNames(named.length === 0 ? ["none by its name"] : named))];
  const message = `Not found: ${formatNames(missing)}.`;
  return [warn("command", message, "Install it where workers run, or correct `executors.command.allow`.")];
}

const NOT_ALLOWED = "A machine runs a program, and only `stackyard dev` allows it.";
const NOT_ALLOWED_HINT = "Name it in `executors.command.allow` of the configuration: a server runs no others.";

function listPrograms(options: unknown): readonly string[] {
  const rules: unknown = isMap(options) ? options["allow"] : undefined;
  const programs = (Array.isArray(rules) ? rules : []).map((rule: unknown) =>
    isMap(rule) ? rule["program"] : undefined,
  );
  return [...new Set(programs.filter((program) => typeof program === "string"))];
}
