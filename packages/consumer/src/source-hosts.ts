/** The bucket that artifacts come from. */
export interface SourceBucket {
  readonly bucket: string;
  readonly region: string;
  /** `aws` unless said otherwise. */
  readonly partition?: string;
}

/** How the bucket's name stands in a URL. */
export type HostStyle = "virtual" | "path";

/** Of partitions whose hosts end otherwise, as the SDK's own table has them (`partitions.json`, `dnsSuffix`). */
const DOMAINS: ReadonlyMap<string, string> = new Map([
  ["aws-cn", "amazonaws.com.cn"],
  ["aws-eusc", "amazonaws.eu"],
]);

/**
 * Every name under which Amazon S3 serves one bucket, exactly.
 * Source: Amazon S3 user guide, "Virtual hosting of buckets" and "Dual-stack endpoints"; `s3-REGION` is the legacy form.
 */
export function toSourceHosts({ bucket, region, partition = "aws" }: SourceBucket): ReadonlyMap<string, HostStyle> {
  const domain = DOMAINS.get(partition) ?? "amazonaws.com";
  const services = [`s3.${region}`, "s3", `s3-${region}`, `s3.dualstack.${region}`].map((name) => `${name}.${domain}`);
  return new Map<string, HostStyle>([
    ...services.map((service) => [`${bucket}.${service}`, "virtual"] as const),
    ...services.map((service) => [service, "path"] as const),
  ]);
}
