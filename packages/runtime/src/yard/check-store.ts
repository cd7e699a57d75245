import { openStore } from "../open-store.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import type { YardScene } from "./yard-scene.ts";

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
    const { stacks, setAsideEvents } = await store.queries.stats();
    return [ok("store", `The database answers: ${stacks} stacks, ${setAsideEvents} events set aside.`)];
  } finally {
    await store.close();
  }
}
