import type { Clock } from "@stackyard/core";
import { createCloudFormation, type SimCloudFormation } from "./cloudformation/sim-cloudformation.ts";
import { createEc2, type SimEc2 } from "./ec2/sim-ec2.ts";
import { createEcs, type SimEcs } from "./ecs/sim-ecs.ts";
import { createIdentities, type Identities } from "./identities.ts";
import { createLambda, type SimLambda } from "./lambda/sim-lambda.ts";
import { createS3, type SimS3 } from "./s3/sim-s3.ts";
import { createSecretsManager, type SimSecretsManager } from "./secrets-manager/sim-secrets-manager.ts";
import type { SimService } from "./sim-call.ts";
import { createSts } from "./sts/sim-sts.ts";

/** The services as tests set them up and look at them. Further ones are added here. */
export interface SimServices {
  readonly iam: Identities;
  readonly s3: SimS3;
  readonly secrets: SimSecretsManager;
  readonly lambda: SimLambda;
  readonly cloudFormation: SimCloudFormation;
  readonly ec2: SimEc2;
  readonly ecs: SimEcs;
}

/** New ones, and what answers their clients, by the clients' names without `Client`. */
export function createServices(clock: Clock): {
  readonly services: SimServices;
  readonly byClient: ReadonlyMap<string, SimService>;
} {
  const iam = createIdentities();
  const s3 = createS3();
  const secrets = createSecretsManager();
  const lambda = createLambda();
  const cloudFormation = createCloudFormation({ findObject: (...at) => s3.findObject(...at)?.body.toString() });
  const ec2 = createEc2({ clock });
  const ecs = createEcs({ now: clock.now, onStart: () => undefined });
  const byClient = new Map<string, SimService>([
    ["STS", createSts(iam)],
    ["S3", s3.service],
    ["SecretsManager", secrets.service],
    ["Lambda", lambda.service],
    ["CloudFormation", cloudFormation.service],
    ["EC2", ec2.service],
    ["ECS", ecs.service],
  ]);
  return { services: { iam, s3, secrets, lambda, cloudFormation, ec2, ecs }, byClient };
}
