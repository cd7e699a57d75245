import { describe, expect, it } from "vitest";
import { toDeliveryBody } from "./list-deliveries.ts";

describe("the body of a delivery that was read", () => {
  it("is what a receiver parses, also with integers that the client keeps exact", () => {
    const payload = { id: 9_007_199_254_740_993n, nested: [{ id: 7 }] };

    const body = toDeliveryBody({ request: { payload } });

    expect(body).toEqual(JSON.parse('{"id":9007199254740993,"nested":[{"id":7}]}'));
  });

  it("is missing in what is not a delivery", () => {
    expect([[], { request: null }, null].map(toDeliveryBody)).toEqual([undefined, undefined, undefined]);
  });
});
