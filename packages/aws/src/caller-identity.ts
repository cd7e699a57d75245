import { GetCallerIdentityCommand, type STSClient } from "@aws-sdk/client-sts";
import { toAwsError } from "./aws-fault.ts";

/** Whose credentials the process has. */
export interface CallerIdentity {
  readonly account: string;
  readonly arn: string;
  readonly partition: string;
  /** They are those of a role, so that a role that is assumed with them is chained. */
  readonly isRole: boolean;
}

/** Asks STS who we are; it needs no permission (GetCallerIdentity). */
export async function loadCallerIdentity(sts: STSClient): Promise<CallerIdentity> {
  try {
    const { Account: account = "", Arn: arn = "" } = await sts.send(new GetCallerIdentityCommand({}));
    return { account, arn, partition: arn.split(":")[1] ?? "aws", isRole: arn.includes(":assumed-role/") };
  } catch (error) {
    throw toAwsError(error, "STS does not say whose credentials these are.");
  }
}
