import { existsSync, statSync } from "node:fs";
import { access, constants, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isStackyardError, type StackyardError } from "@stackyard/core";
import { readServerFile } from "../client/server-file.ts";
import { storeMissing } from "../project/open-store.ts";
import { type Finding, fail, failOf, ok, warn } from "./finding.ts";

/** Checks the store: whether it can be made, who has it open, whether this release reads it. It is not changed. */
export async function checkStore(dataDir: string): Promise<Finding> {
  const unusable = await findFolderFault(dataDir);
  if (unusable !== undefined) return fail("store", unusable, "Check the path and its permissions, or set `dataDir`.");
  const token = join(dataDir, "token");
  const { size } = statSync(join(dataDir, "stackyard.db"), { throwIfNoEntry: false }) ?? { size: 0 };
  if (size === 0 && existsSync(token)) {
    const { message, details } = storeMissing(dataDir, token);
    return fail("store", message, String(details["hint"]));
  }
  if (size === 0) return ok("store", `${dataDir}: made when \`stackyard dev\` starts.`);
  try {
    const { createSqliteStore } = await import("@stackyard/store-sqlite");
    const store = await createSqliteStore({ folder: dataDir, migrate: false });
    const { stacks, setAsideEvents } = await store.queries.stats();
    await store.close();
    return ok("store", `${dataDir}: ${stacks} stacks, ${setAsideEvents} events set aside.`);
  } catch (error) {
    if (isStackyardError(error, "STORE_LOCKED"))
      return ok("store", `${dataDir}: in use${await tellOwner(dataDir, error)}.`);
    if (isStackyardError(error, "STORE_UNAVAILABLE") && "found" in error.details) {
      return warn("store", `${dataDir}: ${error.message}`, "Make a backup first: `stackyard backup FILE`.");
    }
    return failOf("store", error, "`stackyard restore FILE --replace` puts a backup in its place.");
  }
}

/** Why nothing can be written where the data folder is, or will be made. */
async function findFolderFault(dataDir: string): Promise<string | undefined> {
  const folder = findExisting(dataDir);
  if (!statSync(folder).isDirectory()) return `${folder} is not a folder, so the store cannot be in ${dataDir}.`;
  try {
    await access(folder, constants.W_OK);
    return undefined;
  } catch {
    return `${folder} cannot be written.`;
  }
}

async function tellOwner(dataDir: string, { details }: StackyardError): Promise<string> {
  const { owner } = details;
  if (typeof owner !== "object" || owner === null || !("pid" in owner)) return "";
  const server = await readServerFile(dataDir);
  return server?.pid === owner.pid
    ? ` by this project's yard (process ${server?.pid})`
    : ` by process ${String(owner.pid)}`;
}

/** Looks at the folder that keeps Terraform's providers for later runs. */
export async function checkProviderCache(folder: string): Promise<Finding> {
  try {
    await access(findExisting(folder), constants.W_OK);
    return ok("provider cache", folder);
  } catch (error) {
    return failOf(
      "provider cache",
      error,
      "Check the folder's permissions, or set `executors.terraform.providerCacheDir`.",
    );
  }
}

const MIB = 1_048_576;
const LOW_MIB = 1_024;
const TOO_LOW_MIB = 100;

/** Looks at the room that is left where the data folder lies. */
export async function checkDisk(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(findExisting(dataDir));
  const freeMib = Math.floor((bavail * bsize) / MIB);
  const message = `${freeMib} MiB are free at ${dataDir}.`;
  const hint = "Make room, or move the data folder with `dataDir`.";
  if (freeMib < TOO_LOW_MIB) return fail("disk", message, hint);
  return freeMib < LOW_MIB ? warn("disk", message, hint) : ok("disk", message);
}

function findExisting(folder: string): string {
  return existsSync(folder) ? folder : findExisting(dirname(folder));
}
