import type { Clock } from "@stackyard/core";
import { afterCatchUp } from "./auto-scaling/change-group.ts";
import { createAutoScaling } from "./auto-scaling/sim-auto-scaling.ts";
import { createClassicLoadBalancing } from "./classic-load-balancing.ts";
import { createCloudFormation } from "./cloudformation/sim-cloudformation.ts";
import { createCloudWatch } from "./cloudwatch/sim-cloudwatch.ts";
import { createCodePipeline } from "./code-pipeline.ts";
import { createCostExplorer } from "./cost-explorer.ts";
import { createAnswerEndpoint } from "./custom-resources.ts";
import { createEc2 } from "./ec2/sim-ec2.ts";
import { createEcs } from "./ecs/sim-ecs.ts";
import { toLogSources } from "./ecs/task-life.ts";
import { createEventBridge } from "./event-bridge.ts";
import { createIam } from "./iam.ts";
import { allows } from "./identities.ts";
import { createLambda } from "./lambda.ts";
import { createLoadBalancing } from "./load-balancing/sim-load-balancing.ts";
import { createTrafficSources } from "./load-balancing/targets.ts";
import { createLogs } from "./logs.ts";
import { createOrganizations } from "./organizations.ts";
import { createPricing } from "./pricing.ts";
import { fetchPresigned, type PresignedRequest } from "./s3/presigned-urls.ts";
import { createS3 } from "./s3/sim-s3.ts";
import { createSecretsManager } from "./secrets-manager.ts";
import {
  createThrottle,
  type Identity,
  type ServiceFaults,
  type SimRequest,
  type SimService,
  type Throttle,
  type ThrottleInput,
} from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";
import { createSns } from "./sns.ts";
import { createSqs } from "./sqs.ts";
import { createSsm } from "./ssm/sim-ssm.ts";
import { createStepFunctions } from "./step-functions/sim-step-functions.ts";
import { createSts } from "./sts.ts";
import { createTagging } from "./tagging.ts";

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
  /** Passes every request through a hook, around those that were set before. Returns a function that removes the hook. */
  intercept(hook: Interceptor): () => void;
  /** Does what another person with every right does in the place of a request. No hook sees it, and `calls` does not. */
  actBeside(request: SimRequest, operation: string, input: SimRequest["input"]): Promise<unknown>;
  /** Returns the errors that a service has in its own form: `ECS`, `S3`. */
  faultsOf(service: string): ServiceFaults;
  /** Serves one request. */
  serve(request: SimRequest): Promise<unknown>;
}

/** Serves a request in its own way: before, instead of, or after what the simulation does (`proceed`). */
type Interceptor = (request: SimRequest, proceed: () => Promise<unknown>) => Promise<unknown>;

/** One recorded call. */
export interface LoggedCall {
  readonly operation: string;
  readonly region: string;
  readonly arn: string;
  /** Of the caller's session. */
  readonly tags: Readonly<Record<string, string>>;
  readonly input: Readonly<Record<string, unknown>>;
}

/** How the simulation differs from one that is at its best. */
export interface AwsSimOptions {
  readonly clock: Clock;
  /**
   * IAM is eventually consistent: so long after its first call an identity is denied everything, and so long after it
   * was assumed for the first time a role does not trust. Default: 0. Sources: IAM guide, "Troubleshooting IAM"
   * (changes are not always immediately visible); aws/aws-cdk#37675, #31429.
   */
  readonly iamDelayMs?: number;
  /** Names of users to whom the delay does not apply: they exist for long. Default: none. */
  readonly oldUsers?: readonly string[];
}

