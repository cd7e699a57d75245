import { cpSync, existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";

/** An installed package of others, and what the lock says of it. */
export interface Installed {
  readonly source: string;
  readonly version: string | undefined;
  /** False: its types are left out. */
  readonly isTyped: boolean;
}

/**
 * Copies an installed package without the packages in it, maps of sources and, where no type of ours needs them, its types. Links are
 * followed, because an archive has none. @throws Error when another version is installed than the one whose checksum the lock has.
 */
export function copyInstalled({ source: given, version, isTyped }: Installed, target: string): void {
  if (existsSync(target)) throw new Error(`${target} is two packages.`);
  if (!existsSync(join(given, "package.json"))) throw new Error(`${given} is not installed. Run npm ci.`);
  const source = realpathSync(given);
  const { version: found } = Object(JSON.parse(readFileSync(join(source, "package.json"), "utf8")));
  if (found !== version) throw new Error(`${given} is installed as ${found}, and locked as ${version}. Run npm ci.`);
  const isKept = (file: string) =>
    file !== join(source, "node_modules") && !file.endsWith(".map") && (isTyped || !/\.d\.[cm]?ts$/.test(file));
  cpSync(source, target, { recursive: true, dereference: true, filter: isKept });
}
