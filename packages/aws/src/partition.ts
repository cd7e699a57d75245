/** Regions by the partition that they belong to, as the SDK's own table has them (`partitions.json`, `regionRegex`). */
const PARTITIONS: readonly (readonly [partition: string, region: RegExp])[] = [
  ["aws", /^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/],
  ["aws-cn", /^cn-\w+-\d+$/],
  ["aws-us-gov", /^us-gov-\w+-\d+$/],
  ["aws-eusc", /^eusc-de-\w+-\d+$/],
  ["aws-iso", /^us-iso-\w+-\d+$/],
  ["aws-iso-b", /^us-isob-\w+-\d+$/],
  ["aws-iso-e", /^eu-isoe-\w+-\d+$/],
  ["aws-iso-f", /^us-isof-\w+-\d+$/],
];

/** The partition of a region; undefined for text that is no region that is known. */
export function findPartition(region: string): string | undefined {
  return PARTITIONS.find(([, pattern]) => pattern.test(region))?.[0];
}
