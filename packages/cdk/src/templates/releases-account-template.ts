import { type App, Aws, CfnOutput, Fn, type Stack, Token } from "aws-cdk-lib";
import { ReleasesAccount } from "../releases/releases-account.ts";
import { PARAMETERS_OF } from "./parameters-of.ts";
import { addReleaseNames, orElse } from "./releases-choice.ts";
import { addParameters, type TemplateParameters } from "./template-parameters.ts";
import { TemplateStack } from "./template-stack.ts";

const DESCRIPTION = "Stackyard: the role that the deployer of releases takes in an account.";

/** Adds the template for an account that releases deploy to. The role has a name: it needs `CAPABILITY_NAMED_IAM`. */
export function addReleasesAccountTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "releases-account", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF["releases-account"]);
  const names = addReleaseNames(stack, ["assumedRole", "profileRoot", "placementRoot"]);
  const account = new ReleasesAccount(stack, "Releases", {
    // The deployer's resources are not in this account.
    preset: { ...names, function: "", bucketPrefix: "", lockTable: "" },
    deployerRoleArn: parameters.text("DeployerRoleArn"),
    roleName: orElse(parameters, "AssumedRole", names.assumedRole),
    externalId: parameters.given("AssumedRoleExternalId"),
    ...toScope(parameters),
    passRoleArns: toPassedRoles(parameters, names.profileRoot),
    permissionsBoundaryArn: parameters.given("PermissionsBoundaryArn"),
  });
  new CfnOutput(stack, "AssumedRoleArn", { value: account.roleArn, description: "The role of releases." });
  return stack;
}

/** Without session tags, projects cannot be distinguished. */
function toScope(parameters: TemplateParameters) {
  const isTagged = parameters.condition("HasSessionTags", "ReleaseSessionTags", "true");
  const own = (tag: string) => Token.asString(Fn.conditionIf(isTagged.logicalId, `\${aws:PrincipalTag/${tag}}`, "*"));
  return { project: own("ProjectName"), config: own("ConfigName") };
}

function toPassedRoles(parameters: TemplateParameters, profileRoot: string): readonly string[] {
  const { condition, value } = parameters.givenList("PassedRoleArns");
  const own = Fn.join("", ["arn:", Aws.PARTITION, ":iam::", Aws.ACCOUNT_ID, ":role", profileRoot, "*"]);
  return Token.asList(Fn.conditionIf(condition.logicalId, value, [own]));
}
