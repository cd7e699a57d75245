import type { CfnCondition, CfnResource } from "aws-cdk-lib";
import { CfnMaintenanceWindow, CfnMaintenanceWindowTarget, CfnMaintenanceWindowTask } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";

/** When and how instances are patched. */
export interface PatchWindowProps {
  readonly name: string;
  /** Such as `cron(0 3 ? * SUN *)`. */
  readonly schedule: string;
  /** Such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** 1 to 24. */
  readonly durationHours: number;
  /** Before its end nothing new is begun: 0 to 23, less than the duration. */
  readonly cutoffHours: number;
  /** What becomes of commands that run at the cutoff: `CONTINUE_TASK` or `CANCEL_TASK`. */
  readonly cutoffBehavior: string;
  readonly tagKey: string;
  readonly tagValues: readonly string[];
  /** `Scan` or `Install`. */
  readonly operation: string;
  /** `RebootIfNeeded` or `NoReboot`. */
  readonly rebootOption: string;
  /** A number or a share; a service never loses more than this at a time. */
  readonly maxConcurrency: string;
  readonly maxErrors: string;
  readonly condition?: CfnCondition;
}

/** A maintenance window of SSM that looks for patches, or installs them, on instances with a tag. */
export class PatchWindow extends Construct {
  readonly windowId: string;

  constructor(scope: Construct, id: string, props: PatchWindowProps) {
    super(scope, id);
    const window = new CfnMaintenanceWindow(this, "Window", {
      name: props.name,
      schedule: props.schedule,
      scheduleTimezone: props.timeZone,
      duration: props.durationHours,
      cutoff: props.cutoffHours,
      allowUnassociatedTargets: false,
    });
    const target = new CfnMaintenanceWindowTarget(this, "Target", {
      windowId: window.ref,
      resourceType: "INSTANCE",
      targets: [{ key: `tag:${props.tagKey}`, values: [...props.tagValues] }],
    });
    const task = new CfnMaintenanceWindowTask(this, "Task", {
      windowId: window.ref,
      taskType: "RUN_COMMAND",
      taskArn: "AWS-RunPatchBaseline",
      priority: 0,
      targets: [{ key: "WindowTargetIds", values: [target.ref] }],
      maxConcurrency: props.maxConcurrency,
      maxErrors: props.maxErrors,
      cutoffBehavior: props.cutoffBehavior,
      taskInvocationParameters: {
        maintenanceWindowRunCommandParameters: {
          parameters: { Operation: [props.operation], RebootOption: [props.rebootOption] },
        },
      },
    });
    for (const part of [window, target, task]) onlyIn(part, props.condition);
    this.windowId = window.ref;
  }
}

function onlyIn(resource: CfnResource, condition: CfnCondition | undefined): void {
  if (condition !== undefined) resource.cfnOptions.condition = condition;
}
