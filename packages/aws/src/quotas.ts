/** A documented rate of calls. Several operations of a row share it. */
export interface Quota {
  /** As the SDK names the client, without `Client`: `STS`, `S3`, `SecretsManager`. */
  readonly service: string;
  readonly operations: readonly string[] | "others";
  readonly perSecond: number;
  /** Calls at once after a pause. Default: those of one second. */
  readonly burst?: number;
  /** A field of the input that has a quota of its own per value, such as `Bucket`. */
  readonly scope?: string;
}

/**
 * Documented quotas per account and region. Where a service documents none, calls are free until it throttles.
 * Sources: "IAM and AWS STS quotas" (reference_iam-quotas, "AWS STS request quotas": all calls that are made with
 * credentials share one); "Optimizing Amazon S3 performance" (at least so many per prefix: several processes and prefixes
 * have more, so the bucket's one is what one process may begin with); "AWS Secrets Manager quotas" (reference_limits);
 * "Lambda quotas" (gettingstarted-limits, "Lambda API requests": invocations are 10 times the concurrency, 1,000 by default).
 */
export const QUOTAS: readonly Quota[] = [
  { service: "STS", operations: "others", perSecond: 600 },
  {
    service: "S3",
    operations: ["GetObject", "HeadObject", "ListObjectsV2", "ListObjectVersions", "HeadBucket"],
    perSecond: 5_500,
    scope: "Bucket",
  },
  { service: "S3", operations: "others", perSecond: 3_500, scope: "Bucket" },
  { service: "SecretsManager", operations: ["DescribeSecret", "GetSecretValue"], perSecond: 10_000 },
  { service: "SecretsManager", operations: ["BatchGetSecretValue"], perSecond: 100 },
  { service: "SecretsManager", operations: ["ListSecrets"], perSecond: 100 },
  { service: "SecretsManager", operations: ["GetRandomPassword"], perSecond: 50 },
  { service: "SecretsManager", operations: "others", perSecond: 50 },
  { service: "Lambda", operations: ["Invoke", "InvokeWithResponseStream"], perSecond: 10_000 },
  { service: "Lambda", operations: ["GetFunction"], perSecond: 100 },
  { service: "Lambda", operations: ["GetPolicy"], perSecond: 15 },
  { service: "Lambda", operations: "others", perSecond: 15 },
];

/** The quota that a call counts against; undefined: none is documented. */
export function findQuota(quotas: readonly Quota[], service: string, operation: string): Quota | undefined {
  const ofService = quotas.filter((quota) => quota.service === service);
  return (
    ofService.find(({ operations }) => operations !== "others" && operations.includes(operation)) ??
    ofService.find(({ operations }) => operations === "others")
  );
}
