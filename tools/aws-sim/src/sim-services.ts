import type { Clock } from "@stackyard/core";
import { afterCatchUp } from "./auto-scaling/after-catch-up.ts";
import { createAutoScaling, type SimAutoScaling } from "./auto-scaling/sim-auto-scaling.ts";
import type { TrafficSources } from "./auto-scaling/traffic-source.ts";
import {
  createClassicLoadBalancing,
  type SimClassicLoadBalancing,
} from "./classic-load-balancing/sim-classic-load-balancing.ts";
import { createCloudFormation, type SimCloudFormation } from "./cloudformation/sim-cloudformation.ts";
import { createCloudWatch, type SimCloudWatch } from "./cloudwatch/sim-cloudwatch.ts";
import { createCodePipeline, type SimCodePipeline } from "./code-pipeline/sim-code-pipeline.ts";
import { type AnswerEndpoint, createAnswerEndpoint } from "./custom-resources/answer-endpoint.ts";
import { createEc2, type SimEc2 } from "./ec2/sim-ec2.ts";
import { createEcs, type SimEcs } from "./ecs/sim-ecs.ts";
import { toLogSources } from "./ecs/to-log-sources.ts";
import { createEventBridge, type SimEventBridge } from "./event-bridge/sim-event-bridge.ts";
import { createIam, type SimIam } from "./iam/sim-iam.ts";
import { createLambda, type SimLambda } from "./lambda/sim-lambda.ts";
import { createLoadBalancing, type SimLoadBalancing } from "./load-balancing/sim-load-balancing.ts";
import { createTrafficSources } from "./load-balancing/traffic-sources.ts";
import { createLogs, type SimLogs } from "./logs/sim-logs.ts";
import { createS3, type SimS3 } from "./s3/sim-s3.ts";
import { createSecretsManager, type SimSecretsManager } from "./secrets-manager/sim-secrets-manager.ts";
import type { SimService } from "./sim-call.ts";
import { createSns, type SimSns } from "./sns/sim-sns.ts";
import { createSqs, type SimSqs } from "./sqs/sim-sqs.ts";
import { createSsm, type SimSsm } from "./ssm/sim-ssm.ts";
import { createStepFunctions, type SimStepFunctions } from "./step-functions/sim-step-functions.ts";
import { createSts } from "./sts/sim-sts.ts";

/** The services as tests set them up and look at them. Further ones are added here. */
export interface SimServices {
  readonly iam: SimIam;
  readonly sns: SimSns;
  readonly sqs: SimSqs;
  readonly cloudWatch: SimCloudWatch;
  readonly s3: SimS3;
  readonly secrets: SimSecretsManager;
  readonly lambda: SimLambda;
  readonly cloudFormation: SimCloudFormation;
  readonly ec2: SimEc2;
  readonly ecs: SimEcs;
  readonly logs: SimLogs;
  readonly loadBalancing: SimLoadBalancing;
  readonly classicLoadBalancing: SimClassicLoadBalancing;
  /** Target groups and classic load balancers, as Auto Scaling works with them. */
  readonly traffic: TrafficSources;
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
  const iam = createIam({ clock });
  const sns = createSns();
  const sqs = createSqs();
  const cloudWatch = createCloudWatch({ clock });
  const s3 = createS3({ clock, onEvent: (event) => eventBridge.emit(event) });
  const secrets = createSecretsManager();
  const lambda = createLambda();
  const cloudFormation = createCloudFormation({ findObject: (...at) => s3.findObject(...at)?.body.toString() });
  const ec2 = createEc2({ clock });
  const logs = createLogs();
  const loadBalancing = createLoadBalancing();
  const classicLoadBalancing = createClassicLoadBalancing({ clock });
  const traffic = createTrafficSources((ref) =>
    (ref.kind === "classic" ? classicLoadBalancing : loadBalancing).findSource(ref),
  );
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
  const autoScaling = createAutoScaling({
    clock,
    ec2,
    traffic,
    alarms: cloudWatch.policyAlarms,
    onEvent: (event) => eventBridge.emit(event),
  });
  const stepFunctions = createStepFunctions({ clock, lambda: lambda.service, onEvent: eventBridge.emit });
  const answers = createAnswerEndpoint(clock.now);
  const services: SimServices = {
    iam,
    sns,
    sqs,
    cloudWatch,
    s3,
    secrets,
    lambda,
    cloudFormation,
    ecs,
    logs,
    loadBalancing,
    classicLoadBalancing,
    traffic,
    stepFunctions,
    answers,
    ec2,
    ssm,
    codePipeline,
    eventBridge,
    autoScaling,
  };
  return { services, byClient: toByClient(services) };
}

function toByClient(services: SimServices): ReadonlyMap<string, SimService> {
  const { catchUp } = services.autoScaling;
  return new Map<string, SimService>([
    ["STS", createSts(services.iam)],
    ["IAM", services.iam.service],
    ["SNS", services.sns.service],
    ["SQS", services.sqs.service],
    ["CloudWatch", afterCatchUp(services.cloudWatch.service, catchUp)],
    ["S3", services.s3.service],
    ["SecretsManager", services.secrets.service],
    ["Lambda", services.lambda.service],
    ["CloudFormation", services.cloudFormation.service],
    ["EC2", afterCatchUp(services.ec2.service, catchUp)],
    ["ECS", services.ecs.service],
    ["CloudWatchLogs", services.logs.service],
    ["ElasticLoadBalancingV2", afterCatchUp(services.loadBalancing.service, catchUp)],
    ["ElasticLoadBalancing", afterCatchUp(services.classicLoadBalancing.service, catchUp)],
    ["SSM", afterCatchUp(services.ssm.service, catchUp)],
    ["CodePipeline", services.codePipeline.service],
    ["EventBridge", services.eventBridge.service],
    ["AutoScaling", services.autoScaling.service],
    ["SFN", services.stepFunctions.service],
  ]);
}
