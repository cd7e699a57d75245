import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { type AwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { ConsumerPlace } from "@stackyard/sdk/artifacts";

/** Returns the clients of a distributor of that place, over simulated services, and its credentials. */
export function openSimClients(sim: AwsSim, { account, region }: ConsumerPlace) {
  const credentials = sim.iam.addUser({ account, name: "distributor" });
  const plugin = createSimPlugin(sim);
  function open<Client>(type: new (config: never) => Client): Client {
    const client = new type({ region, credentials, maxAttempts: 1 } as never);
    (client as { middlewareStack: { use(plugin: unknown): void } }).middlewareStack.use(plugin);
    return client;
  }
  const clients = {
    s3: open(S3Client),
    sns: open(SNSClient),
    events: open(EventBridgeClient),
    states: open(SFNClient),
  };
  return { ...clients, credentials };
}
