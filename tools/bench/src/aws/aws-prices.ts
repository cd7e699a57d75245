/** The AWS price of one unit, in US dollars. */
export interface AwsPrice {
  readonly unit: string;
  readonly perMillion: number;
  readonly source: string;
}

/**
 * Of US East (N. Virginia), on demand, without free tiers, as known in November 2026 from what is quoted of these pages; the
 * benchmark does not ask AWS. DynamoDB's are those since 1 November 2024.
 */
export const AWS_PRICES = {
  queue: { unit: "SQS request, standard queue", perMillion: 0.4, source: "aws.amazon.com/sqs/pricing" },
  fifoQueue: { unit: "SQS request, FIFO queue", perMillion: 0.5, source: "aws.amazon.com/sqs/pricing" },
  write: {
    unit: "DynamoDB write request unit",
    perMillion: 0.625,
    source: "aws.amazon.com/dynamodb/pricing/on-demand",
  },
  read: { unit: "DynamoDB read request unit", perMillion: 0.125, source: "aws.amazon.com/dynamodb/pricing/on-demand" },
  invocation: { unit: "Lambda request", perMillion: 0.2, source: "aws.amazon.com/lambda/pricing" },
  gbSecond: { unit: "Lambda GB-second, arm64", perMillion: 13.3334, source: "aws.amazon.com/lambda/pricing" },
  get: { unit: "S3 GET", perMillion: 0.4, source: "aws.amazon.com/s3/pricing" },
  list: { unit: "S3 LIST", perMillion: 5, source: "aws.amazon.com/s3/pricing" },
} as const satisfies Record<string, AwsPrice>;

/** How many of each were used. */
export type AwsUse = Readonly<Record<keyof typeof AWS_PRICES, number>>;

/** Nothing. */
export const NO_USE: AwsUse = {
  queue: 0,
  fifoQueue: 0,
  write: 0,
  read: 0,
  invocation: 0,
  gbSecond: 0,
  get: 0,
  list: 0,
};

/** What that comes to, in US dollars. */
export function toDollars(use: AwsUse): number {
  return Object.entries(AWS_PRICES).reduce((sum, [name, { perMillion }]) => {
    const count = Object.entries(use).find(([used]) => used === name)?.[1] ?? 0;
    return sum + (count * perMillion) / 1_000_000;
  }, 0);
}

/** The same for so many times as much. */
export function scaleUse(use: AwsUse, factor: number): AwsUse {
  return { ...NO_USE, ...Object.fromEntries(Object.entries(use).map(([name, count]) => [name, count * factor])) };
}
