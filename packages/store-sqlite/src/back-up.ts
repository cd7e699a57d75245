import { renameSync, rmSync } from "node:fs";
import { backup } from "node:sqlite";
import type { Database } from "./database.ts";
import { makePrivate, syncFile } from "./store-files.ts";
import { toStoreError } from "./to-store-error.ts";

/** Pages copied at a time; between two such steps the store goes on working. */
const PAGES_A_STEP = 256;

/** Copies an open database into one file, whole or not at all; writes that come meanwhile are in it. */
export async function backUp(database: Database, toFile: string): Promise<void> {
  const draft = `${toFile}.${process.pid}.partial`;
  try {
    makePrivate(draft);
    await backup(database.connection, draft, { rate: PAGES_A_STEP });
    syncFile(draft);
    renameSync(draft, toFile);
  } catch (error) {
    rmSync(draft, { force: true });
    throw toStoreError(error);
  }
}
