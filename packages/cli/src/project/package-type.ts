import { existsSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";

/** What to do about a module that Node reads as CommonJS because of its package; undefined: that is not the reason. */
export function findTypeAdvice(path: string): string | undefined {
  if (![".ts", ".js"].includes(extname(path))) return undefined;
  const manifest = findManifest(dirname(path));
  if (manifest === undefined || readPackageType(manifest) !== "commonjs") return undefined;
  return `${manifest} says "type": "commonjs". Set it to "module", or let the file's name end with .m${extname(path).slice(1)}.`;
}

/** The `type` of a package.json; undefined where it has none or cannot be read. */
export function readPackageType(manifest: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(manifest, "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("type" in parsed)) return undefined;
    return typeof parsed.type === "string" ? parsed.type : undefined;
  } catch {
    return undefined;
  }
}

function findManifest(folder: string): string | undefined {
  const path = join(folder, "package.json");
  if (existsSync(path)) return path;
  return folder === dirname(folder) ? undefined : findManifest(dirname(folder));
}
