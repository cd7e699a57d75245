import type { InvokeCommandOutput, LambdaClient } from "@aws-sdk/client-lambda";
import { cutText, isStackyardError, listPages, type PageStart, StackyardError } from "@stackyard/core";
import { type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { toArtifactError, toSdkError } from "./manifest.ts";

/** A request without its `op` and cursor. */
type Query<Op extends DistributorRequest["op"]> = Omit<Extract<DistributorRequest, { op: Op }>, "op" | "cursor">;

/** The operations of a distributor. Lists are loaded page by page while they are read. */
export interface ArtifactsClient {
  list(query?: Query<"list">): AsyncIterable<ArtifactSummary>;
  show(query: Query<"show">): Promise<DistributorAnswers["show"]>;
  coverage(query?: Query<"coverage">): AsyncIterable<CoverageRow>;
  /** Announces everything again to a consumer that should have it. */
  replay(query: Query<"replay">): Promise<DistributorAnswers["replay"]>;
  /** Announces one version again, with fresh URLs. */
  refresh(query: Query<"refresh">): Promise<DistributorAnswers["refresh"]>;
  /** Marks a version as no longer expected anywhere. */
  retire(query: Query<"retire">): Promise<DistributorAnswers["retire"]>;
  consumers(query?: Query<"consumers">): AsyncIterable<ConsumerView>;
  consumer(place: ConsumerPlace): Promise<DistributorAnswers["consumer"]>;
  /** Records what was observed in a consumer's bucket. */
  compare(query: Query<"compare">): Promise<DistributorAnswers["compare"]>;
}

/** Creates a client of the distributor that `call` invokes. Its calls throw the errors of `call`. */
export function createArtifactsClient({ call }: { readonly call: CallDistributor }): ArtifactsClient {
  return {
    async *list(query) {
      for await (const { items } of readPages((start) => call({ op: "list", ...query, ...start }))) yield* items;
    },
    async *coverage(query) {
      for await (const { rows } of readPages((start) => call({ op: "coverage", ...query, ...start }))) yield* rows;
    },
    async *consumers(query) {
      for await (const { items } of readPages((start) => call({ op: "consumers", ...query, ...start }))) yield* items;
    },
    show: (query) => call({ op: "show", ...query }),
    replay: (query) => call({ op: "replay", ...query }),
    refresh: (query) => call({ op: "refresh", ...query }),
    retire: (query) => call({ op: "retire", ...query }),
    consumer: (place) => call({ op: "consumer", ...place }),
    compare: (query) => call({ op: "compare", ...query }),
  };
}

async function* readPages<Page extends { readonly cursor?: string }>(load: (start: PageStart) => Promise<Page>) {
  const seen = new Set<string>();
  for await (const page of listPages(load)) {
    yield page;
    const { cursor = "" } = page;
    if (seen.has(cursor)) throw toArtifactError("SERVER_ERROR", "The distributor returned the same page twice.");
    seen.add(cursor);
  }
}

/** A distributor that is a function of Lambda. */
interface LambdaCallOptions {
  readonly client: LambdaClient;
  /** Name or ARN. */
  readonly functionName: string;
  readonly signal?: AbortSignal | undefined;
  /** The time limit of an answer, in milliseconds. Default: two minutes. */
  readonly timeoutMs?: number;
}

/** Requests are answered within seconds; by then the connection is lost, or the function hangs. */
const TIMEOUT_MS = 120_000;

/**
 * Creates a call that invokes a distributor's function. It throws the distributor's errors by their code,
 * `RATE_LIMITED`, `FORBIDDEN`, `CONFIG_INVALID` when the function does not exist, `SERVER_ERROR` when it failed,
 * `UNREACHABLE` (also when it does not answer in time), `INTERRUPTED`.
 */
export function createLambdaCall(options: LambdaCallOptions): CallDistributor {
  const { functionName, timeoutMs = TIMEOUT_MS } = options;
  return async (request, { signal } = {}) => {
    const late = AbortSignal.timeout(timeoutMs);
    const signals = [options.signal, signal, late].filter((each) => each !== undefined);
    const invoked = invoke({ ...options, signal: AbortSignal.any(signals) }, request).catch((error: unknown) => {
      const wasStopped = options.signal?.aborted === true || signal?.aborted === true;
      throw late.aborted && !wasStopped ? toSilent(functionName, timeoutMs, error) : error;
    });
    return parseReply(request.op, await invoked);
  };
}

async function invoke(
  {
    client,
    functionName,
    signal,
  }: Pick<LambdaCallOptions, "client" | "functionName"> & { readonly signal: AbortSignal },
  request: DistributorRequest,
): Promise<unknown> {
  const { InvokeCommand } = await import("@aws-sdk/client-lambda");
  const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(request)) });
  const output = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
    throw toInvokeError(error, functionName);
  });
  const value = parsePayload(output);
  if (output.FunctionError === undefined) return value;
  const { errorType = "Error", errorMessage = "" } = toFailure(value);
  const message = cutText(`The distributor "${functionName}" failed: ${errorType}: ${errorMessage}`, 1_000);
  throw toArtifactError("SERVER_ERROR", message, { hint: "Check its log, or repeat the request." });
}

