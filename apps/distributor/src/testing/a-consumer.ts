import { createHash } from "node:crypto";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { type AwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { SOURCE } from "./source.ts";

/** A consumer that fetches announced files and sends receipts. */
export interface Consumer {
  readonly account: string;
  readonly region: string;
  /** By key. */
  readonly stored: ReadonlyMap<string, string>;
  register(): Promise<void>;
}

/** The way of messages from the distributor to a consumer, and back. */
export interface Channels {
  /** The work of consumers in progress. */
  readonly work: Set<Promise<void>>;
  readonly sim: AwsSim;
  readonly topicArn: string;
  readonly busArn: string;
  /** Requests a presigned URL. */
  fetch(url: string): Promise<Response>;
}

/** Subscribes a consumer to the topic. */
export function addConsumer(channels: Channels, account: string, region: string): Consumer {
  const { sim, topicArn, busArn } = channels;
  const credentials = sim.iam.addUser({ account, name: `consumer-${region}` });
  const client = new EventBridgeClient({ region: SOURCE.region, credentials });
  client.middlewareStack.use(createSimPlugin(sim) as never);
  const stored = new Map<string, string>();
  const bucket = `artifacts-${account}-${region}`;

  async function send(DetailType: string, detail: object): Promise<void> {
    const Detail = JSON.stringify({ v: 1, account, region, bucket, ...detail });
    const entry = { Source: "stackyard.consumer", DetailType, Detail, EventBusName: busArn };
    await client.send(new PutEventsCommand({ Entries: [entry] }));
  }

  async function receive(text: string): Promise<void> {
    const { ArtifactKey: key, ArtifactUrl: url, artifact } = JSON.parse(text);
    const at = new Date().toISOString();
    const of = { name: artifact.name, version: artifact.version ?? null, key: key ?? null };
    if (url === undefined) {
      const answer = { status: "present", code: "PROBE", verified: false, sourceSha256: null, storedSha256: null };
      return send("artifact.receipt", { artifact: of, ...answer, at });
    }
    const body = await fetchFile(channels, url);
    const sha256 = createHash("sha256").update(body).digest("hex");
    if (sha256 === artifact.sha256) stored.set(key, body);
    const answer = { status: "stored", code: null, verified: true, sourceSha256: sha256, storedSha256: sha256 };
    return send("artifact.receipt", { artifact: of, ...answer, at });
  }

  async function work(text: string): Promise<void> {
    const done = receive(text);
    channels.work.add(done);
    await done.finally(() => channels.work.delete(done));
  }

  sim.sns.subscribe(topicArn, {
    filterPolicy: { account: ["ALL", account], region: ["ALL", region] },
    deliver: ({ body }) => void work(body),
  });
  return { account, region, stored, register: () => send("consumer.registered", { capabilities: ["v2", "sha256"] }) };
}

/** Fetches a file, and again while the role that has signed its URL is new, as consumers do. */
async function fetchFile(channels: Channels, url: string): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const answer = await channels.fetch(url);
    if (answer.ok || tries === 1_000) return answer.text();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
