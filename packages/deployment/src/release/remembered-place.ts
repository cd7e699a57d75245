import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Place, parsePlace } from "../object-keys.ts";

/** Keeps where this project published last, so that the next command need not be told. */
export async function rememberPlace(dataDir: string, place: Place): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  await writeFile(fileIn(dataDir), `${JSON.stringify(place)}\n`);
}

/** Where this project published last; undefined: nowhere yet, or the file says nothing that can be used. */
export async function findRememberedPlace(dataDir: string): Promise<Place | undefined> {
  try {
    const { bucket, prefix } = Object(JSON.parse(await readFile(fileIn(dataDir), "utf8")));
    return parsePlace(String(bucket), String(prefix ?? ""));
  } catch {
    return undefined;
  }
}

function fileIn(dataDir: string): string {
  return join(dataDir, "apps.json");
}
