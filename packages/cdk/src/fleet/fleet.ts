import { defined } from "@stackyard/core";
import { Aws } from "aws-cdk-lib";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import type { AlarmRule, AlarmTopics } from "../alarm.ts";
import { FunctionAlarms } from "../alarms.ts";
import { AppFunction, type FunctionSettings } from "../app-function.ts";
import { CallFunction } from "../function-triggers.ts";
import { type Given, mapGiven } from "../given.ts";
import { completeLaunches, findInstances, reportJobs } from "../policies/fleet-permissions.ts";
import type { Permission } from "../policies/statement.ts";
import { type BucketPrefix, readObjects, sendTo, toExecutorPermissions } from "../policies/yard-permissions.ts";
import type { QueueAddress } from "../queues.ts";
import {
  DEFAULT_YARD,
  type StoreChoices,
  toYardEnvironment,
  toYardPermissions,
  type Variables,
  type YardSettings,
} from "../yard-settings.ts";

/**
 * The input of a fleet's function: the queue of events and the store of a yard; its runner needs the executor
 * `runcommand`.
 */
export interface FleetProps extends YardSettings, FunctionSettings {
  readonly code: Code;
  readonly queues: { readonly events: QueueAddress };
  readonly stores: StoreChoices;
  /**
   * Where the newest artifact is looked for at boot while no run has succeeded yet. Default: nowhere. Jobs bring
   * credentials for their artifacts along.
   */
  readonly newestArtifacts?: Given<BucketPrefix>;
  /** Name under which artifacts are recorded: one of several fleets of a yard. Default: `main`. */
  readonly environmentName?: string;
  /** The page of a run, with `{runId}` in it. */
  readonly reportUrl?: Given<string>;
  /** `ENABLED` configures instances that start, `DISABLED` does not. Default: `ENABLED`. */
  readonly bootState?: string;
  /** The settings of instances that start, as variables that begin with `BOOT_`. */
  readonly environment?: Variables;
  /** Auto Scaling groups in which launches wait for the configuration: ARNs. Default: none. */
  readonly autoScalingGroupArns?: Given<readonly string[]>;
  /** The role to take in the account of the fleet, where that is another one. Its events must be sent on to this account. */
  readonly targetRoleArn?: string;
}

/** Reporting takes seconds; the run does the waiting. Pinning an artifact reads it once. */
const TIMEOUT_SECONDS = 120;
const MEMORY_MB = 512;

/** The function behind a pipeline's action, the rule of instances that start, and launches that wait. */
export class Fleet extends Construct {
  readonly function: AppFunction;

  constructor(scope: Construct, id: string, props: FleetProps) {
    super(scope, id);
    const { yardName = DEFAULT_YARD, queues, stores, newestArtifacts, autoScalingGroupArns, environmentName } = props;
    const { targetRoleArn } = props;
    this.function = new AppFunction(this, "App", {
      memoryMb: MEMORY_MB,
      ...props,
      functionName: `stackyard-${yardName}-fleet`,
      logGroupName: `/stackyard/${yardName}/fleet`,
      description: `Stackyard, yard ${yardName}: configures fleets for pipelines and at boot.`,
      timeoutSeconds: TIMEOUT_SECONDS,
      recursiveLoop: "Terminate",
      permissions: [
        { name: "Events", statements: [sendTo("Send", queues.events.arn)] },
        ...[reportJobs(), findInstances()],
        ...(newestArtifacts === undefined ? [] : [mapGiven(newestArtifacts, toReading)]),
        ...(autoScalingGroupArns === undefined ? [] : [mapGiven(autoScalingGroupArns, completeLaunches)]),
        ...toExecutorPermissions(
          defined({ targetRoleArns: targetRoleArn === undefined ? undefined : [targetRoleArn] }),
        ),
        ...toYardPermissions(props, stores),
      ],
      environment: {
        SQS_EVENT_QUEUE_URL: queues.events.url,
        // With a role, the function uses the role's account.
        ...(targetRoleArn === undefined ? { FLEET_ACCOUNT: Aws.ACCOUNT_ID } : { FLEET_TARGET_ROLE: targetRoleArn }),
        FLEET_ENVIRONMENT: environmentName,
        FLEET_REPORT_URL: props.reportUrl,
        BOOT_STATE: props.bootState,
        ...toYardEnvironment({ ...props, runnersHaveStore: props.runnersHaveStore ?? true }, stores),
        ...props.environment,
      },
    });
    const { name: functionName, arn: functionArn } = this.function;
    addFleetRules(this, { functionName, functionArn, bootState: props.bootState ?? "ENABLED" });
  }
}

/** Whom the alarms of a fleet notify. */
export interface FleetAlarmsProps {
  readonly topicArns?: AlarmTopics;
  readonly fleet: Pick<Fleet, "function">;
}

/** Alarms that require a person: a failing function, rules that do not call it, starts whose event did not come. */
export class FleetAlarms extends Construct {
  constructor(scope: Construct, id: string, { topicArns, fleet }: FleetAlarmsProps) {
    super(scope, id);
    new FunctionAlarms(this, "Functions", { topicArns, functions: { Fleet: fleet.function } });
  }
}

function toReading(objects: BucketPrefix): Permission {
  return readObjects("NewestArtifacts", objects);
}

/** The function to call. */
export interface FleetRulesProps {
  readonly functionName: string;
  readonly functionArn: string;
  /** `ENABLED` or `DISABLED`: instances that start. */
  readonly bootState: string;
}

/** The function counts them once an hour. */
const UNSEEN_STARTS: AlarmRule = {
  description:
    "Instances have started whose event did not come, and are not configured: the log of the fleet's function names them. Check whether its rules are enabled.",
  metric: { namespace: "Stackyard/Fleet", metricName: "UnseenStarts", statistic: "Maximum", dimensions: {} },
  limit: { above: 0 },
  periodSeconds: 3_600,
  periods: 1,
};

/** Adds the rules of a fleet: for instances that start, for launches that wait, and for the check each minute. */
export function addFleetRules(scope: Construct, { bootState, ...called }: FleetRulesProps): void {
  new CallFunction(scope, "Boot", {
    ...called,
    state: bootState,
    description: "Configures instances that have started; those without the tag are left alone.",
    eventPattern: {
      source: ["aws.ec2"],
      "detail-type": ["EC2 Instance State-change Notification"],
      detail: { state: ["running"] },
    },
    unseen: UNSEEN_STARTS,
  });
  new CallFunction(scope, "Launch", {
    ...called,
    description: "Configures instances whose launch waits for it (a lifecycle hook of an Auto Scaling group).",
    eventPattern: { source: ["aws.autoscaling"], "detail-type": ["EC2 Instance-launch Lifecycle Action"] },
  });
  new CallFunction(scope, "Minute", {
    ...called,
    description: "Ends launches whose runs have ended, and records what became the current artifact.",
    schedule: "rate(1 minute)",
  });
}
