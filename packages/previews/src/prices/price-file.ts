import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { type Document, isMap, isScalar, parseDocument, type Scalar, type YAMLMap } from "yaml";

/** A constant of a document of prices that AWS has a price of. */
const PriceSource = Type.Object(
  {
    usd: Type.Number({ minimum: 0 }),
    service: Type.String({ pattern: "^[A-Za-z0-9]{1,128}$" }),
    filters: Type.Record(Type.String({ maxLength: 1_024 }), Type.String({ minLength: 1, maxLength: 1_024 }), {
      minProperties: 1,
      maxProperties: 50,
    }),
    unit: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
);

/** The lookup, and the present value of the document. */
export interface RefreshedConstant extends Static<typeof PriceSource> {
  readonly name: string;
}

/** A document of prices, as text with places in it. */
export interface PriceFile {
  /** Those with a service and filters, in the order of the document. */
  readonly constants: readonly RefreshedConstant[];
  /** Returns the text with other prices and another date. All other bytes are the same. */
  update(prices: ReadonlyMap<string, string>, asOf: string): string;
}

/** Reads a document of prices. Throws `CONFIG_INVALID`. */
export function parsePriceFile(name: string, text: string): PriceFile {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw invalid(name, error.message);
  const constants: RefreshedConstant[] = [];
  const places = new Map<string, Scalar>();
  for (const [key, source] of listSources(document)) {
    const value: unknown = source.toJS(document);
    const usd = source.get("usd", true);
    if (!Value.Check(PriceSource, value) || !isScalar(usd)) {
      const keys = "usd (a number), service, filters (a map of texts) and, if it is not Hrs, unit";
      throw invalid(name, `The constant "${key}" must be a number, or a map with ${keys}.`);
    }
    constants.push({ name: key, ...value });
    places.set(key, usd);
  }
  const asOf: unknown = document.get("asOf", true);
  if (!isScalar(asOf)) throw invalid(name, 'The key "asOf" is missing.');
  return {
    constants,
    update(prices, date) {
      const changes = [...prices].map(([key, usd]) => ({ place: places.get(key), usd }));
      return replace(text, [...changes.map(({ place, usd }) => [place, usd] as const), [asOf, date]]);
    },
  };
}

function* listSources(document: Document): Generator<readonly [string, YAMLMap]> {
  const constants: unknown = document.get("constants");
  if (!isMap(constants)) return;
  for (const { key, value } of constants.items) {
    if (isMap(value)) yield [String(isScalar(key) ? key.value : key), value];
  }
}

/** Replaces ranges from the end, so that earlier offsets remain valid. */
function replace(text: string, changes: readonly (readonly [Scalar | undefined, string])[]): string {
  const ranges = changes.flatMap(([scalar, value]) => {
    const [start, end] = scalar?.range ?? [];
    return start === undefined || end === undefined ? [] : [{ start, end, value }];
  });
  let result = text;
  for (const { start, end, value } of ranges.toSorted((one, other) => other.start - one.start)) {
    result = `${result.slice(0, start)}${value}${result.slice(end)}`;
  }
  return result;
}

function invalid(name: string, message: string): StackyardError {
  return new StackyardError("CONFIG_INVALID", `${name}: ${message}`);
}
