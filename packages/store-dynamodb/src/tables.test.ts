import { describe, expect, it } from "vitest";
import { toStacksTable, toWorkTable } from "./tables.ts";

describe("toStacksTable", () => {
  it("has the predecessor's key and on-demand billing, and the index of due stacks", () => {
    expect(toStacksTable("stacks")).toEqual({
      TableName: "stacks",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "id", AttributeType: "S" },
        { AttributeName: "dueShard", AttributeType: "N" },
        { AttributeName: "nextDueAt", AttributeType: "N" },
      ],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "due",
          KeySchema: [
            { AttributeName: "dueShard", KeyType: "HASH" },
            { AttributeName: "nextDueAt", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    });
  });
});

describe("toWorkTable", () => {
  it("defines every attribute of its keys and no other", () => {
    const { AttributeDefinitions = [], KeySchema = [], GlobalSecondaryIndexes = [] } = toWorkTable("work");
    const keys = [KeySchema, ...GlobalSecondaryIndexes.map((index) => index.KeySchema ?? [])].flat();

    expect(AttributeDefinitions.map(({ AttributeName }) => AttributeName).toSorted()).toEqual(
      keys.map(({ AttributeName }) => AttributeName).toSorted(),
    );
    expect(GlobalSecondaryIndexes.map(({ IndexName }) => IndexName)).toEqual(["sweep", "list"]);
  });
});
