import type { AwsAccess } from "@stackyard/aws";
import type { Clock } from "@stackyard/core";
import type { Sealer } from "@stackyard/core/services";
import type { Environment } from "./environment.ts";
import { type OpenStoreDeps, openStore } from "./open-store.ts";
import type { SealedStore } from "./sealing.ts";

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
 * Opens the environment's store, which seals sensitive values: with the configured key, else with one that the yard keeps in
 * its store, which the first of its functions makes. Throws what `openStore` does, and `SEAL_KEY_MISSING` when the yard's
 * values are sealed with a key that the environment does not name.
 */
export async function openSealedStore(
  environment: SealSettings & Pick<Environment, "store">,
  deps: OpenStoreDeps,
): Promise<SealedStore> {
  if (environment.store === undefined) throw new TypeError("The environment was parsed without its store.");
  // Like a store, it is read when it is opened.
  const sealing = import("./sealing.ts");
  const [opened, given] = await Promise.all([openStore(environment.store, deps), loadSealer(environment, deps)]);
  return (await sealing).sealOpened(opened, given, deps.clock);
}
