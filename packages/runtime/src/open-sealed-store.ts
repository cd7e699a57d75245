import type { AwsAccess } from "@stackyard/aws";
import type { Clock } from "@stackyard/core";
import type { Sealer } from "@stackyard/core/services";
import type { Environment } from "./environment.ts";
import { type OpenedStore, type OpenStoreDeps, openStore } from "./open-store.ts";

/** The keys of the environment, and the yard in which they seal. */
export interface SealSettings extends Pick<Environment, "yard"> {
  readonly tasks: Pick<Environment["tasks"], "sealKey" | "sealKmsKeys">;
}

/** Loads the sealer with the environment's keys, or with those of KMS; undefined when it names none. */
export async function loadSealer(
  { yard, tasks: { sealKey, sealKmsKeys: keyArns } }: SealSettings,
  { aws, clock }: { readonly aws: AwsAccess; readonly clock: Clock },
): Promise<Sealer | undefined> {
  if (sealKey !== undefined) return (await import("./sealing.ts")).toSealer(sealKey);
  if (keyArns.length === 0) return undefined;
  const [{ KMSClient }, { createKmsSealer }] = await Promise.all([
    import("@aws-sdk/client-kms"),
    import("@stackyard/aws/kms"),
  ]);
  return createKmsSealer({ client: aws.client(KMSClient, undefined), keyArns, yard, clock });
}

/**
 * Opens the environment's store, which seals sensitive values where a key is configured. Throws what `openStore` does, and
 * `SEAL_KEY_MISSING` when the yard's values are sealed with a key that the environment does not name. `loading`: its sealer,
 * where the caller needs it too.
 */
export async function openSealedStore(
  environment: SealSettings & Pick<Environment, "store">,
  deps: OpenStoreDeps,
  loading: Promise<Sealer | undefined> = loadSealer(environment, deps),
): Promise<OpenedStore> {
  if (environment.store === undefined) throw new TypeError("The environment was parsed without its store.");
  // Like a store, it is read when it is opened.
  const sealing = import("./sealing.ts");
  const [opened, sealer] = await Promise.all([openStore(environment.store, deps), loading]);
  return (await sealing).sealOpened(opened, sealer, deps.clock);
}
