import { matchesGlob } from "@stackyard/core";
import { type Cel, compileCel, parseYamlDocument } from "@stackyard/core/machine";
import { Type } from "typebox";
import { TerraformFailure } from "../run/failure.ts";
import type { ResourceChange } from "./plan-document.ts";

/** A number that expressions use; with `service` and `filters`, `stackyard previews prices refresh` looks it up at AWS. */
const PriceConstant = Type.Union([
  Type.Number(),
  Type.Object(
    {
      usd: Type.Number({ minimum: 0 }),
      service: Type.String({ minLength: 1 }),
      filters: Type.Record(Type.String(), Type.String()),
      unit: Type.Optional(Type.String({ minLength: 1 })),
    },
    { additionalProperties: false },
  ),
]);

/** The project's prices: by type of resource, the price of an hour in USD as an expression over `resource`. */
const PriceDocument = Type.Object(
  {
    asOf: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$", expected: "a date such as 2026-01-31" }),
    constants: Type.Optional(Type.Record(Type.String(), PriceConstant, { maxProperties: 1000 })),
    prices: Type.Record(Type.String(), Type.String({ minLength: 1 }), { maxProperties: 5000 }),
  },
  { additionalProperties: false },
);

/** Prices as they were at a date. */
export interface PriceList {
  /** `YYYY-MM-DD`. */
  readonly asOf: string;
  /** By name. */
  readonly constants: Readonly<Record<string, number>>;
  /** In the order of the document. A star in a type fits any characters. */
  readonly prices: readonly (readonly [type: string, price: Cel])[];
}

/** The future costs of a plan's resources. */
export interface CostEstimate {
  /** USD. */
  readonly monthly: number;
  /** The number of resources without a price, by type. */
  readonly unpriced: ReadonlyMap<string, number>;
}

/** AWS counts a month as 730 hours (AWS Pricing Calculator). */
const HOURS_OF_MONTH = 730;

/** Reads a document of prices. Fails with TERRAFORM_PRICES_INVALID. */
export function parsePrices(name: string, text: string): PriceList {
  const { value, problems, problemAt } = parseYamlDocument(text, PriceDocument);
  if (value === undefined) throw toInvalid(name, problems);
  const faults: { readonly line: number; readonly message: string }[] = [];
  const prices = Object.entries(value.prices).flatMap(([type, source]): PriceList["prices"] => {
    const compiled = compileCel(source, ["resource", "constants"]);
    if (compiled.kind === "cel") return [[type, compiled.cel]];
    for (const { message } of compiled.faults) faults.push(problemAt(["prices", type], "", message));
    return [];
  });
  if (faults.length > 0) throw toInvalid(name, faults);
  const entries = Object.entries(value.constants ?? {});
  const constants = Object.fromEntries(
    entries.map(([key, constant]) => [key, typeof constant === "number" ? constant : constant.usd]),
  );
  return { asOf: value.asOf, constants, prices };
}

function toInvalid(name: string, faults: readonly { readonly line: number; readonly message: string }[]) {
  const lines = faults.slice(0, 10).map(({ line, message }) => `${name}:${line}: ${message}`);
  return new TerraformFailure("TERRAFORM_PRICES_INVALID", lines.join("\n"));
}

/** Adds up the costs after a plan. A price that is null, or cannot be evaluated, counts as unpriced. */
export function estimateCost(prices: PriceList, changes: readonly ResourceChange[]): CostEstimate {
  let hourly = 0;
  const unpriced = new Map<string, number>();
  for (const change of changes) {
    if (change.after === null) continue;
    const usd = findHourly(prices, change);
    if (usd !== undefined) hourly += usd;
    else unpriced.set(change.type, (unpriced.get(change.type) ?? 0) + 1);
  }
  return { monthly: toMonthly(hourly), unpriced };
}

/** Returns the costs of a resource after a plan, in USD a month; undefined without a price. */
export function estimateMonthly(prices: PriceList, change: ResourceChange): number | undefined {
  const usd = findHourly(prices, change);
  return usd === undefined ? undefined : toMonthly(usd);
}

function findHourly({ prices, constants }: PriceList, { address, type, after }: ResourceChange): number | undefined {
  const price = prices.find(([pattern]) => matchesGlob(pattern, type))?.[1];
  const evaluated = price?.evaluate({ resource: { address, type, after }, constants });
  const usd = evaluated?.kind === "value" ? evaluated.value : undefined;
  return typeof usd === "number" && usd >= 0 ? usd : undefined;
}

function toMonthly(hourly: number): number {
  return Math.round(hourly * HOURS_OF_MONTH * 100) / 100;
}
