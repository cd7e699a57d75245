import { ARTIFACT_NAME, ARTIFACT_VERSION, type DistributorRequest } from "@stackyard/sdk/artifacts";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { ArtifactChoice, IsoInstant } from "../initial-set/set-input.ts";
import { AccountId, Region } from "../registry/place.ts";
import { tellFaults } from "../tell-faults.ts";

const name = Type.String({ pattern: ARTIFACT_NAME });
const version = Type.String({ pattern: ARTIFACT_VERSION });
const page = {
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
};
const place = { account: AccountId, region: Region };
const maybePlace = { account: Type.Optional(AccountId), region: Type.Optional(Region) };
const strict = { additionalProperties: false };

const SeenFile = Type.Object(
  {
    key: Type.String({ minLength: 1, maxLength: 1_024 }),
    sha256: Type.Union([Type.String({ pattern: "^[0-9a-f]{64}$" }), Type.Null()]),
  },
  strict,
);

/** Requests by their `op`, as they may come from outside. */
export const DISTRIBUTOR_REQUESTS = {
  list: Type.Object({ op: Type.Literal("list"), name: Type.Optional(name), ...page }, strict),
  show: Type.Object({ op: Type.Literal("show"), name, version }, strict),
  coverage: Type.Object(
    {
      op: Type.Literal("coverage"),
      name: Type.Optional(name),
      version: Type.Optional(version),
      ...maybePlace,
      ...page,
    },
    strict,
  ),
  replay: Type.Object(
    {
      op: Type.Literal("replay"),
      ...place,
      since: Type.Optional(IsoInstant),
      artifact: Type.Optional(ArtifactChoice),
    },
    strict,
  ),
  refresh: Type.Object({ op: Type.Literal("refresh"), name, version, ...maybePlace }, strict),
  retire: Type.Object({ op: Type.Literal("retire"), name, version }, strict),
  consumers: Type.Object({ op: Type.Literal("consumers"), ...page }, strict),
  consumer: Type.Object({ op: Type.Literal("consumer"), ...place }, strict),
  compare: Type.Object(
    {
      op: Type.Literal("compare"),
      name,
      version,
      ...place,
      bucket: Type.String({ minLength: 3, maxLength: 255 }),
      seen: Type.Array(SeenFile, { maxItems: 1_000 }),
    },
    strict,
  ),
} as const;

const validators = new Map(Object.entries(DISTRIBUTOR_REQUESTS).map(([op, schema]) => [op, Compile(schema)]));

/** A request, or what is wrong with it. */
export type ParsedRequest =
  | { readonly kind: "request"; readonly request: DistributorRequest }
  | { readonly kind: "faulty"; readonly message: string };

/** True where somebody asks something, be it rightly or not. */
export function isRequestOp(op: unknown): boolean {
  return typeof op === "string" && validators.has(op);
}

/** Reads a request. What is wrong is told by place, without values. */
export function parseDistributorRequest(value: unknown): ParsedRequest {
  const op: unknown = typeof value === "object" && value !== null && "op" in value ? value.op : undefined;
  const validator = typeof op === "string" ? validators.get(op) : undefined;
  if (validator === undefined) {
    return { kind: "faulty", message: `"op" must be one of ${[...validators.keys()].join(", ")}.` };
  }
  if (validator.Check(value)) return findContradiction(value as DistributorRequest);
  return { kind: "faulty", message: `The request is wrong: ${tellFaults(validator.Errors(value))}.` };
}

function findContradiction(request: DistributorRequest): ParsedRequest {
  const { op, account, region, version, name } = request as Readonly<Record<string, unknown>>;
  if (op === "refresh" && (account === undefined) !== (region === undefined)) {
    return { kind: "faulty", message: "A consumer is named by both its account and its region." };
  }
  if (op === "coverage" && version !== undefined && name === undefined) {
    return { kind: "faulty", message: "A version is of an artifact: name it too." };
  }
  return { kind: "request", request };
}
