import { AutoScalingClient, DescribeAccountLimitsCommand } from "@aws-sdk/client-auto-scaling";
import type { ReleaseDeps } from "../release-deps.ts";
import type { ServicePlan } from "./plan-offline.ts";

/**
 * What the account's quotas leave no room for, as sentences. Whoever may not ask for quotas gets none: they are no rule of a
 * release. Source: Auto Scaling API reference, "DescribeAccountLimits".
 */
export async function findQuotaWarnings(
  { target, signal, logger }: ReleaseDeps,
  services: readonly ServicePlan[],
): Promise<readonly string[]> {
  try {
    const client = target.client(AutoScalingClient);
    const limits = await client.send(new DescribeAccountLimitsCommand({}), { abortSignal: signal });
    const { MaxNumberOfAutoScalingGroups: max, NumberOfAutoScalingGroups: now } = limits;
    if (max === undefined || now === undefined || now + services.length <= max) return [];
    return [
      `The account has ${now} of at most ${max} Auto Scaling groups, and the release makes ${services.length} more.`,
    ];
  } catch (error) {
    signal.throwIfAborted();
    logger.debug("The quotas of Auto Scaling could not be read.", { error });
    return [];
  }
}
