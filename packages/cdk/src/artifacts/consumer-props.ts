import type { Code } from "aws-cdk-lib/aws-lambda";
import type { FunctionSettings } from "../functions/app-function.ts";
import type { Given } from "../given.ts";
import type { Switch } from "./switch.ts";

/** The code of a consumer: two files of `apps/consumer`, or its zip, which has all of it. */
export interface ConsumerCode {
  /** Exports `handler`, which copies. */
  readonly copy: Code;
  /** Exports `initialSet` and `bucket`, the custom resources. Default: the same as `copy`. */
  readonly resources?: Code;
}

/** A distributor, as its outputs tell it. */
export interface DistributorAddress {
  readonly topicArn: string;
  /** Default: the one in the topic's ARN. */
  readonly region?: string;
  /** Where artifacts come from. */
  readonly bucket: string;
  readonly initialSetRoleArn: string;
  readonly initialSetMachineArn: string;
  /** Default: nobody is told what was copied, as with distributors of old. */
  readonly receiptBusArn?: Given<string>;
  /** What the role asks for. */
  readonly externalId?: Given<string>;
  /** The distributor's bucket and role must belong to it. Default: to any. */
  readonly organizationId?: Given<string>;
  /** The customer's key of its bucket. */
  readonly keyArn?: Given<string>;
}

/** What a consumer needs. Memory, network and space are those of the function that copies. */
export interface ArtifactConsumerProps extends FunctionSettings {
  readonly code: ConsumerCode;
  readonly distributor: DistributorAddress;
  /** A bucket that is there, and stays as it is. Default: one by prefix, account and region, which is made or taken over. */
  readonly targetBucket?: Given<string>;
  /** At most 34 characters. Default: `stackyard-artifacts`. */
  readonly bucketPrefix?: string;
  /** The customer's key of the copies. Default: what the bucket has. */
  readonly kmsKeyArn?: Given<string>;
  /** The customer's key of the queues; its policy must let `sns.amazonaws.com` use it. Default: SQS's own. */
  readonly queueKeyArn?: Given<string>;
  /** Larger artifacts are refused. Default: 50 GiB. */
  readonly maxBytes?: number;
  /** `identity`, `presigned` or `auto`. Default: `auto`. */
  readonly transfer?: string;
  /** The function may read the distributor's bucket itself. Default: unless `transfer` is `presigned`. */
  readonly readsSource?: Switch;
  /** What the distributor retires is deleted. Default: no. */
  readonly retire?: Switch;
  /** The bucket is emptied and deleted with the consumer. Default: no, it is kept with all that is in it. */
  readonly emptyOnDelete?: Switch;
  /** The stack waits until the initial set was announced. The distributor must let it. Default: no. */
  readonly waitForInitialSet?: Switch;
  /** Another value sends the initial set again. Default: `1.0`. */
  readonly triggerVersion?: string;
  /** `false`: messages of distributors of old are refused. Default: `true`. */
  readonly acceptV1?: string;
  /** Exact names of hosts besides S3's, by commas. */
  readonly extraHosts?: Given<string>;
  /** `true`: S3's names may resolve to private addresses, as with interface endpoints. Default: `false`. */
  readonly privateEndpoints?: string;
  /** The bucket's name stands there. Default: `/stackyard/consumer/bucket-name`. */
  readonly ssmParameterName?: Given<string>;
  /** `debug`, `info`, `warn` or `error`. Default: `info`. */
  readonly logLevel?: string;
}

/** Names of functions, and settings of all of them. */
export const HANDLERS = { copy: "index.handler", initialSet: "index.initialSet", bucket: "index.bucket" } as const;
