import { CfnRole } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { type Given, mapGiven, toCfn, toCfnList, toCfnText } from "../given.ts";
import type { Permission } from "../policies/statement.ts";

/** The principal that assumes a role, and its permissions. */
export interface AppRoleProps {
  readonly description: string;
  /** A service, such as `lambda.amazonaws.com`. */
  readonly service: string;
  readonly permissions: readonly Given<Permission>[];
  /** Additional managed policies of the account. */
  readonly managedPolicyArns?: Given<readonly string[]> | undefined;
  readonly permissionsBoundaryArn?: Given<string> | undefined;
}

/** Creates a role. Each permission is an inline policy, so the role and its permissions are one resource. */
export function createAppRole(scope: Construct, id: string, props: AppRoleProps): CfnRole {
  const { description, service, permissions, managedPolicyArns, permissionsBoundaryArn } = props;
  return new CfnRole(scope, id, {
    description,
    assumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
    },
    policies: toRolePolicies(permissions),
    ...(managedPolicyArns === undefined ? {} : { managedPolicyArns: toCfnList(managedPolicyArns) }),
    ...(permissionsBoundaryArn === undefined ? {} : { permissionsBoundary: toCfnText(permissionsBoundaryArn) }),
  });
}

/** Returns one inline policy per permission. */
export function toRolePolicies(permissions: readonly Given<Permission>[]) {
  return permissions.map((permission) => toCfn(mapGiven(permission, toPolicy), (policy) => policy));
}

function toPolicy({ name, statements }: Permission): CfnRole.PolicyProperty {
  const Statement = statements.map((statement) => toCfn(statement, (always) => always));
  return { policyName: name, policyDocument: { Version: "2012-10-17", Statement } };
}