function toSilent(functionName: string, timeoutMs: number, cause: unknown): StackyardError {
  const hint = "Check its log, or repeat the request.";
  const message = `The distributor "${functionName}" has not answered for ${timeoutMs / 1_000} s.`;
  return new StackyardError("UNREACHABLE", message, { cause, details: { hint } });
}

function toInvokeError(error: unknown, functionName: string): StackyardError {
  const made = toSdkError(error, `The distributor "${functionName}" could not be called.`);
  const hint = isStackyardError(error) ? undefined : HINTS[made.code];
  if (hint === undefined) return made;
  return new StackyardError(made.code, made.message, { cause: error, details: { ...made.details, hint } });
}

const HINTS: Readonly<Record<string, string>> = {
  CONFIG_INVALID: "Check the function's name or ARN, its account and its region.",
  FORBIDDEN: "Allow lambda:InvokeFunction on it to the role that was used.",
  UNAUTHENTICATED: "Use valid credentials, and check the machine's clock.",
  RATE_LIMITED: "Wait a little and try again.",
  UNREACHABLE: "Check the region and the network.",
};

function parsePayload({ Payload }: InvokeCommandOutput): unknown {
  try {
    return JSON.parse(Buffer.from(Payload ?? []).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Parses Lambda's report of an error that a function threw (Lambda developer guide, "Node.js function errors"). */
function toFailure(value: unknown): { readonly errorType?: string; readonly errorMessage?: string } {
  if (typeof value !== "object" || value === null) return {};
  const [errorType, errorMessage] = [Reflect.get(value, "errorType"), Reflect.get(value, "errorMessage")];
  return {
    ...(typeof errorType === "string" ? { errorType } : {}),
    ...(typeof errorMessage === "string" ? { errorMessage } : {}),
  };
}

const text = Type.String({ maxLength: 2_048 });
const nullableText = Type.Union([text, Type.Null()]);
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const cursor = Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 }));
const place = { account: Type.String({ maxLength: 64 }), region: Type.String({ maxLength: 64 }) };
const MAX_ITEMS = 10_000;

const cellFacts = {
  ...place,
  status: Type.Enum(["expected", "announced", "stored", "present", "failed", "rejected", "overdue"]),
  code: nullableText,
  files: count,
  filesDone: count,
  announcements: count,
  verified: Type.Boolean(),
  at: text,
};
const Cells = Type.Array(Type.Object(cellFacts), { maxItems: MAX_ITEMS });

const refusal = Type.Optional(Type.Object({ key: text, code: text, reason: text, at: text, retryUntil: nullableText }));
const summaryFacts = {
  name: text,
  version: text,
  manifestSha256: nullableText,
  publishedAt: nullableText,
  refusal,
  files: count,
  bytes: count,
  // Keys that match no pattern would be accepted with any value.
  labels: Type.Record(Type.String({ pattern: "^[^\\u0000-\\u001f]{1,256}$" }), text, { additionalProperties: false }),
  retired: Type.Boolean(),
  covered: Type.Boolean(),
};
const rowFacts = {
  name: text,
  version: text,
  manifestSha256: nullableText,
  publishedAt: nullableText,
  refusal,
  covered: Type.Boolean(),
  silent: Type.Optional(count),
  retired: Type.Boolean(),
  cells: Cells,
};
const consumerFacts = {
  ...place,
  bucket: nullableText,
  generation: Type.Enum(["v1", "v2"]),
  capabilities: Type.Array(text, { maxItems: 100 }),
  firstSeenAt: text,
  lastReceiptAt: nullableText,
  registered: Type.Boolean(),
  distrustedAt: nullableText,
  unsubscribedAt: nullableText,
};
const itemsOf = (item: TSchema) => Type.Object({ items: Type.Array(item, { maxItems: MAX_ITEMS }), cursor });
const named = Type.Object({ ...cellFacts, name: text, version: text });

