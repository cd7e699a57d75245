import { randomUUID } from "node:crypto";
import { GetBucketPolicyStatusCommand, HeadBucketCommand, PutBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type AwsAccess, createAwsAccess, findAwsFault, loadOwnAccount } from "@stackyard/aws";
import { createS3Records } from "@stackyard/aws/s3";
import { createConsumerResources } from "@stackyard/consumer/function";
import { toPartition } from "@stackyard/core";
import { systemClock } from "@stackyard/core/yard";
import { createSqsTransport } from "@stackyard/transport-sqs";
import type { Kit, Trial } from "./run-kit.ts";

/** Where the AWS kit works. Credentials are those of the SDK. */
export interface AwsKitInput {
  readonly region: string;
  /** Of an emulator. */
  readonly endpoint?: string | undefined;
}

const WAIT_MS = 60_000;
const MISSING_QUEUE = /^(QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)$/;

/** Creates the kit for an account: a bucket as a consumer has it, and a queue. */
export function createAwsKit({ region, endpoint }: AwsKitInput): Kit {
  const emulated = { endpoint, forcePathStyle: true, useQueueUrlAsEndpoint: false };
  const access = createAwsAccess({
    clock: systemClock,
    session: { name: "stackyard-kit" },
    region,
    retriesDenials: false,
    ...(endpoint === undefined ? {} : { clientConfig: emulated }),
  });
  let account = "";
  return {
    name: "kit:aws",
    cost: "less than 0.01 USD, for about 40 requests",
    minutes: 2,
    rights: [
      "on the bucket stackyard-kit-*: s3:CreateBucket, s3:DeleteBucket, s3:ListBucket, s3:ListBucketVersions, s3:GetObject,",
      "  s3:PutObject, s3:DeleteObject, s3:DeleteObjectVersion, s3:Get* and s3:Put* of the bucket's settings",
      "on the queue stackyard-kit-*: sqs:CreateQueue, sqs:DeleteQueue, sqs:SendMessage, sqs:ReceiveMessage, sqs:DeleteMessage,",
      "  sqs:ChangeMessageVisibility",
    ],
    async identify() {
      try {
        account = await loadOwnAccount(access);
      } catch (cause) {
        const { name = "unknown" } = findAwsFault(cause);
        throw new Error(`No AWS account answers to the credentials of this shell (${name}). Set AWS_PROFILE.`, {
          cause,
        });
      }
      return `the AWS account ${account}, ${region}${endpoint === undefined ? "" : ` (${endpoint})`}`;
    },
    play: (trial) => play({ access, region, account }, trial),
  };
}

interface Place {
  readonly access: AwsAccess;
  readonly region: string;
  readonly account: string;
}

async function play(place: Place, trial: Trial): Promise<void> {
  const id = randomUUID().slice(0, 8);
  const bucket = `stackyard-kit-${place.account}-${id}`;
  const s3 = place.access.client(S3Client, undefined);
  const ask = createBucketResource(place, s3, bucket);
  const remove = () => ask("Delete");
  await trial.make({ what: "bucket", id: bucket, remove }, () => ask("Create"));
  await tryPolicies(place, trial, { s3, bucket });
  await tryRecords(trial, s3, bucket);
  await tryQueue(place, trial, `stackyard-kit-${id}`);
}

/** Returns what calls the custom resource of a consumer's stack as CloudFormation does. */
function createBucketResource({ region, account }: Place, s3: S3Client, bucket: string) {
  let answer: { readonly Status?: string; readonly Reason?: string } = {};
  const resources = createConsumerResources({
    account,
    region,
    clock: systemClock,
    bucket: () => ({ s3 }),
    fetch: async (_, init) => {
      answer = JSON.parse(String(init?.body));
      return new Response();
    },
  });
  const StackId = `arn:${toPartition(region)}:cloudformation:${region}:${account}:stack/${bucket}/1`;
  return async (RequestType: "Create" | "Delete"): Promise<void> => {
    const event = {
      RequestType,
      ResponseURL: "https://cloudformation-custom-resource-response.s3.amazonaws.com/kit",
      ResourceType: "Custom::AdoptedBucket",
      ResourceProperties: { BucketName: bucket, EmptyOnDelete: "true" },
      ...{ StackId, RequestId: randomUUID(), LogicalResourceId: "Bucket" },
      ...(RequestType === "Delete" ? { PhysicalResourceId: bucket } : {}),
    };
    await resources.onResource(event, { deadlineAt: Date.now() + WAIT_MS });
    const { Status, Reason = "" } = answer;
    const isRemoved = RequestType === "Delete" && (await isMissing(s3, bucket));
    // A bucket that is kept is also a success for CloudFormation.
    if (!isRemoved && (RequestType === "Delete" || Status !== "SUCCESS")) throw new Error(Reason);
  };
}

