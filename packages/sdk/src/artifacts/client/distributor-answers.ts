import { type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { toArtifactError } from "../artifact-error.ts";
import type { DistributorAnswers, DistributorReply, DistributorRequest } from "../distributor-request.ts";

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

const summaryFacts = {
  name: text,
  version: text,
  manifestSha256: text,
  publishedAt: text,
  files: count,
  bytes: count,
  // Keys that fit no pattern would pass with whatever they have.
  labels: Type.Record(Type.String({ pattern: "^[^\\u0000-\\u001f]{1,256}$" }), text, { additionalProperties: false }),
  retired: Type.Boolean(),
  covered: Type.Boolean(),
};
const rowFacts = {
  name: text,
  version: text,
  manifestSha256: text,
  publishedAt: text,
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
 * The answer in a reply. Throws the distributor's own refusal with its code, and `SERVER_ERROR` for what is no reply: another
 * function than a distributor's, or one of another generation.
 */
export function parseReply<Op extends DistributorRequest["op"]>(op: Op, value: unknown): DistributorAnswers[Op] {
  if (Refusal.Check(value)) throw toArtifactError(value.code, value.message);
  const schema = compiled.get(op);
  if (schema?.Check(value)) return (value as Extract<DistributorReply<Op>, { kind: "answer" }>).answer;
  const [fault] = schema?.Errors(value) ?? [];
  const where = fault === undefined ? "" : ` ${fault.instancePath || "The reply"} ${fault.message}.`;
  throw toArtifactError(
    "SERVER_ERROR",
    `The function answered "${op}" with something that is no answer of a distributor.${where}`,
    {
      hint: "Is it the function of a distributor, and not older than this program?",
    },
  );
}