/** More members than these may come from a newer distributor; they pass. */
const ANSWERS: Readonly<Record<keyof DistributorAnswers, TSchema>> = {
  list: itemsOf(Type.Object(summaryFacts)),
  show: Type.Object({ ...summaryFacts, manifest: Type.Unknown(), cells: Cells }),
  coverage: Type.Object({ rows: Type.Array(Type.Object(rowFacts), { maxItems: MAX_ITEMS }), cursor }),
  replay: Type.Object({ executionArn: text, startedAt: text }),
  refresh: Type.Object({ files: count, messages: count }),
  retire: Type.Object({ retired: Type.Boolean(), messages: count }),
  consumers: itemsOf(Type.Object(consumerFacts)),
  consumer: Type.Object({ ...consumerFacts, cells: Type.Array(named, { maxItems: MAX_ITEMS }) }),
  compare: Type.Object({
    matching: count,
    missing: Type.Array(text, { maxItems: MAX_ITEMS }),
    different: Type.Array(text, { maxItems: MAX_ITEMS }),
  }),
};

const Refusal = Compile(
  Type.Object({
    kind: Type.Literal("error"),
    code: Type.String({ pattern: "^[A-Z][A-Z0-9_]{0,63}$" }),
    message: Type.String({ maxLength: 4_096 }),
  }),
);

const compiled = new Map(
  Object.entries(ANSWERS).map(([op, answer]) => [op, Compile(Type.Object({ kind: Type.Literal("answer"), answer }))]),
);

/**
 * Returns the answer in a reply. Throws the distributor's refusal with its code, and `SERVER_ERROR` for an invalid reply: another
 * function than a distributor's, or one of another generation.
 */
export function parseReply<Op extends DistributorRequest["op"]>(op: Op, value: unknown): DistributorAnswers[Op] {
  if (Refusal.Check(value)) throw toArtifactError(value.code, value.message);
  const schema = compiled.get(op);
  if (schema?.Check(value)) return (value as Extract<DistributorReply<Op>, { kind: "answer" }>).answer;
  const [fault] = schema?.Errors(value) ?? [];
  const where = fault === undefined ? "" : ` ${fault.instancePath || "The reply"} ${fault.message}.`;
  throw toArtifactError("SERVER_ERROR", `The function returned an invalid response to "${op}".${where}`, {
    hint: "Check that it is the function of a distributor, and not older than this program.",
  });
}

/** An account and a region. */
export interface ConsumerPlace {
  readonly account: string;
  readonly region: string;
}

/** The status of one artifact version at one consumer. */
export type CellStatus = "expected" | "announced" | "stored" | "present" | "failed" | "rejected" | "overdue";

/** One artifact version at one consumer. */
export interface CoverageCell extends ConsumerPlace {
  readonly status: CellStatus;
  /** The code of the first file that failed or was refused. */
  readonly code: string | null;
  readonly files: number;
  /** The number of files that have arrived. */
  readonly filesDone: number;
  readonly announcements: number;
  /** True if every digest was compared. */
  readonly verified: boolean;
  /** When the status was reached. ISO 8601. */
  readonly at: string;
}

/** Why the distributor does not publish a manifest or an upload. */
export interface ArtifactRefusal {
  /** The key of the manifest or upload. */
  readonly key: string;
  /** Such as `SOURCE_MISSING` or `MANIFEST_INVALID`. */
  readonly code: string;
  readonly reason: string;
  /** When the distributor looked last. ISO 8601. */
  readonly at: string;
  /** It looks again until then; null: it has given up. */
  readonly retryUntil: string | null;
}

/** One artifact version over all consumers that should have it. */
export interface CoverageRow {
  readonly name: string;
  readonly version: string;
  /** Null for a version that is not published: it has a refusal. */
  readonly manifestSha256: string | null;
  readonly publishedAt: string | null;
  /** True if it has arrived at all expected consumers, and at least one is expected. Those in `silent` are ignored. */
  readonly covered: boolean;
  /** Why the object that was written last is not published. With an earlier published one, that is in the other members. */
  readonly refusal?: ArtifactRefusal;
  /** Expected consumers of the first generation, which cannot report, where it has not been observed. */
  readonly silent?: number;
  readonly retired: boolean;
  readonly cells: readonly CoverageCell[];
}

