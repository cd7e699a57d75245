import type { AwsAccess } from "@stackyard/aws";
import { formatAccount } from "@stackyard/core";
import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import { type Caller, loadCaller } from "./yard-aws.ts";
import type { YardDeps } from "./yard-deps.ts";

/** AWS refuses signatures that are more than five minutes off (IAM User Guide, "Elements of a request signature"). */
const REFUSED_MS = 300_000;
/** Times in histories are then visibly wrong; responses have whole seconds, and networks take some. */
const NOTICED_MS = 5_000;

/** Reports the owner of these credentials, and how far our clock is off. Throws errors of credentials and network. */
export async function checkIdentity(
  aws: AwsAccess,
  { clock, accounts }: Pick<YardDeps, "clock" | "accounts">,
): Promise<readonly Finding[]> {
  const caller = await loadCaller(aws, clock);
  const where = formatAccount(accounts, caller.account);
  return [ok("identity", `${caller.arn} in the account ${where}.`), ...evaluateClock(caller)];
}

/** Returns the findings about our clock. */
export function evaluateClock({ aheadMs }: Pick<Caller, "aheadMs">): readonly Finding[] {
  if (aheadMs === undefined) return [];
  const offMs = Math.abs(aheadMs);
  const message = `This machine's clock is ${Math.round(offMs / 1_000)} s ${aheadMs < 0 ? "behind" : "ahead of"} that of AWS.`;
  const hint = "Let it be set by NTP.";
  if (offMs >= REFUSED_MS) return [fail("clock", `${message} AWS refuses calls from 5 minutes on.`, hint)];
  return [offMs >= NOTICED_MS ? warn("clock", message, hint) : ok("clock", "It agrees with the clock of AWS.")];
}
