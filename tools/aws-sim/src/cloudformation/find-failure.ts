import type { CloudFormationState } from "./cloudformation-state.ts";
import { findCustomName, type ResourceChange } from "./find-changes.ts";
import type { Phase } from "./run-operation.ts";

/**
 * Why a resource cannot be made, changed or deleted: a test said so, its name is taken (user guide, "Name type": names are
 * unique in an account and region), or a function's code is not in its bucket (Lambda API reference, "FunctionCode").
 */
export function findFailure(state: CloudFormationState, change: ResourceChange, phase: Phase): string | undefined {
  const { logicalId, resource, action, isReplaced } = change;
  const at = state.failures.findIndex((each) => each.logicalId === logicalId && (each.phase ?? "do") === phase);
  const [planned] = at < 0 ? [] : state.failures.splice(at, 1);
  if (planned !== undefined) return planned.reason;
  if (phase !== "do") return undefined;
  const name = action === "Add" || isReplaced ? findCustomName(resource) : undefined;
  if (name !== undefined && state.takenNames.has(`${resource.type} ${name}`)) {
    const why = `Resource of type '${resource.type}' with identifier '${name}' already exists.`;
    return `Resource handler returned message: "${why}" (RequestToken: 0, HandlerErrorCode: AlreadyExists)`;
  }
  return resource.type === "AWS::Lambda::Function" ? findCodeFailure(state, resource.properties["Code"]) : undefined;
}

function findCodeFailure({ findObject }: CloudFormationState, code: unknown): string | undefined {
  const { S3Bucket: bucket, S3Key: key, S3ObjectVersion: version } = Object(code);
  if (typeof bucket !== "string" || typeof key !== "string") return undefined;
  if (findObject(bucket, key, typeof version === "string" && version !== "" ? version : undefined) !== undefined)
    return undefined;
  const why =
    "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.";
  return `Resource handler returned message: "${why} (Service: Lambda, Status Code: 400)"`;
}