/** A consumer, as the distributor sees it. */
export interface ConsumerView extends ConsumerPlace {
  readonly bucket: string | null;
  /** `v2` once it has answered in that format; `v1` otherwise. */
  readonly generation: "v1" | "v2";
  readonly capabilities: readonly string[];
  readonly firstSeenAt: string;
  readonly lastReceiptAt: string | null;
  readonly registered: boolean;
  /** Since when its account is not trusted: nothing more is sent to it. Null: it is trusted. */
  readonly distrustedAt: string | null;
  /** Since when the topic has no subscription of it: nothing reaches it. Null: it has one. */
  readonly unsubscribedAt: string | null;
}

/** An artifact version in a list. */
export interface ArtifactSummary {
  readonly name: string;
  readonly version: string;
  /** Null for a version that is not published: it has a refusal. */
  readonly manifestSha256: string | null;
  readonly publishedAt: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly retired: boolean;
  readonly covered: boolean;
  /** Why the object that was written last is not published. */
  readonly refusal?: ArtifactRefusal;
}

/** The state of a file in a consumer's bucket; null when it is missing. */
export interface SeenFile {
  readonly key: string;
  readonly sha256: string | null;
}

/** The requests that the distributor's function answers, in addition to events. */
export type DistributorRequest =
  | { readonly op: "list"; readonly name?: string; readonly cursor?: string; readonly limit?: number }
  | { readonly op: "show"; readonly name: string; readonly version: string }
  /** Versions by name, or one; of one consumer, or all. */
  | {
      readonly op: "coverage";
      readonly name?: string;
      readonly version?: string;
      readonly account?: string;
      readonly region?: string;
      readonly cursor?: string;
      readonly limit?: number;
    }
  /** Everything that a consumer should have is announced to it again, by the state machine. `since`: ISO 8601. */
  | ({ readonly op: "replay"; readonly since?: string; readonly artifact?: string } & ConsumerPlace)
  /**
   * One version is announced again with fresh URLs, to one consumer or to all that lack it. One that is not published is looked
   * at again: it is published, or the error says why not.
   */
  | {
      readonly op: "refresh";
      readonly name: string;
      readonly version: string;
      readonly account?: string;
      readonly region?: string;
    }
  /** The version is no longer expected anywhere; consumers that agreed delete it. */
  | { readonly op: "retire"; readonly name: string; readonly version: string }
  | { readonly op: "consumers"; readonly cursor?: string; readonly limit?: number }
  | ({ readonly op: "consumer" } & ConsumerPlace)
  /**
   * Reports what was observed in a consumer's bucket: replaces lost receipts, but none that was sent since. `elapsedMs`: since the first
   * file was checked. Default: 0.
   */
  | ({
      readonly op: "compare";
      readonly elapsedMs?: number;
      readonly name: string;
      readonly version: string;
      readonly bucket: string;
      readonly seen: readonly SeenFile[];
    } & ConsumerPlace);

/** The distributor's responses, by request. */
export interface DistributorAnswers {
  readonly list: { readonly items: readonly ArtifactSummary[]; readonly cursor?: string };
  readonly show: ArtifactSummary & { readonly manifest: unknown; readonly cells: readonly CoverageCell[] };
  readonly coverage: { readonly rows: readonly CoverageRow[]; readonly cursor?: string };
  readonly replay: { readonly executionArn: string; readonly startedAt: string };
  readonly refresh: { readonly files: number; readonly messages: number };
  readonly retire: { readonly retired: boolean; readonly messages: number };
  readonly consumers: { readonly items: readonly ConsumerView[]; readonly cursor?: string };
  readonly consumer: ConsumerView & {
    readonly cells: readonly (CoverageCell & { readonly name: string; readonly version: string })[];
  };
  readonly compare: {
    readonly matching: number;
    readonly missing: readonly string[];
    readonly different: readonly string[];
  };
}

/** The answer to a request as it travels. */
export type DistributorReply<Op extends keyof DistributorAnswers = keyof DistributorAnswers> =
  | { readonly kind: "answer"; readonly answer: DistributorAnswers[Op] }
  | { readonly kind: "error"; readonly code: string; readonly message: string };

/** Calls a distributor, wherever it runs. `signal` ends the call early, with `INTERRUPTED`. */
export type CallDistributor = <Op extends DistributorRequest["op"]>(
  request: Extract<DistributorRequest, { readonly op: Op }>,
  options?: { readonly signal?: AbortSignal },
) => Promise<DistributorAnswers[Op]>;
