import { StackyardError } from "@stackyard/core";
import type { ConsumerView, DistributorAnswers, DistributorRequest } from "@stackyard/sdk/artifacts";
import type { DistributorContext } from "../function/distributor-context.ts";
import { CONSUMERS_PREFIX, parseConsumerRecord, toConsumerView } from "../registry/consumer-record.ts";

const ITEMS = 50;

/** All consumers that were ever heard of, by account and region. */
export async function listConsumers(
  { records, clock }: Pick<DistributorContext, "records" | "clock">,
  { cursor, limit = ITEMS }: Extract<DistributorRequest, { readonly op: "consumers" }>,
): Promise<DistributorAnswers["consumers"]> {
  const after = cursor === undefined ? {} : { cursor: readCursor(cursor) };
  const page = await records.list(CONSUMERS_PREFIX, { limit, now: clock.now(), ...after });
  const items: readonly ConsumerView[] = page.items.flatMap(({ value }) => {
    const consumer = parseConsumerRecord(value);
    return consumer === undefined ? [] : [toConsumerView(consumer)];
  });
  return { items, ...(page.cursor === undefined ? {} : { cursor: Buffer.from(page.cursor).toString("base64url") }) };
}

function readCursor(cursor: string): string {
  const read = Buffer.from(cursor, "base64url").toString();
  if (read.startsWith(CONSUMERS_PREFIX) && Buffer.from(read).toString("base64url") === cursor) return read;
  throw new StackyardError("USAGE", "The cursor is not one of an earlier answer.");
}
