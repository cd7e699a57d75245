import { type Given, mapGiven } from "../given.ts";
import { allow, type Permission } from "./statement.ts";
import { withEnding } from "./with-ending.ts";

/** What the executors of a runner may do beyond the yard itself. Whatever Terraform makes needs policies besides. */
export interface ExecutorRights {
  /** Functions that tasks of `lambda` call: ARNs, with `:*` for their versions and aliases. Default: none. */
  readonly functionArns?: Given<readonly string[]>;
  /** Buckets that hold the sources of `terraform`: their ARNs. Default: none. */
  readonly sourceBucketArns?: Given<readonly string[]>;
  /** Roles in targets that the runner takes. Default: none. */
  readonly targetRoleArns?: Given<readonly string[]>;
}

/** Returns the permissions of those rights, one policy each. */
export function toExecutorPermissions(rights: ExecutorRights): readonly Given<Permission>[] {
  const { functionArns, sourceBucketArns, targetRoleArns } = rights;
  return [
    ...(functionArns === undefined ? [] : [mapGiven(functionArns, callFunctions)]),
    ...(sourceBucketArns === undefined ? [] : [mapGiven(sourceBucketArns, readSources)]),
    ...(targetRoleArns === undefined ? [] : [mapGiven(targetRoleArns, takeRoles)]),
  ];
}

function callFunctions(arns: readonly string[]): Permission {
  return { name: "Functions", statements: [allow("Call", ["lambda:InvokeFunction"], arns)] };
}

function readSources(arns: readonly string[]): Permission {
  const statements = [allow("List", ["s3:ListBucket"], arns), allow("Read", ["s3:GetObject"], withEnding(arns, "/*"))];
  return { name: "Sources", statements };
}

function takeRoles(arns: readonly string[]): Permission {
  return { name: "Targets", statements: [allow("TakeRoles", ["sts:AssumeRole", "sts:TagSession"], arns)] };
}
