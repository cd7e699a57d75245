/** An account and a region. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** A consumer of the demo. */
export interface ConsumerPlan extends Place {
  /** How people call it. */
  readonly name: string;
  readonly transfer: "presigned" | "auto";
}

/** A consumer of the first version. */
export type OldPlan = Pick<ConsumerPlan, "name" | "account" | "region">;

/** Where everything is published. */
export const DISTRIBUTOR: Place = { account: "111122223333", region: "eu-west-1" };

/** Who stands from the beginning. One may read the source by its own role; the others are given URLs. */
export const CONSUMERS = {
  frankfurt: { name: "frankfurt", account: "222222222222", region: "eu-central-1", transfer: "presigned" },
  virginia: { name: "virginia", account: "333333333333", region: "us-east-1", transfer: "auto" },
  sydney: { name: "sydney", account: "444444444444", region: "ap-southeast-2", transfer: "presigned" },
} as const satisfies Readonly<Record<string, ConsumerPlan>>;

/** Whose account comes later. */
export const NEWCOMER: ConsumerPlan = {
  name: "saopaulo",
  account: "555555555555",
  region: "sa-east-1",
  transfer: "presigned",
};

/** Whose consumer is one of the first version. */
export const PREDECESSOR: OldPlan = { name: "london", account: "666666666666", region: "eu-west-2" };

/** An account that is not trusted. */
export const STRANGER: Place = { account: "999999999999", region: "eu-west-1" };

/** The source bucket, and the prefix of files that others put there. */
export const SOURCE_BUCKET = "stackyard-artifacts-111122223333-eu-west-1";
export const UPLOAD_PREFIX = "uploads/";

/** Who may have artifacts. */
export const TRUSTED: readonly string[] = [
  ...Object.values(CONSUMERS).map(({ account }) => account),
  ...[NEWCOMER.account, PREDECESSOR.account],
];

/** As stacks of consumers name theirs. */
export function bucketOf({ account, region }: Place): string {
  return `stackyard-artifacts-${account}-${region}`;
}
