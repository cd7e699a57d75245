import { stat } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { isLoopbackUrl } from "@stackyard/core/access";

/** The facts that decide whether a file belongs to the user alone. */
export interface FileFacts {
  readonly path: string;
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
}

const WRITABLE_BY_OTHERS = 0o002;

/**
 * Returns why files are not those of the user, who has this id; undefined when they are. Root's own are fine: root can
 * read the user's tokens anyway.
 */
export function findOwnerFault(files: readonly FileFacts[], userId: number): string | undefined {
  const foreign = files.find(({ uid }) => uid !== userId && uid !== 0);
  if (foreign !== undefined) return `${foreign.path} belongs to another user`;
  const open = files.find(({ mode }) => (mode & WRITABLE_BY_OTHERS) !== 0);
  return open === undefined ? undefined : `every user may write to ${open.path}`;
}

/**
 * Returns true for an address of this machine. Repositories may bring a data folder: its author knows the token in
 * it, so proof of the token proves nothing about a server elsewhere.
 */
export function isOwnAddress(address: string): boolean {
  if (isLoopbackUrl(address)) return true;
  const name = (URL.parse(address)?.hostname ?? "").replace(/^\[|\]$/g, "");
  if (["0.0.0.0", "::", hostname().toLowerCase()].includes(name)) return true;
  return Object.values(networkInterfaces()).some((all = []) => all.some((each) => each.address === name));
}

/** Returns why nothing in a data folder may name the server that gets a token; undefined when it may. */
export async function findFolderFault(dataDir: string, names: readonly string[]): Promise<string | undefined> {
  const userId = process.geteuid?.();
  // Windows has no such ids.
  if (userId === undefined) return undefined;
  const paths = [dataDir, ...names.map((name) => join(dataDir, name))];
  const found = await Promise.all(
    paths.map(async (path) => {
      const facts = await stat(path).catch(() => undefined);
      return facts && { path, uid: facts.uid, mode: facts.mode };
    }),
  );
  return findOwnerFault(
    found.filter((each) => each !== undefined),
    userId,
  );
}
