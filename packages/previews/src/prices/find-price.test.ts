import type { PricingClient } from "@aws-sdk/client-pricing";
import { describe, expect, it } from "vitest";
import { findPrice } from "./find-price.ts";

const constant = { name: "micro", usd: 0, service: "AmazonEC2", filters: { instanceType: "t3.micro" } };
const product = (usd: string) => {
  return JSON.stringify({
    terms: { OnDemand: { a: { priceDimensions: { b: { unit: "Hrs", pricePerUnit: { USD: usd } } } } } },
  });
};
const find = (answer: object) => {
  const client = { send: async () => answer } as unknown as Pick<PricingClient, "send">;
  return findPrice(client, constant, new AbortController().signal);
};

describe("findPrice", () => {
  it("takes the price of all products", async () => {
    const PriceList = [product("0.0104000000"), product("0.0104")];

    expect(await find({ PriceList })).toEqual({ kind: "found", usd: "0.0104" });
  });

  it.each<[string, object, string]>([
    ["pages", { PriceList: [product("0.0104")], NextToken: "more" }, "more than 100 products fit; add filters"],
    ["pages, of which the first is empty", { NextToken: "more" }, "more than 100 products fit; add filters"],
    [
      "products, of which one is cut off",
      { PriceList: [product("0.0104"), product("0.5").slice(0, -20)] },
      "AWS sent a product that cannot be read",
    ],
  ])("takes no price of a part of the %s", async (_, answer, reason) => {
    expect(await find(answer)).toEqual({ kind: "fault", reason });
  });
});
