import { describe, expect, it } from "vitest";
import { evaluateAddress } from "./evaluate-address.ts";

const url = "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events";

describe("a queue's address", () => {
  it("is in the yard's region", () => {
    expect(evaluateAddress(url, "eu-west-1")).toEqual([]);
    expect(evaluateAddress(url, "us-east-1")).toMatchObject([
      { status: "fail", message: `${url} is in eu-west-1, and the yard is in us-east-1.` },
    ]);
  });

  it.each([
    "https://sqs.cn-north-1.amazonaws.com.cn/1/q",
    "https://sqs.eusc-de-east-1.amazonaws.eu/1/q",
    "https://sqs-fips.us-gov-west-1.amazonaws.com/1/q",
  ])("is known in other partitions: %s", (other) => {
    expect(evaluateAddress(other, "eu-west-1")).toHaveLength(1);
  });

  it("of an emulator says no region, and the profile's is not known", () => {
    expect(evaluateAddress("http://127.0.0.1:4566/000000000000/stack-events", "us-east-1")).toEqual([]);
    expect(evaluateAddress("https://sqs.eu-west-1.example.org/1/q", "us-east-1")).toEqual([]);
    expect(evaluateAddress(url, undefined)).toEqual([]);
  });
});
