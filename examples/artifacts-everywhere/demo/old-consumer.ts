import { get } from "node:http";
import { buffer } from "node:stream/consumers";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createLambdaHost } from "@stackyard/lambda-host";
import { type ConsumerSideInput, createTriggerClient, subscribeQueue } from "./consumer-side.ts";
import { bucketOf, type OldPlan } from "./places.ts";

/** A consumer of the first version: reads two fields, fetches the whole object, and sends no receipt. */
export interface OldConsumer {
  readonly plan: OldPlan;
  readonly bucket: string;
  idle(): Promise<void>;
  stop(): void;
  /** Messages that it could not read: each would block its queue. */
  readonly unreadable: readonly string[];
}

/** Installs one, which requests the initial set like the first version. */
export async function installOldConsumer(plan: OldPlan, input: ConsumerSideInput): Promise<OldConsumer> {
  const { sim, clock, wire, clients, distributor } = input;
  const bucket = bucketOf(plan);
  sim.s3.createBucket({ account: plan.account, region: plan.region, name: bucket });
  const queueUrl = await subscribeQueue(plan, input);
  const unreadable: string[] = [];
  const host = createLambdaHost({ sqs: clients.sqs, clock, countMessages: wire.countMessages });
  const copy = async (event: unknown): Promise<void> => {
    for (const { body } of Object(event).Records) {
      const { ArtifactKey: Key, ArtifactUrl: address } = JSON.parse(body);
      if (typeof Key !== "string" || typeof address !== "string") unreadable.push(String(body));
      else
        await clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: await download(wire.url, address) }));
    }
  };
  host.addFunction({ name: "copy", environment: {}, timeoutMs: 300_000, create: () => copy });
  await host.connect({ queueUrl, functionName: "copy", maximumConcurrency: 2, reportsFailures: false });
  const states = createTriggerClient({ url: wire.url, clients, roleArn: distributor.triggerRoleArn });
  const asked = JSON.stringify({ AccountId: plan.account, Region: plan.region });
  await states.send(new StartExecutionCommand({ stateMachineArn: distributor.machineArn, input: asked }));
  states.destroy();
  return { plan, bucket, unreadable, idle: () => host.idle(), stop: () => host.stop() };
}

/** Downloads through the front door, which reads the bucket from the host name. */
function download(door: string, address: string): Promise<Buffer> {
  const { host, pathname, search } = new URL(address);
  return new Promise((resolve, reject) => {
    const asked = get(`${door}${pathname}${search}`, { headers: { host } }, (answer) => {
      buffer(answer).then(resolve, reject);
    });
    asked.on("error", reject);
  });
}
