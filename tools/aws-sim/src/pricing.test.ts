import { GetProductsCommand, type GetProductsCommandInput, PricingClient } from "@aws-sdk/client-pricing";
import { describe, expect, it } from "vitest";
import { createWorld } from "./testing/a-world.ts";

function createPriced(region = "us-east-1") {
  const world = createWorld();
  const client = world.client(PricingClient, undefined, region);
  for (let index = 0; index < 3; index++) {
    const attributes = { instanceType: index === 0 ? "t3.micro" : "t3.small" };
    const prices = [{ usd: "0.0104000000", unit: "Hrs" }];
    world.sim.pricing.add({ service: "AmazonEC2", sku: `S${index}`, attributes, prices });
  }
  return (input: Partial<GetProductsCommandInput> = {}) =>
    client.send(new GetProductsCommand({ ServiceCode: "AmazonEC2", ...input }));
}

describe("GetProducts", () => {
  it("lists products that fit all filters, as JSON, in pages", async () => {
    const get = createPriced();
    const filter = { Type: "TERM_MATCH" as const, Field: "instanceType", Value: "t3.small" };

    const first = await get({ Filters: [filter], MaxResults: 1 });
    const second = await get({ Filters: [filter], MaxResults: 1, NextToken: first.NextToken });

    expect(
      [first, second].map(({ PriceList }) => PriceList?.map((item: unknown) => JSON.parse(String(item)).product.sku)),
    ).toEqual([["S1"], ["S2"]]);
    expect(second.NextToken).toBeUndefined();
    expect(JSON.parse(String(first.PriceList?.[0])).terms.OnDemand["S1.JRTCKXETXF"]).toMatchObject({
      priceDimensions: { "S1.JRTCKXETXF.0": { unit: "Hrs", pricePerUnit: { USD: "0.0104000000" } } },
    });
  });

  it.each([
    [{ MaxResults: 101 }, "InvalidParameterException"],
    [{ Filters: [{ Type: "TERM_MATCH" as const, Field: "a", Value: "" }] }, "InvalidParameterException"],
    [{ ServiceCode: "AmazonEC3" }, "NotFoundException"],
  ])("refuses %j", async (input, name) => {
    await expect(createPriced()(input)).rejects.toMatchObject({ name });
  });

  it("has an endpoint in three regions only", async () => {
    await expect(createPriced("eu-west-1")()).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect((await createPriced("eu-central-1")()).PriceList).toHaveLength(3);
  });
});
