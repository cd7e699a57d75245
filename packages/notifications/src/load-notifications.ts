import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { StackyardError } from "@stackyard/core";
import { type Notifications, parseNotifications } from "./parse-notifications.ts";

/** Reads the document of notifications. Throws `CONFIG_INVALID` with all faults and their places. */
export async function loadNotifications(file: string): Promise<Notifications> {
  const { notifications, problems } = parseNotifications(await read(file));
  if (notifications !== undefined) return notifications;
  const faults = problems.map(({ line, column, path, message }) => {
    return `\n  ${basename(file)}:${line}:${column} ${path}: ${message}`;
  });
  throw new StackyardError("CONFIG_INVALID", `The document of notifications has errors:${faults.join("")}`, {
    details: { problems },
  });
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new StackyardError("CONFIG_INVALID", `The document of notifications "${file}" cannot be read.`, { cause });
  }
}
