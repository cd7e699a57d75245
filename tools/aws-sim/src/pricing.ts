import { defined } from "@stackyard/core";
import { jsonFaults } from "./service-faults.ts";
import { findNumber, findText, recordsOf, type SimCall, type SimService, textOf } from "./sim-call.ts";
import { cutPage, SimFault } from "./sim-fault.ts";

/** Products of AWS with their prices, as the Price List Query API lists them. */
interface SimPricing {
  readonly service: SimService;
  add(product: PricedProduct): void;
}

/** A product and what it costs on demand. */
interface PricedProduct {
  /** Such as `AmazonEC2`. */
  readonly service: string;
  readonly sku: string;
  /** Such as `instanceType` and `regionCode`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** USD, as AWS writes it: `0.0104000000`. Several for usage in tiers. */
  readonly prices: readonly { readonly usd: string; readonly unit: string }[];
}

/**
 * The Price List Query API has three endpoints (User Guide "AWS Billing", "Using the AWS Price List Query API"): its name is
 * resolved in no other region.
 */
const REGIONS: ReadonlySet<string> = new Set(["us-east-1", "eu-central-1", "ap-south-1"]);
/** "GetProducts", MaxResults: "Minimum value of 1. Maximum value of 100." */
const MAX_RESULTS = 100;
/** "GetProducts", Filters: "Maximum number of 50 items"; "Filter": values have 1 to 1024 characters. */
const MAX_FILTERS = 50;
const MAX_VALUE = 1_024;

/**
 * Creates the prices of AWS without products. Source: API reference of the AWS Price List Service (2017-10-15),
 * "GetProducts".
 */
export function createPricing(): SimPricing {
  const products: PricedProduct[] = [];
  return {
    service: {
      operations: { GetProducts: (call) => getProducts(products, call) },
      toAction: (operation) => `pricing:${operation}`,
      faults: jsonFaults,
    },
    add: (product) => void products.push(product),
  };
}

function getProducts(products: readonly PricedProduct[], { input, region }: SimCall): unknown {
  if (!REGIONS.has(region)) {
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND api.pricing.${region}.amazonaws.com`), { code: "ENOTFOUND" });
  }
  const serviceCode = textOf(input, "ServiceCode");
  const filters = readFilters(input);
  const size = findNumber(input, "MaxResults") ?? MAX_RESULTS;
  if (size < 1 || size > MAX_RESULTS) throw invalid(`MaxResults must be between 1 and ${MAX_RESULTS}.`);
  const ofService = products.filter(({ service }) => service === serviceCode);
  if (ofService.length === 0) throw new SimFault("NotFoundException", 400, "The service code cannot be found.");
  const fitting = ofService.filter(({ attributes }) =>
    filters.every(({ field, value }) => attributes[field] === value),
  );
  const unknown = () => new SimFault("InvalidNextTokenException", 400, "The NextToken is not valid.");
  const { rows, next } = cutPage(fitting, { size, token: findText(input, "NextToken") }, unknown);
  return { FormatVersion: "aws_v1", PriceList: rows.map(toPriceItem), ...defined({ NextToken: next }) };
}

function readFilters(input: SimCall["input"]): readonly { readonly field: string; readonly value: string }[] {
  const filters = recordsOf(input, "Filters").map((filter) => ({
    type: textOf(filter, "Type"),
    field: textOf(filter, "Field"),
    value: textOf(filter, "Value"),
  }));
  if (filters.length > MAX_FILTERS) throw invalid(`A request has at most ${MAX_FILTERS} filters.`);
  for (const { type, field, value } of filters) {
    if (type !== "TERM_MATCH") throw invalid(`The simulation does not know filters of the type ${type}.`);
    if (field === "" || value === "" || field.length > MAX_VALUE || value.length > MAX_VALUE) {
      throw invalid(`Field and Value have 1 to ${MAX_VALUE} characters.`);
    }
  }
  return filters;
}

/** Returns an entry of PriceList: JSON as text, with identifiers of the offer term and the rate code in its keys. */
function toPriceItem({ service, sku, attributes, prices }: PricedProduct): string {
  const dimensions = prices.map(({ usd, unit }, index) => {
    const rateCode = `${sku}.JRTCKXETXF.${index}`;
    return [rateCode, { rateCode, unit, beginRange: "0", endRange: "Inf", pricePerUnit: { USD: usd } }] as const;
  });
  const term = { sku, offerTermCode: "JRTCKXETXF", priceDimensions: Object.fromEntries(dimensions) };
  return JSON.stringify({
    serviceCode: service,
    product: { sku, attributes: { servicecode: service, ...attributes } },
    terms: { OnDemand: { [`${sku}.JRTCKXETXF`]: term } },
  });
}

function invalid(message: string): SimFault {
  return new SimFault("InvalidParameterException", 400, message);
}
