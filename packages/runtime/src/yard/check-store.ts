import { findAwsFault } from "@stackyard/aws";
import { hasOwnKey, isSealed, OWN_SEAL_KEY } from "@stackyard/core/services";
import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import { type OpenedStore, openStore } from "../open-store.ts";
import type { YardScene } from "./yard-scene.ts";

/** Looks at the yard's tables or its database, and changes nothing. Throws `STORE_UNAVAILABLE` and its like. */
export function checkStore(scene: YardScene): Promise<readonly Finding[]> {
  const { store } = scene.parts;
  return store.kind === "dynamodb" ? checkTables(scene, store) : checkDatabase(scene);
}

async function checkTables(
  scene: YardScene,
  { table, workTable }: { readonly table: string; readonly workTable: string | undefined },
): Promise<readonly Finding[]> {
  const [store, { DynamoDBClient }] = await Promise.all([
    import("@stackyard/store-dynamodb"),
    import("@aws-sdk/client-dynamodb"),
  ]);
  const names = { stacks: table, work: workTable ?? `${table}-work` };
  const { findings } = await store.checkTables(scene.aws.client(DynamoDBClient, undefined), names);
  if (findings.length === 0) {
    const seal = await withStore(scene, (opened) => findSealKey(scene, opened)).catch(toUnreadSeal);
    return [ok("store", `The tables ${names.stacks} and ${names.work} are as they should be.`), seal];
  }
  return findings.map(({ severity, message, advice }) =>
    severity === "error" ? fail("store", message, advice) : warn("store", message, advice),
  );
}

/** Whoever may only describe the tables sees that they are right, but not what they hold. */
function toUnreadSeal(error: unknown): Finding {
  if (!(error instanceof Error) || findAwsFault(error.cause).code !== "FORBIDDEN") throw error;
  const message = "It is unknown how sensitive values are sealed: these credentials may not read the tables.";
  return warn("seal key", message, "Allow dynamodb:GetItem and dynamodb:Query on both tables.");
}

function checkDatabase(scene: YardScene): Promise<readonly Finding[]> {
  return withStore(scene, async (store) => {
    const { stacks, deadLetters } = await store.queries.stats();
    const counts = ok("store", `The database answers: ${stacks} stacks, ${deadLetters} dead letters.`);
    return [counts, await findSealKey(scene, store)];
  });
}

async function withStore<Result>(
  { parts, aws, deps: { clock, logger } }: YardScene,
  look: (store: OpenedStore) => Promise<Result>,
): Promise<Result> {
  const store = await openStore(parts.store, { aws, clock, logger, maxConnections: 1, asItIs: true });
  try {
    return await look(store);
  } finally {
    await store.close();
  }
}

/** Says where the key lies that seals sensitive values, and how to bring another one. */
async function findSealKey({ deps: { clock } }: YardScene, { records }: OpenedStore): Promise<Finding> {
  if (await hasOwnKey({ records, clock })) {
    const own = `Sensitive values are sealed with a key of the yard's own, in its store (record ${OWN_SEAL_KEY}): who can read the store can read them.`;
    return ok("seal key", `${own} To use a KMS key, set SealKeyArn in all apps of the yard.`);
  }
  const isInUse = await isSealed(records, clock.now());
  return ok(
    "seal key",
    isInUse
      ? "Sensitive values are sealed with the key that the apps were given."
      : "Nothing is sealed yet. Without SealKeyArn, the apps make a key of their own in the store when they start.",
  );
}

/** Checks whether whole logs can be read, and whether they expire. Throws errors of S3. */
export async function checkLogs({ parts, aws, deps }: YardScene): Promise<readonly Finding[]> {
  if (parts.logs === undefined) return [];
  const { checkS3Logs } = await import("@stackyard/aws/s3");
  const { address, isCleaned } = await checkS3Logs(parts.logs, { aws, clock: deps.clock });
  if (isCleaned !== false) return [ok("logs", `${address} can be read.`)];
  const hint = "Add a lifecycle rule to the bucket that expires objects with this prefix after 7 days.";
  return [warn("logs", `No lifecycle rule removes the logs in ${address}.`, hint)];
}
