import type { AwsAccess } from "@stackyard/aws";
import type { Clock } from "@stackyard/core";
import { type Caller, loadCaller } from "./caller.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** AWS refuses signatures that are more than five minutes off (IAM User Guide, "Elements of a request signature"). */
const REFUSED_MS = 300_000;
/** Times in histories are then visibly wrong; answers name whole seconds, and networks take some. */
const NOTICED_MS = 5_000;

/** Whose credentials these are, and how far our clock is off. Throws what credentials and network give. */
export async function checkIdentity(aws: AwsAccess, clock: Clock): Promise<readonly Finding[]> {
  const caller = await loadCaller(aws, clock);
  return [ok("identity", `${caller.arn} in the account ${caller.account}.`), ...judgeClock(caller)];
}

/** What is to be said of our clock. */
export function judgeClock({ aheadMs }: Pick<Caller, "aheadMs">): readonly Finding[] {
  if (aheadMs === undefined) return [];
  const offMs = Math.abs(aheadMs);
  const message = `This machine's clock is ${Math.round(offMs / 1_000)} s ${aheadMs < 0 ? "behind" : "ahead of"} that of AWS.`;
  const hint = "Let it be set by NTP.";
  if (offMs >= REFUSED_MS) return [fail("clock", `${message} AWS refuses calls from 5 minutes on.`, hint)];
  return [offMs >= NOTICED_MS ? warn("clock", message, hint) : ok("clock", "It agrees with that of AWS.")];
}
