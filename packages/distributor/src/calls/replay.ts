import type { DistributorAnswers, DistributorRequest } from "@stackyard/sdk/artifacts";
import type { DistributorContext } from "../function/distributor-context.ts";
import { startSet } from "../initial-set/start-set.ts";
import { findConsumer } from "../registry/consumers.ts";
import { judgeTrust } from "../trust/judge-trust.ts";
import { refuse, unknownConsumer } from "./call-error.ts";

/** Starts the state machine for a consumer that is known and trusted. */
export async function replay(
  context: DistributorContext,
  { account, region, since, artifact }: Extract<DistributorRequest, { readonly op: "replay" }>,
): Promise<DistributorAnswers["replay"]> {
  const verdict = judgeTrust(account, context.trust, "stamped");
  if (verdict.kind === "rejected") throw refuse(verdict.code, verdict.reason);
  if ((await findConsumer(context, { account, region })) === undefined) throw unknownConsumer({ account, region });
  const { executionArn, startedAt } = await startSet(context, {
    account,
    region,
    executionName: `${account}-${region}-replay-${context.clock.now().toString(36)}`,
    ...(since === undefined ? {} : { since: Date.parse(since) }),
    ...(artifact === undefined ? {} : { artifact }),
  });
  return { executionArn, startedAt: new Date(startedAt).toISOString() };
}
