import { Aws, Fn } from "aws-cdk-lib";

/** A queue, as functions and policies name it. */
export interface QueueAddress {
  readonly arn: string;
  readonly url: string;
  readonly name: string;
}

/** The address of a queue that another stack has made: everything stands in its ARN. */
export function toQueueAddress(arn: string): QueueAddress {
  const part = (index: number) => Fn.select(index, Fn.split(":", arn));
  const name = part(5);
  return { arn, name, url: `https://sqs.${part(3)}.${Aws.URL_SUFFIX}/${part(4)}/${name}` };
}
