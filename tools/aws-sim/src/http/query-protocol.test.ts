import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQuery } from "./query-protocol.ts";

describe("parseQuery", () => {
  it("takes names apart at their dots", () => {
    const { operation, version, fields } = parseQuery(
      "Action=DescribeInstances&Version=2016-11-15&MaxResults=5&Filter.1.Name=tag%3AName&Filter.1.Value.2=a+b",
    );

    expect([operation, version]).toEqual(["DescribeInstances", "2016-11-15"]);
    expect(fields).toEqual(
      new Map<string, unknown>([
        ["MaxResults", "5"],
        [
          "Filter",
          new Map([
            [
              "1",
              new Map<string, unknown>([
                ["Name", "tag:Name"],
                ["Value", new Map([["2", "a b"]])],
              ]),
            ],
          ]),
        ],
      ]),
    );
  });

  it("is not led astray by names of objects' own parts", () => {
    const { fields } = parseQuery("Action=X&__proto__.polluted=1&constructor.prototype.polluted=1");

    expect([...fields.keys()]).toEqual(["__proto__", "constructor"]);
    expect(Object({})["polluted"]).toBeUndefined();
  });

  it("takes any text", () => {
    fc.assert(fc.property(fc.string(), (body) => parseQuery(body).fields instanceof Map));
  });
});