async function isMissing(s3: S3Client, Bucket: string): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket }));
    return false;
  } catch (error) {
    return /^(NotFound|NoSuchBucket)$/.test(findAwsFault(error).name ?? "");
  }
}

interface KitBucket {
  readonly s3: S3Client;
  readonly bucket: string;
}

/** An organization's id that does not exist. */
const NO_ORGANIZATION = "o-0000000000";

/**
 * The bucket of a distributor blocks public policies. S3 documents which conditions make a statement not public, and does
 * not name `aws:PrincipalAccount`: whether it is strict is only known from S3 itself.
 */
async function tryPolicies({ region, account }: Place, trial: Trial, { s3, bucket }: KitBucket): Promise<void> {
  const Resource = `arn:${toPartition(region)}:s3:::${bucket}/none/*`;
  const own = { ExpectedBucketOwner: account, Bucket: bucket };
  const allow = { Effect: "Allow", Action: "s3:GetObject", Resource };
  const everyone = (key: string, value: string) => ({
    ...{ ...allow, Principal: { AWS: "*" } },
    Condition: { StringEquals: { [key]: value } },
  });
  const put = async (...Statement: readonly object[]): Promise<boolean> => {
    await s3.send(new PutBucketPolicyCommand({ ...own, Policy: JSON.stringify({ Version: "2012-10-17", Statement }) }));
    const { PolicyStatus } = await s3.send(new GetBucketPolicyStatusCommand(own));
    return PolicyStatus?.IsPublic ?? false;
  };
  await trial.check(
    "S3 block public access: aws:PrincipalAccount as a condition for everyone (open question)",
    async () => {
      try {
        return `accepted, IsPublic is ${await put(everyone("aws:PrincipalAccount", account))}`;
      } catch (error) {
        if (findAwsFault(error).name !== "AccessDenied" || !(error instanceof Error)) throw error;
        return `refused with AccessDenied: ${error.message}`;
      }
    },
  );
  await trial.check("S3 block public access: the policy of a distributor, with accounts as principals", async () => {
    const ofAccounts = { ...allow, Principal: { AWS: [account] } };
    const isPublic = await put(ofAccounts, everyone("aws:PrincipalOrgID", NO_ORGANIZATION));
    if (isPublic) throw new Error("accepted, but S3 calls it public");
    return "accepted, IsPublic is false";
  });
}

async function tryRecords(trial: Trial, client: S3Client, bucket: string): Promise<void> {
  await trial.check("records in S3: of ten concurrent writers of one key, one wins", async () => {
    const records = createS3Records({ client, bucket, clock: systemClock });
    const write = (value: number) => records.put({ key: "lock", value, expected: "absent", now: systemClock.now() });
    const results = await Promise.all(Array.from({ length: 10 }, (_, value) => write(value)));
    const winners = results.filter(({ kind }) => kind === "written").length;
    if (winners !== 1) throw new Error(`${winners} have won`);
    return "1 has won, 9 were refused";
  });
}

async function tryQueue({ access }: Place, trial: Trial, name: string): Promise<void> {
  const sqs = access.client(SQSClient, undefined);
  let url: string | undefined;
  const create = async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    url = QueueUrl;
    return QueueUrl ?? "";
  };
  const remove = async () => {
    // Creating a queue that exists returns its address: the answer may have been lost.
    await sqs.send(new DeleteQueueCommand({ QueueUrl: url ?? (await create()) })).catch((error: unknown) => {
      if (!MISSING_QUEUE.test(findAwsFault(error).name ?? "")) throw error;
    });
  };
  const queueUrl = await trial.make({ what: "queue", id: name, remove }, create);
  await trial.check("transport on SQS: an event that is published is consumed", async () => {
    const transport = createSqsTransport({ sqs, eventQueue: { url: queueUrl }, waitMs: 1_000 });
    const message = { event: "TRIED", stackId: "kit" };
    const event = { id: name, stackId: "kit", origin: "external", message, receivedAt: Date.now() } as const;
    const begun = Date.now();
    await transport.publish([event]);
    const received = Promise.withResolvers<string>();
    const consumer = transport.consumeEvents(
      async (deliveries) => {
        for (const delivery of deliveries) received.resolve(delivery.event.id);
        return deliveries.map(() => ({ kind: "done" }));
      },
      { batchSize: 1, concurrency: 1 },
    );
    const ended = AbortSignal.any([trial.signal, AbortSignal.timeout(WAIT_MS)]);
    ended.addEventListener("abort", () => received.reject(new Error("it was not received")));
    const seen = await received.promise.finally(() => consumer.stop());
    if (seen !== name) throw new Error(`another event was received: ${seen}`);
    return `received after ${Date.now() - begun} ms`;
  });
}
