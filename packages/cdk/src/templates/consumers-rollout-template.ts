import { type App, Aws, CfnStackSet, Fn, type Stack, Token } from "aws-cdk-lib";
import { addRequirement } from "./add-requirement.ts";
import { requireDistributor } from "./consumer-template.ts";
import { PARAMETERS_OF, ROLLED_OUT } from "./parameters-of.ts";
import { addOutput } from "./template-outputs.ts";
import { addParameters } from "./template-parameters.ts";
import { TemplateStack } from "./template-stack.ts";

const DESCRIPTION = "Stackyard: rolls consumers of artifacts out into accounts and regions.";

/** Adds the template of a StackSet that deploys the consumer into an organization, or into named accounts. */
export function addConsumersRolloutTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "consumers-rollout", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF["consumers-rollout"]);
  requireDistributor(stack);
  addRequirement(stack, {
    parameter: "PermissionModel",
    value: "SERVICE_MANAGED",
    needs: "OrganizationalUnitIds",
  });
  addRequirement(stack, { parameter: "PermissionModel", value: "SELF_MANAGED", needs: "ConsumerAccounts" });
  const isServiceManaged = parameters.condition("IsServiceManaged", "PermissionModel", "SERVICE_MANAGED");
  const isAutomatic = parameters.condition("IsAutoDeployment", "AutoDeployment", "true");
  const forOrganization = (managed: unknown, otherwise: unknown = Aws.NO_VALUE) =>
    Fn.conditionIf(isServiceManaged.logicalId, managed, otherwise);
  const set = new CfnStackSet(stack, "Consumers", {
    stackSetName: parameters.text("StackSetName"),
    description: "Stackyard: consumers of artifacts.",
    templateUrl: parameters.text("ConsumerTemplateUrl"),
    permissionModel: parameters.text("PermissionModel"),
    callAs: Token.asString(forOrganization(parameters.text("CallAs"))),
    capabilities: ["CAPABILITY_IAM"],
    // Operations wait for each other instead of being rejected.
    managedExecution: { Active: true },
    autoDeployment: forOrganization({
      Enabled: parameters.text("AutoDeployment"),
      // "Specify only if Enabled is set to True": StackSets reject it otherwise.
      RetainStacksOnAccountRemoval: Fn.conditionIf(isAutomatic.logicalId, false, Aws.NO_VALUE),
    }),
    operationPreferences: {
      failureTolerancePercentage: parameters.number("FailureTolerancePercentage"),
      maxConcurrentPercentage: parameters.number("MaxConcurrentPercentage"),
      regionConcurrencyType: "PARALLEL",
    },
    stackInstancesGroup: [
      {
        deploymentTargets: forOrganization(
          { OrganizationalUnitIds: Fn.split(",", parameters.text("OrganizationalUnitIds")) },
          { Accounts: Fn.split(",", parameters.text("ConsumerAccounts")) },
        ),
        regions: parameters.list("ConsumerRegions"),
      },
    ],
    parameters: ROLLED_OUT.map((name) => ({ parameterKey: name, parameterValue: Fn.ref(name) })),
  });
  addOutput(stack, "StackSetId", { value: set.attrStackSetId, description: "The StackSet." });
  return stack;
}
