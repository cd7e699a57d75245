import { readFileSync, rmSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What `stackyard dev` leaves in the data folder while it runs, so that other commands find it. */
export interface ServerFile {
  readonly url: string;
  readonly pid: number;
  readonly startedAt: string;
}

/** Its name in the data folder. */
export const SERVER_FILE = "server.json";

/** Writes it whole or not at all. */
export async function writeServerFile(dataDir: string, file: ServerFile): Promise<void> {
  const draft = join(dataDir, `${SERVER_FILE}.${file.pid}`);
  await writeFile(draft, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  await rename(draft, join(dataDir, SERVER_FILE));
}

/** The file; undefined when there is none, or none that can be read. */
export async function readServerFile(dataDir: string): Promise<ServerFile | undefined> {
  try {
    return parse(await readFile(join(dataDir, SERVER_FILE), "utf8"));
  } catch {
    return undefined;
  }
}

/** Removes the file when it is this process's own. */
export function removeServerFile(dataDir: string, pid: number): void {
  const path = join(dataDir, SERVER_FILE);
  try {
    if (parse(readFileSync(path, "utf8"))?.pid === pid) rmSync(path, { force: true });
  } catch {
    // Not there: nothing to remove.
  }
}

function parse(text: string): ServerFile | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) return undefined;
  if (!("url" in value) || !("pid" in value) || !("startedAt" in value)) return undefined;
  const { url, pid, startedAt } = value;
  return typeof url === "string" && typeof pid === "number" ? { url, pid, startedAt: String(startedAt) } : undefined;
}
