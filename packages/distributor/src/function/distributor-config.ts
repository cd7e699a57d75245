/** What a distributor knows of itself. */
export interface DistributorConfig {
  /** Of the distributor. */
  readonly account: string;
  readonly region: string;
  /** The source bucket. */
  readonly bucket: string;
  /** Where published artifacts lie: empty, or it ends with a slash. */
  readonly prefix: string;
  /** Where others put files that become artifacts. Default: nowhere. */
  readonly uploadPrefix?: string;
  /** ARN. */
  readonly topicArn: string;
  readonly trustedAccounts: readonly string[];
  readonly organizationId?: string;
  /** ARN of the state machine of initial sets. Without it there are none, and no replays. */
  readonly machineArn?: string;
  /** How consumers get at files. Default: `auto`. */
  readonly transfer?: "identity" | "presigned" | "auto";
  /** Life of a presigned URL. Default: 3,600. */
  readonly urlSeconds?: number;
  /** URLs name the bucket in their path, as emulators want it. Default: only where its name has dots. */
  readonly pathStyleUrls?: boolean;
  /** After which a consumer that says nothing is asked again. Default: 900. */
  readonly overdueSeconds?: number;
  /** Versions are removed from the source when they are older and need not be kept. Default: never. */
  readonly keepDays?: number;
}
