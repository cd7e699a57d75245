import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { Call } from "./find-grants.ts";
import { ACCOUNT, REGION, toJson } from "./resolve-template.ts";

/** A server in front of an emulator that records calls. */
export interface Recorder {
  readonly endpoint: string;
  readonly calls: readonly Call[];
  stop(): Promise<void>;
}

/** Starts one on a loopback port; it hands everything on to the target. */
export async function startRecorder(target: string): Promise<Recorder> {
  const calls: Call[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const body = await readAll(incoming);
    calls.push(toCall(incoming, body));
    const { method, headers, url = "/" } = incoming;
    const forwarded = request(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    forwarded.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has an address of that kind.
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Converts a request to a call in a policy. The action of a batch is that of the single call. */
function toCall(incoming: IncomingMessage, body: Buffer): Call {
  const [service = "", operation = ""] = String(incoming.headers["x-amz-target"] ?? "").split(".");
  if (service === "") return toS3Call(incoming);
  const { QueueUrl, TableName, IndexName } = toJson(JSON.parse(body.toString("utf8")));
  if (service.startsWith("AmazonSQS")) {
    const name = String(QueueUrl).split("/").at(-1);
    return { action: `sqs:${operation.replace(/Batch$/, "")}`, resource: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}` };
  }
  const index = IndexName === undefined ? "" : `/index/${IndexName}`;
  const resource = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${TableName}${index}`;
  return { action: `dynamodb:${operation}`, resource };
}

function toS3Call({ method = "GET", url = "/" }: IncomingMessage): Call {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const [, bucket = "", ...key] = pathname.split("/");
  const prefix = searchParams.get("prefix");
  if (key.join("/") === "") {
    const context = prefix === null ? {} : { "s3:prefix": prefix };
    return { action: "s3:ListBucket", resource: `arn:aws:s3:::${bucket}`, context };
  }
  return {
    action: method === "GET" ? "s3:GetObject" : "s3:PutObject",
    resource: `arn:aws:s3:::${bucket}/${key.join("/")}`,
  };
}
