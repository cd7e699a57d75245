import { GetInstanceProfileCommand, type IAMClient, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { mapLimited } from "../map-limited.ts";
import { AwsCallError, callAws, type FleetAws } from "../ssm/call-aws.ts";
import type { ProfileFacts } from "./fleet-facts.ts";

/** What the agent calls, of the policy AmazonSSMManagedInstanceCore. */
const AGENT_ACTIONS = [
  ...["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"],
  ...["ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"],
];
const AT_ONCE = 4;

/** What profiles are asked for. */
export interface ProfileQuestion {
  readonly arns: readonly string[];
  /** ARN of an object that instances read. */
  readonly artifactArn: string | undefined;
}

/** What the roles of profiles may not do, as IAM's simulation tells it. */
export async function loadProfiles(
  aws: FleetAws,
  iam: Pick<IAMClient, "send">,
  { arns, artifactArn }: ProfileQuestion,
): Promise<ReadonlyMap<string, ProfileFacts>> {
  return new Map(
    await mapLimited(arns, AT_ONCE, async (arn) => [arn, await loadProfile(aws, iam, { arn, artifactArn })] as const),
  );
}

async function loadProfile(
  aws: FleetAws,
  iam: Pick<IAMClient, "send">,
  { arn, artifactArn }: { readonly arn: string; readonly artifactArn: string | undefined },
): Promise<ProfileFacts> {
  try {
    const roleArn = await findRole(aws, iam, arn);
    if (roleArn === undefined) return { kind: "unknown", why: "It has no role." };
    const denied = await loadDenied(aws, iam, { roleArn, actions: AGENT_ACTIONS });
    if (artifactArn === undefined) return { kind: "known", denied };
    const reading = await loadDenied(aws, iam, { roleArn, actions: ["s3:GetObject"], resource: artifactArn });
    return { kind: "known", denied: [...denied, ...reading] };
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    return { kind: "unknown", why: error.message };
  }
}

async function findRole(aws: FleetAws, iam: Pick<IAMClient, "send">, arn: string): Promise<string | undefined> {
  const name = arn.split("/").at(-1) ?? "";
  const { InstanceProfile } = await callAws(aws, {
    what: `The instance profile ${name} could not be read.`,
    send: (abortSignal) => iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }), { abortSignal }),
  });
  return InstanceProfile?.Roles?.[0]?.Arn;
}

interface Simulation {
  readonly roleArn: string;
  readonly actions: readonly string[];
  /** Default: all. */
  readonly resource?: string;
}

async function loadDenied(
  aws: FleetAws,
  iam: Pick<IAMClient, "send">,
  { roleArn, actions, resource }: Simulation,
): Promise<readonly string[]> {
  const input = {
    PolicySourceArn: roleArn,
    ActionNames: [...actions],
    ...(resource === undefined ? {} : { ResourceArns: [resource] }),
  };
  const { EvaluationResults = [] } = await callAws(aws, {
    what: `What ${roleArn} may do could not be simulated.`,
    send: (abortSignal) => iam.send(new SimulatePrincipalPolicyCommand(input), { abortSignal }),
  });
  return EvaluationResults.flatMap(({ EvalActionName = "", EvalDecision }) =>
    EvalDecision === "allowed" ? [] : [EvalActionName],
  );
}
