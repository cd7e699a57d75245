import { Uint8ArrayBlobAdapter } from "@smithy/core/serde";
import { defined } from "@stackyard/core";
import { type Aliased, type FunctionVersion, getAlias, pickVersion, updateAlias } from "./lambda-aliases.ts";
import { jsonFaults } from "./service-faults.ts";
import { findText, type NamedResource, type SimCall, type SimService, textOf, toKey } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Functions that are called in this process. */
interface SimLambda {
  readonly service: SimService;
  addFunction(input: FunctionInput): void;
}

/** One function. */
interface FunctionInput extends NamedResource {
  /** Handles an event: an error is thrown, the result is sent as JSON. */
  readonly handler: (event: unknown) => unknown;
  /** Calls at a time. Default: the account's 1,000. */
  readonly reservedConcurrency?: number;
  /** `Pending` until then, as a new function is. */
  readonly activeAt?: number;
  /** Published versions by number. Default: none; then every qualifier runs the present function. */
  readonly versions?: Readonly<Record<string, FunctionVersion>>;
  /** The versions of its aliases, by their names. */
  readonly aliases?: Readonly<Record<string, string>>;
}

interface LiveFunction extends Omit<FunctionInput, "versions" | "aliases">, Aliased {
  running: number;
}

/** "Lambda quotas": 6 MB for a synchronous request, 1 MB for an asynchronous one; 1,000 executions. */
const MAX_SYNC_BYTES = 6 * 1024 * 1024;
/** As the error of a larger answer states it. */
const MAX_ANSWER_BYTES = 6_291_556;
const MAX_ASYNC_BYTES = 1024 * 1024;
const ACCOUNT_CONCURRENCY = 1_000;

/** Creates Lambda without functions. Source: API reference, "Invoke" (statuses, errors, FunctionError, payload). */
export function createLambda(): SimLambda {
  const functions = new Map<string, LiveFunction>();
  return {
    service: {
      operations: {
        GetAlias: (call) => getAlias(find(functions, call).live, call),
        Invoke: (call) => invoke(functions, call),
        DeleteFunction: (call) => {
          const { live } = find(functions, call);
          functions.delete(toKey(live));
          return {};
        },
        UpdateAlias: (call) => updateAlias(find(functions, call).live, call),
      },
      toAction: (operation) => (operation === "Invoke" ? "lambda:InvokeFunction" : `lambda:${operation}`),
      faults: {
        ...jsonFaults,
        // "Lambda API requests": throttled calls of its API are TooManyRequestsException, 429.
        throttled: () => tooMany("CallerRateLimitExceeded"),
        unknownKey: () => Object.assign(jsonFaults.unknownKey(), { $metadata: { httpStatusCode: 403 } }),
        denied: (who, action) =>
          new SimFault("AccessDeniedException", 403, `User: ${who} is not authorized to perform: ${action}`),
      },
    },
    addFunction: (input) => void functions.set(toKey(input), toLive(input)),
  };
}

function toLive({ versions = {}, aliases = {}, ...input }: FunctionInput): LiveFunction {
  const toAlias = (version: string) => ({ version, revision: 1, owed: 0 });
  return {
    ...input,
    arn: `arn:aws:lambda:${input.region}:${input.account}:function:${input.name}`,
    versions: new Map(Object.entries(versions)),
    aliases: new Map(Object.entries(aliases).map(([name, version]) => [name, toAlias(version)])),
    running: 0,
  };
}

/** Returns the function of a call, and what follows its name: a version or an alias. */
function find(functions: ReadonlyMap<string, LiveFunction>, call: SimCall) {
  const { input } = call;
  const { qualifier, ...name } = parseName(textOf(input, "FunctionName"), call);
  const live = functions.get(toKey(name));
  if (live !== undefined) return { live, qualifier: findText(input, "Qualifier") ?? qualifier };
  const why = `Function not found: ${textOf(input, "FunctionName")}`;
  throw new SimFault("ResourceNotFoundException", 404, why, { Type: "User" });
}

async function invoke(functions: ReadonlyMap<string, LiveFunction>, call: SimCall): Promise<unknown> {
  const { input, now } = call;
  const { live, qualifier } = find(functions, call);
  const payload = Buffer.from(toBytes(input["Payload"]));
  const isSync = (findText(input, "InvocationType") ?? "RequestResponse") === "RequestResponse";
  if (payload.length > (isSync ? MAX_SYNC_BYTES : MAX_ASYNC_BYTES)) {
    throw new SimFault(
      "RequestTooLargeException",
      413,
      "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    );
  }
  if (live.activeAt !== undefined && now < live.activeAt) {
    const why =
      "The operation cannot be performed at this time. The function is currently in the following state: Pending";
    throw new SimFault("ResourceConflictException", 409, why);
  }
  if (!isSync) return { StatusCode: 202 };
  return runFunction(live, live.versions.size === 0 ? "$LATEST" : pickVersion(live, qualifier), payload);
}

async function runFunction(live: LiveFunction, ExecutedVersion: string, payload: Buffer): Promise<unknown> {
  if (live.running >= (live.reservedConcurrency ?? ACCOUNT_CONCURRENCY)) {
    throw tooMany(
      live.reservedConcurrency === undefined
        ? "ConcurrentInvocationLimitExceeded"
        : "ReservedFunctionConcurrentInvocationLimitExceeded",
    );
  }
  live.running += 1;
  try {
    const { handler = live.handler } = live.versions.get(ExecutedVersion) ?? {};
    const answer = await handler(payload.length === 0 ? {} : JSON.parse(payload.toString()));
    const Payload = toPayload(answer ?? null);
    if (Payload.length <= MAX_ANSWER_BYTES) return { StatusCode: 200, ExecutedVersion, Payload };
    const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_ANSWER_BYTES} bytes).`;
    return toUnhandled(ExecutedVersion, { errorType: "Function.ResponseSizeTooLarge", errorMessage });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return toUnhandled(ExecutedVersion, { errorType: name, errorMessage: message, trace: [`${name}: ${message}`] });
  } finally {
    live.running -= 1;
  }
}

function toUnhandled(ExecutedVersion: string, error: object): unknown {
  return { StatusCode: 200, ExecutedVersion, FunctionError: "Unhandled", Payload: toPayload(error) };
}

/** Parses a name, a partial or a full ARN, with or without an alias or version ("Invoke", FunctionName). */
function parseName(text: string, { identity, region }: SimCall): NamedResource & { readonly qualifier?: string } {
  const whole = /^(?:(?:arn:aws[a-z-]*:lambda:([^:]+):)?(\d{12}):function:)?([^:]*)(?::(.+))?/.exec(text) ?? [];
  const place = { region: whole[1] ?? region, account: whole[2] ?? identity.account };
  return { ...place, name: whole[3] ?? "", ...defined({ qualifier: whole[4] }) };
}

function toBytes(payload: unknown): Uint8Array | string {
  return payload instanceof Uint8Array || typeof payload === "string" ? payload : "";
}

function toPayload(value: unknown): Uint8Array {
  return Uint8ArrayBlobAdapter.fromString(JSON.stringify(value));
}

function tooMany(Reason: string): SimFault {
  return new SimFault("TooManyRequestsException", 429, "Rate Exceeded.", { Reason });
}
