/** An account and a region. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** A consumer of the demo. */
export interface ConsumerPlan extends Place {
  /** Its display name. */
  readonly name: string;
  readonly transfer: "presigned" | "auto";
}

/** The plan of a consumer of the first version. */
export type OldPlan = Pick<ConsumerPlan, "name" | "account" | "region">;

/** The account and region of the distributor. */
export const DISTRIBUTOR: Place = { account: "111122223333", region: "eu-west-1" };

/** The initial consumers. One may read the source with its own role; the others get URLs. */
export const CONSUMERS = {
  frankfurt: { name: "frankfurt", account: "222222222222", region: "eu-central-1", transfer: "presigned" },
  virginia: { name: "virginia", account: "333333333333", region: "us-east-1", transfer: "auto" },
  sydney: { name: "sydney", account: "444444444444", region: "ap-southeast-2", transfer: "presigned" },
} as const satisfies Readonly<Record<string, ConsumerPlan>>;

/** The consumer of an account that is added later. */
export const NEWCOMER: ConsumerPlan = {
  name: "saopaulo",
  account: "555555555555",
  region: "sa-east-1",
  transfer: "presigned",
};

/** A consumer of the first version, in its own account. */
export const PREDECESSOR: OldPlan = { name: "london", account: "666666666666", region: "eu-west-2" };

/** An account that is not trusted. */
export const STRANGER: Place = { account: "999999999999", region: "eu-west-1" };

/** The source bucket, and the prefix of files without a manifest. */
export const SOURCE_BUCKET = "stackyard-artifacts-111122223333-eu-west-1";
export const UPLOAD_PREFIX = "uploads/";

/** The trusted accounts. */
export const TRUSTED: readonly string[] = [
  ...Object.values(CONSUMERS).map(({ account }) => account),
  ...[NEWCOMER.account, PREDECESSOR.account],
];

/** Returns the bucket's name, as in consumers' stacks. */
export function bucketOf({ account, region }: Place): string {
  return `stackyard-artifacts-${account}-${region}`;
}
