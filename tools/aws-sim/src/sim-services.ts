import type { Clock } from "@stackyard/core";
import { createAutoScaling, type SimAutoScaling } from "./auto-scaling/sim-auto-scaling.ts";
import { createCloudFormation, type SimCloudFormation } from "./cloudformation/sim-cloudformation.ts";
import { createCodePipeline, type SimCodePipeline } from "./code-pipeline/sim-code-pipeline.ts";
import { type AnswerEndpoint, createAnswerEndpoint } from "./custom-resources/answer-endpoint.ts";
import { createEc2, type SimEc2 } from "./ec2/sim-ec2.ts";
import { createEcs, type SimEcs } from "./ecs/sim-ecs.ts";
import { toLogSources } from "./ecs/to-log-sources.ts";
import { createEventBridge, type SimEventBridge } from "./event-bridge/sim-event-bridge.ts";
import { createIdentities, type Identities } from "./identities.ts";
import { createLambda, type SimLambda } from "./lambda/sim-lambda.ts";
import { createLoadBalancing, type SimLoadBalancing } from "./load-balancing/sim-load-balancing.ts";
import { createLogs, type SimLogs } from "./logs/sim-logs.ts";
import { createS3, type SimS3 } from "./s3/sim-s3.ts";
import { createSecretsManager, type SimSecretsManager } from "./secrets-manager/sim-secrets-manager.ts";
import type { SimService } from "./sim-call.ts";
import { createSsm, type SimSsm } from "./ssm/sim-ssm.ts";
import { createStepFunctions, type SimStepFunctions } from "./step-functions/sim-step-functions.ts";
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
  readonly logs: SimLogs;
  readonly loadBalancing: SimLoadBalancing;
  readonly stepFunctions: SimStepFunctions;
  /** Where custom resources answer. */
  readonly answers: AnswerEndpoint;
  readonly ssm: SimSsm;
  readonly codePipeline: SimCodePipeline;
  readonly eventBridge: SimEventBridge;
  readonly autoScaling: SimAutoScaling;
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
  const logs = createLogs();
  const loadBalancing = createLoadBalancing();
  const ecs = createEcs({
    now: clock.now,
    onStart(task) {
      for (const { place, source } of toLogSources(task)) logs.addSource(place, source);
    },
    onEvent: (event) => eventBridge.emit(event),
  });
  const ssm = createSsm({ clock, ec2, s3 });
  const codePipeline = createCodePipeline({ clock });
  const eventBridge = createEventBridge();
  const autoScaling = createAutoScaling({ clock });
  const stepFunctions = createStepFunctions({ clock, lambda: lambda.service, onEvent: eventBridge.emit });
  const answers = createAnswerEndpoint(clock.now);
  const byClient = new Map<string, SimService>([
    ["STS", createSts(iam)],
    ["S3", s3.service],
    ["SecretsManager", secrets.service],
    ["Lambda", lambda.service],
    ["CloudFormation", cloudFormation.service],
    ["EC2", ec2.service],
    ["ECS", ecs.service],
    ["CloudWatchLogs", logs.service],
    ["ElasticLoadBalancingV2", loadBalancing.service],
    ["SSM", ssm.service],
    ["CodePipeline", codePipeline.service],
    ["EventBridge", eventBridge.service],
    ["AutoScaling", autoScaling.service],
    ["SFN", stepFunctions.service],
  ]);
  return {
    services: {
      ...{ iam, s3, secrets, lambda, cloudFormation },
      ...{ ecs, logs, loadBalancing, stepFunctions, answers },
      ...{ ec2, ssm, codePipeline, eventBridge, autoScaling },
    },
    byClient,
  };
}
