import { type InvokeCommandInput, LambdaClient } from "@aws-sdk/client-lambda";
import { defined } from "@stackyard/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CallDistributor,
  createArtifactsClient,
  createLambdaCall,
  type DistributorRequest,
  parseReply,
} from "../artifacts-client.ts";
import { findArtifactCode } from "../manifest.ts";

const CONSUMER = {
  account: "111122223333",
  region: "eu-west-1",
  bucket: "artifacts",
  generation: "v2",
  capabilities: ["v2"],
  firstSeenAt: "2026-01-01T00:00:00Z",
  lastReceiptAt: null,
  registered: true,
  distrustedAt: null,
  unsubscribedAt: null,
};

/** A function that answers with this payload, or fails so; and what it was asked. */
function aFunction(answer: { readonly payload?: unknown; readonly error?: Error; readonly functionError?: string }) {
  const asked: unknown[] = [];
  const client = new LambdaClient({ region: "eu-west-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } });
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        const { FunctionName, Payload } = input as InvokeCommandInput;
        asked.push([FunctionName, JSON.parse(Buffer.from(Payload as Uint8Array).toString())]);
        if (answer.error !== undefined) throw answer.error;
        const Payload_ = Buffer.from(
          typeof answer.payload === "string" ? answer.payload : JSON.stringify(answer.payload),
        );
        const error = defined({ FunctionError: answer.functionError });
        return { response: {}, output: { $metadata: {}, StatusCode: 200, Payload: Payload_, ...error } as never };
      },
    { step: "initialize" },
  );
  return { call: createLambdaCall({ client, functionName: "distributor" }), asked };
}

const awsError = (name: string, httpStatusCode: number) =>
  Object.assign(new Error("no"), { name, $metadata: { httpStatusCode } });

const consumers: DistributorRequest = { op: "consumers" };

describe("a distributor that is a function", () => {
  it("sends the request as the payload and returns the answer", async () => {
    const { call, asked } = aFunction({ payload: { kind: "answer", answer: { items: [CONSUMER] } } });

    expect(await call(consumers)).toEqual({ items: [CONSUMER] });
    expect(asked).toEqual([["distributor", { op: "consumers" }]]);
  });

  it.each([
    ["its own word", { payload: { kind: "error", code: "ARTIFACT_UNKNOWN", message: "No." } }, "ARTIFACT_UNKNOWN"],
    ["a code of all errors", { payload: { kind: "error", code: "NOT_FOUND", message: "No." } }, "NOT_FOUND"],
    ["a failure", { payload: { errorType: "Error", errorMessage: "x" }, functionError: "Unhandled" }, "SERVER_ERROR"],
    ["no JSON", { payload: "<html>" }, "SERVER_ERROR"],
    ["nothing", { payload: null }, "SERVER_ERROR"],
    ["the answer of something else", { payload: { statusCode: 200 } }, "SERVER_ERROR"],
    ["an answer of another form", { payload: { kind: "answer", answer: { items: [{}] } } }, "SERVER_ERROR"],
    ["throttling", { error: awsError("TooManyRequestsException", 429) }, "RATE_LIMITED"],
    ["a refusal", { error: awsError("AccessDeniedException", 403) }, "FORBIDDEN"],
    ["no function", { error: awsError("ResourceNotFoundException", 404) }, "CONFIG_INVALID"],
    ["no network", { error: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) }, "UNREACHABLE"],
    ["an end of the wait", { error: Object.assign(new Error("x"), { name: "AbortError" }) }, "INTERRUPTED"],
  ])("throws by a code for %s", async (_what, answer, code) => {
    const error: unknown = await aFunction(answer)
      .call(consumers)
      .catch((thrown: unknown) => thrown);

    expect(findArtifactCode(error)).toBe(code);
  });

  it.each([
    ["is not waited for without end", undefined, "UNREACHABLE"],
    ["may be given up before", 10, "INTERRUPTED"],
  ])("that never answers %s", async (_what, stopAfterMs, code) => {
    const client = new LambdaClient({ region: "eu-west-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } });
    client.send = ((_command: unknown, { abortSignal }: { readonly abortSignal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        abortSignal.addEventListener("abort", () => reject(Object.assign(new Error("x"), { name: "AbortError" })));
      })) as never;
    const timeoutMs = stopAfterMs === undefined ? 10 : 60_000;
    const call = createLambdaCall({ client, functionName: "distributor", timeoutMs });
    const stop = stopAfterMs === undefined ? undefined : { signal: AbortSignal.timeout(stopAfterMs) };

    await expect(call(consumers, stop)).rejects.toMatchObject({ code });
  });

  it.each([[{ commit: 7 }], [{ "a\nb": "x" }], [{ "a\nb": 7 }], [{ "": "x" }], ["x"]])(
    "refuses labels like %j",
    (labels) => {
      const facts = { name: "a", version: "1", manifestSha256: "", publishedAt: "", files: 1, bytes: 1 };
      const item = { ...facts, labels, retired: false, covered: true };

      expect(() => parseReply("list", { kind: "answer", answer: { items: [item] } })).toThrow("labels");
    },
  );

  it("throws only errors of ours, whatever it answers", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("list", "show", "coverage", "compare"), (value, op) => {
        try {
          parseReply(op as "list", value);
        } catch (error) {
          expect(findArtifactCode(error)).toBe("SERVER_ERROR");
        }
      }),
    );
  });
});

async function readAll<Entry>(list: AsyncIterable<Entry>): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of list) entries.push(entry);
  return entries;
}

/** A distributor that answers with these pages, one after the other. */
function pages(...given: readonly object[]): { call: CallDistributor; asked: DistributorRequest[] } {
  const asked: DistributorRequest[] = [];
  const call = async (request: DistributorRequest) => given[asked.push(request) - 1];
  return { call: call as CallDistributor, asked };
}

describe("a client of a distributor", () => {
  it("reads lists over all pages", async () => {
    const { call, asked } = pages({ items: ["a", "b"], cursor: "1" }, { items: [], cursor: "2" }, { items: ["c"] });

    const found = await readAll(createArtifactsClient({ call }).list({ name: "billing-api" }));

    expect(found).toEqual(["a", "b", "c"]);
    expect(asked).toEqual([
      { op: "list", name: "billing-api" },
      { op: "list", name: "billing-api", cursor: "1" },
      { op: "list", name: "billing-api", cursor: "2" },
    ]);
  });

  it("does not go round in circles", async () => {
    const { call } = pages({ rows: [], cursor: "1" }, { rows: [], cursor: "1" });

    await expect(readAll(createArtifactsClient({ call }).coverage())).rejects.toMatchObject({
      code: "SERVER_ERROR",
    });
  });

  it("sends every other request once", async () => {
    const { call, asked } = pages({}, {}, {}, {}, {}, {}, { items: [] });
    const client = createArtifactsClient({ call });
    const at = { account: "111122223333", region: "eu-west-1" };
    const artifact = { name: "a", version: "1" };

    await client.show(artifact);
    await client.replay({ ...at, since: "2026-01-01T00:00:00Z" });
    await client.refresh(artifact);
    await client.retire(artifact);
    await client.consumer(at);
    await client.compare({ ...at, ...artifact, bucket: "b", seen: [] });
    await readAll(client.consumers());

    expect(asked).toEqual([
      { op: "show", ...artifact },
      { op: "replay", ...at, since: "2026-01-01T00:00:00Z" },
      { op: "refresh", ...artifact },
      { op: "retire", ...artifact },
      { op: "consumer", ...at },
      { op: "compare", ...at, ...artifact, bucket: "b", seen: [] },
      { op: "consumers" },
    ]);
  });
});
