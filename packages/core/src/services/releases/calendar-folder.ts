import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CalendarFiles } from "./calendar-files.ts";

const ENDINGS = [".yaml", ".yml"] as const;

/** Creates the calendars of a folder: each file is read on demand, so changes count at once. */
export function createCalendarFolder(folder: string): CalendarFiles {
  return {
    async read(name) {
      for (const ending of ENDINGS) {
        const text = await readIfThere(join(folder, `${name}${ending}`));
        if (text !== undefined) return text;
      }
      return undefined;
    },
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
