import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import { openStore } from "../open-store.ts";
import type { YardScene } from "./finding.ts";

/** Looks at the yard's tables or its database, and changes nothing. Throws `STORE_UNAVAILABLE` and its like. */
export function checkStore(scene: YardScene): Promise<readonly Finding[]> {
  const { store } = scene.parts;
  return store.kind === "dynamodb" ? checkTables(scene, store) : checkDatabase(scene);
}

async function checkTables(
  { aws }: YardScene,
  { table, workTable }: { readonly table: string; readonly workTable: string | undefined },
): Promise<readonly Finding[]> {
  const [store, { DynamoDBClient }] = await Promise.all([
    import("@stackyard/store-dynamodb"),
    import("@aws-sdk/client-dynamodb"),
  ]);
  const names = { stacks: table, work: workTable ?? `${table}-work` };
  const { findings } = await store.checkTables(aws.client(DynamoDBClient, undefined), names);
  if (findings.length === 0)
    return [ok("store", `The tables ${names.stacks} and ${names.work} are as they should be.`)];
  return findings.map(({ severity, message, advice }) =>
    severity === "error" ? fail("store", message, advice) : warn("store", message, advice),
  );
}

async function checkDatabase({ parts, aws, deps }: YardScene): Promise<readonly Finding[]> {
  const { clock, logger } = deps;
  const opening = { aws, clock, logger, maxConnections: 1, asItIs: true };
  const store = await openStore(parts.store, opening);
  try {
    const { stacks, deadLetters } = await store.queries.stats();
    return [ok("store", `The database answers: ${stacks} stacks, ${deadLetters} dead letters.`)];
  } finally {
    await store.close();
  }
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
