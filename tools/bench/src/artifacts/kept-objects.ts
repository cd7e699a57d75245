import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { S3Call } from "./s3-call.ts";

/** Small objects in memory: manifests, and what a consumer keeps of its copies. */
export interface KeptObjects {
  send(call: S3Call, response: ServerResponse): void;
  /** Writes and removes, on the conditions that the request names. */
  take(call: S3Call, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Creates a place for them, empty. */
export function createKeptObjects(): KeptObjects {
  const objects = new Map<string, { readonly body: Buffer; readonly etag: string }>();
  let writes = 0;
  return {
    send({ bucket, key, kind }, response) {
      const found = objects.get(`${bucket}/${key}`);
      if (found === undefined) return refuse(response, 404, "NoSuchKey");
      response.writeHead(200, { ETag: found.etag, "Content-Length": found.body.length });
      response.end(kind === "head" ? undefined : found.body);
    },
    async take({ bucket, key, kind }, request, response) {
      const body = await buffer(request);
      const name = `${bucket}/${key}`;
      const etag = objects.get(name)?.etag;
      const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = request.headers;
      if ((ifMatch !== undefined && ifMatch !== etag) || (ifNoneMatch === "*" && etag !== undefined)) {
        return refuse(response, 412, "PreconditionFailed");
      }
      if (kind === "delete") {
        objects.delete(name);
        return void response.writeHead(204).end();
      }
      if (kind !== "put") return refuse(response, 501, "NotImplemented");
      writes += 1;
      const written = { body, etag: `"${writes}"` };
      objects.set(name, written);
      response.setHeader("ETag", written.etag).end();
    },
  };
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "Content-Type": "application/xml" });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}
