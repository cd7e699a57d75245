import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AwsAccess } from "@stackyard/aws";
import { isStackyardError, type Store } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { checkSealKey, type Sealer, sealStore, withOwnKey } from "@stackyard/core/services";
import { failWith } from "../failure.ts";
import { type OpenStoreInput, openStore, type StoreChoice } from "../project/store.ts";
import { loadSealer } from "./settings.ts";

/** The input of opening a sealed store. */
interface OpenSealedStoreInput extends OpenStoreInput {
  /** Creates access to AWS in a region. */
  readonly createAws: (region: string) => AwsAccess;
}

/** A store, and the sealer for what tasks store; undefined without a key. */
interface SealedStore {
  readonly store: Store;
  readonly sealer: Sealer | undefined;
}

/**
 * Opens a project's store, which seals sensitive values with the keys of the environment; without one, with the own key of the
 * embedded store's folder, or one that the yard keeps in a store of several processes. Throws what `openStore` and `loadSealer` throw, and `SEAL_KEY_MISSING` without the yard's key.
 */
export async function openSealedStore(choice: StoreChoice, input: OpenSealedStoreInput): Promise<SealedStore> {
  const { store, sealer } = await openWith(choice, input, { makes: true });
  return { store: sealStore(store, sealer), sealer };
}

/** As `openSealedStore`, but returns the store itself, whose values are sealed. */
export function openForReseal(choice: StoreChoice, input: OpenSealedStoreInput): Promise<SealedStore> {
  return openWith(choice, input, { makes: false });
}

async function openWith(
  choice: StoreChoice,
  input: OpenSealedStoreInput,
  own: { readonly makes: boolean },
): Promise<SealedStore> {
  const { env, createAws } = input;
  const store = await openStore(choice, input);
  const folder = choice.kind === "sqlite" ? choice.folder : undefined;
  try {
    const given = await loadSealer(env, {
      createAws,
      dataDir: folder,
      // A new key would open nothing.
      onNewKey: () => checkSealKey(store.records, undefined, systemClock.now()),
    });
    const sealer = await withOwnKey({ records: store.records, clock: systemClock }, given, own);
    await checkSealKey(store.records, sealer, systemClock.now());
    return { store, sealer };
  } catch (error) {
    await store.close();
    throw folder === undefined ? error : withFileHint(error, folder);
  }
}

function withFileHint(error: unknown, folder: string): unknown {
  if (!isStackyardError(error, "SEAL_KEY_MISSING")) return error;
  const file = join(folder, "seal-key");
  const hint = existsSync(file)
    ? `Or add the missing key as a second line to ${file}.`
    : `Or restore the file ${file}: it was in the data folder next to the store, and is not part of a backup.`;
  return failWith("SEAL_KEY_MISSING", error.message, { cause: error, hint });
}
