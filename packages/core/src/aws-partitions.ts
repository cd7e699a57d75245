/** A partition of AWS: regions with identities, host names and consoles of their own. */
export interface AwsPartition {
  /** As in ARNs. */
  readonly name: string;
  /** Its regions. */
  readonly regions: RegExp;
  /** The end of the host names of its services. */
  readonly dnsSuffix: string;
  /** The domain of its consoles; missing where it is not known. */
  readonly consoleDomain?: string;
}

/**
 * The one table of partitions. Sources: the SDK's own table (`partitions.json`: `regionRegex`, `dnsSuffix`), and "AWS
 * partitions", General Reference, for the consoles.
 */
const COMMERCIAL: AwsPartition = {
  name: "aws",
  regions: /^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/,
  dnsSuffix: "amazonaws.com",
  consoleDomain: "console.aws.amazon.com",
};
const PARTITIONS: readonly AwsPartition[] = [
  COMMERCIAL,
  {
    name: "aws-cn",
    regions: /^cn-\w+-\d+$/,
    dnsSuffix: "amazonaws.com.cn",
    consoleDomain: "console.amazonaws.cn",
  },
  {
    name: "aws-us-gov",
    regions: /^us-gov-\w+-\d+$/,
    dnsSuffix: "amazonaws.com",
    consoleDomain: "console.amazonaws-us-gov.com",
  },
  { name: "aws-eusc", regions: /^eusc-de-\w+-\d+$/, dnsSuffix: "amazonaws.eu" },
  { name: "aws-iso", regions: /^us-iso-\w+-\d+$/, dnsSuffix: "c2s.ic.gov" },
  { name: "aws-iso-b", regions: /^us-isob-\w+-\d+$/, dnsSuffix: "sc2s.sgov.gov" },
  { name: "aws-iso-e", regions: /^eu-isoe-\w+-\d+$/, dnsSuffix: "cloud.adc-e.uk" },
  { name: "aws-iso-f", regions: /^us-isof-\w+-\d+$/, dnsSuffix: "csp.hci.ic.gov" },
];

/** The ends of the services' host names in all partitions, the longest first: one may be the beginning of another. */
export const AWS_DNS_SUFFIXES: readonly string[] = [...new Set(PARTITIONS.map(({ dnsSuffix }) => dnsSuffix))].toSorted(
  (a, b) => b.length - a.length,
);

/** Returns the partition with a name; undefined for an unknown one. */
export function findAwsPartition(name: string): AwsPartition | undefined {
  return PARTITIONS.find((each) => each.name === name);
}

/** Returns the partition of a region; undefined for an unknown region. */
export function findPartition(region: string): string | undefined {
  return PARTITIONS.find(({ regions }) => regions.test(region))?.name;
}

/** Returns the partition of a region; `aws` for an unknown region. */
export function toPartition(region: string): string {
  return findPartition(region) ?? COMMERCIAL.name;
}

/** Returns the end of the host names of a region's services, such as `amazonaws.com`; that of `aws` for an unknown region. */
export function toDnsSuffix(region: string): string {
  return (findAwsPartition(toPartition(region)) ?? COMMERCIAL).dnsSuffix;
}

/** Returns the end of the host names of a partition's services; that of `aws` for an unknown partition. */
export function toDnsSuffixOf(partition: string): string {
  return (findAwsPartition(partition) ?? COMMERCIAL).dnsSuffix;
}
