import { type Locator, StackyardError, type Store } from "@stackyard/core";
import { type Machine, formatUnknownMachine } from "@stackyard/core/machine";

/** The newest valid revision. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID` with the problems. */
export async function loadMachine(locator: Locator, name: string): Promise<Machine> {
  const located = await locator.find(name, { fresh: true });
  if (located.kind === "found") return located.machine;
  if (located.kind === "unknown") throw await unknownMachine(locator, name);
  const { problems } = located;
  throw new StackyardError("MACHINE_INVALID", `The machine "${name}" has errors.`, { details: { problems } });
}

/** `MACHINE_UNKNOWN`, with the known name that was probably meant. */
export async function unknownMachine(locator: Locator, name: string): Promise<StackyardError> {
  const names = (await locator.list()).map((listing) => listing.name);
  return new StackyardError("MACHINE_UNKNOWN", formatUnknownMachine(name, names));
}

/** What the search works with. */
interface FindRevisionDeps {
  readonly store: Pick<Store, "revisions">;
  readonly locator: Locator;
}

const HASH_LENGTH = 64;

/** True for all digits of a hash. */
export function isWholeHash(digits: string): boolean {
  return digits.length === HASH_LENGTH;
}

/**
 * Returns the whole hash of the revision of a machine that begins with these digits: of a kept one or the newest. A whole
 * hash is returned as it is. Throws `MACHINE_UNKNOWN` when there is none, `USAGE` when there are several.
 */
export async function findRevisionHash(
  { store, locator }: FindRevisionDeps,
  { name, digits }: { readonly name: string; readonly digits: string },
): Promise<string> {
  if (isWholeHash(digits)) return digits;
  const [kept, newest] = await Promise.all([
    store.revisions.findHashes(name, digits),
    locator.find(name, { fresh: true }),
  ]);
  const isNewest = newest.kind === "found" && newest.revision.hash.startsWith(digits);
  const hashes = [...new Set([...kept, ...(isNewest ? [newest.revision.hash] : [])])].sort();
  const [hash] = hashes;
  if (hash !== undefined && hashes.length === 1) return hash;
  if (hash === undefined) {
    const advice = newest.kind === "found" ? ` The newest one is ${newest.revision.hash}.` : "";
    throw new StackyardError("MACHINE_UNKNOWN", `No revision of "${name}" begins with ${digits}.${advice}`);
  }
  const list = hashes.map((each) => each.slice(0, Math.max(12, digits.length + 4))).join(", ");
  throw new StackyardError("USAGE", `Several revisions of "${name}" begin with ${digits}: ${list}. Give more digits.`);
}
