import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/** A request of the SDK, as far as the emulator reads it. */
interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A response of the emulator, as the SDK reads it. */
interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

// The emulator requires a signature, and does not check it.
const AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=test";

/**
 * Returns the configuration of a client that calls an emulator in its own process: without sockets and signatures,
 * which are half of the work.
 */
export function createEmulatorHandler(server: Server): DynamoDBClientConfig {
  return {
    requestHandler: {
      handle: async (request: SentRequest, options?: { readonly abortSignal?: Pick<AbortSignal, "aborted"> }) => {
        // As with a socket, other work of the process continues between a call and its response.
        await setImmediate();
        if (options?.abortSignal?.aborted) throw Object.assign(new Error("Request aborted"), { name: "AbortError" });
        return { response: await serve(server, request) };
      },
    },
    signer: {
      sign: async (request) => {
        return { ...request, headers: { ...request.headers, "x-amz-date": "now", authorization: AUTHORIZATION } };
      },
    },
  };
}

function serve(server: Server, { method, path, headers, body }: SentRequest): Promise<Answer> {
  return new Promise((resolve) => {
    const request = Object.assign(new EventEmitter(), { method, url: path, headers });
    const given: Record<string, string> = {};
    const response = {
      statusCode: 200,
      setHeader: (name: string, value: string | number) => {
        given[name.toLowerCase()] = String(value);
      },
      end: (text = "") => resolve({ statusCode: response.statusCode, headers: given, body: Buffer.from(text) }),
    };
    server.emit("request", request, response);
    if (body !== undefined) request.emit("data", toBuffer(body));
    request.emit("end");
  });
}

// The SDK warns about each use of its bytes as a text, which `Buffer.from` tries.
function toBuffer(body: string | Uint8Array): Buffer {
  return typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