/** Creates a simulated AWS. */
export function createAwsSim({ clock, iamDelayMs = 0, oldUsers = [] }: AwsSimOptions): AwsSim {
  const services = createServices(clock);
  const byClient = toByClient(services);
  const throttles = new Map<string, Throttle>();
  const behaviours = new Map<string, Behaviour[]>();
  const calls: LoggedCall[] = [];
  const hooks = new Set<Interceptor>();
  const isUnknown = createNewcomers(iamDelayMs, oldUsers);

  function run(request: SimRequest, service: SimService): unknown {
    const { operation, region, input } = request;
    const now = clock.now();
    const identity = services.iam.authenticate(request, service.faults, now);
    const { arn, tags } = identity;
    calls.push({ operation: `${request.service}.${operation}`, region, arn, tags, input });
    const action = service.toAction(operation);
    // GetCallerIdentity needs no permission, and AssumeRole is judged by the role's trust policy (STS API reference).
    if (request.service !== "STS" && !allows(identity.allow, action)) throw service.faults.denied(identity.arn, action);
    if (isUnknown(request, identity, now)) throw service.faults.denied(identity.arn, action);
    checkRates(request, throttles, { key: `${identity.account}/${region}`, now, faults: service.faults });
    const serve = service.operations[operation];
    if (serve === undefined)
      throw new SimFault("NotImplemented", 501, `The simulation has no ${request.service}.${operation}.`);
    return serve({ operation, input, region, identity, now });
  }

  function find(name: string): SimService {
    const service = byClient.get(name);
    if (service === undefined) throw new SimFault("NotImplemented", 501, `The simulation has no ${name}.`);
    return service;
  }

  const sim: AwsSim = {
    ...services,
    calls,
    fetch: (url, request) => fetchPresigned(sim, clock.now, url, request),
    once: (operation, behaviour) => void behaviours.set(operation, [...(behaviours.get(operation) ?? []), behaviour]),
    limit: (operation, limit) => void throttles.set(operation, createThrottle(limit)),
    intercept(hook) {
      hooks.add(hook);
      return () => void hooks.delete(hook);
    },
    faultsOf: (service) => find(service).faults,
    async actBeside(request, operation, input) {
      const [name = "", action = ""] = operation.split(".");
      const now = clock.now();
      const { account } = services.iam.authenticate(request, find(request.service).faults, now);
      const arn = `arn:aws:iam::${account}:user/someone-else`;
      const identity = { arn, account, isRole: false, allow: ["*"], tags: {} };
      const act = find(name).operations[action];
      if (act === undefined) throw new Error(`The simulation of ${name} has no operation ${action}.`);
      return act({ operation: action, input, region: request.region, identity, now });
    },
    async serve(request) {
      const service = find(request.service);
      const proceed = async (): Promise<unknown> => run(request, service);
      const behaviour = behaviours.get(`${request.service}.${request.operation}`)?.shift();
      const served = () => (behaviour === undefined ? proceed() : behaviour(proceed));
      return [...hooks].reduce<() => Promise<unknown>>((next, hook) => () => hook(request, next), served)();
    },
  };
  return sim;
}

/** Returns true for identities and roles that IAM does not know everywhere yet. Everybody may ask who they are. */
function createNewcomers(delayMs: number, oldUsers: readonly string[]) {
  const firstAt = new Map<string, number>();
  return ({ service, operation, input }: SimRequest, { arn }: Identity, now: number): boolean => {
    if (delayMs === 0 || operation === "GetCallerIdentity") return false;
    if (oldUsers.some((name) => arn.endsWith(`:user/${name}`))) return false;
    const isAssuming = service === "STS" && operation === "AssumeRole";
    // Sessions of a role differ in their last part.
    const who = isAssuming ? String(input["RoleArn"]) : arn.replace(/^(.*:assumed-role\/[^/]+)\/.*$/, "$1");
    const first = firstAt.get(who) ?? now;
    firstAt.set(who, first);
    return now < first + delayMs;
  };
}

/** Throws if the service throttles the request. */
function checkRates(
  request: SimRequest,
  throttles: ReadonlyMap<string, Throttle>,
  { key, now, faults }: { readonly key: string; readonly now: number; readonly faults: SimService["faults"] },
): void {
  const { service, operation, input } = request;
  const admits = (name: string) => throttles.get(name)?.admit(key, now) ?? true;
  if (!admits(service) || !admits(`${service}.${operation}`)) throw faults.throttled();
  // ECS looks up the security groups of awsvpc tasks at EC2, and passes EC2's throttle on as an invalid parameter:
  // dask/dask-cloudprovider#56. Set by `limit("EC2.DescribeSecurityGroups", …)`.
  const hasInterfaces = service === "ECS" && operation === "RunTask" && input["networkConfiguration"] !== undefined;
  if (hasInterfaces && !admits("EC2.DescribeSecurityGroups")) throw throttledByEc2(input);
}

function throttledByEc2(input: SimRequest["input"]): SimFault {
  const groups: unknown = Object(Object(input["networkConfiguration"]).awsvpcConfiguration).securityGroups ?? [];
  const why = `Error retrieving security group information for [${String(groups)}]`;
  return new SimFault(
    "InvalidParameterException",
    400,
    `${why}: Request limit exceeded. (ErrorCode: RequestLimitExceeded)`,
  );
}

/** The services as tests set them up and look at them. */
interface SimServices extends Readonly<ReturnType<typeof createServices>> {}

/** Creates the services. Further ones are added here. */
function createServices(clock: Clock) {
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
  return {
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
    /** Target groups and classic load balancers, as Auto Scaling works with them. */
    traffic,
    stepFunctions,
    /** Where custom resources answer. */
    answers,
    ec2,
    ssm,
    codePipeline,
    eventBridge,
    autoScaling,
    tagging,
    pricing: createPricing(),
    costExplorer,
    organizations: createOrganizations(),
  };
}

/** Returns the services by the names of their clients without `Client`. */
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
    ["Organizations", services.organizations.service],
  ]);
}

/** Serves a call in its own way: before, instead of, or after what the service does (`proceed`). */
type Behaviour = (proceed: () => Promise<unknown>) => Promise<unknown>;
