import { IAMClient } from "@aws-sdk/client-iam";
import { createAwsAccess } from "@stackyard/aws";
import { systemClock } from "@stackyard/core/engine";
import type { FleetAws } from "../ssm/call-aws.ts";
import { FleetEc2Client, FleetSsmClient } from "../ssm/fleet-clients.ts";

/** The account and region that are looked at; what is absent is as the SDK finds it. */
export interface DoctorPlace {
  readonly account?: string;
  readonly region?: string;
  /** Taken in that account first. */
  readonly role?: string;
  readonly externalId?: string;
}

/** What a look at a fleet calls. */
export interface DoctorAws {
  readonly aws: FleetAws;
  readonly iam: Pick<IAMClient, "send">;
}

const PATIENCE_MS = 120_000;

/** AWS with the credentials of whoever types the command. Calls nothing yet. */
export function openDoctorAws({ account, region, role, externalId }: DoctorPlace, signal: AbortSignal): DoctorAws {
  const clock = systemClock;
  const access = createAwsAccess({ clock, session: { name: "stackyard-doctor" }, ...(region && { region }) });
  const target =
    account === undefined || region === undefined
      ? undefined
      : { account, region, partition: "aws", ...(role && { role }), ...(externalId && { externalId }) };
  const deadlineAt = clock.now() + PATIENCE_MS;
  const [ssm, ec2] = [access.client(FleetSsmClient, target), access.client(FleetEc2Client, target)];
  return { aws: { ssm, ec2, clock, signal, deadlineAt, random: Math.random }, iam: access.client(IAMClient, target) };
}
