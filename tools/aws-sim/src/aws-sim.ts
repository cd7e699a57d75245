import type { Clock } from "@stackyard/core";
import { afterCatchUp } from "./auto-scaling/change-group.ts";
import { createAutoScaling, type SimAutoScaling } from "./auto-scaling/sim-auto-scaling.ts";
import type { TrafficSources } from "./auto-scaling/sim-group.ts";
import {
  createClassicLoadBalancing,
  type SimClassicLoadBalancing,
} from "./classic-load-balancing/sim-classic-load-balancing.ts";
import { createCloudFormation, type SimCloudFormation } from "./cloudformation/sim-cloudformation.ts";
import { createCloudWatch, type SimCloudWatch } from "./cloudwatch/sim-cloudwatch.ts";
import { createCodePipeline, type SimCodePipeline } from "./code-pipeline.ts";
import { createCostExplorer, type SimCostExplorer } from "./cost-explorer/sim-cost-explorer.ts";
import { type AnswerEndpoint, createAnswerEndpoint } from "./custom-resources.ts";
import { createEc2, type SimEc2 } from "./ec2/sim-ec2.ts";
import { createEcs, type SimEcs } from "./ecs/sim-ecs.ts";
import { toLogSources } from "./ecs/task-life.ts";
import { createEventBridge, type SimEventBridge } from "./event-bridge.ts";
import { createIam, type SimIam } from "./iam.ts";
import { allows, type Identity } from "./identities.ts";
import { createLambda, type SimLambda } from "./lambda/sim-lambda.ts";
import { createLoadBalancing, type SimLoadBalancing } from "./load-balancing/sim-load-balancing.ts";
import { createTrafficSources } from "./load-balancing/targets.ts";
import { createLogs, type SimLogs } from "./logs/sim-logs.ts";
import { createPricing, type SimPricing } from "./pricing/sim-pricing.ts";
import { fetchPresigned, type PresignedRequest } from "./s3/presigned-urls.ts";
import { createS3, type SimS3 } from "./s3/sim-s3.ts";
import { createSecretsManager, type SimSecretsManager } from "./secrets-manager/sim-secrets-manager.ts";
import {
  createThrottle,
  type SimCall,
  type SimRequest,
  type SimService,
  type Throttle,
  type ThrottleInput,
} from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";
import { createSns, type SimSns } from "./sns.ts";
import { createSqs, type SimSqs } from "./sqs/sim-sqs.ts";
import { createSsm, type SimSsm } from "./ssm/sim-ssm.ts";
import { createStepFunctions, type SimStepFunctions } from "./step-functions/sim-step-functions.ts";
import { createSts } from "./sts.ts";
import { createTagging, type SimTagging } from "./tagging/sim-tagging.ts";

/** A small AWS: accounts, credentials and services with state, under one clock. */
export interface AwsSim extends SimServices {
  /** What was asked, in order, also what was refused. */
  readonly calls: readonly LoggedCall[];
  /** Sets how the next call of an operation, such as `S3.PutObject`, is served instead. Several wait their turn. */
  once(operation: string, behaviour: Behaviour): void;
  /** Holds an account and region to so many calls a second of a service, or of one operation of it. */
  limit(operation: string, limit: ThrottleInput): void;
  /** Answers requests to presigned URLs, in the place of the program's `fetch`. */
  fetch(url: string, request?: PresignedRequest): Promise<Response>;
  /** Serves one request. */
  serve(request: SimRequest): Promise<unknown>;
}

/** One recorded call. */
export interface LoggedCall {
  readonly operation: string;
  readonly region: string;
  readonly arn: string;
  /** Of the caller's session. */
  readonly tags: Readonly<Record<string, string>>;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Creates a simulated AWS. */
export function createAwsSim({ clock }: { readonly clock: Clock }): AwsSim {
  const { services, byClient } = createServices(clock);
  const throttles = new Map<string, Throttle>();
  const behaviours = createStacksOfBehaviour();
  const calls: LoggedCall[] = [];

  function authenticate(request: SimRequest, { faults }: SimService, now: number): Identity {
    const { accessKeyId, sessionToken } = request;
    return services.iam.authenticate({
      accessKeyId,
      sessionToken,
      now,
      unknownKey: faults.unknownKey,
      expired: faults.expired,
    });
  }

  function run(request: SimRequest, service: SimService): unknown {
    const { operation, region, input } = request;
    const now = clock.now();
    const identity = authenticate(request, service, now);
    const { arn, tags } = identity;
    calls.push({ operation: `${request.service}.${operation}`, region, arn, tags, input });
    const action = service.toAction(operation);
    // GetCallerIdentity needs no permission, and AssumeRole is judged by the role's trust policy (STS API reference).
    if (request.service !== "STS" && !allows(identity.allow, action)) throw service.faults.denied(identity.arn, action);
    for (const name of [request.service, `${request.service}.${operation}`]) {
      const admitted = throttles.get(name)?.admit(`${identity.account}/${region}`, now) ?? true;
      if (!admitted) throw service.faults.throttled();
    }
    const serve = service.operations[operation];
    if (serve === undefined)
      throw new SimFault("NotImplemented", 501, `The simulation has no ${request.service}.${operation}.`);
    const call: SimCall = { service: request.service, operation, input, region, identity, now };
    return serve(call);
  }

  const sim: AwsSim = {
    ...services,
    calls,
    fetch: (url, request) => fetchPresigned(sim, clock.now, url, request),
    once: (operation, behaviour) => behaviours.add(operation, behaviour),
    limit: (operation, limit) => void throttles.set(operation, createThrottle(limit)),
    async serve(request) {
      const service = byClient.get(request.service);
      if (service === undefined) throw new SimFault("NotImplemented", 501, `The simulation has no ${request.service}.`);
      const proceed = async (): Promise<unknown> => run(request, service);
      return behaviours.serve(`${request.service}.${request.operation}`, proceed);
    },
  };
  return sim;
}

/** The services as tests set them up and look at them. Further ones are added here. */
interface SimServices {
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
  readonly tagging: SimTagging;
  readonly pricing: SimPricing;
  readonly costExplorer: SimCostExplorer;
}

/** Creates the services, by the names of their clients without `Client`. */
function createServices(clock: Clock): {
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
  const tagging = createTagging({ clock });
  const costExplorer = createCostExplorer();
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
    tagging,
    pricing: createPricing(),
    costExplorer,
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
    ["ResourceGroupsTaggingAPI", services.tagging.service],
    ["Pricing", services.pricing.service],
    ["CostExplorer", services.costExplorer.service],
  ]);
}

/** Serves a call in its own way: before, instead of, or after what the service does (`proceed`). */
type Behaviour = (proceed: () => Promise<unknown>) => Promise<unknown>;

/** Behaviours that wait for their calls. */
interface StacksOfBehaviour {
  add(operation: string, behaviour: Behaviour): void;
  serve(operation: string, proceed: () => Promise<unknown>): Promise<unknown>;
}

/** Creates the behaviors per operation; each is used once, in order. */
function createStacksOfBehaviour(): StacksOfBehaviour {
  const waiting = new Map<string, Behaviour[]>();
  return {
    add(operation, behaviour) {
      waiting.set(operation, [...(waiting.get(operation) ?? []), behaviour]);
    },
    serve(operation, proceed) {
      const next = waiting.get(operation)?.shift();
      return next === undefined ? proceed() : next(proceed);
    },
  };
}
