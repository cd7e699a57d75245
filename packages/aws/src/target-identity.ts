import { StackyardError, type Target } from "@stackyard/core";
import { findPartition } from "./partition.ts";

/** A target whose every part was checked. */
export interface CheckedTarget {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /** Absent: the runner's own credentials, which must then belong to the account. */
  readonly roleArn?: string;
  readonly externalId?: string;
}

/** What a target takes over that names no role of its own. */
export interface TargetDefaults {
  /** A role's name, with its path where it has one. */
  readonly role?: string;
  readonly externalId?: string;
}

const ACCOUNT = /^\d{12}$/;
// IAM and STS quotas, "IAM name requirements": a role's path and name have 512 characters of this set.
const ROLE_NAME = /^[\w+=,.@-]+(\/[\w+=,.@-]+)*$/;
const ROLE_ARN = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/([\w+=,.@/-]{1,512})$/;
// AssumeRole, "ExternalId": 2 to 1,224 characters.
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;

/**
 * Checks the parts of a target, which documents and messages name, before they become part of an address or a request.
 * Throws `CONFIG_INVALID`.
 */
export function checkTarget(target: Target, defaults: TargetDefaults = {}): CheckedTarget {
  const { account, region, role = defaults.role, externalId = defaults.externalId } = target;
  if (!ACCOUNT.test(account)) throw invalid(target, "An account is a number of 12 digits, in quotes.");
  const partition = findPartition(region);
  if (partition === undefined) throw invalid(target, "There is no such region. Write one like eu-west-1.");
  // "aws" is what a target has that names no partition, so the region tells more.
  if (target.partition !== partition && target.partition !== "aws") {
    throw invalid(target, `The region is in the partition "${partition}", not "${target.partition}".`);
  }
  if (externalId !== undefined && !EXTERNAL_ID.test(externalId)) {
    throw invalid(target, "An external id has 2 to 1,224 letters, digits and _+=,.@:/- characters.");
  }
  const checked = { account, region, partition };
  if (role === undefined) return checked;
  return {
    ...checked,
    roleArn: toRoleArn(target, role, partition),
    ...(externalId === undefined ? {} : { externalId }),
  };
}

function toRoleArn(target: Target, role: string, partition: string): string {
  const [arn, ofPartition, ofAccount] = ROLE_ARN.exec(role) ?? [];
  if (arn === undefined) {
    if (role.length <= 512 && ROLE_NAME.test(role)) return `arn:${partition}:iam::${target.account}:role/${role}`;
    throw invalid(target, `"${role.slice(0, 100)}" is neither a role's name nor its ARN.`);
  }
  if (ofPartition === partition && ofAccount === target.account) return arn;
  throw invalid(target, `The role ${arn} is of another account or partition.`);
}

function invalid({ account, region }: Target, why: string): StackyardError {
  const what = `The target ${JSON.stringify(account.slice(0, 20))} in ${JSON.stringify(region.slice(0, 40))} is not right.`;
  return new StackyardError("CONFIG_INVALID", `${what} ${why}`);
}
