import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { StackyardError } from "@stackyard/core";

/** The config in a JSON file; empty without one. Throws `CONFIG_INVALID`. */
export async function loadConfigFile(
  cwd: string,
  path: string | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  if (path === undefined) return {};
  const config = parse(await readFile(resolve(cwd, path), "utf8"), path);
  if (typeof config === "object" && config !== null && !Array.isArray(config)) return { ...config };
  throw new StackyardError("CONFIG_INVALID", `"${path}" holds no JSON object.`);
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StackyardError("CONFIG_INVALID", `"${path}" is no JSON: ${why}`, { cause });
  }
}
