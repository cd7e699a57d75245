import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { openFrontDoor } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { type Store, silentLogger } from "@stackyard/core";
import { createAuditSealer, type Sender } from "@stackyard/core/access";
import { createLeases, createUlids, systemClock } from "@stackyard/core/engine";
import { createDynamodbStore } from "@stackyard/store-dynamodb";
import { answerMessage, startMessage } from "../bench-machine.ts";
import type { Table } from "../report.ts";
import { createDrain, publishEvents } from "../transitions.ts";
import { type AwsUnits, askConsumption, createCostCounter, toDynamodbCents } from "./aws-costs.ts";
import { CREDENTIALS, REGION } from "./counted-yard.ts";

/** What the audit log writes and reads on DynamoDB, for each event or line. */
export interface AuditCost {
  readonly what: string;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly centsPerThousand: number;
}

/** Two senders: events of the first write no audit line. */
export interface AuditSenders {
  readonly plain: Sender;
  readonly audited: Sender;
}

const ids = createUlids();
/** Events of a batch, as SQS hands them over at most. */
const AT_ONCE = 10;

/** Counts the units of commits without and with an audit line, and of sealing, on an emulator that reports them by sizes. */
export async function measureAuditCosts(events: number, senders: AuditSenders): Promise<readonly AuditCost[]> {
  const dynamodb = await startDynamodb();
  const counter = createCostCounter();
  const door = await openFrontDoor({
    services: { dynamodb: dynamodb.url },
    others: dynamodb.url,
    rewrite: askConsumption,
    onExchange: (request, { body }) => counter.add(request, body),
  });
  const client = new DynamoDBClient({ endpoint: door.url, region: REGION, credentials: CREDENTIALS });
  const count = async (what: string, work: () => Promise<unknown>): Promise<AuditCost> => {
    counter.begin();
    await work();
    return toAuditCost(what, counter.end(0), events);
  };
  try {
    const store = await createDynamodbStore({ table: "bench", client, createTables: true });
    const drain = createDrain(store);
    const stackIds = Array.from({ length: AT_ONCE }, (_, index) => `commit-${index}`);
    await publishEvents(store, stackIds.map(startMessage), senders.plain);
    await drain(AT_ONCE);
    const decide = async (what: string, sender: Sender) => {
      const subjects = Array.from({ length: events }, (_, index) => stackIds[index % AT_ONCE] ?? "");
      await publishEvents(store, subjects.map(answerMessage), sender);
      return count(what, () => drain(AT_ONCE));
    };
    const costs = [
      await decide("an event without a line", senders.plain),
      await decide("an event with a line", senders.audited),
      await count("sealing of a line", async () => {
        const sealed = await sealAll(store);
        if (sealed !== events) throw new Error(`${sealed} of ${events} lines were sealed.`);
      }),
    ];
    await store.close();
    return costs;
  } finally {
    client.destroy();
    await door.stop();
    await dynamodb.stop();
  }
}

/** Seals all lines; returns how many. */
export async function sealAll({ records }: Store): Promise<number> {
  const leases = createLeases(records, { clock: systemClock });
  const deps = { clock: systemClock, ids, logger: silentLogger };
  const sealer = createAuditSealer({ ...deps, records, leases, owner: "bench" });
  let sealed = 0;
  for (let batch = await sealer.seal(); batch > 0; batch = await sealer.seal()) sealed += batch;
  return sealed;
}

function toAuditCost(what: string, units: AwsUnits, count: number): AuditCost {
  const [writeUnits, readUnits] = [units["DynamoDB write units"] ?? 0, units["DynamoDB read units"] ?? 0];
  const round = (value: number) => Number(value.toFixed(2));
  return {
    what,
    writeUnits: round(writeUnits / count),
    readUnits: round(readUnits / count),
    centsPerThousand: round((toDynamodbCents(units) * 1_000) / count),
  };
}

/** Returns the figures as a table. */
export function toAuditTable(costs: readonly AuditCost[]): Table {
  return {
    title: "The audit log on DynamoDB, 10 events at a time: units of each, and US cents of 1,000",
    head: ["", "write units", "read units", "US cents per 1,000"],
    rows: costs.map(({ what, ...figures }) => [what, ...Object.values(figures).map(String)]),
  };
}
