import { defined } from "@stackyard/core";
import { toInitialSetDefinition } from "@stackyard/distributor/initial-set";
import { Aws, Fn } from "aws-cdk-lib";
import { CfnRole } from "aws-cdk-lib/aws-iam";
import { CfnStateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { createAppRole, toRolePolicies } from "../app-function.ts";
import { type Given, type Switch, toCfnText, whereOn } from "../given.ts";
import { allow, type Permission } from "../policies/statement.ts";
import { letConsumers, type TrustedConsumers } from "./announcements.ts";

/** The function that sends initial sets, and the consumers that may request them. */
export interface InitialSetsProps {
  readonly machineName: string;
  readonly functionArn: string;
  readonly trusted: TrustedConsumers;
  /** The external id that consumers must pass when they assume the role. */
  readonly externalId?: Given<string> | undefined;
  readonly roleName: string;
  readonly mayWait: Switch;
  readonly permissionsBoundaryArn?: Given<string> | undefined;
}

/** Returns the ARN of a state machine by its name: the function needs it before the state machine exists. */
export function toMachineArn(name: string, resource = "stateMachine"): string {
  return Fn.join("", ["arn:", Aws.PARTITION, ":states:", Aws.REGION, ":", Aws.ACCOUNT_ID, `:${resource}:`, name]);
}

/** The state machine that announces to one consumer everything that it should have, and the role with which consumers start it. */
export class InitialSets extends Construct {
  readonly machineArn: string;
  readonly roleArn: string;

  constructor(scope: Construct, id: string, props: InitialSetsProps) {
    super(scope, id);
    const { machineName, functionArn, permissionsBoundaryArn } = props;
    const role = createAppRole(this, "StatesRole", {
      description: "Stackyard: announces initial sets.",
      service: "states.amazonaws.com",
      permissions: [{ name: "Steps", statements: [allow("Call", ["lambda:InvokeFunction"], functionArn)] }],
      permissionsBoundaryArn,
    });
    const machine = new CfnStateMachine(this, "InitialSetMachine", {
      stateMachineName: machineName,
      roleArn: role.attrArn,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
      definition: toInitialSetDefinition("${FunctionArn}"),
      definitionSubstitutions: { FunctionArn: functionArn },
    });
    this.machineArn = machine.ref;
    this.roleArn = this.#makeRole(props, machine.ref);
  }

  #makeRole(props: InitialSetsProps, machineArn: string): string {
    const { trusted, externalId, roleName, mayWait, machineName, permissionsBoundaryArn } = props;
    const executions = Fn.join("", [toMachineArn(machineName, "execution"), ":*"]);
    const wait: Permission = {
      name: "Wait",
      statements: [allow("SeeItsEnd", ["states:DescribeExecution"], executions)],
    };
    const role = new CfnRole(this, "TriggerInitSetRole", {
      roleName,
      description: "Stackyard: consumers of artifacts start their initial set by it.",
      assumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: letConsumers(trusted, { sid: "Take", actions: ["sts:AssumeRole"], externalId }),
      },
      policies: toRolePolicies([
        { name: "InitialSet", statements: [allow("Start", ["states:StartExecution"], machineArn)] },
        ...whereOn(mayWait, wait),
      ]),
      ...defined({ permissionsBoundary: permissionsBoundaryArn && toCfnText(permissionsBoundaryArn) }),
    });
    return role.attrArn;
  }
}
