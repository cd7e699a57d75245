import { GetProductsCommand, type PricingClient } from "@aws-sdk/client-pricing";
import { callAws } from "@stackyard/aws";
import { isMap, parseJson, trimEndOf } from "@stackyard/core";
import type { RefreshedConstant } from "./price-file.ts";

/** "GetProducts", MaxResults: its maximum. More products are always more than one price. */
const MAX_RESULTS = 100;
const HOURS = "Hrs";
const DECIMAL = /^\d+(\.\d+)?$/;

/** The price of a constant, or why there is not one. */
export type FoundPrice =
  | { readonly kind: "found"; readonly usd: string }
  | { readonly kind: "fault"; readonly reason: string };

/** Looks up what products that fit all filters cost on demand; it must be one price. Throws errors of AWS. */
export async function findPrice(
  client: Pick<PricingClient, "send">,
  { name, service, filters, unit = HOURS }: RefreshedConstant,
  abortSignal: AbortSignal,
): Promise<FoundPrice> {
  const Filters = Object.entries(filters).map(([Field, Value]) => ({ Type: "TERM_MATCH" as const, Field, Value }));
  const request = new GetProductsCommand({
    ServiceCode: service,
    FormatVersion: "aws_v1",
    Filters,
    MaxResults: MAX_RESULTS,
  });
  const policy = { what: `The price of "${name}" cannot be read.` };
  const answer = await callAws(() => client.send(request, { abortSignal }), policy);
  const list: readonly unknown[] = answer.PriceList ?? [];
  if (answer.NextToken) return { kind: "fault", reason: `more than ${MAX_RESULTS} products fit; add filters` };
  if (list.length === 0) return { kind: "fault", reason: "no product fits the filters" };
  // The SDK returns objects that are texts.
  const documents = list.map((item) => parseJson(String(item)));
  if (!documents.every(isMap)) return { kind: "fault", reason: "AWS sent a product that cannot be read" };
  const prices = [...new Set(documents.flatMap((document) => listPrices(document, unit)))];
  const [usd] = prices;
  if (usd === undefined) return { kind: "fault", reason: `no product has a price in USD per ${unit}` };
  if (prices.length === 1) return { kind: "found", usd };
  const some = prices.slice(0, 5).join(", ");
  return { kind: "fault", reason: `${list.length} products have ${prices.length} prices (${some}); add filters` };
}

/**
 * Returns the prices in an entry of PriceList (User Guide "AWS Billing", "Reading the service price list file for an
 * AWS service").
 */
function listPrices(document: Readonly<Record<string, unknown>>, unit: string): readonly string[] {
  const terms = childrenOf(Object(document["terms"]).OnDemand);
  const dimensions = terms.flatMap((term) => childrenOf(term["priceDimensions"]));
  return dimensions.flatMap((dimension) => {
    const usd: unknown = Object(dimension["pricePerUnit"]).USD;
    if (dimension["unit"] !== unit || typeof usd !== "string" || !DECIMAL.test(usd)) return [];
    return [toShort(usd)];
  });
}

function childrenOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return isMap(value) ? Object.values(value).filter(isMap) : [];
}

/** Removes trailing zeros: AWS writes ten decimals. */
function toShort(usd: string): string {
  return usd.includes(".") ? trimEndOf(usd, "0").replace(/\.$/, ".0") : usd;
}
