import { describe, expect, it } from "vitest";
import { listVanished } from "./list-vanished.ts";

const arnIn = (region: string, account = "111122223333") => `arn:aws:sqs:${region}:${account}:shop`;
const queue = { address: "aws_sqs_queue.shop", arn: arnIn("eu-west-1") };
const file = { address: "local_file.notes" };
const last = {
  ...{
    stack: "s",
    machine: "m",
    incarnation: "",
    state: "k",
    product: "terraform",
    version: "1.11.4",
    at: 0,
    count: 2,
  },
  resources: [queue, file],
};
const input = { last, resources: [], forgets: [], deleted: new Set<string>(), target: undefined, now: 5 };

describe("what has left a state without having been deleted", () => {
  it("has vanished, with what was beside it (terraform-provider-aws#15260)", () => {
    expect(listVanished(input)).toEqual([
      { ...queue, since: 5 },
      { ...file, since: 5 },
    ]);
  });

  it("has not when the run has deleted or forgotten it, or it has moved", () => {
    expect(listVanished({ ...input, deleted: new Set([queue.address]) })).toEqual([]);
    expect(listVanished({ ...input, forgets: [queue.address] })).toEqual([]);
    expect(listVanished({ ...input, resources: [{ ...queue, address: "aws_sqs_queue.moved" }, file] })).toEqual([]);
    expect(listVanished({ ...input, deleted: undefined })).toEqual([]);
  });

  it("is gone when the run has looked in the account and region of its ARN", () => {
    const target = { account: "111122223333", region: "eu-west-1" };

    expect(listVanished({ ...input, target })).toEqual([]);
    expect(listVanished({ ...input, target: { ...target, region: "us-east-1" } })).toHaveLength(2);
    expect(listVanished({ ...input, target: { ...target, account: "444455556666" } })).toHaveLength(2);
  });

  it("stays until it is in the state again, and is listed once", () => {
    const vanished = [{ ...queue, since: 1 }];

    expect(listVanished({ ...input, last: { ...last, resources: [], vanished } })).toEqual(vanished);
    expect(listVanished({ ...input, last: { ...last, vanished } })).toEqual([vanished[0], { ...file, since: 5 }]);
    expect(listVanished({ ...input, last: { ...last, vanished }, resources: [queue, file] })).toEqual([]);
  });

  it("is not a file alone that somebody has removed", () => {
    expect(listVanished({ ...input, resources: [queue] })).toEqual([]);
  });
});
