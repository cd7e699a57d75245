import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { AwsSim, SimCredentials } from "@stackyard/aws-sim";
import { DISTRIBUTOR, type Place } from "./places.ts";

/** The AWS clients of a part of the demo. */
export interface Clients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
  /** In the distributor's region, where the topic, the source and the bus of receipts are. */
  readonly home: {
    readonly s3: S3Client;
    readonly sns: SNSClient;
    readonly events: EventBridgeClient;
    readonly states: SFNClient;
  };
  readonly credentials: SimCredentials;
}

/** Clients of a user of that account. */
export function createClients(sim: AwsSim, url: string, { account, region }: Place): Clients {
  const credentials = sim.iam.addUser({ account, name: "demo" });
  const own = { endpoint: url, region, credentials, logger: SILENT };
  const home = { ...own, region: DISTRIBUTOR.region };
  return {
    s3: new S3Client({ ...own, forcePathStyle: true }),
    sqs: new SQSClient(own),
    sns: new SNSClient(own),
    home: {
      s3: new S3Client({ ...home, forcePathStyle: true }),
      sns: new SNSClient(home),
      events: new EventBridgeClient(home),
      states: new SFNClient(home),
    },
    credentials,
  };
}

/** Closes their connections. */
export function closeClients({ s3, sqs, sns, home }: Clients): void {
  for (const client of [s3, sqs, sns, home.s3, home.sns, home.events, home.states]) client.destroy();
}

/** Else the SDK writes on standard error that an upload cannot be tried again of which the stream has ended. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
