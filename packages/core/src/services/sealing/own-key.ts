import { randomBytes } from "node:crypto";
import { Type } from "typebox";
import { defineRecordKind, type RecordsDeps } from "../../ports/record-kind.ts";
import { isSealed } from "./sealed-store.ts";
import { createSealer, parseSealKeys, type Sealer } from "./sealer.ts";

/** The processes of a yard share it. */
const ownKeys = defineRecordKind({
  prefix: "seal/own/",
  value: Type.String({ pattern: "^[A-Za-z0-9+/]{43}=$" }),
  holds: "the seal key that a yard has made",
  kept: "as long as the yard",
});
const NAME = "key";
const KEY_BYTES = 32;

/** The record with the key that a yard has made. */
export const OWN_SEAL_KEY: string = ownKeys.toKey(NAME);

/**
 * Returns the sealer of a yard with the key that it has made itself: for all that is sealed where no key was given, for opening
 * earlier values where one is given now. `makes`: a yard that nothing was sealed for gets such a key.
 */
export async function withOwnKey(
  deps: RecordsDeps,
  given: Sealer | undefined,
  { makes }: { readonly makes: boolean },
): Promise<Sealer | undefined> {
  const known = await ownKeys.find(deps, NAME);
  if (known !== undefined) return given === undefined ? toSealer(known) : withEarlier(given, toSealer(known));
  // What was sealed with a given key needs that one.
  if (given !== undefined || !makes || (await isSealed(deps.records, deps.clock.now()))) return given;
  const { key } = await ownKeys.change(deps, NAME, (found) => {
    const made = found?.value ?? randomBytes(KEY_BYTES).toString("base64");
    return found === undefined ? { key: made, write: { value: made } } : { key: made };
  });
  return toSealer(key);
}

/** Returns true for a yard that has made its own seal key. */
export async function hasOwnKey(deps: RecordsDeps): Promise<boolean> {
  return (await ownKeys.find(deps, NAME)) !== undefined;
}

function toSealer(key: string): Sealer {
  return createSealer(parseSealKeys(key, OWN_SEAL_KEY));
}

function withEarlier(given: Sealer, earlier: Sealer): Sealer {
  return {
    keyId: given.keyId,
    seal: (bytes) => given.seal(bytes),
    open: async (sealed) => (await given.open(sealed)) ?? earlier.open(sealed),
  };
}
