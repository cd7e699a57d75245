/** An instance profile to make. */
export interface InstanceProfileInput {
  readonly account: string;
  readonly name: string;
  /** Begins and ends with a slash. Default: `/`. */
  readonly path?: string;
  readonly partition?: string;
  /** The name of its role, with the path that `addRole` was given. Default: none. */
  readonly role?: string;
  /** IAM is eventually consistent: until then nobody finds it. */
  readonly visibleAt?: number;
}

/** An instance profile as it is kept. */
export interface InstanceProfile extends InstanceProfileInput {
  readonly path: string;
  readonly arn: string;
  readonly madeAt: number;
}

/** A new one. ARN: IAM guide, "IAM ARNs", with the path before the name. */
export function createInstanceProfile(input: InstanceProfileInput, madeAt: number): InstanceProfile {
  const { account, name, path = "/", partition = "aws" } = input;
  return { ...input, path, madeAt, arn: `arn:${partition}:iam::${account}:instance-profile${path}${name}` };
}
